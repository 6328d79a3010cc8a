"""Views of entities: built from the fields that they have, as these are stored for the entity."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ....domain.entities.schema import FieldSchema, FieldType
from ...backend import Document
from ..evolution.schema_chain import SchemaChain
from ..values.codecs import Codec
from ..values.keys import Keys
from .class_mapping import ClassMapping
from .mapped_field import FACTORY, MappedField


class ViewMapping(ClassMapping):
    """The mapping of a view: keys, codecs and defaults are those of the entity.

    Args:
        cls: the view.
        by_name: the mapped fields of the entity, by name.
        chain: brings documents of the entity up to date.
        whole: whether whole documents are read for it, because some of its fields are made out of other keys.
        entity: builds the entity, whose default may look at fields that the view does not have.
        keys, unusual, known: as `ClassMapping` takes them.
    """

    def __init__(
        self,
        cls: type[Any],
        by_name: Mapping[str, MappedField],
        chain: SchemaChain,
        *,
        whole: bool,
        entity: Callable[[Document], Any],
        keys: Keys,
        unusual: Callable[[FieldType], Codec],
        known: dict[type[Any], ClassMapping],
    ) -> None:
        self._of_entity = by_name
        self._chain = chain
        self._whole = whole
        self._entity = entity
        super().__init__(cls, keys, unusual, nested=False, known=known)

    def load(self, document: Document) -> Any:
        """Build a view from a document, or from a part of it that no step changes."""
        self._check((document,))
        return super().load(document)

    def load_all(self, documents: list[Document]) -> list[Any]:
        """Build a view from each document."""
        self._check(documents)
        return super().load_all(documents)

    def _check(self, documents: Iterable[Document]) -> None:
        """Bring whole documents up to date; of parts, refuse those that cannot be read."""
        if self._whole:
            self._chain.bring_up(documents)
        else:
            self._chain.check(documents)

    def _left_out(self, field: MappedField, document: Document) -> dict[str, Any]:
        """The default of the entity's field: a view has none of its own."""
        default: Any = field.attribute.default
        if field.default_looks_at_entity:
            value = getattr(self._entity(document), field.name)
        else:
            value = default.factory() if isinstance(default, FACTORY) else default
        return {field.attribute.alias or field.name: value}

    def _mapped(self, field: FieldSchema, *, nested: bool) -> MappedField:
        found = self._of_entity[field.name]
        # what the document lacks is for the entity to say
        attribute = field.attribute.evolve(default=found.attribute.default)
        return MappedField(field.name, found.key, found.type, found.codec, attribute)
