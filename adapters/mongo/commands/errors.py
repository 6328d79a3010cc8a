"""The driver's errors as tristore's: told apart by class, label and code, never by their text."""

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import Any

import pymongo
from bson.errors import BSONError, InvalidBSON
from pymongo.errors import (
    BulkWriteError,
    ConnectionFailure,
    DocumentTooLarge,
    InvalidOperation,
    OperationFailure,
    PyMongoError,
    ServerSelectionTimeoutError,
    WaitQueueTimeoutError,
)
from pymongo.errors import ConfigurationError as DriverConfigurationError

from ....domain.errors import (
    ConfigurationError,
    DeadlineExceeded,
    TooLarge,
    TransactionsUnsupported,
    TristoreError,
    Unavailable,
    UnitOfWorkError,
    UnitTooLong,
    ValidationError,
    WriteConflict,
)
from ...backend import MAX_DOCUMENT_BYTES, IndexDeclaration, KeyTaken
from ...backend.checks.special_indexes import FLAT, HASHED, SPHERE, TEXT
from .masking import raise_masked

DRIVER_ERRORS = (PyMongoError, BSONError, OverflowError, UnicodeEncodeError)
"""What a call of the driver raises: its own errors, and those of values that BSON cannot hold."""

DURABILITY_UNCONFIRMED = frozenset({64, 100})
"""WriteConcernTimeout and UnsatisfiableWriteConcern: applied, but not confirmed by enough members."""

TRANSIENT = "TransientTransactionError"
UNKNOWN_COMMIT = "UnknownTransactionCommitResult"

# https://github.com/mongodb/mongo/blob/master/src/mongo/base/error_codes.yml
_CONFLICT = frozenset({112, 239, 246, 251})
_DUPLICATE = frozenset({11000, 11001, 12582})
_TIME_IS_UP = frozenset({50, 262})
_TOO_LARGE = frozenset({10334, 17419, 17420})
_UNIT_TOO_LARGE = frozenset({257, 388})
"""TransactionTooLarge and TransactionTooLargeForCache, whatever labels they carry."""
_ABORTED_BY_AGE = frozenset({251, 290})
"""NoSuchTransaction and TransactionExceededLifetimeLimitSeconds; the first one has other reasons too."""
_NOT_STORABLE = frozenset({15, 52, 53, 55, 56, 57, 121, 171})
_NOT_MODIFIABLE = frozenset({2, 14, 28})
"""BadValue, TypeMismatch, PathNotViable: of an update, a stored value that is not what it changes."""
REFUSED_BY_INDEX = {
    16766: (HASHED, "a hashed index holds no lists"),
    16755: (SPHERE, "an index of kind 2dsphere holds places: GeoJSON, or [longitude, latitude]"),
    13027: (FLAT, "an index of kind 2d holds places within its bounds"),
    13068: (FLAT, "an index of kind 2d holds places: [x, y]"),
    16804: (FLAT, "an index of kind 2d holds places: [x, y]"),
    17261: (TEXT, "the language of the text must be text"),
    17262: (TEXT, "the language of the text is one that MongoDB does not know"),
    201: (TEXT, "beside text an index holds no lists"),
}
"""What an index of some kind cannot hold, by the server's code."""
_NO_TRANSACTIONS = frozenset({20, 123})
_REFUSED_USER = frozenset({11, 13, 18, 8000})
_NO_CHANGE_STREAMS = frozenset({40573})
_CURSOR_LOST = frozenset({43, 136, 175, 237})

_LIST_BESIDE_TEXT = 201

_CLOCK_SLACK = 0.05

_LOGGER = logging.getLogger("tristore.mongo")


class Operation:
    """One call to the server: a context manager that bounds its time and translates its errors.

    It may be entered again once it was left, for the next batch of the same cursor.

    Attributes:
        name: what is being done, for messages.
        place: host and port, for messages.
        timeout: in seconds, for each time that it is entered.
        in_transaction: whether an error leaves nothing behind.
        modifies: whether it changes what is stored by what is stored.
        outlived: tells, after an error, how many seconds the server lets a transaction live, if this one has lived as
            long; else None.
        indexes: those that are declared for the collection, to be named where one refuses a value.
    """

    __slots__ = (
        "_deadline",
        "_limit",
        "in_transaction",
        "indexes",
        "modifies",
        "name",
        "outlived",
        "place",
        "timeout",
    )

    def __init__(
        self,
        name: str,
        place: str,
        timeout: float,
        *,
        in_transaction: bool = False,
        modifies: bool = False,
        outlived: Callable[[], float | None] | None = None,
    ) -> None:
        self.outlived = outlived
        self.name = name
        self.place = place
        self.timeout = timeout
        self.in_transaction = in_transaction
        self.modifies = modifies
        self.indexes: Sequence[IndexDeclaration] = ()

    def __enter__(self) -> None:
        """Start the clock."""
        if self.timeout <= 0:
            raise DeadlineExceeded(f"{self.name}: no time was left to ask {self.place}")
        self._deadline = time.monotonic() + self.timeout
        self._limit = pymongo.timeout(self.timeout)
        self._limit.__enter__()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop the clock; raise tristore's error in the place of the driver's."""
        self._limit.__exit__(kind, error, trace)
        if isinstance(error, DRIVER_ERRORS):
            found = translated(error, self)
            _LOGGER.debug("%s at %s failed: %s", self.name, self.place, type(found).__name__)
            raise_masked(found, error)

    @property
    def time_is_up(self) -> bool:
        """Whether the time allowed is over, so that a time-out was this operation's own."""
        return time.monotonic() >= self._deadline - _CLOCK_SLACK


def translated(error: Exception, operation: Operation) -> TristoreError | KeyTaken:
    """Return the error that says the same without the driver."""
    return _told_by_class(error, operation) or _told_by_code(error, operation)


def _told_by_class(error: Exception, operation: Operation) -> TristoreError | None:
    """What the driver raises by itself, before any label: it calls the end of its own client transient."""
    if isinstance(error, DocumentTooLarge):
        return _too_large(operation)
    if isinstance(error, InvalidBSON):
        return ValidationError.of(
            "", f"{operation.name}: a stored value cannot be read; find() names the document and the field"
        )
    if not isinstance(error, PyMongoError):
        return ValidationError.of("", f"{operation.name}: a value that BSON cannot hold")
    if isinstance(error, ServerSelectionTimeoutError | WaitQueueTimeoutError):
        return unavailable(error, operation)
    if isinstance(error, InvalidOperation):
        return UnitOfWorkError(f"{operation.name}: the store was closed meanwhile, or the transaction is over")
    return None


def _told_by_code(error: Any, operation: Operation) -> TristoreError | KeyTaken:
    code, details = code_of(error), _details(error)
    if operation.in_transaction and (found := _too_much(code, operation)) is not None:
        return found
    if code in _TIME_IS_UP or (error.timeout and operation.time_is_up):
        return DeadlineExceeded(f"{operation.name} at {operation.place} took more than {operation.timeout:g} s")
    if error.has_error_label(TRANSIENT) or code in _CONFLICT:
        return WriteConflict()
    if isinstance(error, ConnectionFailure) or code in _CURSOR_LOST:
        return unavailable(error, operation)
    if code in _DUPLICATE:
        position: int = details.get("index", 0)
        done = 0 if operation.in_transaction else position
        return KeyTaken(tuple(details.get("keyPattern", ())), position, done)
    return _refusal(error, code, operation)


def translated_write_error(problem: Mapping[str, Any], operation: Operation) -> TristoreError | KeyTaken:
    """Return the error of one operation of an unordered write, from what the server says of it."""
    refusal = OperationFailure("refused", problem["code"], {"keyPattern": problem.get("keyPattern", {})})
    return translated(refusal, operation)


def code_of(error: PyMongoError) -> int | None:
    """The server's code; of a bulk write, that of its first error."""
    if isinstance(error, BulkWriteError):
        found: int | None = _details(error).get("code")
        return found
    return error.code if isinstance(error, OperationFailure) else None


def _details(error: PyMongoError) -> Mapping[str, Any]:
    """The server's facts; of a bulk write, those of its first error."""
    if isinstance(error, BulkWriteError):
        details = error.details
        first: Mapping[str, Any] = (details["writeErrors"] or details["writeConcernErrors"])[0]
        return first
    return (error.details or {}) if isinstance(error, OperationFailure) else {}


def unavailable(error: PyMongoError, operation: Operation) -> Unavailable:
    """Say what was tried, why it failed, and what to do."""
    reason = str(error).split(" (configured timeouts", 1)[0].split(", Timeout:", 1)[0]
    return Unavailable(
        f"{operation.name}: no MongoDB served it at {operation.place} within {operation.timeout:g} s ({reason}): "
        "check that the server runs and that the URL is right"
    )


def _too_much(code: int | None, operation: Operation) -> TristoreError | None:
    """Say of a unit of work that the server does not carry it; another attempt would meet the same."""
    if code in _UNIT_TOO_LARGE:
        return TooLarge(
            f"{operation.name} at {operation.place}: the unit of work changes more than the server can hold in one "
            f"transaction (code {code}); nothing was applied: use several units, or bulk()"
        )
    if code not in _ABORTED_BY_AGE | _CURSOR_LOST or operation.outlived is None:
        return None
    lifetime = operation.outlived()
    if lifetime is None:
        return None
    return UnitTooLong(
        f"{operation.name} at {operation.place}: the unit of work was open for longer than the "
        f"{lifetime:g} s that the server gives it (transactionLifetimeLimitSeconds); nothing was applied: do the slow "
        "work before the unit, or use several units"
    )


def _refusal(error: PyMongoError, code: int | None, operation: Operation) -> TristoreError:
    """What another attempt does not change."""
    if code in _NO_TRANSACTIONS and operation.in_transaction:
        return no_transactions(operation.place)
    if code in _TOO_LARGE:
        return _too_large(operation)
    if code in _NOT_MODIFIABLE and operation.modifies:
        return ValidationError.of(
            "",
            f"{operation.name}: a stored document has a value that cannot be changed so (code {code}): an increment "
            "needs a number and a result of at most 64 bits, and a part of a value needs that value",
        )
    if code in _NOT_STORABLE or code in REFUSED_BY_INDEX:
        return _not_storable(code, operation)
    if code in _REFUSED_USER:
        return ConfigurationError(
            f"{operation.place} refuses this user for {operation.name} (code {code}): check the user, "
            "the password, authSource and the user's roles"
        )
    if code in _NO_CHANGE_STREAMS:
        return ConfigurationError(
            f"the MongoDB at {operation.place} is a standalone server, which has no change streams: start it with "
            "--replSet and initiate it once (rs.initiate()), or do not ask the cache to watch"
        )
    if isinstance(error, DriverConfigurationError):
        return ConfigurationError(f"{operation.place}: {error}")
    return TristoreError(f"{operation.name} at {operation.place} was refused ({_code_name(error, code)})")


def _not_storable(code: int, operation: Operation) -> ValidationError:
    """Name the declared indexes of the kind that refuses a value, and the fields that it looks at."""
    if code not in REFUSED_BY_INDEX:
        return ValidationError.of("", f"{operation.name}: the server refuses the document (code {code})")
    kind, reason = REFUSED_BY_INDEX[code]
    found = [index for index in operation.indexes if any(direction == kind for _, direction in index.keys)]
    if kind == TEXT and code != _LIST_BESIDE_TEXT:
        fields = [str(index.options.get("language_override", "language")) for index in found]
    else:
        fields = [key for index in found for key, direction in index.keys if kind in {direction, HASHED}]
    names = ", ".join(index.name for index in found) or f"of kind {kind}"
    return ValidationError.of(", ".join(fields), f"{reason} (index {names})")


def no_transactions(place: str) -> TransactionsUnsupported:
    """Say what to do about a standalone server."""
    return TransactionsUnsupported(
        f"the MongoDB at {place} is a standalone server, which has no transactions: start it with --replSet and "
        "initiate it once (rs.initiate()), or open the store with transactions='off'"
    )


def _too_large(operation: Operation) -> TooLarge:
    return TooLarge(
        f"{operation.name}: a document is above the {MAX_DOCUMENT_BYTES // 2**20} MiB that MongoDB accepts",
        limit=MAX_DOCUMENT_BYTES,
    )


def _code_name(error: PyMongoError, code: int | None) -> str:
    return f"code {code} {_details(error).get('codeName', '')}".rstrip() if code else type(error).__name__
