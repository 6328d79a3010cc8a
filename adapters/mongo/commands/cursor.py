"""The documents of a find, with the driver's errors translated."""

import logging
from collections.abc import Callable, Iterator, Sequence

import pymongo
from bson.errors import InvalidBSON
from pymongo.cursor import Cursor
from pymongo.errors import OperationFailure, PyMongoError

from ....domain.errors import InvalidQuery, ValidationError
from ...backend import Document
from .errors import Operation
from .masking import raise_masked

_PORTION = 100
_CLOSE_TIMEOUT = 2.0
_BAD_VALUE, _AMBIGUOUS = 2, 16746

_LOGGER = logging.getLogger("tristore.mongo")


class MongoCursor:
    """Reads in batches; each has the whole time of the operation.

    Args:
        cursor: of the driver.
        operation: bounds the time.
        sort: the keys of the order, dotted.
        name_unreadable: called when a batch cannot be decoded; finds the document that is the reason.
    """

    __slots__ = ("_cursor", "_name_unreadable", "_operation", "_sort")

    def __init__(
        self,
        cursor: Cursor[Document],
        operation: Operation,
        sort: Sequence[str],
        name_unreadable: Callable[[], ValidationError | None],
    ) -> None:
        self._cursor = cursor
        self._operation = operation
        self._sort = sort
        self._name_unreadable = name_unreadable

    def __iter__(self) -> Iterator[Document]:
        """Yield each document that is left."""
        try:
            while portion := self._next():
                yield from portion
        finally:
            self.close()

    def _next(self) -> list[Document]:
        return self._read(_PORTION)

    def to_list(self) -> list[Document]:
        """Read all that are left, and close."""
        return self._read(None)

    def _read(self, most: int | None) -> list[Document]:
        """Read so many, or all.

        Raises:
            ValidationError: naming the document, if one cannot be decoded.
        """
        with self._operation:
            try:
                return self._cursor.to_list(most)
            except OperationFailure as error:
                refusal = self._refusal_of(error)
                if refusal is None:
                    raise
                raise_masked(refusal, error)
            except InvalidBSON:
                named = self._name_unreadable()
                if named is None:
                    raise
        raise named

    def _refusal_of(self, error: OperationFailure) -> InvalidQuery | None:
        """What the server refuses of an order, because of documents that have no place in it."""
        if error.code == _AMBIGUOUS or (error.code == _BAD_VALUE and len(self._sort) > 1):
            return InvalidQuery(
                f"stored documents cannot be put in the order of {', '.join(self._sort)}: two paths lead through "
                "different lists, or a part of one is both a position in a list and a key of an object in it"
            )
        return None

    def close(self) -> None:
        """Give the server's resources back; it forgets them by itself where it cannot be told."""
        try:
            with pymongo.timeout(_CLOSE_TIMEOUT):
                self._cursor.close()
        except PyMongoError as error:
            _LOGGER.debug("a cursor could not be closed: %s", type(error).__name__)
