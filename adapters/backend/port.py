"""The port that a backend implements: documents in, documents out.

A backend is found by its URL scheme through the entry-point group ``tristore.backends``; the entry names a `Backend`
subclass. It knows neither entities nor units of work. It receives queries whose paths are keys of the
stored document and whose values are BSON values (see `Document`), and plans that say what to write; it translates,
does the I/O, and raises the errors of `tristore.domain.errors`, except for `KeyTaken`, which the layer above completes.

Every operation has a `timeout` in seconds, and is bound to a transaction or to none.

What callers may give:

- **Values**: None, booleans, integers of 64 bits, doubles, text without half of a surrogate pair, bytes, naive UTC
  datetimes, `UUID`, and the other types of `bson`; dictionaries with keys of text without NUL, and lists or tuples, at
  most 180 levels deep. An object of a subclass is the value that it is. Bytes that are marked as a UUID have 16.
- **Ids**: such values, but for lists, expressions, and documents with keys that begin with ``$``. An id never changes.
- **Documents** have an id, and at most `MAX_DOCUMENT_BYTES`.
- **Paths**: tuples of keys that are not empty, without ``.`` and NUL; the first does not begin with ``$``, and
  none does in an order, a selection or a change. A change names no path twice, nor one inside another.
- **Values in rules**: such values again, without expressions, code, `MinKey` and `MaxKey`. A document is compared as a
  value, whatever its keys. None is neither more nor less than anything.

Anything else is refused before anything is done: `InvalidQuery` for what is asked, `ValidationError` or `TooLarge` for
what is to be written. Nothing of the plan happens, and an open transaction goes on. (Of a plan in no order the other
operations are carried out.) `given_values` and `given_plans` look at it for backends that have no check of their own.
Every other error ends a transaction.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from enum import Flag, auto
from typing import Any, ClassVar, Protocol, Self

from attrs import field, frozen

from ...domain.errors import ConfigurationError
from ...domain.queries.query import Query
from ...domain.queries.rollups import Rollup
from ...domain.rules.predicates import Path, Predicate
from ..observability.metrics import Metrics
from .administration import Administration
from .declarations import CollectionDeclaration, IndexDeclaration
from .server import LeaseState, Seen, ServerInfo, ServerState
from .write_plan import Document, ManyResult, Modify, ModifyResult, WritePlan, WriteResult


class Capability(Flag):
    """What a backend can do; what it cannot, the conformance suite leaves out and the store refuses."""

    NONE = 0
    TRANSACTIONS = auto()
    SNAPSHOT_READS = auto()
    ROLLUPS = auto()
    """`Backend.rollup`."""
    PIPELINES = auto()
    """`Backend.aggregate`: MongoDB's aggregation pipelines."""
    CHANGE_STREAMS = auto()
    """`Backend.watch`."""
    LEASES = auto()
    """`Backend.claim_lease` and `Backend.renew_lease`."""


class Transaction(Protocol):
    """An open transaction or snapshot, as the backend keeps it; nobody else looks inside."""


class Cursor(Protocol):
    """The documents that a find met. Closing it twice is allowed."""

    def __iter__(self) -> Iterator[Document]:
        """Yield each document; it belongs to the caller."""

    def to_list(self) -> list[Document]:
        """Read all that are left, and close."""

    def close(self) -> None:
        """Give the server's resources back."""


class Watch(Protocol):
    """What is written while it is open; a context manager."""

    def __enter__(self) -> Self:
        """Begin."""

    def __exit__(self, *_: object) -> None:
        """Give the server's resources back."""

    def __iter__(self) -> Iterator[Seen | None]:
        """Yield what was written, and None when nothing was for a while; `Unavailable` if the stream is lost."""


@frozen
class BackendOptions:
    """What every backend is opened with.

    Attributes:
        store: the logical name of the store, for logs.
        collections: what the store declares.
        settings: backend-specific settings by name, such as pool sizes.
        metrics: counts what the backend does, if somebody asked for it.
    """

    store: str
    collections: tuple[CollectionDeclaration, ...]
    settings: Mapping[str, Any] = field(factory=dict, repr=False)  # which may hold a password
    metrics: Metrics | None = None


class Backend(ABC):
    """One database of one server. Safe to share between threads. Opening it does no I/O."""

    capabilities: ClassVar[Capability]
    born_prepared: ClassVar[bool] = False
    """Whether declared collections and indexes exist from the start, so that nothing needs to be checked."""
    is_private: ClassVar[bool] = False
    """Whether nobody outside this process can write what it holds."""
    answers_at_once: ClassVar[bool] = False
    """Whether a read waits for nothing, so that two of them side by side are no faster than one after the other."""
    keeps_commits: ClassVar[bool] = True
    """Whether what is committed outlives the process, however that ends."""

    @classmethod
    @abstractmethod
    def open(cls, url: str, options: BackendOptions) -> "Backend":
        """Read the URL; connect later.

        Raises:
            ConfigurationError: if the URL or a setting is wrong.
        """

    @property
    @abstractmethod
    def location(self) -> str:
        """The URL without password, for messages."""

    @abstractmethod
    def begin(self, *, read_only: bool = False) -> Transaction:
        """Return a transaction, or a snapshot for reading; its snapshot is taken at the first operation.

        Raises:
            TransactionsUnsupported: if the server has none (at the latest at the first operation).
        """

    @abstractmethod
    def commit(self, transaction: Transaction, *, timeout: float) -> None:
        """Commit and end the transaction.

        Raises:
            WriteConflict: if it was definitely not committed; another attempt may succeed.
            CommitUnknown: if it was sent and nobody knows.
        """

    @abstractmethod
    def settle(self, transaction: Transaction, *, timeout: float) -> None:
        """Learn the outcome of a commit that raised `CommitUnknown` or was interrupted; returns if it was committed.

        Raises:
            WriteConflict: if it definitely was not committed, and never will be.
            CommitUnknown: if the server cannot be asked now; ask again later.
        """

    def confirm(self, collection: str, *, timeout: float) -> None:  # noqa: B027 - right where there is one member
        """Wait until all that was written to a collection so far is confirmed, so that it is read and stays.

        A backend that writes to more than one server waits for a majority of them; otherwise there is nothing to do.

        Raises:
            DeadlineExceeded: if that takes too long.
            Unavailable: if the server does not answer.
        """

    @abstractmethod
    def abort(self, transaction: Transaction) -> None:
        """Discard and end the transaction or snapshot, within 2 s of its own; never raises."""

    @abstractmethod
    def find(self, collection: str, query: Query, *, transaction: Transaction | None, timeout: float) -> Cursor:
        """Return the documents that a query meets: what it selects of each, in its order, and the id."""

    @abstractmethod
    def count(
        self,
        collection: str,
        predicate: Predicate,
        *,
        limit: int | None,
        transaction: Transaction | None,
        timeout: float,
    ) -> int:
        """Count the documents that match, up to the limit."""

    def rollup(
        self, collection: str, rollup: Rollup, *, transaction: Transaction | None, timeout: float
    ) -> list[Document]:
        """Group the documents that match, and work out figures; `Capability.ROLLUPS` says that the backend can.

        - A row is a dictionary with the names of all keys and figures. Without keys there is one row if anything
          matches, and none otherwise.
        - Values are alike as MongoDB compares them: ``1``, ``1.0`` and ``Decimal128("1")`` are one key, of which the
          row has the first that was met. A missing value and null are one key, None. A list or a document is one whole.
        - Along a path, what stands in the objects of a list is a list, of those that have the key.
        - A bucket of a date, an ObjectId or a timestamp is the beginning of its stretch of time on the calendar of its
          zone, in naive UTC; weeks begin on Monday. At the end of summer time a midnight that comes twice is the later
          one. Hours and minutes are counted from the year 2000 of the zone.
        - Figures leave out missing values and null. TOTAL and AVERAGE take numbers alone (no booleans); they add up
          in two doubles, one for what the other cannot hold, and in Decimal128 from the first one. A total of integers
          beyond 64 bits is a double, one of nothing is 0. Other figures of nothing are None; a count is 0. Of values
          that are alike, any is the smallest.
        - The order is that of `Rollup.sort`, then the ascending order of the keys, first by the first; values compare
          as wholes, in MongoDB's order of types. The limit comes last.

        Raises:
            ValidationError: if a value in a bucket is no date.
            InvalidQuery: if the backend does not know a time zone.
        """
        raise ConfigurationError(f"the backend of {self.location} has no rollups")

    def aggregate(
        self, collection: str, pipeline: Sequence[Mapping[str, Any]], *, transaction: Transaction | None, timeout: float
    ) -> list[Document]:
        """Carry out a pipeline of MongoDB's that only reads; `Capability.PIPELINES` says that the backend can.

        Raises:
            InvalidQuery: if it would write, or run JavaScript.
        """
        raise ConfigurationError(f"the backend of {self.location} has no aggregation pipelines")

    @abstractmethod
    def distinct(
        self, collection: str, path: Path, predicate: Predicate, *, transaction: Transaction | None, timeout: float
    ) -> list[Any]:
        """Return the different values at a path in MongoDB's order: of lists the items, and nothing for null."""

    @abstractmethod
    def write(self, plan: WritePlan, *, transaction: Transaction | None, timeout: float) -> WriteResult:
        """Carry out a plan. In a transaction it is all or nothing; without one it stops at the first error.

        Raises:
            KeyTaken: if a unique key has the values already.
            WriteConflict: if another writer changed a document since the snapshot.
            TooLarge: if a document is above `MAX_DOCUMENT_BYTES`.
        """

    @abstractmethod
    def write_many(self, plan: WritePlan, *, timeout: float) -> ManyResult:
        """Carry out the operations of a plan in no order, outside transactions, and go on after one that is refused.

        A server confirms it by the majority of its members, whatever the URL says.
        """

    @abstractmethod
    def update_where(
        self,
        collection: str,
        predicate: Predicate,
        change: Modify,
        *,
        transaction: Transaction | None,
        timeout: float,
    ) -> ModifyResult:
        """Change every document that matches. Without a transaction the first error leaves some of them changed.

        Without one a document that an open transaction has written is waited for, and changed only if it still
        matches; a server confirms it by the majority of its members, whatever the URL says.

        Raises:
            KeyTaken: if a unique key has the values already.
            WriteConflict: if another writer changed a document since the snapshot.
            ValidationError: if a stored value cannot be changed so.
        """

    @abstractmethod
    def remove_where(
        self, collection: str, predicate: Predicate, *, transaction: Transaction | None, timeout: float
    ) -> int:
        """Remove every document that matches, as `update_where` changes it; return how many.

        Raises:
            WriteConflict: if another writer changed a document since the snapshot.
        """

    def claim_lease(self, collection: str, id: str, *, owner: str, seconds: float, timeout: float) -> LeaseState:
        """Take a lease that nobody has, or that has ended, and return who has it; `Capability.LEASES` says it can.

        The clock of the server decides, for those of its clients differ. The document of the lease has the keys
        ``owner``, ``fence`` and ``until``.

        Args:
            collection: where leases are kept.
            id: names the lease.
            owner: a name that no other claimant has.
            seconds: how long it lasts unless it is renewed.
            timeout: in seconds.
        """
        raise ConfigurationError(f"the backend of {self.location} has no leases")

    def renew_lease(self, collection: str, id: str, *, owner: str, fence: int, seconds: float, timeout: float) -> bool:
        """Let a lease last so many seconds from now, 0 to give it back; tell whether the owner still has it.

        One that has ended and was claimed by nobody else is renewed too.
        """
        raise ConfigurationError(f"the backend of {self.location} has no leases")

    @abstractmethod
    def prepare(self, collections: Sequence[CollectionDeclaration], *, timeout: float) -> None:
        """Create collections and indexes outside transactions; what is there stays.

        Raises:
            ConfigurationError: if an index cannot be created.
        """

    @abstractmethod
    def missing(
        self, collections: Sequence[CollectionDeclaration], *, timeout: float
    ) -> Sequence[tuple[str, IndexDeclaration]]:
        """Return the declared unique indexes that do not exist, each with its collection."""

    @property
    @abstractmethod
    def data_id(self) -> str:
        """Names the data, equal in every process that sees the same: a cache of them keeps it in its keys."""

    @property
    def incoherence(self) -> str:
        """Say why a read could be older than a commit that has returned; empty if it never is."""
        return ""

    def watch(self, *, timeout: float) -> Watch:
        """Tell what is written from now on, by whomever, where the backend has `Capability.CHANGE_STREAMS`.

        Raises:
            ConfigurationError: if the server cannot tell.
            Unavailable: if no server answers.
        """
        raise ConfigurationError(f"{self.location} has no change streams")

    @abstractmethod
    def ping(self, *, timeout: float) -> ServerInfo:
        """Ask the server whether it is there.

        Raises:
            Unavailable: if it does not answer, with what was tried and what to do.
        """

    def administration(self) -> Administration | None:
        """Return what looks after the server: its indexes, validators, plans and slow operations; None without one."""
        return None

    def state(self, *, timeout: float) -> ServerState:
        """Ping, and tell what is known of the servers.

        Raises:
            Unavailable: as `ping` does.
        """
        return ServerState(self.ping(timeout=timeout))

    def save(self) -> None:  # noqa: B027 - right where every commit is kept
        """Keep what was committed so far, beyond the end of the process; a server does so with every commit.

        Raises:
            ConfigurationError: if the backend keeps nothing.
            Unavailable: if it cannot be kept now.
        """

    @abstractmethod
    def close(self) -> None:
        """Release connections; the next operation connects again."""
