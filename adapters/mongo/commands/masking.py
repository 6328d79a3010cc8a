"""The driver's errors without the values that they quote: as causes they end in logs and tracebacks."""

from collections.abc import Mapping
from typing import Any, NoReturn, TypeVar, cast

from bson.errors import BSONError
from pymongo.errors import BulkWriteError, OperationFailure, PyMongoError

ErrorT = TypeVar("ErrorT", bound=Exception)

_LABELS = (
    "HandshakeError",
    "NoWritesPerformed",
    "RetryableError",
    "RetryableWriteError",
    "SystemOverloadedError",
    "TransientTransactionError",
    "UnknownTransactionCommitResult",
)
_FACTS = ("code", "codeName", "index", "keyPattern", "n", "nInserted", "nMatched", "nModified", "nRemoved", "ok")
_LEFT_OUT = "the words are left out here, because they may quote values"


def raise_masked(found: Exception, error: Exception) -> NoReturn:
    """Raise tristore's error; its cause is the driver's, without values. Nothing else leads to the original."""
    try:
        raise found from masked(error)
    finally:
        found.__context__ = None


def masked(error: ErrorT) -> ErrorT:
    """Return the driver's error if it quotes no value, else a copy with its class, code, labels and traceback.

    The words of a server's refusal quote values (a duplicate key its value, a user without rights the whole command),
    and a value that BSON cannot hold stands in the error that says so. What the driver tells of connections does not.
    """
    return cast("ErrorT", _copied(error).with_traceback(error.__traceback__))


def _copied(error: Exception) -> Exception:
    if isinstance(error, BulkWriteError):
        return BulkWriteError(_facts(error, error.details))
    if isinstance(error, OperationFailure):
        return type(error)(_LEFT_OUT, error.code, _facts(error, error.details or {}))
    if isinstance(error, UnicodeEncodeError):
        return UnicodeEncodeError(error.encoding, "?" * error.end, error.start, error.end, error.reason)
    if isinstance(error, BSONError):
        return type(error)(_LEFT_OUT)
    return error


def _facts(error: PyMongoError, details: Mapping[str, Any]) -> dict[str, Any]:
    """What a server's answer says without values."""
    found = _only_facts(details)
    for name in ("writeErrors", "writeConcernErrors"):
        if name in details:
            found[name] = [_only_facts(problem) for problem in details[name]]
    if "writeConcernError" in details:
        found["writeConcernError"] = _only_facts(details["writeConcernError"])
    labels = [label for label in _LABELS if error.has_error_label(label)]
    return {**found, "errorLabels": labels} if labels else found


def _only_facts(details: Mapping[str, Any]) -> dict[str, Any]:
    found = {name: details[name] for name in _FACTS if name in details}
    # the driver looks at this to tell a time-out
    return {**found, "errInfo": {"wtimeout": True}} if details.get("errInfo", {}).get("wtimeout") else found
