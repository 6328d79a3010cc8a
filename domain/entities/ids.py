"""Identifiers of entities: made in the domain, without asking a server."""

import itertools
import os
import re
import time
from typing import NewType, Protocol

from ..errors import ValidationError

Id = NewType("Id", str)
"""A `str` of 24 lower-case hex digits that sorts by the second of its making.

MongoDB stores it as a native ObjectId. Give each entity its own: ``UserId = NewType("UserId", Id)``.
"""

_FORM = re.compile(r"[0-9a-f]{24}")
_COUNTER_SPAN = 1 << 24
_SHOWN = 40
"""The most characters that messages show of what is no id."""


class IdFactory(Protocol):
    """Makes ids; a port, so that simulations can make the same ones twice."""

    def __call__(self) -> Id:
        """Return an id that nobody has had before."""


class TimeOrderedIds:
    """Ids of four bytes of time, five random bytes for each process, and three that count.

    The layout is ObjectId's (https://github.com/mongodb/specifications, "BSON ObjectId"), so that ids
    made here and by other programs of the same database sort together. Safe in threads and after a fork.
    """

    def __init__(self) -> None:
        self._renew()

    def _renew(self) -> None:
        self._process = os.getpid()
        self._random = os.urandom(5).hex()
        self._count = itertools.count(int.from_bytes(os.urandom(3), "big"))

    def __call__(self) -> Id:
        """Return a new id."""
        if self._process != os.getpid():
            self._renew()
        return Id(f"{int(time.time()):08x}{self._random}{next(self._count) % _COUNTER_SPAN:06x}")


new_id: IdFactory = TimeOrderedIds()
"""The default id factory of entities."""


def is_id(value: object) -> bool:
    """Tell whether a value has the form of an `Id`."""
    return isinstance(value, str) and _FORM.fullmatch(value) is not None


def parse_id(text: str) -> Id:
    """Turn text from outside into an `Id`.

    Raises:
        ValidationError: if it is not 24 hex digits.
    """
    lowered = text.strip().lower() if isinstance(text, str) else text
    if not is_id(lowered):
        raise ValidationError.of("id", f"must be 24 hex digits, not {shown_id(text)}")
    return Id(lowered)


def shown_id(value: object) -> str:
    """An id of a wrong form, for messages: text as it is, cut where it is long, and otherwise the class."""
    if not isinstance(value, str):
        return f"a value of type {type(value).__name__}"
    return repr(str(value) if len(value) <= _SHOWN else f"{value[:_SHOWN]}...")
