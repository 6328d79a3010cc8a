"""Capture: stand-ins for an entity that record what a rule asks of it.

Python answers ``and``, ``or``, ``not``, ``in`` and chained comparisons itself, without asking the stand-in what it
is; each of them is refused with the words to write instead.
"""

from collections.abc import Callable
from typing import Any, NoReturn

from attrs import evolve

from ..entities.bounds import Comparator
from ..entities.plain_values import is_text
from ..entities.scalars import Kind
from ..entities.schema import FieldType, Schema, schema_of
from ..errors import InvalidQuery
from .advice import instead_of_in, instead_of_len, instead_of_loop, instead_of_name
from .conditions import Captured, Condition, Ordered, Place, both, condition_of, given, out_of_scope
from .misuse import of_a_function, refused
from .operands import comparable
from .predicates import NOTHING, Compare, IsNone, Not, Path, Predicate, Size, Text, TextTest, dotted

LONGEST_PART = 1_000
"""The most characters of what text is asked to begin with, end with or contain: a store may turn it into a pattern."""

MOST_ITEMS = 1_000
"""The largest size that a list is compared with: a store has to name each smaller one."""

FARTHEST_POSITION = 1_000_000
"""The last position of a list that can be asked about."""

_ENTITY = Place()
"""Where the entity itself stands."""


class EntityStandIn(Captured):
    """Stands in for the entity, or for a nested value of it."""

    __hash__ = Captured._refuse
    __slots__ = ("_place", "_schema")

    def __init__(self, schema: Schema, place: Place = _ENTITY) -> None:
        self._schema = schema
        self._place = place

    @property
    def _path(self) -> Path:
        return self._place.path

    def __getattr__(self, name: str) -> Any:
        field = self._schema.fields.get(name)
        if field is not None:
            return stand_in(field.type, self._place.step(name, is_key=False))
        computed = getattr(self._schema.cls, name, None)
        if isinstance(computed, property) and computed.fget is not None:
            return computed.fget(self)
        return self._schema.field_of(name)

    def __eq__(self, other: object) -> Condition:  # type: ignore[override]
        return self._unordered(other) if other is not None else self._place.guarded(missing(self))

    def __ne__(self, other: object) -> Condition:  # type: ignore[override]
        return self._unordered(other) if other is not None else self._place.condition(Not(missing(self)))

    def __getitem__(self, key: object) -> NoReturn:
        name = dotted(self._place.path) or self._schema.cls.__name__
        raise InvalidQuery(f"{name} has fields and no keys: write {name}.field")

    def _unordered(self, other: object) -> NoReturn:
        name = dotted(self._place.path) or self._schema.cls.__name__
        raise InvalidQuery(f"{name} cannot be compared as a whole: compare its fields")

    __lt__ = __le__ = __gt__ = __ge__ = _unordered


class FieldStandIn(Ordered):
    """Stands in for one field, key, position or item."""

    __slots__ = ("place", "type")

    def __init__(self, type: FieldType, place: Place) -> None:
        self.type = type
        self.place = place

    @property
    def path(self) -> Path:
        """Where it is."""
        return self.place.path

    def as_condition(self) -> Condition | None:
        """A boolean field, alone, asks whether it is True."""
        return self._compare(Comparator.EQ, True) if self.type.kind is Kind.BOOL else None

    def _compare(self, comparator: Comparator, value: object) -> Condition:
        if value is None and comparator in {Comparator.EQ, Comparator.NE}:
            nothing = missing(self)
            equal = comparator is Comparator.EQ
            return self.place.guarded(nothing) if equal else self.place.condition(Not(nothing))
        rule = Compare(self.path, comparator, comparable(self.type, value, self.path))
        return self.place.guarded(rule) if comparator is Comparator.NE else self.place.condition(rule)

    def __and__(self, other: object) -> Condition:
        return condition_of(self) & other

    def __or__(self, other: object) -> Condition:
        return condition_of(self) | other

    __rand__ = __and__
    __ror__ = __or__

    def startswith(self, text: str) -> Condition:
        """Ask whether text begins so."""
        return self.place.condition(Text(self.path, TextTest.STARTS, self.part(text, "startswith")))

    def endswith(self, text: str) -> Condition:
        """Ask whether text ends so."""
        return self.place.condition(Text(self.path, TextTest.ENDS, self.part(text, "endswith")))

    def part(self, text: object, word: str, most: int = LONGEST_PART) -> str:
        """Check what text is asked for by a word of the language.

        Raises:
            InvalidQuery: if this is no text, or `text` is none, empty, has NUL, or is too long.
        """
        if self.type.kind not in {Kind.STR, Kind.FREE}:
            raise InvalidQuery(f"{self.place.name} is {self.type}, and only text has {word}()")
        if not isinstance(text, str) or not is_text(text) or not text or "\0" in text:
            raise InvalidQuery(f"{word}() of {self.place.name} takes text that is not empty and has no NUL")
        if len(text) > most:
            raise InvalidQuery(f"{word}() of {self.place.name} takes at most {most:,} characters")
        return str.__str__(text)  # of a subclass, such as code of BSON's, it is the text that counts

    def __getitem__(self, key: object) -> Any:
        kind, inside = self.type.kind, self.type.item or self.type
        if isinstance(key, int) and kind in {Kind.SEQUENCE, Kind.FREE}:
            return stand_in(inside, self.place.step(self._position(key), is_key=True))
        if kind is Kind.SEQUENCE:
            raise InvalidQuery(f"{self.place.name} is {self.type}: ask one position, such as [0]")
        if kind not in {Kind.DICT, Kind.FREE}:
            raise InvalidQuery(f"{self.place.name} is {self.type}: only a dictionary has keys, and a list positions")
        if not isinstance(key, str) or not key or key.startswith("$") or "." in key or "\0" in key:
            raise InvalidQuery(
                f"{key!r} cannot be a key of {self.place.name}: use text without '.', NUL or a leading '$'"
            )
        return stand_in(inside, self.place.step(key, is_key=True))

    def _position(self, key: int) -> str:
        if self.type.kind is Kind.SEQUENCE and self.type.python not in {list, tuple}:
            raise InvalidQuery(f"{self.place.name} is {self.type}: a set keeps no positions")
        if isinstance(key, bool) or not 0 <= key <= FARTHEST_POSITION:
            raise InvalidQuery(f"{key!r} cannot be a position in {self.place.name}: 0 to {FARTHEST_POSITION:,}")
        return str(key)

    def as_given(self) -> str:
        """What this is, for messages."""
        return f"{self.place.name} alone" if not self.path else f"the field {self.place.name} alone"

    def __len__(self) -> NoReturn:
        raise refused("len()", instead_of_len(self.type, self.place.name))

    def __iter__(self) -> NoReturn:
        raise refused(f"a loop over {self.place.name}", instead_of_loop(self.type, self.place.name))

    def __contains__(self, value: object) -> NoReturn:
        raise refused("in", instead_of_in(self.type, self.place.name))

    def __getattr__(self, name: str) -> NoReturn:
        advice = instead_of_name(self.type, self.place.name, name)
        raise InvalidQuery(f"{self.place.name} is {self.type}, and {name!r} of it cannot be asked of a store{advice}")


class SizeStandIn(Ordered):
    """Stands in for the number of items of a list."""

    __slots__ = ("_place",)

    def __init__(self, place: Place) -> None:
        self._place = place

    def as_given(self) -> str:
        """What this is, for messages."""
        return f"size({self._place.name}) alone"

    def _compare(self, comparator: Comparator, value: object) -> Condition:
        if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= MOST_ITEMS:
            raise InvalidQuery(f"size() of {self._place.name} is compared with a whole number, 0 to {MOST_ITEMS:,}")
        path = self._place.path
        match comparator:
            case Comparator.EQ:
                return self._place.condition(Size(path, value, value))
            case Comparator.NE:
                return self._place.guarded(Not(Size(path, value, value)))
            case Comparator.LE:
                return self._place.condition(Size(path, 0, value))
            case Comparator.LT:
                return self._place.condition(_shorter(path, value))
            case Comparator.GE:
                return self._place.condition(both(Size(path), Not(_shorter(path, value))))
            case Comparator.GT:
                return self._place.condition(both(Size(path), Not(Size(path, 0, value))))


def _shorter(path: Path, size: int) -> Predicate:
    return Size(path, 0, size - 1) if size else NOTHING


def stand_in(type: FieldType, place: Place) -> EntityStandIn | FieldStandIn:
    """Return what stands in for a value of a type."""
    return EntityStandIn(schema_of(type.python), place) if type.kind is Kind.NESTED else FieldStandIn(type, place)


def missing(value: EntityStandIn | FieldStandIn) -> Predicate:
    """Ask whether there is nothing; a list that holds None is something."""
    place = place_of(value)
    nothing = IsNone(place.path)
    if isinstance(value, EntityStandIn):
        return nothing if place.path or place.is_key else value < None
    item = value.type.item if value.type.kind is Kind.SEQUENCE else None
    return both(nothing, Not(Size(place.path))) if item is not None and item.optional else nothing


def present(value: EntityStandIn | FieldStandIn) -> EntityStandIn | FieldStandIn:
    """The same stand-in, of which conditions also ask whether there is something."""
    if isinstance(value, EntityStandIn):
        return EntityStandIn(value._schema, evolve(value._place, guard=Not(missing(value))))
    return FieldStandIn(value.type, evolve(value.place, guard=Not(missing(value))))


def place_of(value: EntityStandIn | FieldStandIn) -> Place:
    """Where a stand-in stands."""
    return value._place if isinstance(value, EntityStandIn) else value.place


def answer_of(rule: Callable[[Any], object], asked: EntityStandIn | FieldStandIn, over: str) -> Predicate:
    """Ask a rule, and return what it says.

    Raises:
        InvalidQuery: if it does not take one parameter, gives no condition, or one about something else than `asked`.
    """
    answer = _call(rule, asked)
    if not isinstance(answer, Condition) and not (isinstance(answer, FieldStandIn) and answer.type.kind is Kind.BOOL):
        raise InvalidQuery(
            f"the rule over {over} gave {given(answer)} instead of a condition: compare a field of the entity; write "
            "is_none(field) for 'field is None', the field or not_(field) for 'field is True' and 'is False'"
        )
    condition = condition_of(answer)
    if condition.scope is not place_of(asked).scope:
        raise out_of_scope()
    return condition.predicate


_STAND_INS = frozenset(found.__name__ for found in (EntityStandIn, FieldStandIn, SizeStandIn, Condition))


def _call(rule: Callable[[Any], object], asked: object) -> object:
    try:
        return rule(asked)
    except TypeError as error:
        if error.__traceback__ is None or error.__traceback__.tb_next is not None:
            refusal = of_a_function(error, _STAND_INS)
            if refusal is None:
                raise  # not by the call itself, but by what the rule does
        else:
            refusal = InvalidQuery("a rule takes one parameter, the entity or the item")
    raise refusal
