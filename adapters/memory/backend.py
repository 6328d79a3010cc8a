"""The in-memory backend: a store in this process that gives the answers of a MongoDB."""

import weakref
from collections.abc import Sequence
from time import perf_counter
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import parse_qsl, unquote

from ...domain.entities.ids import new_id
from ...domain.errors import ConfigurationError, TransactionsUnsupported, WriteConflict
from ...domain.queries.query import Query
from ...domain.queries.rollups import Rollup
from ...domain.rules.predicates import Path, Predicate
from ..backend import (
    Backend,
    BackendOptions,
    Capability,
    CollectionDeclaration,
    Cursor,
    Document,
    IndexDeclaration,
    LeaseState,
    ManyResult,
    Modify,
    ModifyResult,
    ServerInfo,
    Transaction,
    WritePlan,
    WriteResult,
)
from .engine import NO_TABLE, Engine
from .operators.distinct import distinct_values
from .operators.projection import projection
from .operators.rollups import rolled_up
from .queries.search import Explanation, MemoryCursor, counted, explained, found, matching
from .tables import Draft, Table
from .transactions import MemoryTransaction
from .writes.bulk_writes import ManyWriter
from .writes.leases import Leases
from .writes.writer import Writer

if TYPE_CHECKING:  # it needs the file locks of a POSIX system, and a store without a folder does not
    from .persistence.kept_data import KeptData

_SWITCH = {"true": True, "false": False}


class _Running:
    """An engine, and all that works on it: they come and go together."""

    __slots__ = ("engine", "leases", "many", "writer")

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.writer = Writer(engine)
        self.many = ManyWriter(engine, self.writer)
        self.leases = Leases(engine, self.writer)


class MemoryBackend(Backend):
    """A database that lives as long as this object, or that is kept in a folder.

    ``memory:///some/folder`` loads at the first use, and saves when it is closed or told to, and when the process ends.
    Between two saves a crash loses what was committed since the first one, and nothing else. One store at a time has a
    folder; it has it from its first use until it is closed.

    With ``?transactions=false`` it is the twin of a standalone server. Its reads take no lock; there is nothing to wait
    for, so their time is not limited.
    """

    capabilities = Capability.TRANSACTIONS | Capability.SNAPSHOT_READS | Capability.ROLLUPS | Capability.LEASES
    born_prepared = True
    is_private = True
    answers_at_once = True
    keeps_commits = False

    def __init__(self, options: BackendOptions, *, transactions: bool = True, kept: "KeptData | None" = None) -> None:
        self._transactions = transactions
        if not transactions:
            self.capabilities = Capability.ROLLUPS | Capability.LEASES  # type: ignore[misc] # one class serves both kinds of server
        self._data_id = new_id()
        self._kept = kept
        self._running = None if kept else _Running(Engine(options.collections))
        if kept is not None:
            # Made before anybody can use the store: what is to be called at the end of the process is called in
            # reverse order, so that whoever flushes into the store then does so before this.
            weakref.finalize(self, kept.close_at_the_end)

    @classmethod
    def open(cls, url: str, options: BackendOptions) -> "MemoryBackend":
        """Make an empty database, or one that loads a folder at its first use.

        Raises:
            ConfigurationError: if the URL is wrong.
        """
        folder, transactions = _read(url)
        if not folder:
            return cls(options, transactions=transactions)
        try:
            from .persistence.kept_data import KeptData
        except ModuleNotFoundError as error:
            raise ConfigurationError("memory:// with a folder needs the file locks of a POSIX system") from error
        return cls(options, transactions=transactions, kept=KeptData(folder, options.collections))

    @property
    def location(self) -> str:
        """The URL."""
        folder = "" if self._kept is None else self._kept.path
        return f"memory://{folder}{'' if self._transactions else '?transactions=false'}"

    @property
    def data_id(self) -> str:
        """Of this object's own: nobody else sees its data."""
        return self._data_id

    def begin(self, *, read_only: bool = False) -> Transaction:
        """Return a transaction or a snapshot."""
        if not self._transactions:
            raise TransactionsUnsupported(
                f"{self.location} was opened without transactions: leave transactions=false out, "
                "or open the store with transactions='off'"
            )
        return MemoryTransaction(self._now.engine, read_only=read_only)

    def commit(self, transaction: Transaction, *, timeout: float) -> None:
        """Commit and end the transaction."""
        cast("MemoryTransaction", transaction).commit()

    def settle(self, transaction: Transaction, *, timeout: float) -> None:
        """Say whether it was committed: here that is always known.

        Raises:
            WriteConflict: if it was not; it is ended, so that it never will be.
        """
        if not cast("MemoryTransaction", transaction).committed:
            self.abort(transaction)
            raise WriteConflict

    def abort(self, transaction: Transaction) -> None:
        """Discard and end the transaction or snapshot."""
        cast("MemoryTransaction", transaction).end()

    def find(self, collection: str, query: Query, *, transaction: Transaction | None, timeout: float) -> Cursor:
        """Return the documents that a query meets, as they are now."""
        rows = found(self._table(collection, transaction), query)
        return MemoryCursor(rows, None if query.select is None else projection(query.select))

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
        return counted(self._table(collection, transaction), predicate, limit)

    def explain(self, collection: str, query: Query, *, transaction: Transaction | None = None) -> Explanation:
        """Carry out a query, and tell by which way and how many rows it looked at; for tests of indexes."""
        return explained(self._table(collection, transaction), query)

    def distinct(
        self, collection: str, path: Path, predicate: Predicate, *, transaction: Transaction | None, timeout: float
    ) -> list[Any]:
        """Return the different values at a path."""
        return distinct_values(matching(self._table(collection, transaction), predicate), path)

    def rollup(
        self, collection: str, rollup: Rollup, *, transaction: Transaction | None, timeout: float
    ) -> list[Document]:
        """Group the documents that match, and work out the figures of each group.

        Raises:
            ValidationError: if a value in a bucket is no date.
        """
        return rolled_up(matching(self._table(collection, transaction), rollup.predicate), rollup)

    def write(self, plan: WritePlan, *, transaction: Transaction | None, timeout: float) -> WriteResult:
        """Carry out a plan."""
        return self._now.writer.write(plan, cast("MemoryTransaction | None", transaction), timeout)

    def write_many(self, plan: WritePlan, *, timeout: float) -> ManyResult:
        """Carry out each operation of a plan for itself."""
        return self._now.many.write_many(plan, timeout)

    def update_where(
        self,
        collection: str,
        predicate: Predicate,
        change: Modify,
        *,
        transaction: Transaction | None,
        timeout: float,
    ) -> ModifyResult:
        """Change every document that matches."""
        own = cast("MemoryTransaction | None", transaction)
        return self._now.many.update_where(collection, predicate, change, own, timeout)

    def remove_where(
        self, collection: str, predicate: Predicate, *, transaction: Transaction | None, timeout: float
    ) -> int:
        """Remove every document that matches; return how many."""
        return self._now.many.remove_where(
            collection, predicate, cast("MemoryTransaction | None", transaction), timeout
        )

    def claim_lease(self, collection: str, id: str, *, owner: str, seconds: float, timeout: float) -> LeaseState:
        """Take a lease that nobody has, or that has ended; this process tells the time."""
        return self._now.leases.claim(collection, id, owner, seconds, timeout)

    def renew_lease(self, collection: str, id: str, *, owner: str, fence: int, seconds: float, timeout: float) -> bool:
        """Let a lease last longer, or give it back."""
        return self._now.leases.renew(collection, id, (owner, fence), seconds, timeout)

    def prepare(self, collections: Sequence[CollectionDeclaration], *, timeout: float) -> None:
        """Make the indexes that were not declared when the store was opened."""
        self._now.engine.prepare(collections, timeout)

    def missing(
        self, collections: Sequence[CollectionDeclaration], *, timeout: float
    ) -> Sequence[tuple[str, IndexDeclaration]]:
        """Return the declared unique indexes that are not enforced."""
        return [
            (collection.name, index.declaration)
            for collection in collections
            for index in self._now.engine.missing(collection)
            if index.declaration.unique
        ]

    def ping(self, *, timeout: float) -> ServerInfo:
        """Say that it is here, after it has loaded.

        Raises:
            ConfigurationError: if another store has the folder, or a file in it cannot be read.
        """
        start = perf_counter()
        with self._now.engine.lock:
            latency = perf_counter() - start
        place = "in memory" if self._kept is None else f"in memory, kept in {self._kept.path}"
        return ServerInfo(place, latency, self._transactions)

    def save(self) -> None:
        """Write what was committed since the last save into the folder, whole or not at all.

        Raises:
            ConfigurationError: without a folder, and in a fork, which has a copy of the data, and no folder.
            Unavailable: if the files cannot be written; they are as they were.
        """
        if self._kept is None:
            raise ConfigurationError(
                "memory:// keeps nothing: open the store at memory:///some/folder to save its data"
            )
        with self._kept.lock:
            self._kept.load()
            self._kept.save()

    def close(self) -> None:
        """Save, and let others have the folder; the next use loads again. What has no folder stays in memory.

        Raises:
            Unavailable: if the files cannot be written; the store stays open with its data.
        """
        if self._kept is not None:
            with self._kept.lock:
                self._kept.close()
                self._running = None

    @property
    def _now(self) -> _Running:
        """What runs; a folder is loaded for it when nothing does."""
        return self._running or self._load()

    def _load(self) -> _Running:
        assert self._kept is not None  # noqa: S101 - without a folder it runs from the beginning
        with self._kept.lock:
            if self._running is None:
                self._running = _Running(self._kept.load())
            return self._running

    def _table(self, collection: str, transaction: Transaction | None) -> Table | Draft:
        if transaction is None:
            return (self._running or self._load()).engine.tables.get(collection, NO_TABLE)  # without a call
        return cast("MemoryTransaction", transaction).table(collection)


def _read(url: str) -> tuple[str, bool]:
    """The folder that a URL names, if any, and whether there are transactions."""
    place, _, query = url.removeprefix("memory://").partition("?")
    options = dict(parse_qsl(query, keep_blank_values=True))
    switch = _SWITCH.get(options.pop("transactions", "true"))
    folder = unquote(place)
    if options or switch is None or "\0" in folder or (folder and not folder.startswith("/")) or folder == "/":
        raise ConfigurationError(
            "an in-memory store is 'memory://', or 'memory:///absolute/path/of/a/folder' to keep its data there; "
            "'?transactions=false' behind it makes one without them"
        )
    return folder, switch
