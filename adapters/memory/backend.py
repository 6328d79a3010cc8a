"""The in-memory backend: a store in this process that gives the answers of a MongoDB."""

from collections.abc import Sequence
from time import perf_counter
from typing import Any, cast
from urllib.parse import parse_qsl, unquote

from ...domain.errors import ConfigurationError, TransactionsUnsupported, WriteConflict
from ...domain.ids import new_id
from ...domain.predicates import Path, Predicate
from ...domain.queries import Query
from ...domain.rollups import Rollup
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
from .distinct import distinct_values
from .engine import NO_TABLE, Engine
from .leases import Leases
from .many import ManyWriter
from .projection import projection
from .reading import Explanation, MemoryCursor, counted, explained, found, matching
from .rollups import rolled_up
from .tables import Draft, Table
from .transactions import MemoryTransaction
from .writing import Writer

_SWITCH = {"true": True, "false": False}


class MemoryBackend(Backend):
    """A database that lives as long as this object. With ``?transactions=false`` the twin of a standalone server.

    Its reads take no lock; there is nothing to wait for, so their time is not limited.
    """

    capabilities = Capability.TRANSACTIONS | Capability.SNAPSHOT_READS | Capability.ROLLUPS | Capability.LEASES
    born_prepared = True
    is_private = True
    answers_at_once = True
    keeps_commits = False

    def __init__(self, options: BackendOptions, *, transactions: bool = True) -> None:
        self._declare(transactions=transactions)
        self._use(Engine(options.collections))

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
            from .kept import KeptBackend
        except ModuleNotFoundError as error:
            raise ConfigurationError("memory:// with a folder needs the file locks of a POSIX system") from error
        return KeptBackend(options, folder, transactions=transactions)

    def _declare(self, *, transactions: bool) -> None:
        self._transactions = transactions
        if not transactions:
            self.capabilities = Capability.ROLLUPS | Capability.LEASES  # type: ignore[misc] # one class serves both kinds of server
        self._data_id = new_id()

    def _use(self, engine: Engine) -> None:
        self._writer = Writer(engine)
        self._many = ManyWriter(engine, self._writer)
        self._leases = Leases(engine, self._writer)
        self._engine = engine

    @property
    def location(self) -> str:
        """The URL."""
        return "memory://" if self._transactions else "memory://?transactions=false"

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
        return MemoryTransaction(self._engine, read_only=read_only)

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
        return self._writer.write(plan, cast("MemoryTransaction | None", transaction), timeout)

    def write_many(self, plan: WritePlan, *, timeout: float) -> ManyResult:
        """Carry out each operation of a plan for itself."""
        return self._many.write_many(plan, timeout)

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
        return self._many.update_where(collection, predicate, change, own, timeout)

    def remove_where(
        self, collection: str, predicate: Predicate, *, transaction: Transaction | None, timeout: float
    ) -> int:
        """Remove every document that matches; return how many."""
        return self._many.remove_where(collection, predicate, cast("MemoryTransaction | None", transaction), timeout)

    def claim_lease(self, collection: str, id: str, *, owner: str, seconds: float, timeout: float) -> LeaseState:
        """Take a lease that nobody has, or that has ended; this process tells the time."""
        return self._leases.claim(collection, id, owner, seconds, timeout)

    def renew_lease(self, collection: str, id: str, *, owner: str, fence: int, seconds: float, timeout: float) -> bool:
        """Let a lease last longer, or give it back."""
        return self._leases.renew(collection, id, (owner, fence), seconds, timeout)

    def prepare(self, collections: Sequence[CollectionDeclaration], *, timeout: float) -> None:
        """Make the indexes that were not declared when the store was opened."""
        self._engine.prepare(collections, timeout)

    def missing(
        self, collections: Sequence[CollectionDeclaration], *, timeout: float
    ) -> Sequence[tuple[str, IndexDeclaration]]:
        """Return the declared unique indexes that are not enforced."""
        return [
            (collection.name, index.declaration)
            for collection in collections
            for index in self._engine.missing(collection)
            if index.declaration.unique
        ]

    def ping(self, *, timeout: float) -> ServerInfo:
        """Say that it is here."""
        start = perf_counter()
        with self._engine.lock:
            latency = perf_counter() - start
        return ServerInfo("in memory", latency, self._transactions)

    def save(self) -> None:
        """Refuse: nothing is kept.

        Raises:
            ConfigurationError: always.
        """
        raise ConfigurationError("memory:// keeps nothing: open the store at memory:///some/folder to save its data")

    def close(self) -> None:
        """Keep everything: a closed store connects again, and finds its data."""

    def _table(self, collection: str, transaction: Transaction | None) -> Table | Draft:
        if transaction is None:
            return self._engine.tables.get(collection, NO_TABLE)
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
