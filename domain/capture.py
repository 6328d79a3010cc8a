"""Capture: stand-ins for an entity that record what a rule asks of it.

Python answers ``and``, ``or``, ``not``, ``in`` and chained comparisons itself, without asking the stand-in what it
is; each of them is refused with the words to write instead.
"""

from typing import Any, NoReturn, TypeVar, cast

from .comparable import comparable, is_text
from .errors import InvalidQuery
from .misuse import misuse
from .predicates import (
    All,
    AnyOf,
    Comparator,
    Compare,
    Contains,
    IsNone,
    Not,
    OneOf,
    Path,
    Predicate,
    Text,
    TextTest,
    dotted,
)
from .schema import FieldType, Kind, Schema, schema_of

T = TypeVar("T")

LONGEST_PART = 1_000
"""The most characters of what text is asked to begin or end with: a store may turn it into a pattern."""


class Condition:
    """What a comparison inside a rule gives: combine with ``&``, ``|`` and `not_`."""

    __slots__ = ("predicate",)

    def __init__(self, predicate: Predicate) -> None:
        self.predicate = predicate

    def __and__(self, other: object) -> "Condition":
        return Condition(both(self.predicate, predicate_of(other)))

    def __or__(self, other: object) -> "Condition":
        return Condition(either(self.predicate, predicate_of(other)))

    __rand__ = __and__
    __ror__ = __or__

    def _refuse(self, *_: object) -> NoReturn:
        raise misuse()

    __bool__ = __invert__ = __xor__ = __rxor__ = __eq__ = __ne__ = __hash__ = _refuse


class Captured:
    """What every stand-in refuses, because Python would answer before a store is asked."""

    __slots__ = ()

    def _refuse(self, *_: object) -> NoReturn:
        raise misuse()

    __bool__ = __len__ = __iter__ = __contains__ = __str__ = __format__ = __int__ = __float__ = _refuse
    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __truediv__ = __mod__ = __neg__ = _refuse
    __index__ = __call__ = __floordiv__ = __pow__ = __abs__ = __round__ = __invert__ = __xor__ = __rxor__ = _refuse
    __rtruediv__ = __rmod__ = __rfloordiv__ = __rpow__ = __hash__ = _refuse


class EntityStandIn(Captured):
    """Stands in for the entity, or for a nested value of it."""

    __hash__ = Captured._refuse
    __slots__ = ("_guard", "_path", "_schema")

    def __init__(self, schema: Schema, path: Path = (), guard: Path = ()) -> None:
        self._schema = schema
        self._path = path
        self._guard = guard

    def __getattr__(self, name: str) -> Any:
        field = self._schema.fields.get(name)
        if field is not None:
            return _value(field.type, (*self._path, name), self._guard)
        computed = getattr(self._schema.cls, name, None)
        if isinstance(computed, property) and computed.fget is not None:
            return computed.fget(self)
        return self._schema.field_of(name)

    def missing(self) -> Condition:
        """Ask whether there is nothing."""
        return Condition(IsNone(self._path))

    def _whole(self, other: object) -> Condition:
        if other is not None or not self._path:
            self._unordered(other)
        return self.missing()

    def __eq__(self, other: object) -> Condition:  # type: ignore[override]
        return self._whole(other)

    def __ne__(self, other: object) -> Condition:  # type: ignore[override]
        return Condition(Not(self._whole(other).predicate))

    def __getitem__(self, key: object) -> NoReturn:
        name = dotted(self._path) or self._schema.cls.__name__
        raise InvalidQuery(f"{name} has fields and no keys: write {name}.field")

    def _unordered(self, other: object) -> NoReturn:
        name = dotted(self._path) or self._schema.cls.__name__
        raise InvalidQuery(f"{name} cannot be compared as a whole: compare its fields")

    __lt__ = __le__ = __gt__ = __ge__ = _unordered


class FieldStandIn(Captured):
    """Stands in for one field."""

    __hash__ = Captured._refuse
    __slots__ = ("guard", "path", "type")

    def __init__(self, type: FieldType, path: Path, guard: Path = ()) -> None:
        self.type = type
        self.path = path
        self.guard = guard

    def condition(self) -> Condition:
        """A boolean field, alone, asks whether it is True."""
        return self._compare(Comparator.EQ, True)

    def _compare(self, comparator: Comparator, value: object) -> Condition:
        if value is None and comparator is Comparator.EQ:
            return self.missing()
        if value is None and comparator is Comparator.NE:
            return Condition(Not(IsNone(self.path)))
        rule: Predicate = Compare(self.path, comparator, comparable(self.type, value, self.path))
        return self._guarded(rule) if comparator is Comparator.NE else Condition(rule)

    def missing(self) -> Condition:
        """Ask whether there is nothing."""
        return self._guarded(IsNone(self.path))

    def _guarded(self, rule: Predicate) -> Condition:
        """With some(), what nothing would obey also asks whether there is something."""
        return Condition(both(Not(IsNone(self.guard)), rule) if self.guard else rule)

    def __eq__(self, other: object) -> Condition:  # type: ignore[override]
        return self._compare(Comparator.EQ, other)

    def __ne__(self, other: object) -> Condition:  # type: ignore[override]
        return self._compare(Comparator.NE, other)

    def __lt__(self, other: object) -> Condition:
        return self._compare(Comparator.LT, other)

    def __le__(self, other: object) -> Condition:
        return self._compare(Comparator.LE, other)

    def __gt__(self, other: object) -> Condition:
        return self._compare(Comparator.GT, other)

    def __ge__(self, other: object) -> Condition:
        return self._compare(Comparator.GE, other)

    def __and__(self, other: object) -> Condition:
        return Condition(both(predicate_of(self), predicate_of(other)))

    def __or__(self, other: object) -> Condition:
        return Condition(either(predicate_of(self), predicate_of(other)))

    __rand__ = __and__
    __ror__ = __or__

    def startswith(self, text: str) -> Condition:
        """Ask whether text begins so."""
        return self._text(TextTest.STARTS, text)

    def endswith(self, text: str) -> Condition:
        """Ask whether text ends so."""
        return self._text(TextTest.ENDS, text)

    def _text(self, test: TextTest, text: object) -> Condition:
        if self.type.kind not in {Kind.STR, Kind.FREE}:
            raise InvalidQuery(f"{dotted(self.path)} is {self.type}, and only text has {test.value}()")
        if not isinstance(text, str) or not is_text(text) or not text or "\0" in text:
            raise InvalidQuery(f"{test.value}() of {dotted(self.path)} takes text that is not empty and has no NUL")
        if len(text) > LONGEST_PART:
            raise InvalidQuery(f"{test.value}() of {dotted(self.path)} takes at most {LONGEST_PART:,} characters")
        return Condition(Text(self.path, test, text))

    def __getitem__(self, key: object) -> Any:
        if self.type.kind not in {Kind.DICT, Kind.FREE}:
            raise InvalidQuery(f"{dotted(self.path)} is {self.type}: only a dictionary has keys")
        if not isinstance(key, str) or not key or key.startswith("$") or "." in key or "\0" in key:
            raise InvalidQuery(
                f"{key!r} cannot be a key of {dotted(self.path)}: use text without '.', NUL or a leading '$'"
            )
        return _value(self.type.item or self.type, (*self.path, key), self.guard)

    def __getattr__(self, name: str) -> NoReturn:
        raise InvalidQuery(f"{dotted(self.path)} is {self.type}, and {name!r} of it cannot be asked of a store")


def _value(type: FieldType, path: Path, guard: Path) -> EntityStandIn | FieldStandIn:
    nested = type.kind is Kind.NESTED
    return EntityStandIn(schema_of(type.python), path, guard) if nested else FieldStandIn(type, path, guard)


def predicate_of(value: object) -> Predicate:
    if isinstance(value, Condition):
        return value.predicate
    if isinstance(value, FieldStandIn) and value.type.kind is Kind.BOOL:
        return value.condition().predicate
    raise InvalidQuery(
        f"& and | combine conditions, not {type(value).__name__}: put each comparison in parentheses, "
        "and write is_none(field) for 'field is None'"
    )


def both(left: Predicate, right: Predicate) -> Predicate:
    return All(
        (
            *(left.parts if isinstance(left, All) else (left,)),
            *(right.parts if isinstance(right, All) else (right,)),
        )
    )


def either(left: Predicate, right: Predicate) -> Predicate:
    return AnyOf(
        (
            *(left.parts if isinstance(left, AnyOf) else (left,)),
            *(right.parts if isinstance(right, AnyOf) else (right,)),
        )
    )


def _captured(value: object, word: str) -> FieldStandIn:
    if not isinstance(value, FieldStandIn):
        raise InvalidQuery(f"{word}() asks about a field of the entity, not about {type(value).__name__}")
    return value


def some(value: T | None) -> T:
    """An optional field that must be there: ``some(u.last_login) >= cutoff`` is false where it is None."""
    if isinstance(value, EntityStandIn):
        return cast("T", EntityStandIn(value._schema, value._path, value._path))
    field = _captured(value, "some")
    return cast("T", FieldStandIn(field.type, field.path, field.path))


def is_none(value: object) -> bool:
    """Ask whether an optional field is None; use it where Python would say ``is None``."""
    if isinstance(value, EntityStandIn):
        return cast("bool", value.missing())
    return cast("bool", _captured(value, "is_none").missing())


def one_of(value: T | None, options: list[T] | set[T] | frozenset[T] | tuple[T, ...]) -> bool:
    """Ask whether a field has one of the values; use it where Python would say ``in``."""
    field = _captured(value, "one_of")
    if isinstance(options, str) or not isinstance(options, list | set | frozenset | tuple):
        raise InvalidQuery(f"one_of({dotted(field.path)}, ...) takes a list, set or tuple of values")
    values = tuple(comparable(field.type, option, field.path) for option in options)
    return cast("bool", Condition(OneOf(field.path, values)))


def contains(collection: list[T] | set[T] | frozenset[T] | tuple[T, ...] | None, value: T) -> bool:
    """Ask whether a list field has an item; use it where Python would say ``value in field``."""
    field = _captured(collection, "contains")
    if field.type.kind not in {Kind.SEQUENCE, Kind.FREE}:
        raise InvalidQuery(f"{dotted(field.path)} is {field.type}: contains() asks about a list")
    return cast("bool", Condition(Contains(field.path, comparable(field.type.item or field.type, value, field.path))))
