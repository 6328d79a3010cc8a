"""The outbox: events as records, written last in the same transaction as the change that they tell of.

A record is found by its status, never by its age: the order in which transactions commit is not the order in which
they began. It keeps its place among the records of its aggregate by (era, version, n). An aggregate that is
removed and comes back under the same id begins again at version 1: the removal moves the records of
the ended life, which still wait, one era back, so that they stay in front.
"""

from collections.abc import Iterable
from datetime import timedelta

from cattrs import Converter

from ....domain.entities.events import Event, event_name
from ....domain.errors import ConfigurationError, UnitOfWorkError, ValidationError
from ...backend import CollectionDeclaration, Document, IndexDeclaration
from ..declarations.published_events import PublishedEvent
from ..evolution.schema_chain import SchemaChain, VersionKeys
from ..mapping.class_mapping import ClassMapping
from ..mapping.converter import event_mapping_of
from ..values.keys import ID_KEY
from ..values.own_records import STORE

COLLECTION = "tristore_outbox"
LANES_COLLECTION = "tristore_lanes"
REVISION = "rev"
"""The version key of a record: one step for each change of its status."""

NEW, DONE, PARKED, DISCARDED = "new", "done", "parked", "discarded"
"""How far a record is, and each subscription with it: only a subscription can be done without having got an event."""

PROGRESS, CLOSED, FAILING, PARKED_FOR = "progress", "closed", "failing", "parkedFor"
"""Keys: how far each subscription is, whether no further one gets it, by name who fails and for whom it is parked."""
LIFETIME = timedelta(days=7)
"""How long a delivered record is kept."""

_KEYS = VersionKeys("$form", "$compatible", "$version")
"""Where a payload carries its form while steps go over it: no field has such a key."""

_FORMS = {_KEYS.schema: "schemaVersion", _KEYS.compatible: "compatibleFrom"}
"""And where its record does."""

_ORDER = (STORE, "lane", "status", "aggregateId", "era", "version", "n")


class Outbox:
    """The event classes that a store publishes, and how they are stored.

    Attributes:
        store: the name of the store, which each record carries.
    """

    def __init__(self, store: str, classes: Iterable[type[Event] | PublishedEvent], converter: Converter) -> None:
        """Map the classes.

        Raises:
            ConfigurationError: if a class is no event, cannot be stored, or has a name that another one has.
        """
        self.store = store
        self._mappings: dict[type[Event], ClassMapping] = {}
        self._by_name: dict[str, ClassMapping] = {}
        self._chains: dict[str, SchemaChain] = {}
        for given in classes:
            declared = given if isinstance(given, PublishedEvent) else PublishedEvent(given)
            cls = declared.event
            if not (isinstance(cls, type) and issubclass(cls, Event)):
                raise ConfigurationError(f"publishes takes classes of events, not {cls!r}")
            name = event_name(cls)
            if name in self._by_name:
                raise ConfigurationError(
                    f"two published events are named {name!r}: give one another name, class {cls.__name__}(Event, "
                    "name=...)"
                )
            self._mappings[cls] = self._by_name[name] = event_mapping_of(cls, converter)
            self._chains[name] = SchemaChain(declared, _KEYS)
        self._classes = tuple(self._mappings)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the classes."""
        return tuple(self._by_name)

    def holds(self, event: Event | type[Event]) -> bool:
        """Tell whether events of this class travel.

        Raises:
            UnitOfWorkError: for a subclass of a published class: it would lose its own fields on the way.
        """
        cls = event if isinstance(event, type) else type(event)
        if cls in self._mappings:
            return True
        if issubclass(cls, self._classes):
            raise UnitOfWorkError(f"{cls.__name__} is a subclass of a published event: name it in publishes too")
        return False

    def dump(self, event: Event) -> Document:
        """Return what a record holds of an event: the name of its class, its form, and its fields."""
        name = event_name(type(event))
        stamp = self._chains[name].stamp
        return {
            "type": name,
            **{key: stamp[own] for own, key in _FORMS.items() if own in stamp},
            "payload": self._by_name[name].dump(event),
        }

    def load(self, record: Document) -> Event:
        """Return the event of a record, brought up to date.

        Raises:
            ValidationError: if the record does not fit the class, or the store publishes no class of that name.
            UnreadableVersion: if it has a form that cannot be read here.
            StepFailed: if a step cannot be carried out on it.
        """
        name, payload = record["type"], record["payload"]
        mapping = self._by_name.get(name)
        if mapping is None:
            raise ValidationError.of("type", f"no published event is named {name!r}")
        chain = self._chains[name]
        if record.get("schemaVersion") != chain.current:
            forms = {own: record[key] for own, key in _FORMS.items() if key in record}
            payload = {ID_KEY: record[ID_KEY], **forms, **payload}
            chain.upgrade(payload)
        event: Event = mapping.load(payload)
        return event


def declarations() -> tuple[CollectionDeclaration, ...]:
    """The collections of the records, which go by themselves some time after their delivery, and of the lanes."""
    order = IndexDeclaration(tuple((key, 1) for key in _ORDER))
    expiry = IndexDeclaration((("doneAt", 1),), expire_after=int(LIFETIME.total_seconds()))
    return (
        CollectionDeclaration(COLLECTION, (order, expiry), authoritative=True),
        CollectionDeclaration(LANES_COLLECTION, authoritative=True),
    )
