"""Transactions and snapshots of the in-memory backend."""

from collections.abc import Mapping

from ...domain.errors import UnitOfWorkError, WriteConflict
from .engine import NO_TABLE, Claims, Engine
from .tables import Draft, Table


class MemoryTransaction:
    """A snapshot, and the drafts of what was changed since. Both begin with the first operation.

    If it is dropped without commit or abort, what it holds becomes free soon.
    """

    __slots__ = ("_claims", "_dead", "_engine", "_tables", "committed", "drafts", "read_only")

    def __init__(self, engine: Engine, *, read_only: bool = False) -> None:
        self.read_only = read_only
        self.drafts: dict[str, Draft] = {}
        self._engine = engine
        self._claims: Claims | None = None
        self._tables: Mapping[str, Table] | None = None
        self._dead = False
        self.committed = False

    @property
    def claims(self) -> Claims:
        """What it has written, once it has a draft."""
        assert self._claims is not None  # noqa: S101 - a draft has begun it
        return self._claims

    def table(self, collection: str) -> Table | Draft:
        """Return a collection as this transaction sees it.

        Raises:
            WriteConflict: if an earlier error has ended it, or the collection came into being after the snapshot, of
                which a server has no view of it.
        """
        if self._dead:
            raise WriteConflict
        if self._tables is None:
            self._begin()
        assert self._tables is not None  # noqa: S101 - begun above
        found = self.drafts.get(collection) or self._tables.get(collection)
        if found is None:
            if collection in self._engine.tables:
                self.end()
                raise WriteConflict
            return NO_TABLE
        return found

    def draft(self, collection: str) -> Draft:
        """Return the draft of a collection, for writing.

        Raises:
            WriteConflict: if an earlier error has ended it.
            UnitOfWorkError: if it only reads.
            Unavailable: if the store was closed meanwhile, and perhaps opened again, on another engine.
        """
        self._engine.check_running()
        if self.read_only:
            raise UnitOfWorkError("this snapshot is for reading: open a unit_of_work() to write")
        table = self.table(collection)
        if isinstance(table, Draft):
            return table
        draft = self.drafts[collection] = Draft(table)
        return draft

    def commit(self) -> None:
        """Make the changes the state of the store.

        Raises:
            WriteConflict: if an earlier error has ended it.
        """
        if self._dead:
            raise WriteConflict
        self._dead = True
        if self._claims is not None:
            self._engine.commit(self._claims, self.drafts)
        self.committed = True

    def end(self) -> None:
        """Discard the changes; every later operation but this one is refused."""
        self._dead = True
        if self._claims is not None:
            self._engine.leave(self._claims.number)

    def _begin(self) -> None:
        """Take the snapshot once, also when several threads read it."""
        with self._engine.lock:
            if self._tables is not None:
                return
            if self.read_only:
                self._tables = self._engine.tables
            else:
                self._claims, self._tables = self._engine.enter()

    def __del__(self) -> None:
        if self._claims is not None and not self._dead:
            self._engine.drop(self._claims.number)
