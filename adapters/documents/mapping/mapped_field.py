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
FACTORY: type[Any] = type(attrs.Factory(list))


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
        return self.attribute.default is attrs.NOTHING or self.is_left_to_class(document)

    def is_left_to_class(self, document: Document) -> bool:
        """Whether the class's default stands in for a value that is missing or null; it may look at other fields."""
        missing = document.get(self.key) is None and not self.type.optional
        return missing and self.attribute.default is not attrs.NOTHING

    @property
    def default_looks_at_entity(self) -> bool:
        """Whether the default is made from the other values of the object."""
        return bool(getattr(self.attribute.default, "takes_self", False))

    def load(self, value: Any) -> Any:
        """Load a value that may be missing, and has no default.

        Raises:
            ValueError: if the value does not fit.
        """
        if value is not MISSING and value is not None:
            return self.codec.load(value)
        if self.type.optional:
            return None
        raise ValueError("is missing")


def problems_of(field: MappedField, error: ValueError) -> list[Problem]:
    """What is wrong with one field; of a secret, no more than that."""
    return [Problem(field.name, HIDDEN)] if field.secret else problems_at(field.name, error)


def problems_at(name: str, error: Exception) -> list[Problem]:
    """What is wrong with one field, or with the fields of the nested value in it."""
    if isinstance(error, ValidationError):
        return [Problem(".".join(filter(None, (name, problem.field))), problem.message) for problem in error.problems]
    # the validators of attrs put the attribute and the value behind their words
    words = str(error.args[0] if error.args else error)
    if not isinstance(error, ValueError | TypeError | ArithmeticError):
        words = f"{type(error).__name__}: {words}"  # no refusal of a value, and its words may say nothing alone
    return [Problem(name, words)]
