"""The document side of a repository, declared once: collection, indexes, form of the keys."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Literal

from attrs import Attribute, field, frozen

from ...domain.errors import ConfigurationError
from ...domain.repository import Repository
from ...domain.specification import Where

if TYPE_CHECKING:
    from .schema_steps import SchemaStep

Naming = Literal["camelCase", "snake_case"]
UpdateForm = Literal["set", "replace"]
WriteBack = Literal["on_change", "on_read"]


@frozen(init=False)
class Index:
    """An index over attributes: names in order of weight, dotted for nested ones, ``-`` for descending.

    Unique keys are declared by the repository (`Unique`), because they are a rule of the domain.

    Attributes:
        fields: the names.
        sparse: leave out entities that have none of the fields.
        where: a rule: only entities that meet it are in the index; the same rules as for `Unique`.
    """

    fields: tuple[str, ...]
    sparse: bool = False
    where: Where[Any] | None = None

    def __init__(self, *fields: str, sparse: bool = False, where: Where[Any] | None = None) -> None:
        self.__attrs_init__(fields, sparse, where)


def _one_of(*words: str) -> Callable[[object, "Attribute[str]", str], None]:
    def check(_: object, attribute: "Attribute[str]", value: str) -> None:
        if value not in words:
            raise ConfigurationError(f"{attribute.name} of Documents must be {' or '.join(words)}, not {value!r}")

    return check


def _as_tuple(steps: Any) -> tuple[Any, ...]:
    if not isinstance(steps, list | tuple):
        raise ConfigurationError(f"steps of Documents must be a list of SchemaStep(version, ...), not {steps!r}")
    return tuple(steps)


@frozen(kw_only=True)
class Documents:
    """How the entities of one repository are stored.

    Attributes:
        repository: the repository class that is made for a unit: the port, or a subclass with what only one
            backend has.
        collection: the name of the collection.
        database: another database of the same server than the URL names; its documents join the same transactions.
        indexes: the indexes beside the unique keys.
        naming: the form of the document's keys. camelCase is what a Mongoose service writes.
        keys: document keys that differ from the naming, by attribute name.
        update: "set" writes changed top-level fields and keeps fields that the entity does not know; "replace"
            writes the whole document.
        schema_version: stored with each document as ``schemaVersion``.
        steps: a `SchemaStep` for each version from an old one to `schema_version`, without a gap. Documents of those
            versions are brought up to date when they are read; older ones are refused.
        unversioned: the schema version of documents without ``schemaVersion``, as other programs write them.
        write_back: when a document that was brought up to date is written: "on_change" with the next change of its
            entity, "on_read" at once.
    """

    repository: type[Repository[Any, Any]] = field(kw_only=False)
    collection: str
    database: str | None = None
    indexes: tuple[Index, ...] = ()
    naming: Naming = field(default="camelCase", validator=_one_of("camelCase", "snake_case"))
    keys: Mapping[str, str] = field(factory=dict)
    update: UpdateForm = field(default="set", validator=_one_of("set", "replace"))
    schema_version: int = 1
    steps: "tuple[SchemaStep, ...]" = field(default=(), converter=_as_tuple)
    unversioned: int = 1
    write_back: WriteBack = field(default="on_change", validator=_one_of("on_change", "on_read"))
