"""Views of entities: built from the fields that they have, as these are stored for the entity."""

from collections.abc import Callable, Mapping
from typing import Any

from ...domain.schema import FieldSchema, FieldType
from .class_mapping import ClassMapping, MappedField
from .codecs import Codec
from .naming import Keys


class ViewMapping(ClassMapping):
    """The mapping of a view: keys, codecs and defaults are those of the entity."""

    def __init__(
        self,
        cls: type[Any],
        fields: Mapping[str, MappedField],
        keys: Keys,
        unusual: Callable[[FieldType], Codec],
        known: dict[type[Any], ClassMapping],
    ) -> None:
        self._of_entity = fields
        super().__init__(cls, keys, unusual, nested=False, known=known)

    def _mapped(self, field: FieldSchema, *, nested: bool) -> MappedField:
        found = self._of_entity[field.name]
        # what the document lacks is for the entity to say
        attribute = field.attribute.evolve(default=found.attribute.default)
        return MappedField(field.name, found.key, found.type, found.codec, attribute)


__all__ = ["ViewMapping"]
