"""The steps that bring stored documents from one schema version to the next.

They are about documents as they were stored, so their keys are those of the document, dotted for nested documents.
A list on the way of a dotted key is refused: what stands inside lists is for a function.
"""

from collections.abc import Callable, Iterable
from typing import Any

from attrs import Attribute, field, frozen

from ....domain.errors import ConfigurationError
from ....domain.plain_functions import call_plain, check_plain
from ....domain.rules.predicates import Path
from ...backend import Document
from ...backend.bson import copied
from ..values.free_values import dump_free
from ..values.keys import ID_KEY
from ..values.nested_keys import MISSING, overlap, path_of, put, taken, value_at

DocumentFunction = Callable[[Document], Document]


def _check_key(_: object, attribute: "Attribute[str]", key: str) -> None:
    parts = key.split(".") if isinstance(key, str) else [""]
    if not all(part and not part.startswith("$") and "\0" not in part for part in parts) or parts[0] == ID_KEY:
        raise ConfigurationError(
            f"{attribute.name} of a schema step must be a document key such as 'email' or 'address.zipCode', "
            f"and not the id, not {key!r}"
        )


def _check_function(_: object, attribute: "Attribute[Any]", value: object) -> None:
    if value is not None:
        check_plain(value, f"{attribute.name} of a schema step", takes=1, iterated=attribute.name == "back")


def _storable(value: Any) -> Any:
    try:
        return dump_free(value)
    except ValueError as error:
        raise ConfigurationError(f"the value of a Default {error}") from None


@frozen
class Rename:
    """What stands under one key moves to another; a document without it stays as it is.

    If something stands under the new key already, nothing is overwritten: the step fails for that document.

    Attributes:
        old, new: the keys.
        paths: the paths that it changes.
    """

    old: str = field(validator=_check_key)
    new: str = field(validator=_check_key)
    paths: tuple[Path, ...] = field(init=False, repr=False, eq=False)

    def __attrs_post_init__(self) -> None:
        if overlap(path_of(self.old), path_of(self.new)):
            raise ConfigurationError(f"Rename({self.old!r}, {self.new!r}) moves a key into itself")

    @paths.default
    def _paths(self) -> tuple[Path, ...]:
        return path_of(self.old), path_of(self.new)

    def apply(self, document: Document) -> None:
        """Carry it out on a document, in place.

        Raises:
            ValueError: if the document does not allow it.
        """
        old, new = self.paths
        value = taken(document, old)
        if value is MISSING:
            return
        if value_at(document, new) not in (MISSING, None):
            raise ValueError(f"{self.new} is there already beside {self.old}")
        put(document, new, value)

    def __str__(self) -> str:
        return f"rename {self.old} to {self.new}"


@frozen
class _OfOneKey:
    """A change of what stands under one key."""

    key: str = field(validator=_check_key)
    paths: tuple[Path, ...] = field(init=False, repr=False, eq=False)

    @paths.default
    def _paths(self) -> tuple[Path, ...]:
        return (path_of(self.key),)


@frozen
class Default(_OfOneKey):
    """A key gets a value in the documents in which it is missing; null stays null.

    Attributes:
        key: the key.
        value: what it gets: text, numbers, aware datetimes, Decimal ..., as free values of entities are stored.
        paths: the paths that it changes.
    """

    value: Any = field(converter=_storable)

    def apply(self, document: Document) -> None:
        """Carry it out on a document, in place.

        Raises:
            ValueError: if the document does not allow it.
        """
        (path,) = self.paths
        if value_at(document, path) is MISSING:
            put(document, path, copied(self.value))

    def __str__(self) -> str:
        return f"default {self.key} = {self.value!r}"


@frozen
class Drop(_OfOneKey):
    """A key goes, with what stands there.

    Attributes:
        key: the key.
        paths: the paths that it changes.
    """

    def apply(self, document: Document) -> None:
        """Carry it out on a document, in place.

        Raises:
            ValueError: if the document does not allow it.
        """
        taken(document, self.paths[0])

    def __str__(self) -> str:
        return f"drop {self.key}"


@frozen
class Convert(_OfOneKey):
    """The value of a key becomes another one; nothing and null stay.

    Rules about the key wait until the migration is complete, unless `back` tells which old values become a given new
    one: then comparisons with ``==``, ``!=``, `one_of` and `is_none` find documents of both versions.

    Attributes:
        key: the key.
        to: makes the new value of the old one, both as they are stored. It must give the same each time, and no None
            where there is `back`.
        back: all old values that become a given new one; the values of such a key are no lists.
        paths: the paths that it changes.
    """

    to: Callable[[Any], Any] = field(validator=_check_function)
    back: Callable[[Any], Iterable[Any]] | None = field(default=None, validator=_check_function)

    def apply(self, document: Document) -> None:
        """Carry it out on a document, in place.

        Raises:
            ValueError: if the document does not allow it.
        """
        (path,) = self.paths
        value = value_at(document, path)
        if value is MISSING or value is None:
            return
        if self.back is not None and isinstance(value, list):
            raise ValueError(f"{self.key} is a list, for which the step cannot tell the old values of a new one")
        new = call_plain(f"to of the step for {self.key}", self.to, value)
        if new is None and self.back is not None:
            raise ValueError(
                f"{_name(self.to)} makes None of it, of which back= does not tell the old values: leave back= out, and "
                "rules about the key wait until the migration is complete"
            )
        put(document, path, new)

    def __str__(self) -> str:
        return f"convert {self.key} by {_name(self.to)}"


@frozen
class Transform:
    """A function makes the new document of the old one.

    It is given a document of its own, which it may change and return. What it does to a key that it does not list is
    an error, for rules about that key would be answered wrongly. It must give the same for the same document.

    Attributes:
        function: makes the document.
        touches: the keys that it changes, adds or takes away.
        paths: the paths that it changes.
    """

    function: DocumentFunction = field(validator=_check_function)
    touches: tuple[str, ...] = field()
    paths: tuple[Path, ...] = field(init=False, repr=False, eq=False)

    @touches.validator
    def _check_touches(self, attribute: "Attribute[str]", touches: object) -> None:
        if not isinstance(touches, tuple) or not touches:
            raise ConfigurationError(
                f"Transform({_name(self.function)}) must list the keys that it touches as a tuple, such as "
                "touches=('name', 'firstName')"
            )
        for key in touches:
            _check_key(self, attribute, key)

    @paths.default
    def _paths(self) -> tuple[Path, ...]:
        return tuple(map(path_of, self.touches)) if isinstance(self.touches, tuple) else ()

    def __str__(self) -> str:
        return f"{_name(self.function)}, which touches {', '.join(self.touches)}"


def touches(*keys: str) -> Callable[[DocumentFunction], Transform]:
    """Make a `Transform` of the function below it, which changes these keys and no others.

    ::

        @touches("name", "firstName", "lastName")
        def split_name(document: dict[str, Any]) -> dict[str, Any]:
            document["firstName"], _, document["lastName"] = document.pop("name", "").partition(" ")
            return document
    """
    return lambda function: Transform(function, keys)


SchemaChange = Rename | Default | Drop | Convert | Transform


def _check_changes(_: object, __: object, changes: tuple[object, ...]) -> None:
    for change in changes:
        if not isinstance(change, SchemaChange):
            raise ConfigurationError(
                f"a SchemaStep takes Rename, Default, Drop, Convert and Transform, not {type(change).__name__}"
            )


@frozen(init=False)
class SchemaStep:
    """The way from one schema version to the next.

    Attributes:
        version: where it leads; it begins at the version before.
        changes: what it does, one after the other; nothing, if only new fields with defaults of the entity came.
        compatible: whether code of the version before may read and edit documents of this one: they are marked so.
    """

    version: int
    changes: tuple[SchemaChange, ...] = field(validator=_check_changes)
    compatible: bool = False

    def __init__(self, version: int, *changes: SchemaChange, compatible: bool = False) -> None:
        self.__attrs_init__(version, changes, compatible)

    def __str__(self) -> str:
        return "; ".join(map(str, self.changes)) or "nothing to do"


def _name(function: Callable[..., Any]) -> str:
    return getattr(function, "__name__", type(function).__name__)
