"""Rules as the lambda that a reader would write."""

from typing import Protocol

from attrs import frozen

from .....domain.entities.scalars import Kind
from .....domain.entities.schema import FieldType, Schema, schema_of
from .....domain.rules.patterns import in_any_case
from .....domain.rules.predicates import (
    All,
    AnyItem,
    AnyOf,
    Compare,
    Contains,
    Exists,
    IsNone,
    Matches,
    Not,
    OneOf,
    Path,
    Predicate,
    Size,
    Text,
)

_ITEM = "item"


class NoWordForItError(Exception):
    """A predicate that no words of the rule language say."""


class Writer(Protocol):
    """What writes values, and remembers what is imported."""

    def of(self, value: object) -> str:
        """Return an expression for a value."""

    def uses(self, module: str, name: str) -> str:
        """Return a name that is to be imported."""


@frozen
class At:
    """What paths begin at: its name, and the fields or the type of what it stands for."""

    name: str
    inside: Schema | FieldType

    def follow(self, path: Path) -> "At":
        """Return what a path leads to, as attributes, keys and positions."""
        found = self
        for name in path:
            found = found._step(name)
        return found

    def item(self, name: str) -> "At":
        """Return what stands for an item of the list here."""
        assert isinstance(self.inside, FieldType)  # noqa: S101 - a list is no entity
        return At(name, self.inside.item or self.inside)

    def _step(self, name: str) -> "At":
        inside = self.inside
        if isinstance(inside, FieldType) and inside.kind is Kind.NESTED:
            inside = schema_of(inside.python)
        if isinstance(inside, Schema):
            return At(f"{self.name}.{name}", inside.field_of(name).type)
        key = name if inside.kind is Kind.SEQUENCE else f'"{name}"'
        return At(f"{self.name}[{key}]", inside.item or inside)


@frozen
class RuleSource:
    """Writes predicates."""

    _writer: Writer

    def of(self, predicate: Predicate, at: At) -> str:  # noqa: PLR0911 - one for each word
        """Return what a lambda gives.

        Raises:
            NoWordForItError: if no words say it.
        """
        match predicate:
            case All((Size(path, 0, None), Not(Size(other, 0, int() as most)))) if path == other:
                return f"{self._word('size')}({at.follow(path).name}) > {most}"
            case All((_, *_) as parts):
                return " & ".join(self._part(part, at) for part in parts)
            case AnyOf((_, *_) as parts):
                return " | ".join(self._part(part, at) for part in parts)
            case Not(part):
                return f"{self._word('not_')}({self.of(part, at)})"
            case Compare(path, comparator, value):
                return f"{at.follow(path).name} {comparator.value} {self._writer.of(value)}"
            case Text(path, test, text):
                return f"{at.follow(path).name}.{test.value}({self._writer.of(text)})"
            case Size(path, least, int() as most) if least in {0, most}:
                sign = "==" if least == most else "<="
                return f"{self._word('size')}({at.follow(path).name}) {sign} {most}"
            case Matches(path, pattern):
                is_part = in_any_case(pattern.source) == pattern
                return self._call("icontains" if is_part else "matches", at.follow(path), pattern.source)
            case _:
                return self._asked(predicate, at)

    def _asked(self, predicate: Predicate, at: At) -> str:
        match predicate:
            case IsNone(path):
                return self._call("is_none", at.follow(path))
            case Exists(path):
                return self._call("exists", at.follow(path))
            case OneOf(path, values):
                return self._call("one_of", at.follow(path), list(values))
            case Contains(path, value):
                return self._call("contains", at.follow(path), value)
            case AnyItem(path, part):
                collection = at.follow(path)
                rule = self.of(part, collection.item(_ITEM))
                return f"{self._word('any_of')}({collection.name}, lambda {_ITEM}: {rule})"
        raise NoWordForItError

    def _call(self, word: str, about: At, *arguments: object) -> str:
        return f"{self._word(word)}({', '.join((about.name, *map(self._writer.of, arguments)))})"

    def _word(self, word: str) -> str:
        return self._writer.uses("tristore", word)

    def _part(self, predicate: Predicate, at: At) -> str:
        text = self.of(predicate, at)
        return f"({text})" if isinstance(predicate, All | AnyOf | Compare | Size) else text
