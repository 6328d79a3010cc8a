"""How many queries a piece of work costs, and which: for tests that keep it so.

>>> from tristore import open_stores
>>> from tristore.domain.core import User
>>> stores = open_stores(core="memory://")
>>> with queries(stores.core) as seen:
...     stores.core.run(lambda core: core.users.add(User(email="ada@example.org", username="ada")))
>>> seen.operations
['write users', 'commit']
>>> seen.assert_count(2)
"""

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any, TypeVar, overload

from attrs import field, frozen

from ....domain.queries.query import Query
from ....domain.unit_of_work.store import Store
from ...backend import Backend, Cursor, Document, Transaction
from ...observability.callers import outwards
from ...operations.observed_backend import ObservedBackend, Operation, document_store, plugged
from .command_log import Command, CommandLog

T = TypeVar("T")

UNCOUNTED = frozenset({"begin", "missing", "prepare", "ping"})
"""Operations that are no part of a piece of work: they send nothing, or happen once for each store."""

_NO_MORE: Any = object()

_SHOWN = 240
"""How many characters of a command a list of queries shows."""


@frozen(eq=False)
class SeenQuery:
    """One operation that a store asked of its backend.

    Attributes:
        store: the store's name.
        operation: what was done: ``find``, ``count``, ``write``, ``commit``, and whatever else a backend offers.
        collection: of the documents; empty where there is none.
        place: the file and line of your code that asked; of a page that is read beside its count, that of the thread.
        commands: on MongoDB, what was sent for it, with ``?`` for each value: one command for most operations, up to
            three for a write, several for a find that is read in batches. Elsewhere empty.
    """

    store: str
    operation: str
    collection: str
    place: str
    commands: list[Command] = field(factory=list)

    def __str__(self) -> str:
        sent = "".join(f"\n       {_shortened(str(command))}" for command in self.commands)
        return f"{self.operation} {self.collection}".ljust(24) + f" at {self.place}{sent}"


class SeenQueries(Sequence[SeenQuery]):
    """What was seen so far, in order."""

    def __init__(self) -> None:
        self._seen: list[SeenQuery] = []

    @overload
    def __getitem__(self, index: int) -> SeenQuery: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[SeenQuery]: ...
    def __getitem__(self, index: int | slice) -> SeenQuery | Sequence[SeenQuery]:
        """Return one of them, or some."""
        return self._seen[index]

    def __len__(self) -> int:
        """Count them."""
        return len(self._seen)

    def __repr__(self) -> str:
        count = f"{len(self)} {'query' if len(self) == 1 else 'queries'}"
        return "\n".join((count, *(f"  {number:>3}. {query}" for number, query in enumerate(self._seen, 1))))

    @property
    def operations(self) -> list[str]:
        """Each in words, such as ``"find users"``."""
        return [f"{query.operation} {query.collection}".rstrip() for query in self._seen]

    def of(self, operation: str, collection: str = "") -> list[SeenQuery]:
        """Return those with that operation, and that collection if one is given."""
        return [one for one in self._seen if one.operation == operation and collection in {"", one.collection}]

    def assert_count(self, expected: int) -> None:
        """Fail with a list of what was seen if it is not that many.

        Raises:
            AssertionError: with each query, the line that asked for it and, on MongoDB, its commands.
        """
        __tracebackhide__ = True
        if len(self) != expected:
            raise AssertionError(f"expected {expected}, seen {self!r}")

    def clear(self) -> None:
        """Forget what was seen so far."""
        self._seen.clear()

    def _add(self, query: SeenQuery) -> None:
        self._seen.append(query)


@contextmanager
def queries(*stores: Store[Any]) -> Iterator[SeenQueries]:
    """Watch what stores ask of their backends in a ``with`` block.

    The count is the same on every backend: one for each read, for each collection that is written, and for a commit.
    Looking for unique keys at a store's first use, and a rollback, do not count. An open unit of work can be watched
    from its middle.

    Args:
        stores: those that `open_store` or `open_stores` made.

    Raises:
        ConfigurationError: if one is of another kind.
    """
    seen = SeenQueries()
    with ExitStack() as stack:
        log = stack.enter_context(CommandLog())
        for store in stores:
            target = document_store(store)
            stack.enter_context(plugged(target, _Watcher(target.name, target.backend, seen, log)))
        yield seen


class _Watcher(ObservedBackend):
    """Notes each operation before it is carried out."""

    def __init__(self, store: str, inner: Backend, seen: SeenQueries, log: CommandLog) -> None:
        super().__init__(inner)
        self._store = store
        self._seen = seen
        self._log = log

    def find(self, collection: str, query: Query, *, transaction: Transaction | None, timeout: float) -> Cursor:
        """Return the documents that a query meets; all the commands that read them belong to it."""
        found = self.inner.find(collection, query, transaction=transaction, timeout=timeout)
        return _WatchedCursor(found, self._note("find", collection), self._log)

    def _around(self, operation: Operation, call: Callable[[], T]) -> T:
        if operation.name in UNCOUNTED:
            return call()
        with self._log.into(self._note(operation.name, operation.collection).commands):
            return call()

    def _note(self, operation: str, collection: str) -> SeenQuery:
        query = SeenQuery(self._store, operation, collection, place_of_caller())
        self._seen._add(query)
        return query


class _WatchedCursor:
    """A cursor whose every batch is noted."""

    def __init__(self, inner: Cursor, query: SeenQuery, log: CommandLog) -> None:
        self._inner = inner
        self._query = query
        self._log = log

    def __iter__(self) -> Iterator[Document]:
        documents = iter(self._inner)
        while True:
            with self._log.into(self._query.commands):
                document = next(documents, _NO_MORE)
            if document is _NO_MORE:
                return
            yield document

    def to_list(self) -> list[Document]:
        with self._log.into(self._query.commands):
            return self._inner.to_list()

    def close(self) -> None:
        self._inner.close()


def _shortened(text: str) -> str:
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1]}\u2026"


def place_of_caller() -> str:
    """Return the innermost line that is no part of the framework."""
    for frame in outwards(sys._getframe(1)):
        if not _is_framework(frame.f_globals.get("__name__", "")):
            return f"{frame.f_code.co_filename}:{frame.f_lineno}"
    return "a thread of tristore"


def _is_framework(module: str) -> bool:
    return module in {"contextlib", "threading"} or module.startswith(
        ("tristore.adapters.", "tristore.domain.", "concurrent.futures.")
    )
