"""Classes of events that a store publishes, with the steps that bring old forms of their records up to date."""

from typing import Any

from attrs import field, frozen

from ....domain.entities.events import Event, event_name
from ....domain.errors import ConfigurationError
from .documents import UpdateForm, WriteBack
from .schema_steps import SchemaStep


def _as_tuple(steps: Any) -> tuple[SchemaStep, ...]:
    if not isinstance(steps, list | tuple):
        raise ConfigurationError(f"steps of a PublishedEvent must be a list of SchemaStep(version, ...), not {steps!r}")
    return tuple(steps)


@frozen
class PublishedEvent:
    """How the records of a class of events have changed; a class that never has is named in ``publishes`` by itself.

    ::

        PublishedEvent(OrderPlaced, schema_version=2, steps=[SchemaStep(2, Rename("sum", "amount"))])

    Attributes:
        event: the class.
        schema_version: stored with each record as ``schemaVersion``; one without it is of version 1.
        steps: a `SchemaStep` for each version from an old one to `schema_version`, without a gap, whose keys are those
            of the event's fields. Records of those versions are brought up to date when they are delivered.
    """

    event: type[Event]
    schema_version: int = field(default=1, kw_only=True)
    steps: tuple[SchemaStep, ...] = field(default=(), converter=_as_tuple, kw_only=True)

    @property
    def collection(self) -> str:
        """What messages call it."""
        return f"event {event_name(self.event)}"

    @property
    def unversioned(self) -> int:
        """The version of records that do not tell theirs."""
        return 1

    @property
    def write_back(self) -> WriteBack:
        """Records stay as they are stored."""
        return "on_change"

    @property
    def update(self) -> UpdateForm:
        """What newer code marks as compatible can be read."""
        return "set"
