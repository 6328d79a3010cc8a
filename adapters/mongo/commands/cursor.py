"""The documents of a find, with the driver's errors translated."""

import logging
from collections.abc import Iterator

import pymongo
from pymongo.cursor import Cursor
from pymongo.errors import PyMongoError

from ...backend import Document
from .errors import Operation

_PORTION = 100
_CLOSE_TIMEOUT = 2.0

_LOGGER = logging.getLogger("tristore.mongo")


class MongoCursor:
    """Reads in batches; each has the whole time of the operation."""

    __slots__ = ("_cursor", "_operation")

    def __init__(self, cursor: Cursor[Document], operation: Operation) -> None:
        self._cursor = cursor
        self._operation = operation

    def __iter__(self) -> Iterator[Document]:
        """Yield each document that is left."""
        try:
            while portion := self._next():
                yield from portion
        finally:
            self.close()

    def _next(self) -> list[Document]:
        with self._operation:
            return self._cursor.to_list(_PORTION)

    def to_list(self) -> list[Document]:
        """Read all that are left, and close."""
        with self._operation:
            return self._cursor.to_list()

    def close(self) -> None:
        """Give the server's resources back; it forgets them by itself where it cannot be told."""
        try:
            with pymongo.timeout(_CLOSE_TIMEOUT):
                self._cursor.close()
        except PyMongoError as error:
            _LOGGER.debug("a cursor could not be closed: %s", type(error).__name__)
