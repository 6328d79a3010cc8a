"""Events with fields of any name: how their classes are named does not depend on them."""

from typing import Any

import pytest
from attrs import field as attrs_field
from attrs import frozen, make_class

from contracts.stores import OpenBilling
from tristore import ConfigurationError, Event
from tristore.operations import OutboxRelay

from ..outbox_base import OutboxContract, records


@frozen(kw_only=True)
class Registered(Event):
    """Somebody registered."""

    name: str


@frozen(kw_only=True)
class Greeted(Event):
    """Somebody was greeted, under a name by default."""

    name: str = "Ada"


@frozen(kw_only=True)
class Renamed(Event, name="registered.v2"):
    """A class with a name of its own, and a field called so."""

    name: str


class Old(Event):
    """A class that names itself by an attribute."""

    name = "old.name"


FIELDS = (
    "name",
    "type",
    "event",
    "id",
    "_id",
    "version",
    "payload",
    "status",
    "store",
    "key",
    "cls",
    "options",
    "_name",
)


class EventNamesContract(OutboxContract):
    """What an event is called, and what it holds."""

    def test_an_event_with_a_field_called_name_arrives(self, open_billing: OpenBilling) -> None:
        """Its record bears the name of the class, and handlers get the value of the field."""
        store = open_billing(publishes=(Registered, Greeted, Renamed, Old))
        relay, taken = OutboxRelay(store), list[Event]()
        sent = (Registered(name="Bob"), Greeted(), Renamed(name="Eve"), Old())
        for cls in (Registered, Greeted, Renamed, Old):
            relay.on(cls, "log", lambda event, delivery: taken.append(event))
        with store.unit_of_work() as billing:
            for event in sent:
                billing.publish(event)

        stored = {one["type"] for one in records(store)}
        done = relay.run_once()

        assert {"Registered", "Greeted", "registered.v2", "old.name"} == stored
        assert (4, 0) == (done.delivered, done.failed)
        assert set(sent) == set(taken)

    @pytest.mark.parametrize("name", FIELDS)
    def test_fields_of_any_name_are_delivered(self, open_billing: OpenBilling, name: str) -> None:
        """A field may have any name, also one that records and classes of events use themselves."""
        cls: Any = make_class("Named", {name: attrs_field(type=str)}, bases=(Event,), frozen=True, kw_only=True)
        event = cls(**{name.lstrip("_"): "value"})
        store = open_billing(publishes=(cls,))
        relay, taken = OutboxRelay(store), list[Event]()
        relay.on(cls, "log", lambda event, delivery: taken.append(event))
        with store.unit_of_work() as billing:
            billing.publish(event)

        relay.run_once()

        assert [event] == taken

    def test_two_classes_of_one_name_are_refused(self, open_billing: OpenBilling) -> None:
        """Whichever way they are named: their records could not be told apart."""

        @frozen(kw_only=True)
        class Another(Event, name="Registered"):
            """Has the name of another class."""

        with pytest.raises(ConfigurationError, match=r"class Another\(Event, name=\.\.\.\)"):
            open_billing(publishes=(Registered, Another))
