"""Classes and their mappings: types that cannot be stored, hooks of the user's own, constructors that do more."""

from collections.abc import Callable
from enum import Enum, Flag
from fractions import Fraction
from typing import Any, Literal
from uuid import UUID, uuid4

import attrs
import pytest
from attrs import define, field, frozen
from bson import ObjectId, decode, encode
from cattrs import Converter

from tristore import (
    ConfigurationError,
    Documents,
    Entity,
    Repository,
    UnitOfWork,
    ValidationError,
    make_converter,
    open_store,
)
from tristore.adapters.backend import CODEC_OPTIONS
from tristore.adapters.documents.mapping.converter import mapping_of
from tristore.adapters.documents.mapping.entity_mapping import EntityMapping
from tristore.fields import at_least


def mapping_for(cls: type[Entity[Any]], converter: Converter | None = None, **options: Any) -> EntityMapping:
    """The mapping of an entity class, as a store would make it."""
    repository: Any = type(f"{cls.__name__}Repository", (Repository,), {"entity": cls})
    return mapping_of(Documents(repository, collection="c", **options), converter or make_converter())


def stored(document: dict[str, Any]) -> dict[str, Any]:
    """A document after it was written and read: only what BSON can hold, in the form in which it comes back."""
    return decode(encode(document, codec_options=CODEC_OPTIONS), CODEC_OPTIONS)


class Odd(Enum):
    """Members that BSON does not give back."""

    PAIR = (1, 2)


class Rights(Flag):
    """Members that combine into values that are no members."""

    READ = 1
    WRITE = 2


@define
class Deep:
    """A value that cannot be stored, two levels down."""

    days: list[range]


@define
class Deeper:
    """Holds it."""

    deep: Deep | None = None


@pytest.mark.parametrize(
    ("annotation", "named"),
    [
        (range, "a field of type range cannot be stored"),
        (Fraction | None, "a field of type Fraction cannot be stored"),
        (list[range], "a field of type range cannot be stored"),
        (dict[str, complex], "a field of type complex cannot be stored"),
        (dict[int, str], "a field of type dict[int, str] cannot be stored"),
        (tuple[int, str], "a field of type tuple[int, str] cannot be stored"),
        (int | str, "a field of type int | str cannot be stored"),
        (Literal["a"], "a field of type typing.Literal['a'] cannot be stored"),
        (Callable, "a field of type Callable cannot be stored"),
        (Odd, "Odd cannot be stored: the members of an enum need text or numbers as values"),
        (Rights, "Rights cannot be stored: the members of an enum need text or numbers as values"),
        (Deeper, "deep: days: a field of type range cannot be stored"),
    ],
)
def test_a_type_that_cannot_be_stored_is_refused_when_the_store_is_opened(annotation: Any, named: str) -> None:
    """Not at the first save: the error names the class, the field and the type, and says what to use."""
    cls = attrs.make_class(
        "Thing", {"what": field(type=annotation)}, bases=(Entity,), kw_only=True, eq=False, slots=True
    )
    cls.__annotations__ = {"what": annotation}
    repository: Any = type("ThingRepository", (Repository,), {"entity": cls})
    unit = type("ThingUnitOfWork", (UnitOfWork,), {"__annotations__": {"things": repository}})

    with pytest.raises(ConfigurationError) as error:
        open_store(unit, url="memory://", documents=[Documents(repository, collection="things")])
    assert str(error.value).startswith(f"Thing cannot be mapped: what: {named}")


def with_fractions(unstructure: Callable[[Fraction], Any] = str) -> Converter:
    """A converter with the pair of hooks that a user registers for a type."""
    converter = make_converter()
    converter.register_structure_hook(Fraction, lambda given, _: Fraction(given))
    converter.register_unstructure_hook(Fraction, unstructure)
    return converter


@define(kw_only=True)
class Recipe(Entity):
    """Holds values of a type that tristore does not know."""

    flour: Fraction
    milk: Fraction | None = None
    rest: dict[str, list[Fraction]] = field(factory=dict)


def test_a_registered_pair_of_hooks_stores_a_type_of_the_users_own() -> None:
    """The pair serves the field, the optional one and the items of collections, and finds changes."""
    mapping = mapping_for(Recipe, with_fractions())
    recipe = Recipe(flour=Fraction(1, 3), rest={"a": [Fraction(2, 3)]})
    document = stored(mapping.dump(recipe))
    back = mapping.load(document)
    before = mapping.snapshot(back)
    back.milk = Fraction(1, 2)

    assert ("1/3", {"a": ["2/3"]}) == (document["flour"], document["rest"])
    assert (Fraction(1, 3), {"a": [Fraction(2, 3)]}) == (back.flour, back.rest)
    assert ({"milk": "1/2"}, ()) == mapping.changes(back, before)


@pytest.mark.parametrize("value", ["x", "1/0", None, [], {}])
def test_a_stored_value_that_a_hook_refuses_is_named(value: Any) -> None:
    """Whatever a hook raises, the error names document and field."""
    id = ObjectId()
    mapping = mapping_for(Recipe, with_fractions())

    with pytest.raises(ValidationError, match=f"stored Recipe {id} is not valid: flour: "):
        mapping.load(stored({"_id": id, "flour": value}))


def test_half_a_pair_of_hooks_is_refused() -> None:
    """A type that can be written and not read is refused when the class is mapped."""
    converter = make_converter()
    converter.register_unstructure_hook(Fraction, str)

    with pytest.raises(ConfigurationError, match=r"a field of type Fraction cannot be stored: .* pair of cattrs hooks"):
        mapping_for(Recipe, converter)


def test_the_converter_knows_the_entities_of_its_store() -> None:
    """The generated pair is registered, so that cattrs gives and takes whole documents."""
    converter = with_fractions()
    mapping_for(Recipe, converter)
    recipe = Recipe(flour=Fraction(1, 3))

    assert "1/3" == converter.unstructure(recipe)["flour"]
    assert recipe == converter.structure(converter.unstructure(recipe), Recipe)


@define(kw_only=True)
class Measured(Entity):
    """A class whose constructor does more than take values."""

    width: int = field(default=1, validator=at_least(1))
    height: int = 1
    area: int = field(init=False)
    _note: str = "none"

    def __attrs_post_init__(self) -> None:
        self.area = self.width * self.height


@frozen(kw_only=True)
class Point:
    """A value that cannot be changed."""

    x: int
    y: int = 0
    distance: int = field(init=False, eq=False)

    def __attrs_post_init__(self) -> None:
        object.__setattr__(self, "distance", abs(self.x) + abs(self.y))


@define(kw_only=True)
class Path(Entity):
    """Holds frozen values."""

    start: Point
    points: list[Point] = field(factory=list)
    index: dict[str, Point] = field(factory=dict)


def test_a_class_with_a_constructor_of_its_own_is_loaded_through_it() -> None:
    """`__attrs_post_init__` runs, what is computed is computed anew, private names are given by their alias."""
    mapping = mapping_for(Measured)
    document = stored(mapping.dump(Measured(width=2, height=3, note="x")))
    back = mapping.load({**document, "width": 4})

    assert (4, 3, 12, "x") == (back.width, back.height, back.area, back._note)


@frozen
class Mark:
    """A value with a state that the constructor does not take."""

    serial: int = field(default=0, init=False)


@define(kw_only=True)
class Ticket(Entity):
    """A class with states that the constructor does not take."""

    mark: Mark = field(factory=Mark)
    code: str = field(factory=lambda: uuid4().hex, init=False)
    uses: int = field(default=0, init=False)
    seat: str | None = field(default="any", init=False)
    holders: list[str] = field(factory=list, init=False)


class Words(str, Enum):  # noqa: UP042 - as older code writes it
    """Text that says something else of itself."""

    YES = "yes"


class OrderedUuid(UUID):
    """As libraries make them."""


@define(kw_only=True)
class Answer(Entity):
    """Takes values of narrower classes."""

    words: str = ""
    key: UUID = field(factory=lambda: UUID(int=0))


def test_values_of_narrower_classes_are_stored_as_the_plain_ones() -> None:
    """Of a subclass of str or UUID the value itself is stored, not what it says of itself."""
    mapping = mapping_for(Answer)
    document = mapping.dump(Answer(words=Words.YES, key=OrderedUuid(int=7)))

    assert ("yes", UUID(int=7)) == (document["words"], document["key"])
    assert (str, UUID) == (type(document["words"]), type(document["key"]))


def test_what_the_constructor_does_not_take_is_read_back() -> None:
    """A field with init=False and a default is a state like any other: the stored one counts, nested too."""
    mapping = mapping_for(Ticket)
    ticket = Ticket()
    ticket.uses, ticket.seat, ticket.holders = 3, None, ["ada"]
    object.__setattr__(ticket.mark, "serial", 7)
    back = mapping.load(stored(mapping.dump(ticket)))

    assert (ticket.code, 3, None, ["ada"], 7) == (back.code, back.uses, back.seat, back.holders, back.mark.serial)


def test_what_the_constructor_does_not_take_may_be_missing() -> None:
    """In a document without it the default stands, as for every other field; what does not fit is named."""
    mapping = mapping_for(Ticket)
    bare = mapping.load(stored({"_id": ObjectId()}))

    assert (0, None, [], 32) == (bare.uses, bare.seat, bare.holders, len(bare.code))
    with pytest.raises(ValidationError, match=r"uses: must be a whole number.*holders: expected a list"):
        mapping.load(stored({"_id": ObjectId(), "uses": "x", "holders": 1}))


def test_a_stored_value_that_breaks_a_rule_is_named_by_the_constructor() -> None:
    """Where the constructor loads, its validators name the document too."""
    id = ObjectId()
    with pytest.raises(ValidationError, match=f"stored Measured {id} is not valid: width: must be at least 1, not 0"):
        mapping_for(Measured).load({"_id": id, "width": 0})


def test_frozen_values_load() -> None:
    """A frozen class is loaded with everything that its constructor computes."""
    mapping = mapping_for(Path)
    path = Path(start=Point(x=1), points=[Point(x=3, y=-4)], index={"a": Point(x=5)})
    back = mapping.load(stored(mapping.dump(path)))

    assert (path.start, path.points, path.index) == (back.start, back.points, back.index)
    assert (1, 7, 5) == (back.start.distance, back.points[0].distance, back.index["a"].distance)
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        back.start.x = 2


@define
class Moon:
    """A nested value that holds values of its own kind."""

    full_name: str
    moons: "list[Moon]" = field(factory=list)


@define(kw_only=True)
class Planet(Entity):
    """Holds such values."""

    moons: list[Moon] = field(factory=list)


def test_values_of_their_own_kind_load_at_any_depth() -> None:
    """A nested class may hold values of its own class."""
    mapping = mapping_for(Planet)
    planet = Planet(moons=[Moon("a", moons=[Moon("b", moons=[Moon("c")])])])

    assert planet.moons == mapping.load(stored(mapping.dump(planet))).moons
    with pytest.raises(ValidationError, match="full_name: must be text"):
        mapping.load(stored({"_id": ObjectId(), "moons": [{"fullName": "a", "moons": [{"fullName": 3}]}]}))


@define(kw_only=True)
class Country(Entity[str]):
    """An id that is stored as it is."""

    id: str = field()


@define(kw_only=True)
class Serial(Entity[UUID]):
    """Another."""

    id: UUID = field()


@pytest.mark.parametrize("entity", [Country(id="NO"), Serial(id=UUID(int=7))])
def test_an_id_of_another_type_is_stored_as_it_is(entity: Entity[Any]) -> None:
    """Only ids of the type Id become ObjectIds."""
    mapping = mapping_for(type(entity))
    document = stored(mapping.dump(entity))

    assert entity.id == document["_id"]
    assert entity == mapping.load(document)
