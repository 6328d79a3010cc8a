"""What callers may give a backend: values, paths, changes. It is looked at before anything is done with it.

So a fault in what was given leaves everything as it was: nothing of the plan is written, and an open transaction goes
on. Every backend refuses the same, and with the same error. What depends on what is stored is for the backend itself.
"""

import re
from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any
from uuid import UUID

from bson.binary import UUID_SUBTYPE, Binary
from bson.code import Code
from bson.datetime_ms import DatetimeMS
from bson.dbref import DBRef
from bson.decimal128 import Decimal128
from bson.max_key import MaxKey
from bson.min_key import MinKey
from bson.objectid import ObjectId
from bson.regex import Regex
from bson.timestamp import Timestamp

from ....domain.entities.plain_values import INT64_MAX, INT64_MIN
from ....domain.errors import InvalidQuery, ValidationError
from ....domain.rules.predicates import Path, dotted

MAX_LEVELS = 180
"""How deep documents and lists may nest on a server, the document itself included."""

INCOMPARABLE = (Regex, re.Pattern, Code, MinKey, MaxKey)
"""Types of values that a store can hold, and that no query compares with."""

_STORED_AS_THEY_ARE = (
    *(type(None), bool, float, bytes, datetime, DatetimeMS, UUID),
    *(ObjectId, Decimal128, Timestamp, MinKey, MaxKey),
)
_PLAIN = frozenset(_STORED_AS_THEY_ARE)
_UUID_BYTES = 16


class _Fault(Exception):
    """What is wrong with a value, and where in it."""

    def __init__(self, path: str, message: str) -> None:
        super().__init__(path, message)
        self.path = path
        self.message = message


def check_value(value: Any, path: str) -> None:
    """Refuse a value that no document can hold.

    Raises:
        ValidationError: with the place of what is wrong.
    """
    try:
        _check(value, path, MAX_LEVELS - 1)
    except _Fault as found:
        fault = found
    else:
        return
    raise ValidationError.of(fault.path, fault.message)


def check_operand(path: Path, value: Any) -> None:
    """Refuse a value that no query can compare with.

    Raises:
        InvalidQuery: with the path that was to be compared.
    """
    kind = value.__class__
    if kind in _PLAIN and kind is not MinKey and kind is not MaxKey:
        return
    if isinstance(value, INCOMPARABLE):
        raise InvalidQuery(f"{dotted(path)} cannot be compared with a {type(value).__name__}")
    try:
        _check(value, "", MAX_LEVELS - 1)
    except _Fault as found:
        message = f"{dotted(path)} cannot be compared with a {type(value).__name__} that {found.message}"
    else:
        return
    raise InvalidQuery(message)


@lru_cache(maxsize=4_096)
def check_path(path: Path) -> None:
    """Refuse what cannot be the path of a key.

    Raises:
        InvalidQuery: with the path.
    """
    fault = _fault_of(path)
    if fault or path[0][:1] == "$":
        raise InvalidQuery(f"{dotted(path)!a} cannot be the key of a document: it {fault or 'begins with $'}")


def check_sort_path(path: Path) -> None:
    """Refuse what documents cannot be put in order by, or grouped by.

    Raises:
        InvalidQuery: with the path.
    """
    check_path(path)
    if any(name[0] == "$" for name in path):
        raise InvalidQuery(f"{dotted(path)!r} is no key to sort or group by: a part of it begins with $")


def check_changed_path(key: str) -> Path:
    """Return the path of a dotted key that is to be changed.

    Raises:
        ValidationError: if no document can have it, or it is the id, which never changes.
    """
    path = tuple(key.split("."))
    fault = _fault_of(path) or ("has a part that begins with $" if any(name[0] == "$" for name in path) else "")
    if fault:
        raise ValidationError.of(ascii(key)[1:-1], f"cannot be changed: the key {fault}")
    if path[0] == "_id":
        raise ValidationError.of(key, "the id of a document never changes")
    return path


def check_changed_key(key: str) -> None:
    """Refuse a top-level key that no update can change.

    Raises:
        ValidationError: as `check_changed_path` does, and for a dotted key.
    """
    if len(check_changed_path(key)) > 1:
        raise ValidationError.of(key, "an update changes top-level keys, without '.'")


def check_id(value: Any) -> None:
    """Refuse what no document can have as its id.

    Raises:
        ValidationError: with the reason.
    """
    kind = value.__class__
    if kind is ObjectId or (kind is str and value.isascii()):
        return
    if isinstance(value, list | tuple | Regex | re.Pattern) or _has_operator(value):
        raise ValidationError.of("_id", f"a {type(value).__name__} cannot be an id, nor hold keys with '$'")
    check_value(value, "_id")


def check_document(document: Mapping[str, Any]) -> None:
    """Refuse a document that cannot be stored.

    Raises:
        ValidationError: with the key of what is wrong.
    """
    if "_id" not in document:
        raise ValidationError.of("_id", "a document needs an id")
    check_id(document["_id"])
    check_value(document, "")


def _check(value: Any, path: str, levels: int) -> None:
    kind = value.__class__
    if kind in _PLAIN or (kind is str and value.isascii()):
        return
    if isinstance(value, Mapping):
        _check_items(value, path, levels)
    elif isinstance(value, list | tuple):
        _check_level(path, levels)
        for position, item in enumerate(value):
            kind = item.__class__
            if kind not in _PLAIN:
                _check(item, f"{path}.{position}", levels - 1)
    else:
        _check_leaf(value, path)


def _check_items(value: Mapping[Any, Any], path: str, levels: int) -> None:
    _check_level(path, levels)
    for key, item in value.items():
        if key.__class__ is not str or not key.isascii() or "\0" in key:
            _check_key(key, path)
        kind = item.__class__
        if kind not in _PLAIN:
            _check(item, f"{path}.{key}" if path else key, levels - 1)


def _check_level(path: str, levels: int) -> None:
    if levels < 0:
        raise _Fault(path.partition(".")[0], f"nests more than the {MAX_LEVELS} levels that a store can hold")


def _check_key(key: Any, path: str) -> None:
    if not isinstance(key, str):
        raise _Fault(path, f"has a key that is a {type(key).__name__}: keys are text")
    if "\0" in key:
        raise _Fault(f"{path}.{key}" if path else key, "is a key with NUL in it")
    if not _can_be_encoded(key):
        raise _Fault(path, "has a key with half of a surrogate pair, which cannot be encoded")


def _check_leaf(value: Any, path: str) -> None:
    """A value that is neither of a plain type nor made of others: subclasses of stored types are what they are."""
    if isinstance(value, Binary):
        if value.subtype == UUID_SUBTYPE and len(value) != _UUID_BYTES:
            raise _Fault(path, f"is marked as a UUID and has {len(value)} bytes: nobody could read it again")
    elif isinstance(value, Regex | re.Pattern):
        _check_text(value.pattern, path, nul=False)
    elif isinstance(value, str):
        _check_text(value, path)
        if isinstance(value, Code) and value.scope is not None:
            _check(value.scope, path, MAX_LEVELS - 1)
    elif isinstance(value, int):
        if not INT64_MIN <= value <= INT64_MAX:
            raise _Fault(path, "is an integer that does not fit 64 bits")
    elif isinstance(value, DBRef):
        _check(value.as_doc(), path, MAX_LEVELS - 1)
    elif not isinstance(value, _STORED_AS_THEY_ARE):
        raise _Fault(path, f"is a {type(value).__name__}, which a store cannot hold")


def _check_text(value: str | bytes, path: str, *, nul: bool = True) -> None:
    if isinstance(value, bytes):
        return
    if not _can_be_encoded(value):
        raise _Fault(path, "has half of a surrogate pair, which cannot be encoded")
    if not nul and "\0" in value:
        raise _Fault(path, "is an expression with NUL in it")


def _can_be_encoded(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _fault_of(path: Path) -> str:
    if not path or not all(path):
        return "is empty, or has an empty part"
    for name in path:
        if "." in name or "\0" in name:
            return "has a part with '.' or NUL in it"
        if not _can_be_encoded(name):
            return "has half of a surrogate pair, which cannot be encoded"
    return ""


def _has_operator(value: Any) -> bool:
    return isinstance(value, Mapping) and any(
        (isinstance(key, str) and key.startswith("$")) or _has_operator(item) for key, item in value.items()
    )
