"""Converters and validators that entities share."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from enum import Enum
from typing import Any

import attrs
import pytest
from attrs import define, field
from hypothesis import given
from hypothesis import strategies as st

from tristore import Entity, ValidationError, new_id
from tristore.fields import (
    at_least,
    check_whole,
    instant,
    member_of,
    number,
    reference,
    shortened,
    text,
    to_email,
    to_instant,
    trimmed,
    username,
    whole,
)

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)


class Color(Enum):
    """An enum."""

    RED = "red"


@define(kw_only=True)
class Guest(Entity):
    """An entity with every shared rule, each on one field."""

    email: str = field(default="ada@example.org", converter=to_email)
    login: str = field(default="ada", validator=username)
    name: str = field(default="Ada", converter=trimmed, validator=text(min=1, max=5))
    nickname: str | None = field(default="Ad", validator=text(max=5))
    score: float = field(default=0.0, validator=number)
    credits: int = field(default=0, validator=at_least(0))
    age: int = field(default=1, validator=whole(min=1, max=150))
    visits: int = field(default=0, validator=whole(min=0))
    color: Color = field(default=Color.RED, validator=member_of(Color))
    friend_id: str | None = field(default=None, validator=reference)
    host_id: str = field(factory=new_id, validator=reference)
    seen_at: datetime | None = field(default=None, converter=to_instant, validator=instant)
    born_at: datetime = field(default=NOON, converter=to_instant, validator=instant)


ACCEPTED: list[tuple[str, Any, Any]] = [
    ("email", " Ada@Example.ORG\n", "ada@example.org"),
    ("email", "a.b+c@xn--bcher-kva.example", "a.b+c@b\u00fccher.example"),
    ("login", "a-B_9", "a-B_9"),
    ("login", "a" * 30, "a" * 30),
    ("name", " Ada ", "Ada"),
    ("nickname", None, None),
    ("nickname", "", ""),
    ("score", -1.5, -1.5),
    ("score", 3, 3),
    ("credits", 0, 0),
    ("age", 150, 150),
    ("visits", 2**62, 2**62),
    ("friend_id", None, None),
    ("friend_id", "0" * 24, "0" * 24),
    ("seen_at", None, None),
    ("seen_at", datetime(2026, 1, 31, 13, 0, 0, 1999, timezone(timedelta(hours=1))), NOON.replace(microsecond=1000)),
]


@pytest.mark.parametrize(("name", "value", "expected"), ACCEPTED)
def test_what_obeys_is_accepted(name: str, value: Any, expected: Any) -> None:
    """A value within the rules is taken, in the one form in which it is stored."""
    assert expected == getattr(Guest(**{name: value}), name)


REFUSED: list[tuple[str, Any, str]] = [
    ("email", "ada", "is not an e-mail address"),
    ("email", None, "must be text, not NoneType"),
    ("email", {"$ne": None}, "must be text, not dict"),
    ("login", "ab", "must have 3 to 30 letters"),
    ("login", "a" * 31, "must have 3 to 30 letters"),
    ("login", "ada lovelace", "must have 3 to 30 letters"),
    ("login", "ada\n", "must have 3 to 30 letters"),
    ("login", "\u00e9lise", "must have 3 to 30 letters"),
    ("login", None, "must have 3 to 30 letters"),
    ("name", "  ", "must have 1 to 5 characters, not 0"),
    ("name", "Augusta", "must have 1 to 5 characters, not 7"),
    ("name", None, "must be text, not NoneType"),
    ("name", 3, "must be text, not int"),
    ("nickname", "Augusta", "must have 0 to 5 characters, not 7"),
    ("score", float("nan"), "must be a finite number, not nan"),
    ("score", float("inf"), "must be a finite number, not inf"),
    ("score", True, "must be a number, not bool"),
    ("score", "1", "must be a number, not str"),
    ("credits", -1, "must be at least 0, not -1"),
    ("credits", "1", "must be a number, not str"),
    ("age", 0, "must be between 1 and 150, not 0"),
    ("age", 151, "must be between 1 and 150, not 151"),
    ("age", True, "must be a whole number, not bool"),
    ("age", 1.0, "must be a whole number, not float"),
    ("visits", -1, "must be at least 0, not -1"),
    ("color", "red", "must be a member of Color, not str"),
    ("friend_id", "ada", "must be an id of 24 hex digits"),
    ("host_id", None, "must be an id of 24 hex digits"),
    ("seen_at", datetime(2026, 1, 31), "must be an aware datetime: give it a time zone"),
    ("seen_at", "2026-01-31", "must be a datetime, not str"),
    ("born_at", None, "must be a datetime, not NoneType"),
]


@pytest.mark.parametrize(("name", "value", "words"), REFUSED)
def test_what_breaks_a_rule_is_refused_when_the_entity_is_made(name: str, value: Any, words: str) -> None:
    """A broken rule names the field and what would be right."""
    with pytest.raises(ValidationError) as error:
        Guest(**{name: value})

    assert [name] == [problem.field for problem in error.value.problems]
    assert error.value.problems[0].message.startswith(words)


@pytest.mark.parametrize(("name", "value", "words"), REFUSED)
def test_what_breaks_a_rule_is_refused_at_assignment(name: str, value: Any, words: str) -> None:
    """A later assignment obeys the same rules, and the entity keeps the value that it had."""
    guest = Guest()
    before = getattr(guest, name)

    with pytest.raises(ValidationError):
        setattr(guest, name, value)
    assert before == getattr(guest, name)


@given(st.text(max_size=40))
def test_an_email_address_has_one_form(value: str) -> None:
    """What is accepted is its own form: bringing it there again changes nothing."""
    try:
        form = to_email(value)
    except ValidationError:
        return
    assert form == to_email(form)


@given(st.emails())
def test_letter_case_makes_no_other_address(address: str) -> None:
    """Two ways of writing one address are one address."""
    try:
        form = to_email(address)
    except ValidationError:
        return  # the strategy makes some that the standard allows and nobody can have
    assert form == to_email(f" {address.upper()} ") == to_email(address.lower())


@pytest.mark.parametrize(
    ("value", "expected"), [("", ""), ("abcde", "abcde"), ("abcdef", "abcd\u2026"), ("abcdefghi", "abcd\u2026")]
)
def test_what_must_be_kept_is_shortened(value: str, expected: str) -> None:
    """Text beyond the bound is cut, and shows that it was."""
    assert expected == shortened(value, 5)


@pytest.mark.parametrize("convert", [trimmed, to_instant, lambda value: shortened(value, 3)])
def test_converters_leave_the_wrong_type_to_the_validators(convert: Callable[[Any], Any]) -> None:
    """A converter that meets another type gives it back as it is, so that the validator names the field."""
    for value in (None, 3, ["a"], datetime(2026, 1, 31)):
        assert convert(value) is value


def test_a_number_is_checked_under_the_name_that_is_given() -> None:
    """Methods of entities check their arguments by the same rule."""
    check_whole("amount", 3, min=1)

    with pytest.raises(ValidationError, match="amount: must be at least 1, not 0"):
        check_whole("amount", 0, min=1)


def test_a_field_is_optional_by_its_annotation_or_its_default() -> None:
    """None passes where the annotation allows it, written either way, and nowhere else."""
    with_union = attrs.fields(Guest).nickname
    required = attrs.fields(Guest).name
    quoted = with_union.evolve(type="str | None", default="x")

    text(max=3)(None, with_union, None)
    text(max=3)(None, quoted, None)
    with pytest.raises(ValidationError):
        text(max=3)(None, required, None)
