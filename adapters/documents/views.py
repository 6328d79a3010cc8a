"""Views of entities: built from the fields that they have, as these are stored for the entity."""

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from ...domain.schema import FieldSchema, FieldType
from ..backend import Document
from .class_mapping import ClassMapping
from .codecs import Codec
from .mapped_field import MappedField
from .naming import Keys

if TYPE_CHECKING:
    from .entity_mapping import EntityMapping


class ViewMapping(ClassMapping):
    """The mapping of a view: keys, codecs and defaults are those of the entity."""

    def __init__(
        self,
        cls: type[Any],
        entity: "EntityMapping",
        keys: Keys,
        unusual: Callable[[FieldType], Codec],
        known: dict[type[Any], ClassMapping],
    ) -> None:
        self._of_entity: Mapping[str, MappedField] = entity.by_name
        self._chain = entity.chain
        super().__init__(cls, keys, unusual, nested=False, known=known)
        self._whole = entity.reads_whole_documents(self.by_name)

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

    def _mapped(self, field: FieldSchema, *, nested: bool) -> MappedField:
        found = self._of_entity[field.name]
        # what the document lacks is for the entity to say
        attribute = field.attribute.evolve(default=found.attribute.default)
        return MappedField(field.name, found.key, found.type, found.codec, attribute)


__all__ = ["ViewMapping"]
