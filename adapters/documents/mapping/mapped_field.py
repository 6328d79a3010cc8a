"""One stored field of an attrs class, and what is said of a value that does not fit it."""

from typing import Any

import attrs
from attrs import frozen

from ....domain.entities.schema import FieldType
from ....domain.entities.secrets import HIDDEN, SECRET
from ....domain.errors import Problem, ValidationError
from ...backend import Document
from ..values.codecs import Codec

MISSING = object()
_FACTORY: type[Any] = type(attrs.Factory(list))


@frozen
class MappedField:
    """One stored field: the attribute, its document key, its codec."""

    name: str
    key: str
    type: FieldType
    codec: Codec
    attribute: "attrs.Attribute[Any]"

    @property
    def secret(self) -> bool:
        """Whether no error may show the value."""
        return SECRET.items() <= self.attribute.metadata.items()

    def is_computed(self, document: Document) -> bool:
        """Whether a field that the constructor does not take keeps what the constructor makes of it.

        With a default it is a state like any other, and the stored one counts.
        """
        return self.attribute.default is attrs.NOTHING or (self.key not in document and not self.type.optional)

    def load(self, value: Any) -> Any:
        """Load a value that may be missing: a default stands in where there is one.

        Raises:
            ValueError: if the value does not fit.
        """
        if value is not MISSING and value is not None:
            return self.codec.load(value)
        if self.type.optional:
            return None
        default: Any = self.attribute.default
        if default is attrs.NOTHING:
            raise ValueError("is missing")
        return default.factory() if isinstance(default, _FACTORY) else default


def problems_of(field: MappedField, error: ValueError) -> list[Problem]:
    """What is wrong with one field; of a secret, no more than that."""
    return [Problem(field.name, HIDDEN)] if field.secret else problems_at(field.name, error)


def problems_at(name: str, error: Exception) -> list[Problem]:
    """What is wrong with one field, or with the fields of the nested value in it."""
    if isinstance(error, ValidationError):
        return [Problem(".".join(filter(None, (name, problem.field))), problem.message) for problem in error.problems]
    # the validators of attrs put the attribute and the value behind their words
    return [Problem(name, str(error.args[0] if error.args else error))]
