"""How plain values are stored, a row for each type: the BSON side of the table in `domain.entities.scalars`.

Loading takes what pymongo decodes (naive UTC datetimes, ObjectId, Decimal128); dumping gives what it encodes. Both
check: a value that does not fit raises ValueError with what was expected, and the mapping adds entity and field.
"""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from attrs import field, frozen
from bson import Decimal128, Int64, ObjectId
from bson.errors import InvalidId

from ....domain.entities.clock import SystemClock, to_milliseconds
from ....domain.entities.ids import shown_id
from ....domain.entities.plain_values import INT64_MAX, INT64_MIN
from ....domain.entities.scalars import Kind
from ...backend.bson import check_text, kind_of

DATES = frozenset({datetime})
"""Not asked by name: who freezes time for a test gives the name to another class."""

EPOCH_NAIVE = datetime(1970, 1, 1)
EPOCH_UTC = datetime(1970, 1, 1, tzinfo=UTC)

LONGEST_EXPIRY = 2**31 - 1
"""The most seconds of an index that lets documents expire (https://www.mongodb.com/docs/manual/core/index-ttl)."""


@frozen
class Codec:
    """Both directions for one type, None excluded.

    Attributes:
        load: BSON value to Python value.
        dump: Python value to BSON value.
        mutable: whether the Python value can be edited in place.
    """

    load: Callable[[Any], Any]
    dump: Callable[[Any], Any]
    mutable: bool = False


@frozen(kw_only=True)
class Stored:
    """What the document side knows of one type of plain values.

    Generated code handles values of exactly the declared type, and stumbles over others; where a row has none for it,
    it calls the codec.

    Attributes:
        codec: both directions.
        aliases: what the codec loads, by the aliases of BSON's types; first the one that it dumps.
        schema: what a validator asks of a value besides its type.
        weighs: whether a value may be so long that a document with it is measured.
        exact: for values that are stored as they are, the name of their class: generated code asks for no more of them.
        load_code: the expression that loads the value ``{0}``.
        dump_code: the lines that bring the value ``{0}`` into the form in which it is stored.
    """

    codec: Codec
    aliases: tuple[str, ...]
    schema: Mapping[str, Any] = field(factory=dict)
    weighs: bool = False
    exact: str = ""
    load_code: str = ""
    dump_code: tuple[str, ...] = ()


def load_datetime(value: Any) -> datetime:
    """Make a decoded datetime aware."""
    if not isinstance(value, datetime) or type(value) not in DATES:
        raise ValueError(f"expected a date between the years 1 and 9999, found {kind_of(value)}")
    return EPOCH_UTC + (value - EPOCH_NAIVE)


def dump_datetime(value: Any) -> datetime:
    """Accept an aware datetime: naive UTC, cut to milliseconds, is what a store compares."""
    if not isinstance(value, datetime):
        raise ValueError(f"must be a datetime, not {kind_of(value)}")
    if value.tzinfo is None:
        raise ValueError("must be an aware datetime: give it a time zone, such as UTC")
    try:
        return to_milliseconds(value.astimezone(UTC)).replace(tzinfo=None)
    except OverflowError as error:
        raise ValueError("must lie between the years 1 and 9999 in UTC") from error


def real_time() -> datetime:
    """Return the time as it is stored: a server lets documents expire by it, whatever the clock of a store shows."""
    return dump_datetime(SystemClock().now())


def load_id(value: Any) -> str:
    """Turn an ObjectId into the hex digits of an `Id`."""
    if not isinstance(value, ObjectId):
        raise ValueError(f"expected an ObjectId, found {kind_of(value)}")
    return value.binary.hex()


def dump_id(value: Any) -> ObjectId:
    """Turn an `Id` into an ObjectId."""
    try:
        found = ObjectId(bytes.fromhex(value))
        if found.binary.hex() == value:
            return found
    except (TypeError, ValueError, InvalidId):
        pass  # said below, in words
    raise ValueError(f"must be an id of 24 lower-case hex digits, not {shown_id(value)}")


def _exactly(kind: type[Any], words: str, plain: Callable[[Any], Any]) -> Codec:
    """The codec of a class whose values are stored as they are; `plain` makes one of a narrower class's."""

    def check(value: Any) -> Any:
        if not isinstance(value, kind) or (kind is not bool and isinstance(value, bool)):
            raise ValueError(f"must be {words}, not {kind_of(value)}")
        return plain(value) if type(value) is not kind else value

    return Codec(check, check)


def _text() -> Codec:
    any_text = _exactly(str, "text", str.__str__)
    return Codec(any_text.load, lambda value: check_text(any_text.dump(value)))


def check_int(value: Any) -> int:
    """Accept an integer of 64 bits."""
    if isinstance(value, float) and value.is_integer():
        raise ValueError("must be a whole number, not a float")
    if isinstance(value, bool) or not isinstance(value, int):
        raise ValueError(f"must be a whole number, not {kind_of(value)}")
    if not INT64_MIN <= value <= INT64_MAX:
        raise ValueError("must fit 64 bits")
    return int(value)


def _load_int(value: Any) -> int:
    """Accept whole doubles: other programs write every number as a double."""
    return int(value) if isinstance(value, float) and value.is_integer() else check_int(value)


def _check_float(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, float | int):
        raise ValueError(f"must be a number, not {kind_of(value)}")
    return float(value)


def _load_decimal(value: Any) -> Decimal:
    if isinstance(value, Decimal128):
        return value.to_decimal()
    if isinstance(value, int) and not isinstance(value, bool):
        return Decimal(value)
    raise ValueError(f"expected a Decimal128, found {kind_of(value)}")


def dump_decimal(value: Any) -> Decimal128:
    """Accept a Decimal that a Decimal128 holds."""
    if not isinstance(value, Decimal):
        raise ValueError(f"must be a Decimal, not {kind_of(value)}")
    try:
        return Decimal128(value)
    except ArithmeticError as error:
        raise ValueError("must fit 34 decimal digits") from error


def _load_date(value: Any) -> date:
    if load_datetime(value).time() != time():
        raise ValueError("expected a date at midnight UTC, found one with a time of the day")
    found: date = value.date()
    return found


def _dump_date(value: Any) -> datetime:
    if not isinstance(value, date) or isinstance(value, datetime):
        raise ValueError(f"must be a date, not {kind_of(value)}")
    return datetime(value.year, value.month, value.day)


_TIME = r"([01][0-9]|2[0-3])(:[0-5][0-9]){2}\.[0-9]{6}"
"""Of one width, so that texts are in the order of the times."""
_is_time = re.compile(_TIME).fullmatch


def _load_time(value: Any) -> time:
    if type(value) is not str or _is_time(value) is None:
        found = "another text" if isinstance(value, str) else kind_of(value)
        raise ValueError(f"expected a time as HH:MM:SS.ffffff, found {found}")
    return time.fromisoformat(value)


def _dump_time(value: Any) -> str:
    if not isinstance(value, time):
        raise ValueError(f"must be a time, not {kind_of(value)}")
    if value.tzinfo is not None:
        raise ValueError("must be a time without a zone")
    return value.isoformat("microseconds")


def _load_timedelta(value: Any) -> timedelta:
    return timedelta(microseconds=check_int(_load_int(value)))


def _dump_timedelta(value: Any) -> Int64:
    if not isinstance(value, timedelta):
        raise ValueError(f"must be a timedelta, not {kind_of(value)}")
    microseconds = value // timedelta(microseconds=1)
    if not INT64_MIN <= microseconds <= INT64_MAX:
        raise ValueError("must fit 64 bits of microseconds")
    return Int64(microseconds)


CODE_NAMES: Mapping[str, Any] = {
    "EPOCH_UTC": EPOCH_UTC,
    "EPOCH_NAIVE": EPOCH_NAIVE,
    "datetime": datetime,
    "ObjectId": ObjectId,
    "fromhex": bytes.fromhex,
}
"""What the code of the rows may name, beside Python's own."""

STORED: Mapping[Kind, Stored] = {
    Kind.ID: Stored(
        codec=Codec(load_id, dump_id),
        aliases=("objectId",),
        load_code="{0}.binary.hex()",
        dump_code=(
            "digits = {0}",
            "{0} = ObjectId(fromhex(digits))",
            "if {0}.binary.hex() != digits: raise ValueError",
        ),
    ),
    Kind.STR: Stored(
        codec=_text(),
        aliases=("string",),
        weighs=True,
        exact="str",
        # half of a surrogate pair cannot be encoded, which is a ValueError; whether text is ASCII costs nothing to ask
        dump_code=("if {0}.__class__ is not str: raise ValueError", "{0}.isascii() or {0}.encode()"),
    ),
    Kind.INT: Stored(
        codec=Codec(_load_int, check_int),
        aliases=("int", "long", "double"),
        schema={"multipleOf": 1},
        exact="int",
        dump_code=(f"if {{0}}.__class__ is not int or not {INT64_MIN} <= {{0}} <= {INT64_MAX}: raise ValueError",),
    ),
    Kind.FLOAT: Stored(
        codec=Codec(_check_float, _check_float),
        aliases=("double", "int", "long"),
        exact="float",
        dump_code=("if {0}.__class__ is not float: raise ValueError",),
    ),
    Kind.BOOL: Stored(
        codec=_exactly(bool, "True or False", bool),
        aliases=("bool",),
        exact="bool",
        dump_code=("if {0}.__class__ is not bool: raise ValueError",),
    ),
    Kind.DATETIME: Stored(
        codec=Codec(load_datetime, dump_datetime),
        aliases=("date",),
        # from anything but a datetime nothing can be subtracted: it stumbles
        load_code="EPOCH_UTC + ({0} - EPOCH_NAIVE)",
        # a naive one cannot be subtracted and stumbles; what is finer than a millisecond goes when it is encoded
        dump_code=(
            "if {0}.__class__ is not datetime: raise ValueError",
            "{0} = EPOCH_NAIVE + ({0} - EPOCH_UTC)",
        ),
    ),
    # no validator can ask whether a date is at midnight: the loader does
    Kind.DATE: Stored(codec=Codec(_load_date, _dump_date), aliases=("date",)),
    Kind.TIME: Stored(codec=Codec(_load_time, _dump_time), aliases=("string",), schema={"pattern": rf"\A{_TIME}\z"}),
    Kind.TIMEDELTA: Stored(
        codec=Codec(_load_timedelta, _dump_timedelta), aliases=("long", "int", "double"), schema={"multipleOf": 1}
    ),
    Kind.DECIMAL: Stored(codec=Codec(_load_decimal, dump_decimal), aliases=("decimal", "int", "long")),
    Kind.BYTES: Stored(codec=_exactly(bytes, "bytes", bytes), aliases=("binData",), weighs=True),
    Kind.UUID: Stored(codec=_exactly(UUID, "a UUID", lambda value: UUID(int=value.int)), aliases=("binData",)),
}
"""The rows."""
