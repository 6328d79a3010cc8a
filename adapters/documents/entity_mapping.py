"""Entities and their documents: queries in the document's words, and what changed since an entity was loaded."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from attrs import evolve, frozen
from bson import encode
from bson.errors import BSONError

from ...domain.entity import Entity
from ...domain.errors import InvalidQuery
from ...domain.predicates import Compare, Contains, IsNone, Leaf, OneOf, Path, Predicate, Text, map_predicate
from ...domain.queries import Query, SortKey
from ...domain.schema import FieldType, Kind
from ..backend import Document
from ..bson_values import CODEC_OPTIONS
from .class_mapping import ClassMapping, MappedField
from .codecs import Codec
from .declarations import Documents
from .naming import Keys

_UNENCODABLE = (BSONError, OverflowError, ValueError, TypeError)
_MANAGED = frozenset({"id", "version", "updated_at"})
"""Fields that only the unit of work writes."""

Snapshot = tuple[Any, ...]


@frozen
class Changes:
    """What is to be written of an entity that was loaded before.

    Attributes:
        fields: the attribute names.
        set: document keys with their new values.
        unset: document keys that are to go.
    """

    fields: frozenset[str]
    set: Document
    unset: tuple[str, ...]


class EntityMapping(ClassMapping):
    """The mapping of one entity class, as one `Documents` declares it."""

    cls: type[Entity[Any]]

    def __init__(self, documents: Documents, unusual: Callable[[FieldType], Codec]) -> None:
        super().__init__(documents.repository.entity, Keys(documents.naming, documents.keys), unusual, nested=False)
        self.schema_version_key = self._keys.key_of("schema_version", nested=True)
        self.version_key = self.by_name["version"].key
        self.updated_at_key = self.by_name["updated_at"].key
        self._watched = tuple(field for field in self.fields if field.name not in _MANAGED)
        self._freezers = {field.name: _freezer(field) for field in self._watched if field.codec.mutable}
        self._paths: dict[Path, tuple[Path, Codec | None]] = {}
        self.snapshot, self.is_same = self._generate_comparison()

    def dump_id(self, id: object) -> Any:
        """Return an id as it is stored.

        Raises:
            InvalidQuery: if it is not an id of this entity.
        """
        try:
            return self.by_name["id"].codec.dump(id)
        except ValueError as error:
            raise InvalidQuery(f"the id of {self.name} {error}") from error

    def changes(self, entity: Entity[Any], since: Snapshot) -> Changes:
        """Compare an entity with its snapshot.

        Raises:
            ValidationError: if a changed value cannot be stored.
        """
        changed = [
            field
            for field, old in zip(self._watched, since, strict=True)
            if not self._unchanged(field, getattr(entity, field.name), old)
        ]
        document: Document = {}
        unset: list[str] = []
        for field in changed:
            value = getattr(entity, field.name)
            if value is None and field.type.optional:
                unset.append(field.key)
                continue
            try:
                document[field.key] = field.codec.dump(value)
            except ValueError:
                self.dump(entity)  # says what is wrong with every field
                raise
        return Changes(frozenset(field.name for field in changed), document, tuple(unset))

    def to_stored(self, query: Query) -> Query:
        """Rewrite a query's paths and values into those of the document."""
        return evolve(
            query,
            predicate=self.to_stored_predicate(query.predicate),
            sort=tuple(SortKey(self._stored_path(key.path)[0], key.descending) for key in query.sort),
        )

    def to_stored_predicate(self, predicate: Predicate) -> Predicate:
        """Rewrite a predicate's paths and values into those of the document."""
        return map_predicate(predicate, self._stored_leaf)

    def stored_key(self, name: str) -> str:
        """Return the dotted document key of a dotted attribute name, for indexes."""
        return ".".join(self._stored_path(tuple(name.split(".")))[0])

    def attribute_of(self, key: str) -> str:
        """Return the attribute name of a dotted document key; the key itself where none has it."""
        for field in self.fields:
            if field.key == key:
                return field.name
        return key

    def _stored_leaf(self, leaf: Leaf) -> Predicate:
        path, codec = self._stored_path(leaf.path)
        match leaf:
            case IsNone() | Text():
                return evolve(leaf, path=path)
            case Compare() | Contains():
                return evolve(leaf, path=path, value=self._stored_value(codec, leaf.value))
            case OneOf():
                return OneOf(path, tuple(self._stored_value(codec, value) for value in leaf.values))

    def _stored_value(self, codec: Codec | None, value: Any) -> Any:
        if codec is None:
            return value
        try:
            return codec.dump(value)
        except ValueError as error:
            raise InvalidQuery(f"{self.name} cannot be asked for this: the value {error}") from error

    def _stored_path(self, path: Path) -> tuple[Path, Codec | None]:
        """The document path of an attribute path, and the codec of the values that are compared there."""
        if path not in self._paths:
            self._paths[path] = self._resolve(path)
        return self._paths[path]

    def _resolve(self, path: Path) -> tuple[Path, Codec | None]:
        mapping: ClassMapping = self
        stored: list[str] = []
        for depth, name in enumerate(path):
            found = mapping.by_name.get(name)
            if found is None:
                raise InvalidQuery(f"{mapping.name} has no field {name!r}")
            stored.append(found.key)
            rest = path[depth + 1 :]
            if found.type.kind is not Kind.NESTED or not rest:
                return (*stored, *rest), self._leaf_codec(found.type, found.codec, len(rest))
            mapping = mapping.nested(found.type.python)
        raise InvalidQuery(f"a field of {self.name} is needed, not an empty path")

    def _leaf_codec(self, declared: FieldType, codec: Codec, keys: int) -> Codec:
        """The codec of what is compared: an item of a list, a value of a dictionary, or the field itself."""
        while declared.item is not None and (keys > 0 or declared.kind is Kind.SEQUENCE):
            keys -= declared.kind is Kind.DICT
            declared = declared.item
            codec = self.codec_of(declared)
        return codec

    def _unchanged(self, field: MappedField, value: Any, old: Any) -> bool:
        if field.codec.mutable:
            return bool(self._freezers[field.name](value) == old)
        return value is old or same(value, old)

    def _generate_comparison(self) -> tuple[Callable[[Any], Snapshot], Callable[[Any, Snapshot], bool]]:
        names: dict[str, Any] = {"same": same}
        taken: list[str] = []
        compared: list[str] = []
        for number, field in enumerate(self._watched):
            if field.codec.mutable:
                names[f"freeze_{number}"] = self._freezers[field.name]
                taken.append(f"freeze_{number}(subject.{field.name})")
                compared.append(f"freeze_{number}(subject.{field.name}) == old_{number}")
            else:
                taken.append(f"subject.{field.name}")
                compared.append(f"((new := subject.{field.name}) is old_{number} or same(new, old_{number}))")
        olds = "".join(f"old_{number}, " for number in range(len(self._watched)))
        lines = [
            "def snapshot(subject):",
            f"    return ({', '.join(taken)},)",
            "def is_same(subject, since):",
            f"    {olds}= since",
            f"    return {' and '.join(compared)}",
        ]
        exec(compile("\n".join(lines), f"<tristore comparison of {self.name}>", "exec"), names)  # noqa: S102
        return names["snapshot"], names["is_same"]


def same(new: Any, old: Any) -> bool:
    """Tell whether two immutable values are stored alike: 1, 1.0 and True are not, two NaNs are."""
    if type(new) is not type(old):
        return False
    if new == old:
        return True
    if isinstance(new, datetime) and new.tzinfo is not None and old.tzinfo is not None:
        return abs(new - old).total_seconds() < 0.001 and _milliseconds(new) == _milliseconds(old)
    return bool(new != new and old != old)  # noqa: PLR0124 - NaN differs from itself


def _milliseconds(moment: datetime) -> tuple[int, int]:
    return int(moment.timestamp() // 1), moment.microsecond // 1000


class _Unstorable:
    """Stands for a value that cannot be encoded: it differs from everything, so the flush meets it and says why."""

    __hash__ = None  # type: ignore[assignment]

    def __eq__(self, other: object) -> bool:
        return False


def _freezer(field: MappedField) -> Callable[[Any], object]:
    """A function that takes a copy of a mutable value which can be compared later: its BSON bytes."""
    dump = field.codec.dump
    plain = field.type.kind in {Kind.DICT, Kind.FREE} and (field.type.item is None or field.type.item.kind is Kind.FREE)

    def freeze(value: Any) -> object:
        if not value and (value is None or value.__class__ in {dict, list}):
            return value if value is None else b""
        try:
            if plain:
                return encode({"": value}, False, CODEC_OPTIONS)
        except _UNENCODABLE:
            pass  # Decimals and the like: dump brings them into BSON's types, or refuses them below
        try:
            return encode({"": dump(value)}, False, CODEC_OPTIONS)
        except _UNENCODABLE:
            return _Unstorable()

    return freeze
