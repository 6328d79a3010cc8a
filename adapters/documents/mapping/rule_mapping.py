"""Rules in the document's words: attribute names as keys, values as they are stored."""

from typing import Any, assert_never

from attrs import evolve

from ....domain.entities.scalars import Kind
from ....domain.entities.schema import FieldType, no_field
from ....domain.errors import InvalidQuery
from ....domain.rules.predicates import (
    AnyItem,
    Compare,
    Contains,
    Exists,
    IsNone,
    Leaf,
    Matches,
    OneOf,
    Path,
    Predicate,
    Size,
    Text,
    map_predicate,
)
from ..values.codecs import Codec
from .class_mapping import ClassMapping

_ANY_POSITION = ("0",)


class StoredRules:
    """Rewrites what is asked of the objects of one class into what is asked of their documents."""

    def __init__(self, mapping: ClassMapping) -> None:
        self._mapping = mapping
        self._paths: dict[Path, tuple[Path, Codec]] = {}

    def predicate(self, predicate: Predicate, at: Path = ()) -> Predicate:
        """Rewrite a predicate whose paths begin at `at`."""
        return map_predicate(predicate, lambda leaf: self._leaf(leaf, at))

    def path(self, path: Path) -> tuple[Path, Codec]:
        """The document path of an attribute path, and the codec of the values that are compared there."""
        found = self._paths.get(path)
        if found is None:
            found = self._paths[path] = self._resolve(path)
        return found

    def _leaf(self, leaf: Leaf, at: Path) -> Predicate:
        whole = (*at, *leaf.path)
        stored, codec = self.path(whole)
        path = stored[len(at) :]
        match leaf:
            case Compare():
                return Compare(path, leaf.comparator, self._value(codec, leaf.value))
            case IsNone():
                return IsNone(path)
            case Text() | Matches() | Exists() | Size():
                return evolve(leaf, path=path)
            case Contains():
                return Contains(path, self._value(codec, leaf.value))
            case OneOf():
                return OneOf(path, tuple(self._value(codec, value) for value in leaf.values))
            case AnyItem():
                return AnyItem(path, self.predicate(leaf.part, whole + _ANY_POSITION))
        assert_never(leaf)

    def _value(self, codec: Codec, value: Any) -> Any:
        try:
            return codec.dump(value)
        except ValueError as error:
            raise InvalidQuery(f"{self._mapping.name} cannot be asked for this: the value {error}") from error

    def _resolve(self, path: Path) -> tuple[Path, Codec]:
        """Walk along the declared types; a list is passed with a position, or without one."""
        if not path:
            raise InvalidQuery(f"a field of {self._mapping.name} is needed, not an empty path")
        key, declared = self._field(self._mapping, path[0])
        stored = [key]
        for name in path[1:]:
            if not (name.isascii() and name.isdigit()):
                declared = _item_of(declared)
            if declared.kind is Kind.NESTED:
                key, declared = self._field(self._mapping.nested(declared.python), name)
            else:
                key, declared = name, declared.item or declared
            stored.append(key)
        return tuple(stored), self._mapping.codec_of(_item_of(declared))

    def _field(self, mapping: ClassMapping, name: str) -> tuple[str, FieldType]:
        found = mapping.by_name.get(name)
        if found is None:
            raise InvalidQuery(no_field(mapping.name, name, mapping.by_name))
        return found.key, found.type


def _item_of(declared: FieldType) -> FieldType:
    """What the items of a list are, and any other type itself."""
    while declared.kind is Kind.SEQUENCE and declared.item is not None:
        declared = declared.item
    return declared
