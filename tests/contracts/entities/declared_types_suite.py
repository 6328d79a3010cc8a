"""What a store takes as the type of a field: what it maps itself, and what its user has registered; nothing else."""

from collections import Counter, OrderedDict, defaultdict, deque
from collections.abc import Callable, Iterable, Iterator, Mapping, MutableSequence, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address
from pathlib import Path
from typing import Annotated, Any, Generic, NamedTuple, TypedDict, TypeVar

import attrs
import pytest
from attrs import define, field
from cattrs import Converter
from typing_extensions import TypeAliasType

from tristore import (
    ConfigurationError,
    Documents,
    DocumentStore,
    Entity,
    Id,
    Repository,
    UnitOfWork,
    make_converter,
    open_store,
)

T = TypeVar("T")
Names = TypeAliasType("Names", list[str])
MaybeNames = TypeAliasType("MaybeNames", Names | None)


@define
class Card:
    """One of two ways to pay."""

    digits: str


@define
class Transfer:
    """The other one."""

    account: str
    names: MaybeNames = None


@define
class Box(Generic[T]):
    """A value of any type."""

    content: T


@define
class NamesBox(Box[list[str]]):
    """A value of one type."""


class Row(TypedDict):
    """A dictionary whose keys are known."""

    name: str


class Place(NamedTuple):
    """A tuple whose items have names."""

    x: int


@dataclass
class Plain:
    """A class that is not made by attrs."""

    x: int


class Cents(int):
    """A number of a class of its own."""


OpenThings = Callable[..., DocumentStore[Any]]


def thing(annotation: Any) -> type[Entity[Any]]:
    """An entity with one field of a type."""
    cls = attrs.make_class("Thing", {"what": field(type=annotation)}, (Entity,), kw_only=True, eq=False, slots=True)
    cls.__annotations__ = {"what": annotation}
    return cls


class DeclaredTypesContract:
    """The rules, whatever backend is behind the store."""

    @pytest.fixture
    def open_things(self, url: str) -> Iterator[OpenThings]:
        """Open a store of one entity class; closed after the test."""
        opened: list[DocumentStore[Any]] = []

        def open_it(cls: type[Entity[Any]], converter: Converter | None = None) -> DocumentStore[Any]:
            repository: Any = type("ThingRepository", (Repository,), {"entity": cls})
            unit: Any = type("ThingUnitOfWork", (UnitOfWork,), {"__annotations__": {"things": repository}})
            declared = [Documents(repository, collection="things")]
            opened.append(open_store(unit, url=url, documents=declared, prepare="create", converter=converter))
            with opened[-1].bulk() as all_of_it:
                all_of_it.things.remove_where(None)
            return opened[-1]

        yield open_it
        for store in opened:
            store.close()

    def come_back(self, store: DocumentStore[Any], value: Any) -> Any:
        """Store a value in a thing, and return what is loaded."""
        cls: Any = next(iter(store.environment.bindings.values())).mapping.cls
        entity = cls(what=value)
        with store.unit_of_work() as uow:
            uow.things.add(entity)
        with store.reader() as reader:
            return reader.things.get(entity.id).what

    @pytest.mark.parametrize(
        "annotation",
        [
            Card | Transfer,
            Card | Transfer | None,
            list[Card | Transfer],
            int | str,
            Box[int],
            dict[str, Box[int]],
            Sequence[Id],
            MutableSequence[int],
            Iterable[str],
            Mapping[str, int],
            Sequence,
            deque[int],
            Counter[str],
            defaultdict[str, int],
            OrderedDict[str, int],
            Row,
            Place,
            Plain,
            Cents,
            Path,
            IPv4Address,
            type[int],
        ],
        ids=str,
    )
    def test_what_only_cattrs_knows_is_refused_when_the_store_is_opened(
        self, open_things: OpenThings, annotation: Any
    ) -> None:
        """The error names the entity, the field and the type: nothing is stored in a form that nobody chose."""
        with pytest.raises(ConfigurationError, match=r"^Thing cannot be mapped: what: a field of type .* be stored"):
            open_things(thing(annotation))

    @pytest.mark.parametrize(
        ("annotation", "value"),
        [
            (Names, ["a", "b"]),
            (MaybeNames, None),
            (MaybeNames, ["a"]),
            (Annotated[int, "of apples"], 3),
            (TypeAliasType("Many", list[Annotated[Names, 1]]), [["a"], []]),
            (NamesBox, NamesBox(["a"])),
            (Transfer, Transfer("1", ["a"])),
        ],
        ids=str,
    )
    def test_an_alias_is_the_type_that_it_names(self, open_things: OpenThings, annotation: Any, value: Any) -> None:
        """``type Names = list[str]``, ``Annotated`` and a subclass of a generic class store what they stand for."""
        assert value == self.come_back(open_things(thing(annotation)), value)

    @pytest.mark.parametrize("by", ["hook", "func", "factory", "decorated factory"])
    def test_what_the_user_has_registered_is_taken(self, open_things: OpenThings, by: str) -> None:
        """However the pair is registered, it decides the form in which values are stored."""
        converter = make_converter()
        load: Any = lambda given, _: Card(given[5:]) if given.startswith("card:") else Transfer(given)  # noqa: E731
        dump: Any = lambda given: f"card:{given.digits}" if isinstance(given, Card) else given.account  # noqa: E731
        wanted: Any = Card | Transfer
        if by == "hook":
            converter.register_structure_hook(wanted, load)
            converter.register_unstructure_hook(wanted, dump)
        elif by == "func":
            converter.register_structure_hook_func(lambda one: one == wanted, load)
            converter.register_unstructure_hook_func(lambda one: one == wanted, dump)
        elif by == "factory":
            converter.register_structure_hook_factory(lambda one: one == wanted, lambda one: load)
            converter.register_unstructure_hook_factory(lambda one: one == wanted, lambda one, known: dump)
        else:
            converter.register_structure_hook_factory(lambda one: one == wanted)(lambda one, known: load)
            converter.register_unstructure_hook_factory(lambda one: one == wanted)(lambda one: dump)
        store = open_things(thing(list[wanted]), converter)

        assert [Card("1"), Transfer("2")] == self.come_back(store, [Card("1"), Transfer("2")])

    def test_a_converter_of_cattrs_itself_is_refused(self, open_things: OpenThings) -> None:
        """It would bring along what cattrs knows of types."""
        with pytest.raises(ConfigurationError, match=r"converter takes what make_converter\(\) returns, not a cattrs"):
            open_things(thing(int), Converter())
