"""What happened: facts that entities record and that handlers receive once the unit has committed."""

from typing import ClassVar

from attrs import frozen


@frozen(kw_only=True)
class Event:
    """The base of recorded events: name them in the past tense, give them plain fields."""

    name: ClassVar[str] = "event"

    def __init_subclass__(cls) -> None:
        """Name the event after its class, unless the class names it."""
        if "name" not in cls.__dict__:
            cls.name = cls.__name__
