"""Entities and their documents: what is stored, what loads, what is refused and when."""

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from enum import Enum
from typing import Any, NewType
from uuid import UUID

import attrs
import pytest
from attrs import define, field
from bson import Decimal128, Int64, ObjectId, decode, encode
from bson.datetime_ms import DatetimeMS
from cattrs import Converter
from hypothesis import given
from hypothesis import strategies as st

from tristore import (
    NEVER,
    Documents,
    Entity,
    Id,
    Repository,
    ValidationError,
    make_converter,
    new_id,
)
from tristore.adapters.backend import CODEC_OPTIONS
from tristore.adapters.documents.mapping.converter import mapping_of
from tristore.adapters.documents.mapping.entity_mapping import EntityMapping
from tristore.domain.entities.clock import to_milliseconds

PlanetId = NewType("PlanetId", Id)
NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)


class Kind(Enum):
    """An enum of text."""

    ROCK = "rock"
    GAS = "gas"


class Rank(Enum):
    """An enum of numbers."""

    FIRST = 1
    HALF = 0.5


@define
class Moon:
    """A nested value that holds values of its own kind."""

    full_name: str
    mass: float | None = None
    moons: "list[Moon]" = field(factory=list)


@define(kw_only=True)
class Planet(Entity[PlanetId]):
    """A field of every type that can be stored."""

    name: str = ""
    rings: int = 0
    mass: float = 0.0
    is_habitable: bool = False
    found_at: datetime | None = None
    price: Decimal = Decimal(0)
    photo: bytes = b""
    catalogue: UUID | None = None
    kind: Kind = Kind.ROCK
    rank: Rank | None = None
    star_id: PlanetId | None = None
    nickname: str | None = None
    largest_moon: Moon | None = None
    moons: list[Moon] = field(factory=list)
    tags: set[str] = field(factory=set)
    years: tuple[int, ...] = ()
    frozen_tags: frozenset[int] = frozenset()
    gaps: list[int | None] = field(factory=list)
    rates: dict[str, Decimal] = field(factory=dict)
    visits: dict[str, list[datetime]] = field(factory=dict)
    metadata: dict[str, Any] = field(factory=dict)
    anything: Any = None
    bare: tuple = ()  # type: ignore[type-arg]


def mapping_for(cls: type[Entity[Any]], converter: Converter | None = None, **options: Any) -> EntityMapping:
    """The mapping of an entity class, as a store would make it."""
    repository: Any = type(f"{cls.__name__}Repository", (Repository,), {"entity": cls})
    return mapping_of(Documents(repository, collection="c", **options), converter or make_converter())


def stored(document: dict[str, Any]) -> dict[str, Any]:
    """A document after it was written and read: only what BSON can hold, in the form in which it comes back."""
    return decode(encode(document, codec_options=CODEC_OPTIONS), CODEC_OPTIONS)


def values(entity: Any) -> dict[str, Any]:
    """All values of an entity, nested ones too, with their types."""
    return attrs.asdict(entity, value_serializer=lambda _, __, value: (type(value), value))


PLANETS = mapping_for(Planet)
BARE = {"_id": ObjectId(), "version": 1, "createdAt": datetime(2026, 1, 31), "updatedAt": datetime(2026, 1, 31)}

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=5)
KEYS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0.$"), max_size=5)
INTS = st.integers(-(2**63), 2**63 - 1)
FLOATS = st.floats(allow_nan=False)
DECIMALS = st.decimals(allow_nan=False, min_value=-(10**15), max_value=10**15, places=4)
IDS = st.binary(min_size=12, max_size=12).map(lambda raw: PlanetId(Id(raw.hex())))
ZONES = st.sampled_from([UTC, timezone(timedelta(hours=5, minutes=45)), timezone(timedelta(hours=-11))])
MOMENTS = st.datetimes(datetime(2, 1, 1), datetime(9998, 12, 31), timezones=ZONES)
FREE = st.recursive(
    st.none() | st.booleans() | INTS | FLOATS | TEXT | st.binary(max_size=3) | st.uuids() | DECIMALS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=5,
)
MOONS: st.SearchStrategy[Moon] = st.recursive(
    st.builds(Moon, TEXT, st.none() | FLOATS),
    lambda inner: st.builds(Moon, TEXT, st.none() | FLOATS, st.lists(inner, max_size=2)),
    max_leaves=3,
)
PLANET = st.builds(
    Planet,
    id=IDS,
    version=st.integers(1, 2**31),
    created_at=MOMENTS,
    updated_at=MOMENTS,
    name=TEXT,
    rings=INTS,
    mass=FLOATS,
    is_habitable=st.booleans(),
    found_at=st.none() | MOMENTS,
    price=DECIMALS,
    photo=st.binary(max_size=5),
    catalogue=st.none() | st.uuids(),
    kind=st.sampled_from(Kind),
    rank=st.none() | st.sampled_from(Rank),
    star_id=st.none() | IDS,
    nickname=st.none() | TEXT,
    largest_moon=st.none() | MOONS,
    moons=st.lists(MOONS, max_size=2),
    tags=st.sets(TEXT, max_size=3),
    years=st.lists(INTS, max_size=3).map(tuple),
    frozen_tags=st.frozensets(INTS, max_size=3),
    gaps=st.lists(st.none() | INTS, max_size=3),
    rates=st.dictionaries(KEYS, DECIMALS, max_size=3),
    visits=st.dictionaries(KEYS, st.lists(MOMENTS.map(to_milliseconds), max_size=2), max_size=2),
    metadata=st.dictionaries(KEYS, FREE, max_size=3),
    anything=FREE,
    bare=st.lists(INTS, max_size=3).map(tuple),
)


@given(PLANET)
def test_an_entity_goes_through_bson_and_back(planet: Planet) -> None:
    """Every type comes back as it was, dates in UTC and whole milliseconds."""
    back = PLANETS.load(stored(PLANETS.dump(planet)))
    for name in ("created_at", "updated_at", "found_at"):
        moment = getattr(planet, name)
        setattr(planet, name, moment and to_milliseconds(moment.astimezone(UTC)))

    assert type(back) is Planet
    assert values(planet) == values(back)
    assert planet == back


@given(PLANET)
def test_the_generated_and_the_checked_way_agree(planet: Planet) -> None:
    """What is slow and names its problems makes the same of a fitting value as what is fast."""
    document = PLANETS.dump(planet)

    assert stored(document) == stored(PLANETS._dump_checked(planet))
    assert values(PLANETS.load(stored(document))) == values(PLANETS._load_checked(stored(document)))


@given(PLANET)
def test_a_loaded_entity_has_not_changed(planet: Planet) -> None:
    """U8: what was stored and loaded again is no change, whatever its values."""
    back = PLANETS.load(stored(PLANETS.dump(planet)))

    assert PLANETS.is_same(back, PLANETS.snapshot(back))
    assert ({}, ()) == PLANETS.changes(back, PLANETS.snapshot(back))


def test_a_document_has_the_keys_of_its_naming() -> None:
    """camelCase, nested values too; what is None is left out; a key of one's own goes before."""
    planet = Planet(star_id=PlanetId(new_id()), largest_moon=Moon("Luna"))
    document = PLANETS.dump(planet)
    snake = mapping_for(Planet, naming="snake_case", keys={"name": "title"}).dump(planet)

    assert (ObjectId(planet.id), ObjectId(planet.star_id)) == (document["_id"], document["starId"])
    assert {"fullName": "Luna", "moons": []} == document["largestMoon"]
    assert not {"nickname", "rank", "foundAt"} & document.keys()
    assert {"_id", "star_id", "largest_moon", "title"} <= snake.keys()
    assert {"full_name": "Luna", "moons": []} == snake["largest_moon"]


def test_a_loaded_entity_is_like_a_made_one() -> None:
    """A loaded object has its class, its rules, no events, and collections of its own."""
    document = {**BARE, "tags": ["a"], "metadata": {"a": [1]}}
    first, second = PLANETS.load_all([stored(document), stored(document)])
    first.tags.add("b")
    first.metadata["a"].append(2)

    assert () == first.recorded_events
    assert ({"a"}, {"a": [1]}, []) == (second.tags, second.metadata, second.moons)
    assert first.moons is not second.moons
    assert not hasattr(first, "__dict__")


def test_defaults_stand_in_for_what_is_missing() -> None:
    """A field that is missing or null has its default, and None where it is optional."""
    for document in ({}, {"rings": None, "kind": None, "tags": None, "metadata": None, "nickname": None}):
        planet = PLANETS.load(stored({"_id": ObjectId(), **document}))

        assert (0, NEVER, 0, Kind.ROCK, set(), {}, None) == (
            planet.version,
            planet.created_at,
            planet.rings,
            planet.kind,
            planet.tags,
            planet.metadata,
            planet.nickname,
        )


def test_documents_of_other_programs_load() -> None:
    """No version, `__v`, fields that nobody knows, whole doubles and 64-bit numbers: what a Mongoose service writes."""
    planet = PLANETS.load(
        stored(
            {
                "_id": ObjectId(),
                "__v": 3,
                "rings": 7.0,
                "years": [1.0, Int64(2)],
                "mass": 5,
                "more": {"a": 1},
                "rank": 1.0,
            }
        )
    )

    assert (0, 7, (1, 2), 5.0, Rank.FIRST) == (planet.version, planet.rings, planet.years, planet.mass, planet.rank)
    assert [int, float] == [type(planet.rings), type(planet.mass)]


def test_free_values_come_back_in_pythons_types() -> None:
    """In a field of no declared type dates are aware and decimals Decimals, at any depth."""
    planet = Planet(metadata={"a": [NOON, {"b": Decimal("1.5")}], "n": 2**40}, anything=(NOON,))
    back = PLANETS.load(stored(PLANETS.dump(planet)))

    assert ({"a": [NOON, {"b": Decimal("1.5")}], "n": 2**40}, [NOON]) == (back.metadata, back.anything)
    assert type(back.metadata["n"]) is int


MISFITS: dict[str, tuple[Any, str]] = {
    "name": (3, "must be text, not a value of type int"),
    "rings": (1.5, "must be a whole number, not a value of type float"),
    "mass": (Decimal128("1"), "must be a number, not a value of type Decimal128"),
    "isHabitable": (1, "must be True or False, not a value of type int"),
    "foundAt": ("2026-01-31", "expected a date between the years 1 and 9999, found a value of type str"),
    "createdAt": (DatetimeMS(2**60), "expected a date between the years 1 and 9999, found a value of type DatetimeMS"),
    "price": (1.5, "expected a Decimal128, found a value of type float"),
    "photo": ("x", "must be bytes, not a value of type str"),
    "catalogue": (b"x", "must be a UUID, not a value of type bytes"),
    "kind": ("plasma", "must be one of 'rock', 'gas', not 'plasma'"),
    "starId": ("0" * 24, "expected an ObjectId, found a value of type str"),
    "largestMoon": ([], "expected a document, found list"),
    "tags": ("a", "expected a list, found a value of type str"),
    "rates": ([], "expected a document, found a value of type list"),
    "metadata": (3, "expected a document, found a value of type int"),
}
ATTRIBUTES = {field.key: field.name for field in PLANETS.fields}


@pytest.mark.parametrize(("key", "value", "message"), [(key, *case) for key, case in MISFITS.items()])
def test_a_document_that_does_not_fit_is_named(key: str, value: Any, message: str) -> None:
    """A wrong stored value is an error that names the document, the field and what was expected."""
    id = ObjectId()
    with pytest.raises(ValidationError) as error:
        PLANETS.load(stored({**BARE, "_id": id, key: value}))

    assert ("Planet", id) == (error.value.entity, error.value.document_id)
    assert [(ATTRIBUTES[key], message)] == [(found.field, found.message) for found in error.value.problems]
    assert str(error.value).startswith(f"stored Planet {id} is not valid: {ATTRIBUTES[key]}: ")


def test_every_field_that_does_not_fit_is_named_at_once() -> None:
    """One answer names all, by attribute names, inside nested values by their path."""
    document = {**BARE, **{key: value for key, (value, _) in MISFITS.items()}, "largestMoon": {"mass": "x"}}
    with pytest.raises(ValidationError) as error:
        PLANETS.load(stored(document))

    expected = {ATTRIBUTES[key] for key in MISFITS} - {"largest_moon"} | {"largest_moon.full_name", "largest_moon.mass"}
    assert expected == {found.field for found in error.value.problems}


def test_one_bad_document_among_many_is_named() -> None:
    """Loading many stops at the one that does not fit, and says which."""
    bad = ObjectId()
    with pytest.raises(ValidationError, match=f"stored Planet {bad}"):
        PLANETS.load_all([stored(BARE), stored({**BARE, "_id": bad, "name": 3})])


UNSTORABLE: dict[str, tuple[Any, str]] = {
    "id": ("ada", "must be an id of 24 lower-case hex digits, not 'ada'"),
    "version": (None, "must be a whole number, not None"),
    "name": (3, "must be text, not a value of type int"),
    "rings": (2**63, "must fit 64 bits"),
    "mass": ("1", "must be a number, not a value of type str"),
    "is_habitable": (1, "must be True or False, not a value of type int"),
    "created_at": (datetime(2026, 1, 31), "must be an aware datetime: give it a time zone, such as UTC"),
    "found_at": (
        datetime.min.replace(tzinfo=timezone(timedelta(hours=14))),
        "must lie between the years 1 and 9999 in UTC",
    ),
    "updated_at": (date(2026, 1, 31), "must be a datetime, not a value of type date"),
    "price": (Decimal("1." + "1" * 40), "must fit 34 decimal digits"),
    "photo": ("x", "must be bytes, not a value of type str"),
    "catalogue": ("x", "must be a UUID, not a value of type str"),
    "kind": ("rock", "must be a Kind, not a value of type str"),
    "star_id": ("0" * 23 + "A", "must be an id of 24 lower-case hex digits, not '00000000000000000000000A'"),
    "largest_moon": ({"full_name": "Luna"}, "must be a Moon, not dict"),
    "moons": (Moon("Luna"), "must be a list, not a value of type Moon"),
    "tags": (["a"], "must be a set, not a value of type list"),
    "gaps": (["1"], "must be a whole number, not a value of type str"),
    "rates": ({"$inc": Decimal(1)}, "has the key '$inc': a key has no '.', no NUL and no leading '$'"),
    "visits": ({1: []}, "has a key that is a value of type int: keys are text"),
    "metadata": ({"a": {"b.c": 1}}, "has the key 'b.c': a key has no '.', no NUL and no leading '$'"),
    "anything": (
        {1, 2},
        "holds a value of type set, which cannot be stored: use text, numbers, booleans, None, aware datetimes, "
        "Decimal, bytes, UUID, and lists and dictionaries of them",
    ),
}


@pytest.mark.parametrize(("name", "value", "message"), [(name, *case) for name, case in UNSTORABLE.items()])
def test_a_value_that_cannot_be_stored_is_named(name: str, value: Any, message: str) -> None:
    """A wrong value is an error that names the entity, the field and what would be right."""
    planet = Planet()
    object.__setattr__(planet, name, value)
    with pytest.raises(ValidationError) as error:
        PLANETS.dump(planet)

    assert [(name, message)] == [(found.field, found.message) for found in error.value.problems]
    assert "Planet" == error.value.entity


@pytest.mark.parametrize("key", ["\0", "a\0b", "$set", "a.b", 3, None])
def test_keys_that_a_store_could_misread_are_refused(key: Any) -> None:
    """NUL, operators, paths and what is no text: none can be a key, at any depth."""
    for metadata in ({key: 1}, {"a": {key: 1}}, {"a": [{"b": {key: 1}}]}):
        with pytest.raises(ValidationError, match=r"metadata: has (the|a) key"):
            PLANETS.dump(Planet(metadata=metadata))


def test_values_nested_too_deeply_are_refused() -> None:
    """MongoDB takes a hundred levels; a value that holds itself has more."""
    endless: dict[str, Any] = {}
    endless["a"] = endless
    with pytest.raises(ValidationError, match="must not be nested deeper than 100 levels"):
        PLANETS.dump(Planet(metadata=endless))
