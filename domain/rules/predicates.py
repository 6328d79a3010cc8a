"""Predicates: what a specification says, as data.

A backend translates them; `holds` of the module `evaluation` evaluates them on an entity. Paths are attribute names,
dictionary keys and positions in lists, from the entity inwards; the adapters rewrite paths and values into those of
the stored document (`map_predicate`), so the same classes describe both.
"""

from collections.abc import Callable, Iterator
from enum import Enum
from typing import Any

from attrs import Attribute, evolve, field, frozen

from ..entities.bounds import Comparator
from ..errors import InvalidQuery
from .patterns import Pattern

Path = tuple[str, ...]


def dotted(path: Path) -> str:
    """A path as text."""
    return ".".join(path)


class TextTest(Enum):
    """How text is compared with a part of itself."""

    STARTS = "startswith"
    ENDS = "endswith"


@frozen
class Compare:
    """The value at `path` compares with `value`; a list there compares if one of its items does."""

    path: Path
    comparator: Comparator
    value: Any


@frozen
class IsNone:
    """There is nothing, or None, at `path`."""

    path: Path


@frozen
class OneOf:
    """The value at `path` equals one of `values`."""

    path: Path
    values: tuple[Any, ...]


@frozen
class Contains:
    """The list at `path` has an item that equals `value`."""

    path: Path
    value: Any


@frozen
class Text:
    """The text at `path` starts or ends with `text`, letter case included."""

    path: Path
    test: TextTest
    text: str


@frozen
class Matches:
    """The pattern is found in the text at `path`, anywhere."""

    path: Path
    pattern: Pattern


@frozen
class Exists:
    """There is something at `path`, even if it is None."""

    path: Path


@frozen
class Size:
    """There is a list at `path` with at least `least` items, and at most `most`, if that is a number."""

    path: Path
    least: int = 0
    most: int | None = None


def _of_one_sort(_: object, __: "Attribute[Any]", part: "Predicate") -> None:
    if len({bool(path) for path in paths_of(part)}) > 1:
        raise InvalidQuery("any_of() asks either about the items themselves or about their fields, not about both")


@frozen
class AnyItem:
    """The list at `path` has an item of which `part` holds, as a whole.

    The paths of `part` begin at the item. If they are empty, it is about the item itself, whatever that is, and a list
    is not taken apart. If not, it is about what has fields: a nested value, or a list with its positions.

    Raises:
        InvalidQuery: if some of its paths are empty and others are not.
    """

    path: Path
    part: "Predicate" = field(validator=_of_one_sort)

    @property
    def is_about_fields(self) -> bool:
        """Whether only an item that has fields can do."""
        return any(paths_of(self.part))


@frozen
class All:
    """Every part holds; with no parts, always."""

    parts: "tuple[Predicate, ...]"


@frozen
class AnyOf:
    """At least one part holds; with no parts, never."""

    parts: "tuple[Predicate, ...]"


@frozen
class Not:
    """The part does not hold."""

    part: "Predicate"


Leaf = Compare | IsNone | OneOf | Contains | Text | Matches | Exists | Size | AnyItem
Predicate = Leaf | All | AnyOf | Not

EVERYTHING = All(())
NOTHING = AnyOf(())


def map_predicate(predicate: Predicate, leaf: Callable[[Leaf], Predicate]) -> Predicate:
    """Rebuild a predicate with each of its leaves replaced."""
    match predicate:
        case All(parts) | AnyOf(parts):
            return evolve(predicate, parts=tuple(map_predicate(part, leaf) for part in parts))
        case Not(part):
            return Not(map_predicate(part, leaf))
        case _:
            return leaf(predicate)


def paths_of(predicate: Predicate) -> Iterator[Path]:
    """Yield the path of each leaf; what an `AnyItem` asks of its items is its own."""
    match predicate:
        case All(parts) | AnyOf(parts):
            for part in parts:
                yield from paths_of(part)
        case Not(part):
            yield from paths_of(part)
        case _:
            yield predicate.path
