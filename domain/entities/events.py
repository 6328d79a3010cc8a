"""What happened: facts that entities record and that handlers receive once the unit has committed."""

from typing import Any, ClassVar

from attrs import frozen


@frozen(kw_only=True)
class Event:
    """The base of recorded events: name them in the past tense, give them plain fields of any name.

    A class travels under its own name. One that was renamed keeps the name under which its records are stored::

        @frozen(kw_only=True)
        class OrderPlaced(Event, name="Placed"):
            order: str
    """

    # in a place that no field can take: an event of somebody who registered has a field called name
    __event_name__: ClassVar[str] = ""

    def __init_subclass__(cls, *, name: str | None = None, **options: Any) -> None:
        """Remember the name that a class gives itself; attrs makes the class again, without saying it again."""
        super().__init_subclass__(**options)
        if name is not None:
            cls.__event_name__ = name


def event_name(cls: type[Event]) -> str:
    """Return the name under which a class of events is stored and delivered: its own, unless it gave itself another."""
    given = cls.__dict__.get("__event_name__") or cls.__dict__.get("name")
    # of a class with a field called name, attrs keeps the place of its values there
    return given if isinstance(given, str) else cls.__name__
