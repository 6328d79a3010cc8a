"""Documents as lines of MongoDB's Extended JSON, as ``mongoexport`` and ``mongoimport`` exchange them.

Written is the canonical form, which names the type of every number, so that a document comes back as it was, to the
bit; read are both forms (https://www.mongodb.com/docs/manual/reference/mongodb-extended-json).
"""

import base64
import json
from collections.abc import Callable
from datetime import datetime, timedelta
from json.encoder import encode_basestring
from typing import Any
from uuid import UUID

from bson import encode, json_util
from bson.binary import UUID_SUBTYPE, Binary, UuidRepresentation
from bson.codec_options import DatetimeConversion
from bson.datetime_ms import DatetimeMS
from bson.decimal128 import Decimal128
from bson.errors import BSONError
from bson.int64 import Int64
from bson.objectid import ObjectId

from ...domain.errors import ValidationError
from ..backend import Document
from ..backend.bson import CODEC_OPTIONS

_OPTIONS = json_util.JSONOptions(
    json_mode=json_util.JSONMode.CANONICAL,
    tz_aware=False,
    uuid_representation=UuidRepresentation.STANDARD,
    datetime_conversion=DatetimeConversion.DATETIME_AUTO,
)
_EPOCH = datetime(1970, 1, 1)
_MILLISECOND = timedelta(milliseconds=1)
_FAR_FROM_THE_ENDS = 50_000_000_000_000
"""Milliseconds from 1970 within which every moment is a `datetime`; for others the driver decides."""
_INT32 = 2**31
_UUID_BYTES = 16

_text = encode_basestring
_UNREADABLE = (ValueError, TypeError, KeyError, AttributeError, ArithmeticError, BSONError, RecursionError)


def to_line(document: Document) -> bytes:
    """Return a document as one line, with its end.

    Raises:
        ValidationError: if it would not come back the same, because it has a key that Extended JSON gives a meaning.
    """
    with_operators: list[str] = []
    line = _object(document, with_operators).encode() + b"\n"
    if with_operators and not _comes_back(document, line):
        key = with_operators[0]
        raise ValidationError.of(key, f"Extended JSON cannot hold this document: it has a meaning of its own for {key}")
    return line


def from_line(line: bytes) -> Document:
    """Return the document of a line.

    Raises:
        ValidationError: if it is no Extended JSON, or holds no document.
    """
    try:
        found = _read(line.decode())
    except json.JSONDecodeError as error:
        problem = f"is not JSON: {error.msg} at column {error.colno}"
    except UnicodeDecodeError:
        problem = "is not UTF-8"
    except _UNREADABLE as error:
        problem = f"is not Extended JSON: {error}" if str(error) else f"is not Extended JSON ({type(error).__name__})"
    else:
        if isinstance(found, dict):
            return found
        problem = f"is a {_KINDS.get(type(found), 'value')}, and must be a document"
        if isinstance(found, list):
            problem += ": write one document a line (mongoexport without --jsonArray)"
    # out here it has no context: that of a decoder quotes what it read
    raise ValidationError.of("", f"the line {problem}")


_KINDS = {list: "list", str: "text", int: "number", float: "number", bool: "boolean", type(None): "null"}


def _comes_back(document: Document, line: bytes) -> bool:
    try:
        return encode(from_line(line), False, CODEC_OPTIONS) == encode(document, False, CODEC_OPTIONS)
    except (ValidationError, BSONError):
        return False


def _object(document: Document, with_operators: list[str]) -> str:
    parts = []
    for key, value in document.items():
        if key[:1] == "$":
            with_operators.append(key)
        parts.append(f"{_text(key)}:{_value(value, with_operators)}")
    return f"{{{','.join(parts)}}}"


def _value(value: Any, with_operators: list[str]) -> str:
    write = _WRITE.get(value.__class__)
    if write is not None:
        return write(value)
    if isinstance(value, dict):
        return _object(value, with_operators)
    if isinstance(value, list):
        return f"[{','.join([_value(item, with_operators) for item in value])}]"
    return json.dumps(json_util.default(value, _OPTIONS), ensure_ascii=False, separators=(",", ":"))


def _int(value: int) -> str:
    return f'{{"$numberInt":"{value}"}}' if -_INT32 <= value < _INT32 else f'{{"$numberLong":"{value}"}}'


def _float(value: float) -> str:
    text = repr(value)
    return f'{{"$numberDouble":"{_NOT_FINITE.get(text, text)}"}}'


_NOT_FINITE = {"inf": "Infinity", "-inf": "-Infinity", "nan": "NaN"}


def _milliseconds(value: int) -> str:
    return f'{{"$date":{{"$numberLong":"{value}"}}}}'


def _binary(value: bytes, subtype: int) -> str:
    return f'{{"$binary":{{"base64":"{base64.b64encode(value).decode()}","subType":"{subtype:02x}"}}}}'


_WRITE: dict[type[Any], Callable[[Any], str]] = {
    type(None): lambda _: "null",
    str: _text,
    bool: lambda value: "true" if value else "false",
    int: _int,
    Int64: lambda value: f'{{"$numberLong":"{int(value)}"}}',
    float: _float,
    datetime: lambda value: _milliseconds((value - _EPOCH) // _MILLISECOND),
    DatetimeMS: lambda value: _milliseconds(int(value)),
    ObjectId: lambda value: f'{{"$oid":"{value}"}}',
    Decimal128: lambda value: f'{{"$numberDecimal":"{value}"}}',
    bytes: lambda value: _binary(value, 0),
    Binary: lambda value: _binary(value, value.subtype),
    UUID: lambda value: _binary(value.bytes, UUID_SUBTYPE),
}


def _hook(found: dict[str, Any]) -> Any:
    if len(found) == 1:
        ((key, value),) = found.items()
        read = _READ.get(key)
        if read is not None and value.__class__ is str:
            return read(value)
        if key == "$date" and value.__class__ is Int64 and abs(value) < _FAR_FROM_THE_ENDS:
            return _EPOCH + value * _MILLISECOND
    for key in found:
        if key[:1] == "$":
            return _bytes(found) if key == "$binary" else json_util.object_hook(found, _OPTIONS)
    return found


def _bytes(found: dict[str, Any]) -> Any:
    """Bytes of any subtype; the driver's own reader would take the legacy subtype of UUIDs for the standard one."""
    inner = found["$binary"]
    text, written = (inner["base64"], inner["subType"]) if isinstance(inner, dict) else (inner, found["$type"])
    data = base64.b64decode(text, validate=True)
    subtype = written if isinstance(written, int) else int(written, 16)
    if subtype == UUID_SUBTYPE:
        if len(data) != _UUID_BYTES:
            raise ValueError(f"a UUID has {_UUID_BYTES} bytes, and this one {len(data)}")
        return UUID(bytes=data)
    return data if subtype == 0 else Binary(data, subtype)


_READ: dict[str, Callable[[str], Any]] = {
    "$numberInt": int,
    "$numberLong": Int64,
    "$numberDouble": float,
    "$numberDecimal": Decimal128,
    "$oid": ObjectId,
}

_read = json.JSONDecoder(object_hook=_hook).decode
