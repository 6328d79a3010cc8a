"""What to write instead of what a field cannot be asked: by the type of the field, in the words of rules."""

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from decimal import Decimal
from difflib import get_close_matches
from enum import Enum
from typing import cast

from ..entities.ids import shown_id
from ..entities.scalars import Kind
from ..entities.schema import FieldType

_MEMBERS = 8
"""The most members of an enum that are listed."""
_TEXT = "ask with startswith(), endswith(), matches(field, pattern) or icontains(field, text)"
_ANY_CASE = 'write icontains({name}, text), or matches({name}, "(?i)^text$") for the whole of it'
_TEXT_METHODS: Mapping[str, str] = {
    **dict.fromkeys(("lower", "upper", "casefold", "title", "capitalize", "swapcase"), _ANY_CASE),
    **dict.fromkeys(("strip", "lstrip", "rstrip"), "store it without spaces, by a converter of the field"),
    **dict.fromkeys(("find", "index", "rfind", "count"), "write matches({name}, pattern) or icontains({name}, text)"),
    "isdigit": 'write matches({name}, "^[0-9]+$")',
    "removeprefix": "write {name}.startswith(text)",
    "removesuffix": "write {name}.endswith(text)",
}
_DICT_METHODS: Mapping[str, str] = {
    "get": 'write {name}["key"], which is missing where the key is',
    "keys": 'write exists({name}["key"])',
    "values": 'ask one key, such as {name}["key"] == value',
    "items": 'ask one key, such as {name}["key"] == value',
}
_VALUES: tuple[tuple[set[Kind], tuple[type, ...], str], ...] = (
    ({Kind.DECIMAL}, (float,), 'write Decimal("{value}")'),
    ({Kind.FLOAT}, (Decimal,), "write {value}"),
    ({Kind.INT}, (float, Decimal), "write a whole number"),
    ({Kind.BOOL}, (int, str), "write True or False"),
    ({Kind.INT, Kind.FLOAT}, (str,), "write a number, without quotes"),
    ({Kind.STR}, (int, float, Decimal), "write text, in quotes"),
    ({Kind.DATE}, (datetime,), "write a date, such as moment.date()"),
    ({Kind.DATETIME}, (date,), "write datetime({value.year}, {value.month}, {value.day}, tzinfo=UTC)"),
    ({Kind.DATETIME}, (str,), "write a datetime with a time zone, such as datetime(2026, 1, 31, tzinfo=UTC)"),
    ({Kind.DATE, Kind.TIME}, (str,), "write a {python}, such as {python}.fromisoformat(text)"),
    ({Kind.DECIMAL, Kind.UUID}, (str,), "write a {python}, such as {python}(text)"),
    ({Kind.BYTES}, (str,), "write bytes, such as text.encode()"),
)
"""For fields of some kinds, and values of some classes, what to write instead; the first that fits."""
_ASKED = ("startswith", "endswith")
"""The methods of a field that a store can be asked."""


def instead_of_name(type: FieldType, name: str, asked: str) -> str:
    """What to write instead of an attribute or a method of a field; nothing where there is nothing to say."""
    advice = _of_name(type, asked)
    return f": {advice.format(name=name, asked=asked)}" if advice else ""


def _of_name(type: FieldType, asked: str) -> str:
    match type.kind:
        case Kind.STR:
            close = get_close_matches(asked, _ASKED, n=1, cutoff=0.8)
            return f"did you mean {close[0]}()?" if close else _TEXT_METHODS.get(asked, _TEXT)
        case Kind.SEQUENCE if asked in {"count", "index"}:
            return "write contains({name}, value)"
        case Kind.SEQUENCE:
            return "ask about one item with any_of({name}, lambda item: item.{asked} ...)"
        case Kind.DICT:
            return _DICT_METHODS.get(asked, 'ask one key, such as {name}["{asked}"]')
        case Kind.ENUM if asked in {"value", "name"}:
            return f"compare it with a member, {_members(type)}"
        case Kind.DATETIME | Kind.DATE:
            return "write ({name} >= begin) & ({name} < end), with the two ends of the span of time"
        case Kind.INT | Kind.FLOAT | Kind.DECIMAL | Kind.BOOL | Kind.UUID | Kind.TIME | Kind.TIMEDELTA | Kind.BYTES:
            return "compare {name} itself"
        case _:
            return ""


def instead_of_len(type: FieldType, name: str) -> str:
    """What to write instead of the length of a field."""
    if type.kind is Kind.SEQUENCE:
        return f"write size({name})"
    if type.kind is Kind.STR:
        return f'write matches({name}, "^.{{3,}}$") for the number of its characters'
    return f"size() counts the items of a list, and {name} is {type}"


def instead_of_loop(type: FieldType, name: str) -> str:
    """What to write instead of going through a field."""
    if type.kind is Kind.SEQUENCE:
        return (
            f"write any_of({name}, lambda item: ...), or not_(any_of({name}, lambda item: not_(...))) for all of them"
        )
    if type.kind is Kind.DICT:
        return f'ask one key, such as {name}["key"] == value'
    return f"any_of() asks about the items of a list, and {name} is {type}"


def instead_of_in(type: FieldType, name: str) -> str:
    """What to write instead of ``value in field``."""
    if type.kind is Kind.STR:
        return f"write matches({name}, pattern), or icontains({name}, text) in any letter case"
    if type.kind is Kind.DICT:
        return f'write exists({name}["key"])'
    return f"write contains({name}, value)"


def instead_of_whole(type: FieldType, name: str) -> str:
    """What to write instead of comparing a list or dictionary with another one."""
    if type.kind is Kind.SEQUENCE:
        return f": write contains_all({name}, values), contains({name}, value), or size({name}) == 0 where it is empty"
    return f': ask one key, such as {name}["key"] == value' if type.kind is Kind.DICT else ""


def instead_of_value(type: FieldType, value: object) -> str:
    """What to write instead of a value that a field of this type never has; texts of the caller's are not shown."""
    advice = _of_value(type, value)
    return f": {advice}" if advice else ""


def _of_value(type: FieldType, value: object) -> str:
    if type.kind is Kind.ENUM:
        return f"write {_members(type, value)}"
    if type.kind is Kind.ID and isinstance(value, str):
        return f"an id has 24 hex digits in lower case, not {shown_id(value)}; parse_id(text) reads other forms"
    if isinstance(value, Enum):
        return f"write {value.__class__.__name__}.{value.name}.value"
    if isinstance(value, float | Decimal) and value != value:  # noqa: PLR0124 - no number: nothing else says it
        return ""
    return next((found for kinds, cls, found in _VALUES if type.kind in kinds and isinstance(value, cls)), "").format(
        value=value, python=type.python.__name__
    )


def _members(type: FieldType, value: object = None) -> str:
    """The member of an enum that a bare value or a name means, or those that there are."""
    name = type.python.__name__
    members = list(cast("Iterable[Enum]", type.python))
    for member in members:
        if isinstance(value, str | int | float) and value in (member.value, member.name):
            return f"{name}.{member.name}"
    more = ", ..." if len(members) > _MEMBERS else ""
    return ", ".join(f"{name}.{member.name}" for member in members[:_MEMBERS]) + more
