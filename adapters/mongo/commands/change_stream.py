"""What other programs write, as a change stream tells it."""

from collections.abc import Iterator

from pymongo.change_stream import ChangeStream
from pymongo.errors import PyMongoError

from ....domain.errors import Unavailable
from ...backend import Document, Seen
from ..connection import Connection
from .errors import Operation

_ONE_DOCUMENT = frozenset({"insert", "update", "replace", "delete"})
_ONLY_WHAT_AND_WHERE = {"$project": {"operationType": 1, "ns": 1, "to": 1, "documentKey": 1}}
_WAIT = 0.5
"""Seconds that the server holds an answer back while nothing happens."""


class MongoWatch:
    """A change stream over the databases of one server; a context manager that closes it."""

    def __init__(self, connection: Connection, databases: frozenset[str], timeout: float) -> None:
        """Open it: what is written from now on is told.

        Raises:
            ConfigurationError: if the server has no change streams, as a standalone one.
            Unavailable: if no server answers.
        """
        self._connection = connection
        self._databases = databases
        self._timeout = timeout
        with self._operation():
            self._stream: ChangeStream[Document] = self._opened(databases)

    def __enter__(self) -> "MongoWatch":
        """Begin."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close."""
        try:
            self._stream.close()
        except PyMongoError:  # the server forgets it by itself
            return

    def __iter__(self) -> Iterator[Seen | None]:
        """Yield what was written, and None when nothing was for a while.

        Raises:
            Unavailable: if the stream is lost; what was written since then is not known.
        """
        while True:
            with self._operation():
                event = self._stream.try_next()
            if event is None and not self._stream.alive:
                raise Unavailable(f"the change stream at {self._connection.place} has ended")
            if event is None:
                yield None
            else:
                yield from self._all_seen(event)

    def _opened(self, databases: frozenset[str]) -> ChangeStream[Document]:
        ours = {"$in": sorted(databases)}
        # a collection that is renamed becomes another one, which may be of ours alone
        return self._connection.client.watch(
            [{"$match": {"$or": [{"ns.db": ours}, {"to.db": ours}]}}, _ONLY_WHAT_AND_WHERE],
            max_await_time_ms=int(_WAIT * 1000),
        )

    def _all_seen(self, event: Document) -> Iterator[Seen]:
        collection = self._collection(event.get("ns", {}))
        if event["operationType"] in _ONE_DOCUMENT and collection is not None:
            yield Seen(collection, event["documentKey"]["_id"], one=True)
            return
        yield Seen(collection)
        if "to" in event:
            yield Seen(self._collection(event["to"]))

    def _collection(self, place: Document) -> str | None:
        """The collection as the store names it; None for a whole database."""
        name: str | None = place.get("coll")
        own = place.get("db") == self._connection.database_name
        return name if own or name is None else f"{place['db']}/{name}"

    def _operation(self) -> Operation:
        return Operation("watch", self._connection.place, self._timeout)
