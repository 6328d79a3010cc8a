"""Entities and data from outside: every wrong field at once, a round trip through JSON, never a secret."""

import json
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from enum import Enum
from typing import Any, NewType
from uuid import UUID

import attrs
import pytest
from attrs import define, field
from hypothesis import given
from hypothesis import strategies as st

from tristore import NEVER, Entity, Id, ValidationError, from_dict, new_id, to_dict
from tristore.domain.core import CreditTransfer, User
from tristore.fields import SECRET, at_least, text, to_email, to_instant

ParcelId = NewType("ParcelId", Id)
NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)
SECRET_WORD = "open-sesame"


class Size(Enum):
    """An enum of text."""

    SMALL = "small"
    LARGE = "large"


class Class(Enum):
    """An enum of numbers."""

    FIRST = 1
    SECOND = 2


@define
class Place:
    """A nested value with a rule of its own."""

    city: str = field(validator=text(min=1, max=20))
    code: int | None = None
    key: str = field(default="", repr=False, metadata=SECRET)

    @property
    def label(self) -> str:
        """City and code."""
        return f"{self.code or ''} {self.city}".strip()


@define(kw_only=True)
class Parcel(Entity[ParcelId]):
    """A field of every type."""

    sender: str = field(converter=to_email)
    weight: float = field(default=1.0, validator=at_least(0))
    count: int = field(default=1, validator=at_least(1))
    price: Decimal = Decimal(0)
    fragile: bool = False
    size: Size = Size.SMALL
    class_: Class = Class.SECOND
    sent_at: datetime | None = field(default=None, converter=to_instant)
    label: bytes = b""
    tracking: UUID | None = None
    return_of: ParcelId | None = None
    to: Place | None = None
    stops: list[Place] = field(factory=list)
    tags: set[str] = field(factory=set)
    marks: tuple[int, ...] = ()
    rates: dict[str, Decimal] = field(factory=dict)
    notes: dict[str, Any] = field(factory=dict)
    pin: str | None = field(default=None, repr=False, metadata=SECRET, validator=text(max=20))

    @property
    def is_heavy(self) -> bool:
        """A computed value."""
        return self.weight > 20

    @property
    def _hidden(self) -> str:
        """Nobody's business."""
        return SECRET_WORD


FULL: dict[str, Any] = {
    "id": "0123456789abcdef01234567",
    "version": 3,
    "created_at": "2026-01-31T12:00:00+00:00",
    "updated_at": "2026-01-31T12:00:00.001000+00:00",
    "sender": "ada@example.org",
    "weight": 21.5,
    "count": 2,
    "price": "9.90",
    "fragile": True,
    "size": "large",
    "class_": 1,
    "sent_at": "2026-01-31T12:00:00+00:00",
    "label": "AAH/",
    "tracking": "12345678-1234-5678-1234-567812345678",
    "return_of": "0123456789abcdef01234568",
    "to": {"city": "Oslo", "code": 150, "label": "150 Oslo"},
    "stops": [{"city": "Bergen", "code": None, "label": "Bergen"}],
    "tags": ["urgent"],
    "marks": [1, 2],
    "rates": {"NOK": "1.5"},
    "notes": {"nested": {"list": [1, None, "x", 2.5, True]}},
    "is_heavy": True,
}


def without_properties(data: dict[str, Any]) -> dict[str, Any]:
    """The data of a parcel as a client would send it back."""
    sent = {name: value for name, value in data.items() if name != "is_heavy"}
    for name in ("to", "stops"):
        places = sent[name] if isinstance(sent[name], list) else [sent[name]]
        bare = [place and {key: value for key, value in place.items() if key != "label"} for place in places]
        sent[name] = bare if isinstance(sent[name], list) else bare[0]
    return sent


def problems(cls: type[Any], data: Any) -> dict[str, str]:
    """What is wrong with outside data, by field."""
    with pytest.raises(ValidationError) as error:
        from_dict(cls, data)
    return {problem.field: problem.message for problem in error.value.problems}


def test_an_entity_is_built_from_data_of_every_type() -> None:
    """Each type has its form in JSON, and is built from it."""
    parcel = from_dict(Parcel, without_properties(FULL))

    assert ("0123456789abcdef01234567", 3, NOON) == (parcel.id, parcel.version, parcel.created_at)
    assert (21.5, 2, Decimal("9.90"), True) == (parcel.weight, parcel.count, parcel.price, parcel.fragile)
    assert (Size.LARGE, Class.FIRST, NOON) == (parcel.size, parcel.class_, parcel.sent_at)
    assert (b"\x00\x01\xff", UUID(FULL["tracking"])) == (parcel.label, parcel.tracking)
    assert (Place("Oslo", 150), [Place("Bergen")]) == (parcel.to, parcel.stops)
    assert ({"urgent"}, (1, 2), {"NOK": Decimal("1.5")}) == (parcel.tags, parcel.marks, parcel.rates)
    assert FULL["notes"] == parcel.notes


def test_an_entity_becomes_data_with_its_properties() -> None:
    """`to_dict` gives what JSON can hold: fields and properties, those of nested values too."""
    assert FULL == to_dict(from_dict(Parcel, without_properties(FULL)))


def test_defaults_stand_in_for_what_is_left_out() -> None:
    """Only what has no default must be given."""
    parcel = from_dict(Parcel, {"sender": "ada@example.org"})

    assert (0, NEVER, 1.0, Size.SMALL, [], None) == (
        parcel.version,
        parcel.created_at,
        parcel.weight,
        parcel.size,
        parcel.stops,
        parcel.to,
    )


WRONG: dict[str, tuple[Any, dict[str, str]]] = {
    "id": ("ada", {"id": "must be 24 hex digits, not 'ada'"}),
    "version": ("3", {"version": "must be a whole number, not str"}),
    "created_at": ("yesterday", {"created_at": "must be a date and time in ISO 8601, such as 2026-01-31T12:00:00Z"}),
    "updated_at": (
        "2026-01-31T12:00:00",
        {"updated_at": "must be a date and time with a zone, such as 2026-01-31T12:00:00Z"},
    ),
    "weight": (-1, {"weight": "must be at least 0, not -1.0"}),
    "count": (1.5, {"count": "must be a whole number, not float"}),
    "price": ("ten", {"price": "must be a decimal number, not 'ten'"}),
    "fragile": (1, {"fragile": "must be true or false, not int"}),
    "size": ("huge", {"size": "must be one of small, large"}),
    "class_": ({"$gt": 0}, {"class_": "must be one of 1, 2"}),
    "sent_at": ("0001-01-01T00:00:00+14:00", {"sent_at": "date value out of range"}),
    "label": ("no base64!", {"label": "must be base64"}),
    "tracking": (3, {"tracking": "must be a UUID"}),
    "return_of": ("ada", {"return_of": "must be 24 hex digits, not 'ada'"}),
    "to": ({"city": "", "zip": 1}, {"to.zip": "is not a field", "to.city": "must have 1 to 20 characters, not 0"}),
    "stops": (
        [{"city": "Bergen"}, {}, 3],
        {"stops.1.city": "is missing", "stops.2": "must be an object with fields, not int"},
    ),
    "tags": ("urgent", {"tags": "must be a list, not str"}),
    "marks": (
        [1, "2", None],
        {"marks.1": "must be a whole number, not str", "marks.2": "must be a whole number, not NoneType"},
    ),
    "rates": (
        {"NOK": "x", "SEK": 1.5},
        {
            "rates.NOK": "must be a decimal number, not 'x'",
            "rates.SEK": "must be a decimal number as text, not float",
        },
    ),
    "notes": ([1], {"notes": "must be an object whose keys are text, not list"}),
    "is_heavy": (True, {"is_heavy": "is not a field"}),
    "_events": ([], {"_events": "is not a field"}),
}


@pytest.mark.parametrize(("name", "value", "expected"), [(name, *case) for name, case in WRONG.items()])
def test_a_wrong_value_is_named(name: str, value: Any, expected: dict[str, str]) -> None:
    """Each type says what it takes; what is inside a value is named by its path."""
    assert expected == problems(Parcel, {"sender": "ada@example.org", name: value})


def test_every_wrong_field_is_reported_at_once() -> None:
    """One answer names everything that is wrong, missing or unknown."""
    data = {name: value for name, (value, _) in WRONG.items()}
    expected = {field: message for _, found in WRONG.values() for field, message in found.items()}

    assert {**expected, "sender": "is missing"} == problems(Parcel, data)


@pytest.mark.parametrize("name", ["sender", "count", "stops", "size", "notes"])
def test_none_is_refused_where_it_is_not_allowed(name: str) -> None:
    """null is a value like another: only an optional field takes it."""
    assert {name: "must not be None"} == problems(Parcel, {"sender": "ada@example.org", name: None})


@pytest.mark.parametrize("data", [None, 3, "text", [], [("sender", "ada@example.org")]])
def test_what_is_no_object_is_refused(data: Any) -> None:
    """Outside data may be anything."""
    assert {"": f"must be an object with fields, not {type(data).__name__}"} == problems(Parcel, data)


@pytest.mark.parametrize("operator", [{"$ne": None}, {"$gt": ""}, ["$where"], {"$regex": ".*"}])
def test_an_operator_is_no_email(operator: Any) -> None:
    """An operator in the place of a value is refused like any other wrong type."""
    assert {"email"} == problems(User, {"email": operator, "username": "ada"}).keys()


def test_a_number_too_large_for_its_type_is_named() -> None:
    """JSON's numbers have no bounds; a double has."""
    assert {"weight"} == problems(Parcel, {"sender": "ada@example.org", "weight": 10**400}).keys()


def test_keys_that_are_not_text_are_refused() -> None:
    """Two keys never become one by turning into text."""
    assert {"notes"} == problems(Parcel, {"sender": "ada@example.org", "notes": {1: "a", "1": "b"}}).keys()


def test_a_validator_may_look_at_the_fields_before_it() -> None:
    """A rule over two fields names its field, also where another one is wrong or left out."""
    one, other = new_id(), new_id()

    assert {"receiver_id": "must be another user than the sender"} == problems(
        CreditTransfer, {"sender_id": one, "receiver_id": one, "amount": 1}
    )
    assert {"sender_id", "amount"} == problems(
        CreditTransfer, {"sender_id": "ada", "receiver_id": other, "amount": 0}
    ).keys()
    assert {"sender_id"} == problems(CreditTransfer, {"receiver_id": other, "amount": 1}).keys()


def _in_order(period: "Period", attribute: "attrs.Attribute[Any]", value: int) -> None:
    if value < period.start:
        raise ValueError("must not be before the start")


@define
class Period:
    """A rule over two fields of which one is often left out, and one over the whole."""

    start: int = 5
    end: int = field(default=9, validator=_in_order)

    def __attrs_post_init__(self) -> None:
        if self.end - self.start > 100:
            raise ValueError("must not be longer than 100")


def test_a_rule_that_looks_at_a_default_is_kept() -> None:
    """What a validator cannot see before the object is made, it sees in the constructor."""
    assert Period(5, 6) == from_dict(Period, {"end": 6})
    assert {"": "must not be before the start"} == problems(Period, {"end": 3})


def test_a_rule_over_the_whole_has_no_field() -> None:
    """What the constructor says of the whole is reported without a field."""
    assert {"": "must not be longer than 100"} == problems(Period, {"end": 200})


def from_cents(cents: str | Decimal) -> Decimal:
    """A converter that must not run twice."""
    return Decimal(cents) / 100


@define
class Foreign:
    """The validators that attrs ships, which raise TypeError and put more than words into an error."""

    name: str = field(validator=attrs.validators.in_(["a", "b"]))
    size: Any = field(validator=attrs.validators.instance_of(int))
    cents: Decimal = field(converter=from_cents)
    _alias: int = 0


def test_the_rules_of_attrs_are_reported_in_their_words() -> None:
    """A validator of attrs is reported like our own, with nothing but its message."""
    found = problems(Foreign, {"name": "c", "size": "x", "cents": "1"})

    assert {"name", "size"} == found.keys()
    assert all("Attribute(" not in message for message in found.values())


def test_converters_run_once() -> None:
    """What a converter makes of a value is not converted again."""
    made = from_dict(Foreign, {"name": "a", "size": 1, "cents": "250", "_alias": 3})

    assert (Decimal("2.5"), 3) == (made.cents, made._alias)


def test_secrets_never_come_out() -> None:
    """A secret is in no data, no repr and no error, at any depth."""
    parcel = Parcel(sender="ada@example.org", pin=SECRET_WORD, to=Place("Oslo", key=SECRET_WORD))
    shown = [json.dumps(to_dict(parcel)), repr(parcel)]
    with pytest.raises(ValidationError) as error:
        from_dict(Parcel, {"sender": "ada@example.org", "pin": SECRET_WORD * 2})

    assert not [text for text in (*shown, str(error.value), repr(error.value)) if SECRET_WORD in text]
    assert {"pin"} == {problem.field for problem in error.value.problems}


def test_secrets_may_come_in() -> None:
    """A secret is a field like another for those who send it."""
    assert SECRET_WORD == from_dict(Parcel, {"sender": "ada@example.org", "pin": SECRET_WORD}).pin


def test_the_record_of_events_is_no_data() -> None:
    """What an entity recorded goes to handlers, not into its data."""
    data = to_dict(User.register(email="ada@example.org", username="ada"))

    assert not {"recorded_events", "_events"} & data.keys()
    assert ("ada", True, "ada") == (data["username"], data["is_active"], data["display_name"])


KEYS = st.text().filter(lambda key: not (key.startswith("$") or set(key) & {".", "\0"}))
"""Others are refused: a store could take them for operators or paths."""

JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=5,
)
ZONES = st.sampled_from([UTC, timezone(timedelta(hours=5, minutes=45)), timezone(timedelta(hours=-11))])
INSTANTS = st.datetimes(datetime(2, 1, 1), datetime(9998, 12, 31), timezones=ZONES).map(to_instant)
IDS = st.text("0123456789abcdef", min_size=24, max_size=24)
DECIMALS = st.decimals(allow_nan=False, allow_infinity=False)
PLACES = st.builds(Place, st.text(min_size=1, max_size=20), st.none() | st.integers())
PARCELS = st.builds(
    Parcel,
    id=IDS.map(lambda digits: ParcelId(Id(digits))),
    version=st.integers(0),
    created_at=INSTANTS,
    updated_at=INSTANTS,
    sender=st.just("ada@example.org"),
    weight=st.floats(min_value=0, allow_nan=False, allow_infinity=False),
    count=st.integers(1),
    price=DECIMALS,
    fragile=st.booleans(),
    size=st.sampled_from(Size),
    class_=st.sampled_from(Class),
    sent_at=st.none() | INSTANTS,
    label=st.binary(),
    tracking=st.none() | st.uuids(),
    return_of=st.none() | IDS.map(lambda digits: ParcelId(Id(digits))),
    to=st.none() | PLACES,
    stops=st.lists(PLACES, max_size=3),
    tags=st.sets(st.text(), max_size=3),
    marks=st.lists(st.integers(), max_size=3).map(tuple),
    rates=st.dictionaries(KEYS, DECIMALS, max_size=3),
    notes=st.dictionaries(KEYS, JSON_VALUES, max_size=3),
)


@given(PARCELS)
def test_data_goes_through_json_and_back(parcel: Parcel) -> None:
    """What `to_dict` gives is JSON, and `from_dict` makes the same entity of it, field by field."""
    data = json.loads(json.dumps(to_dict(parcel), allow_nan=False))
    back = from_dict(Parcel, without_properties(data))

    assert attrs.asdict(parcel) == attrs.asdict(back)
    assert [type(value) for value in attrs.astuple(parcel)] == [type(value) for value in attrs.astuple(back)]


@given(st.dictionaries(st.sampled_from([*FULL, "nope"]), JSON_VALUES))
def test_whatever_comes_from_outside_is_an_entity_or_a_validation_error(data: dict[str, Any]) -> None:
    """No data from outside raises anything but a ValidationError that has its problems."""
    found: Parcel | ValidationError
    try:
        found = from_dict(Parcel, data)
    except ValidationError as error:
        found = error

    assert isinstance(found, Parcel) or ("Parcel", True) == (found.entity, bool(found.problems))
