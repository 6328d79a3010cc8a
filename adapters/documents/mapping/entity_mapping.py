"""Entities and their documents: queries in the document's words, and what changed since an entity was loaded."""

from collections.abc import Callable, Iterable, Sequence
from copy import copy
from datetime import datetime
from hashlib import blake2b
from typing import Any

from ....domain.entities.entity import MANAGED, Entity
from ....domain.entities.scalars import Kind
from ....domain.entities.schema import FieldType, schema_of
from ....domain.errors import InvalidQuery, Problem, ValidationError
from ....domain.queries.query import Query, SortKey
from ....domain.rules.predicates import All, Path, Predicate, dotted
from ...backend import Document
from ..declarations.documents import Documents
from ..evolution.migration_state import Find, is_complete
from ..evolution.mixed_versions import MixedVersions
from ..evolution.schema_chain import SchemaChain, VersionKeys
from ..values.codecs import Codec
from ..values.keys import Keys
from .class_mapping import STUMBLES, ClassMapping
from .code_generation import compiled, indented
from .document_sizes import suspicion, weigher
from .rule_mapping import StoredRules
from .snapshots import Snapshot, comparison, freezer, is_free_dict, thawed
from .view_mapping import ViewMapping

_UNWATCHED = MANAGED - {"created_at"}
"""The fields in which no edit is looked for: only the unit of work writes them."""


def _attribute_of(mapping: ClassMapping, key: str) -> str:
    head, _, rest = key.partition(".")
    field = next((one for one in mapping.fields if one.key == head), None)
    if field is None:
        return key
    if rest and field.type.kind is Kind.NESTED:
        rest = _attribute_of(mapping.nested(field.type.python), rest)
    return f"{field.name}.{rest}" if rest else field.name


class EntityMapping(ClassMapping):
    """The mapping of one entity class, as one `Documents` declares it."""

    cls: type[Entity[Any]]

    def __init__(self, documents: Documents, unusual: Callable[[FieldType], Codec]) -> None:
        super().__init__(documents.repository.entity, Keys(documents.naming, documents.keys), unusual, nested=False)
        self.schema_version_key = self._keys.key_of("schema_version", nested=True)
        self.schema_compatible_key = self._keys.key_of("schema_compatible", nested=True)
        self.version_key = self.by_name["version"].key
        self.updated_at_key = self.by_name["updated_at"].key
        self._watched = tuple((at, field) for at, field in enumerate(self.fields) if field.name not in _UNWATCHED)
        self.chain = SchemaChain(
            documents, VersionKeys(self.schema_version_key, self.schema_compatible_key, self.version_key)
        )
        self.chain.hide(field.key for field in self.fields if field.secret)
        self._mixed = MixedVersions(self.chain, self.name, self.attribute_of)
        self._rules = StoredRules(self)
        form = [(field.name, field.key, str(field.type)) for field in self.fields]
        self.fingerprint = blake2b(repr((self.name, form)).encode(), digest_size=4).hexdigest()
        self._views: dict[type[Any], ViewMapping] = {}
        self.may_be_large = suspicion(self.name, self.fields)
        self.weight = weigher(self.name, self.fields)
        self.snapshot, self.is_same, self.changed_fields = comparison(self.name, self._watched)
        self._fast_dump_new = self._generate_dump_new()
        self._fast_load_tracked = self._generate_load_tracked() if self._skips_init else self._load_tracked_slowly

    def within(self, collection: str, find: Find) -> "EntityMapping":
        """Return this mapping for one unit or reader, which asks there whether migrations are complete.

        Args:
            collection: where the entities are.
            find: reads in the unit or reader.
        """
        if not self.chain.steps:
            return self
        mapping, chain = copy(self), copy(self.chain)
        chain.is_complete = lambda: is_complete(chain, collection, find)
        mapping.chain = chain
        mapping._mixed = MixedVersions(chain, self.name, self.attribute_of)
        return mapping

    def dump_id(self, id: object) -> Any:
        """Return an id as it is stored.

        Raises:
            InvalidQuery: if it is not an id of this entity.
        """
        try:
            return self.by_name["id"].codec.dump(id)
        except ValueError as error:
            raise InvalidQuery(f"the id of {self.name} {error}") from None

    def changes(self, entity: Entity[Any], since: Snapshot) -> tuple[Document, tuple[str, ...]]:
        """Return the changed fields as they are to be stored, and the document keys that are to go.

        Raises:
            ValidationError: if a changed value cannot be stored.
        """
        document: Document = {}
        unset: list[str] = []
        for name in self.changed_fields(entity, since):
            field = self.by_name[name]
            value = getattr(entity, name)
            if value is None and field.type.optional:
                unset.append(field.key)
                continue
            try:
                document[field.key] = field.codec.dump(value)
                continue
            except ValueError as error:
                refusal = error
            self.dump(entity)  # says what is wrong with every field; out here, it has no context that quotes values
            raise refusal
        return document, tuple(unset)

    def before(self, entity: Entity[Any], since: Snapshot) -> Document:
        """Return the document of an entity as it was when a snapshot of it was taken.

        Raises:
            ValidationError: if a value of the entity cannot be stored.
        """
        document = self.dump(entity)
        for (_, field), frozen in zip(self._watched, since, strict=True):
            value = thawed(field, frozen)
            if value is None and field.type.optional:
                document.pop(field.key, None)
            else:
                document[field.key] = value
        self.stamp_schema(document)
        return document

    def load(self, document: Document) -> Any:
        """Build an entity from its document, which is brought up to date in place.

        Raises:
            ValidationError: if the document does not fit, naming it and every field that is wrong.
            MigrationError: if the document is of a version that cannot be read.
        """
        if type(document) is dict:
            self.chain.bring_up((document,))
        return super().load(document)

    def load_all(self, documents: list[Document]) -> list[Any]:
        """Build an entity from each document; they are brought up to date in place."""
        self.chain.bring_up(documents)
        return super().load_all(documents)

    def _load_checked(self, document: Any) -> Any:
        """Build an entity by its constructor: what that records has happened before, and was told then."""
        entity = super()._load_checked(document)
        entity.forget_events()
        return entity

    def to_stored(self, query: Query) -> Query:
        """Rewrite a query's paths and values into those of the document.

        Raises:
            InvalidQuery: if documents of several schema versions may be stored, and do not have one answer to it.
        """
        return Query(
            self.to_stored_predicate(query.predicate),
            tuple([SortKey(self.stored_path(key.path, "sorted by"), key.descending) for key in query.sort]),
            query.skip,
            query.limit,
            None if query.select is None else self._selected(query.select),
        )

    def _selected(self, paths: Sequence[Path]) -> tuple[Path, ...] | None:
        """What is to be read: everything, if steps or defaults make some of it out of other keys."""
        stored = tuple(self._rules.path(path)[0] for path in paths)
        if any(map(self._mixed.changes, stored)) or any(
            self.by_name[path[0]].default_looks_at_entity for path in paths
        ):
            return None
        return (*stored, (self.chain.keys.schema,), (self.chain.keys.compatible,))

    def view(self, cls: type[Any] | None) -> ClassMapping:
        """Return the mapping of a view, made once; without one, this."""
        if cls is None:
            return self
        found = self._views.get(cls)
        if found is None:
            found = self._views[cls] = ViewMapping(
                cls,
                self.by_name,
                self.chain,
                whole=self._reads_whole_documents(schema_of(cls).fields),
                entity=super().load,
                keys=self._keys,
                unusual=self._unusual,
                known=self._nested,
            )
        return found

    def load_values(self, path: Path, values: list[Any]) -> list[Any]:
        """Load values that stand at a path, or in a list there.

        Raises:
            ValidationError: if one does not fit.
        """
        _, codec = self._rules.path(path)
        try:
            return [codec.load(value) for value in values]
        except ValueError as error:
            raise ValidationError([Problem(dotted(path), str(error))], entity=self.name) from error

    def stored_path(self, path: Path, what: str = "read by itself") -> Path:
        """Return the path in the document, at which all documents must have the same form.

        Args:
            path: of the entity.
            what: is to be done there, for the error.

        Raises:
            InvalidQuery: if documents of several schema versions may be stored, and differ there.
        """
        stored = self._rules.path(path)[0]
        self._mixed.refuse_unsettled(stored, what)
        return stored

    def _reads_whole_documents(self, names: Iterable[str]) -> bool:
        """Whether steps or defaults make some of these fields out of other keys."""
        found = [self.by_name[name] for name in names]
        return any(field.default_looks_at_entity or self._mixed.changes((field.key,)) for field in found)

    def to_stored_predicate(self, predicate: Predicate) -> Predicate:
        """Rewrite a predicate's paths and values into those of documents of every version that may be stored.

        Raises:
            InvalidQuery: if a step does not allow that, and the migration is not complete.
        """
        return self._mixed.rewritten(self._rules.predicate(predicate))

    def to_written_predicate(self, predicate: Predicate) -> Predicate:
        """Rewrite the predicate of a write as `to_stored_predicate` does; it never holds of what newer code wrote.

        Raises:
            InvalidQuery: as `to_stored_predicate`.
        """
        return All((self.to_stored_predicate(predicate), self.chain.readable()))

    def to_current_predicate(self, predicate: Predicate) -> Predicate:
        """Rewrite a predicate's paths and values into those of documents of the current version."""
        return self._rules.predicate(predicate)

    def stamp_schema(self, document: Document) -> None:
        """Mark a whole document that is to be written as one of the current version."""
        document.update(self.chain.stamp)

    def stored_key(self, name: str) -> str:
        """Return the dotted document key of a dotted attribute name, for indexes."""
        return ".".join(self._rules.path(tuple(name.split(".")))[0])

    def attribute_of(self, key: str) -> str:
        """Return the dotted attribute name of a dotted document key; parts that no attribute has stay as they are."""
        return _attribute_of(self, key)

    def load_tracked(self, documents: list[Document]) -> tuple[list[Any], list[Snapshot]]:
        """Build an entity from each document, which is up to date, and take their snapshots."""
        snapshots: list[Snapshot] = []
        try:
            return self._fast_load_tracked(documents, snapshots), snapshots
        except STUMBLES:
            snapshots = []
        return self._load_tracked_slowly(documents, snapshots), snapshots

    def _load_tracked_slowly(self, documents: list[Document], snapshots: list[Snapshot]) -> list[Any]:
        entities = super().load_all(documents)
        snapshots += map(self.snapshot, entities)
        return entities

    def dump_new(self, entities: list[Any], now: datetime) -> list[Document]:
        """Build the documents of entities that are stored for the first time.

        Raises:
            ValidationError: if a value of one cannot be stored.
        """
        try:
            return self._fast_dump_new(entities, now)
        except STUMBLES:
            given = {self.version_key: 1, self.updated_at_key: now, **self.chain.stamp}
        return [{**self.dump(entity), **given} for entity in entities]

    def _generate_dump_new(self) -> Callable[[list[Any], datetime], list[Document]]:
        names: dict[str, Any] = {}
        stamp = {key: str(value) for key, value in self.chain.stamp.items()}
        given = {self.version_key: "1", self.updated_at_key: "now", **stamp}
        lines = [*self._dump_lines(names, given), "append(document)"]
        loop = ["documents = []", "append = documents.append", "for subject in subjects:", *indented(lines)]
        return compiled("dump_new(subjects, now)", [*loop, "return documents"], names, self.name)

    def _generate_load_tracked(self) -> Callable[[list[Document], list[Snapshot]], list[Any]]:
        """Generate the loader that takes the snapshots from the values that it has at hand."""
        names: dict[str, Any] = {}
        taken: list[str] = []
        for number, field in self._watched:
            value = f"value_{number}"
            if not field.codec.mutable:
                taken.append(value)
                continue
            names[f"freeze_{number}"], _ = freezer(field)
            frozen = f"freeze_{number}({value})"
            if is_free_dict(field.type):
                # one that needed no loading has no items that could be edited in place: a shallow copy is enough
                frozen = f"{value}.copy() if {value} is get({field.key!r}) is not None else {frozen}"
            taken.append(frozen)
        more = [f"snapshots.append(({', '.join(taken)},))"]
        return self._generate_load("load(documents, snapshots)", more, names)
