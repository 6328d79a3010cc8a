"""The document side of a repository, declared once: collection, indexes, form of the keys."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any, Literal

from attrs import Attribute, field, frozen

from ....domain.errors import ConfigurationError
from ....domain.repository.repository import Repository
from ..values.keys import Naming
from .indexes import Index
from .schema_steps import SchemaStep

UpdateForm = Literal["set", "replace"]
WriteBack = Literal["on_change", "on_read"]
ValidationLevel = Literal["strict", "moderate", "off"]
ValidationAction = Literal["error", "warn"]
Granularity = Literal["seconds", "minutes", "hours"]


def _one_of(*words: str) -> Callable[[object, "Attribute[str]", str], None]:
    def check(subject: object, attribute: "Attribute[str]", value: str) -> None:
        if value not in words:
            raise ConfigurationError(
                f"{attribute.name} of {type(subject).__name__} must be {' or '.join(words)}, not {value!r}"
            )

    return check


def _as_tuple(steps: Any) -> tuple[Any, ...]:
    if not isinstance(steps, list | tuple):
        raise ConfigurationError(f"steps of Documents must be a list of SchemaStep(version, ...), not {steps!r}")
    return tuple(steps)


def _as_indexes(indexes: Any) -> tuple[Index, ...]:
    if not isinstance(indexes, list | tuple):
        raise ConfigurationError(f"indexes of Documents must be a list of Index(...), not {indexes!r}")
    for index in indexes:
        if not isinstance(index, Index):
            raise ConfigurationError(
                f"indexes of Documents are made with Index(...), not {index!r}; a unique key is named in the "
                "repository: unique = (Unique(...),)"
            )
    return tuple(indexes)


@frozen
class Validation:
    """That a server checks documents by the rules of their entity, whoever writes them.

    Attributes:
        level: ``strict`` checks every document that is written; ``moderate`` leaves alone updates of those that break
            the rules already; ``off`` checks nothing.
        action: ``error`` refuses, ``warn`` only writes to the server's log
            (https://www.mongodb.com/docs/manual/core/schema-validation).
    """

    level: ValidationLevel = field(default="strict", validator=_one_of("strict", "moderate", "off"))
    action: ValidationAction = field(default="error", validator=_one_of("error", "warn"))


@frozen(kw_only=True)
class TimeSeries:
    """That a server keeps a collection as a time series: packed by time, for figures that are only ever added.

    MongoDB writes no time series inside a transaction and checks neither ids nor unique keys there, so entities are
    added with ``store.bulk()`` and are never edited. An in-memory store keeps an ordinary collection.

    Attributes:
        time: the field with the time; a datetime that is not optional.
        meta: the field that tells one series from another, such as the name of a metric.
        granularity: how close together the figures of one series are: ``seconds``, ``minutes`` or ``hours``.
        expire_after: how long after their time figures are removed; None keeps them.
    """

    time: str
    meta: str | None = None
    granularity: Granularity = field(default="seconds", validator=_one_of("seconds", "minutes", "hours"))
    expire_after: timedelta | None = None


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
        validation: whether a server checks what is written; `prepare` gives it to a collection that it creates, and
            ``tristore schema sync`` to one that is there.
        time_series: whether a server keeps the collection as a time series, from its creation on.
    """

    repository: type[Repository[Any, Any]] = field(kw_only=False)
    collection: str
    database: str | None = None
    indexes: tuple[Index, ...] = field(default=(), converter=_as_indexes)
    naming: Naming = field(default="camelCase", validator=_one_of("camelCase", "snake_case"))
    keys: Mapping[str, str] = field(factory=dict)
    update: UpdateForm = field(default="set", validator=_one_of("set", "replace"))
    schema_version: int = 1
    steps: tuple[SchemaStep, ...] = field(default=(), converter=_as_tuple)
    unversioned: int = 1
    write_back: WriteBack = field(default="on_change", validator=_one_of("on_change", "on_read"))
    validation: Validation | None = None
    time_series: TimeSeries | None = None
