"""What a new user of rules writes first, and the words that the refusal gives instead."""

import re
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import Enum, IntEnum, StrEnum
from typing import Any, cast
from uuid import UUID, uuid4

import pytest
from attrs import define, field

from tristore import Entity, Id, InvalidQuery, between, is_none, one_of, where


class Kind(StrEnum):
    """An enum of texts."""

    NOVEL = "novel"
    ATLAS = "atlas"


class Shelf(IntEnum):
    """An enum of numbers."""

    LOW = 1
    HIGH = 2


class Size(Enum):
    """An enum of more members than a message lists."""

    A, B, C, D, E, F, G, H, I = range(9)  # noqa: E741 - nine names are wanted, whatever they are


@define(kw_only=True)
class Book(Entity[Id]):
    """An entity with a field of every sort."""

    title: str
    author: str | None = None
    price: Decimal = Decimal(1)
    stars: float = 0.0
    pages: int = 0
    out: bool = False
    kind: Kind = Kind.NOVEL
    shelf: Shelf = Shelf.LOW
    size: Size = Size.A
    tags: list[str] = field(factory=list)
    notes: dict[str, int] = field(factory=dict)
    due: datetime | None = None
    day: date = date(2026, 1, 31)
    code: UUID = field(factory=uuid4)
    cover: bytes = b""


BookRule = Callable[[Any], Any]


def _by_statement(book: Any) -> Any:
    if book.out:
        return book.pages > 1
    return book.pages > 2


WORDS: dict[str, tuple[BookRule, str]] = {
    "an f-string of two": (
        lambda b: f"{b.title}, {b.author}" == "x",
        "what is made of several fields needs a field of",
    ),
    "format()": (lambda b: "{}".format(b.title) == "x", "text made of a field"),  # noqa: UP032 - the other way to say it
    "per cent": (lambda b: "%s" % b.title == "x", "text made of a field"),  # noqa: UP031 - the other way to say it
    "re.search": (lambda b: re.search("x", b.title), "re.search() cannot be asked of a store: write matches(field"),
    "a compiled pattern": (lambda b: re.compile("x").fullmatch(b.title), 'write matches(field, "^pattern$")'),
    "a method of str": (
        lambda b: str.lower(b.title) == "x",
        "str.lower() cannot be asked of a store: write icontains(",
    ),
    "another function": (lambda b: Decimal(b.pages) > 1, "Decimal() cannot be asked of a store: compare the field"),
    "lower()": (lambda b: b.title.lower() == "x", 'write icontains(title, text), or matches(title, "(?i)^text$")'),
    "strip()": (lambda b: b.title.strip() == "x", "by a converter of the field"),
    "a misspelt method": (lambda b: b.title.startwith("x"), "did you mean startswith()?"),
    "split()": (lambda b: b.title.split(",")[0] == "x", "ask with startswith(), endswith()"),
    "the year": (lambda b: b.due.year == 2026, "write (due >= begin) & (due < end)"),
    "count()": (lambda b: b.tags.count("x") > 1, "write contains(tags, value)"),
    "get()": (lambda b: b.notes.get("x") == 1, 'write notes["key"]'),
    "keys()": (lambda b: "x" in b.notes.keys(), 'write exists(notes["key"])'),  # noqa: SIM118 - as one may write it
    "the value of an enum": (lambda b: b.kind.value == "novel", "compare it with a member, Kind.NOVEL, Kind.ATLAS"),
    "a method of a number": (lambda b: b.pages.bit_length() > 1, "compare pages itself"),
    "len() of text": (lambda b: len(b.title) > 2, 'write matches(title, "^.{3,}$")'),
    "len() of a dictionary": (lambda b: len(b.notes) > 2, "size() counts the items of a list, and notes is dict"),
    "in text": (lambda b: "x" in b.title, "write matches(title, pattern), or icontains(title, text)"),
    "not in text": (lambda b: "x" not in b.title, "write matches(title, pattern), or icontains(title, text)"),
    "in a dictionary": (lambda b: "x" in b.notes, 'write exists(notes["key"])'),
    "a loop over text": (lambda b: list(b.title) == [], "any_of() asks about the items of a list"),
    "== True": (lambda b: (b.pages > 1) == True, "== True cannot be captured in a rule: leave it out"),  # noqa: E712
    "!= False": (lambda b: is_none(b.author) != False, "leave it out"),  # noqa: E712
    "== False": (lambda b: (b.pages > 1) == False, "write not_(condition)"),  # noqa: E712
    "a condition and a number": (lambda b: (b.pages > 1) == 1, "put each comparison in parentheses"),
    "a condition, ordered": (lambda b: (b.pages > 1) > 2, "put each comparison in parentheses"),
    "is True": (lambda b: b.out is True, "the field or not_(field) for 'field is True'"),
    "a field alone": (lambda b: b.title, "gave the field title alone instead of a condition"),
    "all() of conditions": (lambda b: all((b.out, b.pages > 1)), "all() cannot be captured in a rule: join conditions"),
    "min()": (lambda b: min(b.pages, 3) > 1, "compare each of the values by itself"),
    "a call of a value": (lambda b: b.out(), "leave the parentheses out"),
    "an if of its own line": (_by_statement, "if cannot be captured in a rule: write a condition with &"),
    "an empty list": (lambda b: b.tags == [], "size(tags) == 0 where it is empty"),
    "a dictionary": (lambda b: b.notes == {}, 'ask one key, such as notes["key"] == value'),
}

VALUES: dict[str, tuple[BookRule, str]] = {
    "the text of a member": (lambda b: b.kind == "atlas", "cannot be compared with a str: write Kind.ATLAS"),
    "the name of a member": (lambda b: b.kind == "ATLAS", "write Kind.ATLAS"),
    "the number of a member": (lambda b: b.shelf == 2, "write Shelf.HIGH"),
    "no member": (lambda b: b.kind == "map", "write Kind.NOVEL, Kind.ATLAS"),
    "one of many members": (lambda b: b.size == 77, "Size.G, Size.H, ..."),
    "among several": (lambda b: one_of(b.kind, cast("list[Kind]", ["atlas"])), "write Kind.ATLAS"),
    "a member for text": (lambda b: b.title == Size.B, "cannot be compared with a Size: write Size.B.value"),
    "a float for a Decimal": (lambda b: b.price > 9.9, 'the float 9.9: write Decimal("9.9")'),
    "a float at an end": (lambda b: between(b.price, 1.5, 2.5), 'write Decimal("1.5")'),
    "a Decimal for a float": (lambda b: b.stars > Decimal("9.9"), "the Decimal 9.9: write 9.9"),
    "a float for a whole number": (lambda b: b.pages > 9.9, "write a whole number"),
    "text for a number": (lambda b: b.pages > "9", "write a number, without quotes"),
    "a number for text": (lambda b: b.title == 9, "write text, in quotes"),
    "1 for True": (lambda b: b.out == 1, "write True or False"),
    "text for a time": (lambda b: b.due > "2026-01-31", "a datetime with a time zone, such as datetime("),
    "a day for a time": (lambda b: b.due > date(2026, 1, 31), "write datetime(2026, 1, 31, tzinfo=UTC)"),
    "a time for a day": (lambda b: b.day == datetime(2026, 1, 31, tzinfo=UTC), "write a date, such as moment.date()"),
    "text for a day": (lambda b: b.day == "2026-01-31", "such as date.fromisoformat(text)"),
    "text for a UUID": (lambda b: b.code == "x", "write a UUID, such as UUID(text)"),
    "text for bytes": (lambda b: b.cover == "x", "write bytes, such as text.encode()"),
    "text for an id": (lambda b: b.id == "xyz", "an id has 24 hex digits in lower case, not 'xyz'"),
    "long text for an id": (lambda b: b.id == "x" * 99, f"not '{'x' * 40}...'"),
}


@pytest.mark.parametrize(("rule", "words"), [*WORDS.values(), *VALUES.values()], ids=[*WORDS, *VALUES])
def test_a_refusal_says_what_to_write_instead(rule: BookRule, words: str) -> None:
    """What one writes first is one error with the words that a store understands, and no chain behind it."""
    with pytest.raises(InvalidQuery) as refusal:
        where(Book, rule)

    assert words in str(refusal.value)
    assert "StandIn" not in str(refusal.value)
    assert refusal.value.__cause__ is None


def test_text_of_the_caller_is_not_shown() -> None:
    """A value that was compared with the wrong field may be a secret: only its class is named."""
    with pytest.raises(InvalidQuery) as refusal:
        where(Book, lambda b: cast("Any", b).code == "hunter2")

    assert "hunter2" not in str(refusal.value)


def test_an_error_of_the_rules_own_stays_what_it_is() -> None:
    """A mistake that has nothing to do with fields is not taken for a question to a store."""
    with pytest.raises(TypeError, match="unsupported operand"):
        where(Book, lambda b: b.pages > 1 + cast("int", None))
