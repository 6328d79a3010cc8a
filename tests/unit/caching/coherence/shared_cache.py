"""A cache that processes share, each over a line of its own: what goes wrong on the lines, and when others act.

Its time is the test's. What it keeps looks as old as the test's clock says, so that the real regions end its life.
"""

import json
import re
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Literal

from attrs import Factory, define, field, frozen
from contracts.caching.misbehaving import IS_TOKEN
from dogpile.cache.api import NO_VALUE, BytesBackend
from hypothesis import strategies as st

Kind = Literal["refused", "answer lost", "half done", "late"]
Moment = Literal[
    "before get tokens",
    "before set tokens",
    "after set tokens",
    "answer lost",
    "before get data",
    "before load",
    "after load",
    "before set data",
    "after set data",
    "after commit",
]
"""When others may act in the midst of a call; an answer is lost after the write of tokens was carried out."""

_LIFETIME = re.compile(r"\|[eq](\d+)\|[0-9a-f.]+\|")

_OLDER = 0.001
"""Seconds by which an entry looks older than it is, so that its end does not hang on the rounding of a float."""


@frozen
class Fault:
    """What goes wrong on one line.

    Attributes:
        operation: with what, such as ``set tokens``.
        kind: nothing is done; all is done, or the first half, and the answer is lost; it is done some time later.
        times: with so many of them.
    """

    operation: str
    kind: Kind
    times: int


times = st.sampled_from([1, 1, 2, 8])
losses: st.SearchStrategy[Kind] = st.sampled_from(["refused", "answer lost", "half done", "late"])
token_faults = st.builds(Fault, st.just("set tokens"), losses, times)
faults = st.one_of(
    token_faults,
    st.builds(Fault, st.sampled_from(["get tokens", "get data"]), st.just("refused"), times),
    st.builds(Fault, st.just("set data"), losses, times),
)


class Clock:
    """Seconds that only the test lets pass."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        """Tell the time."""
        return self.now


@define
class Memory:
    """What is kept, with the time at which it was sent, and what is still on its way.

    Attributes:
        clock: tells the time.
        ends_entries: whether it ends the life of entries itself, as a Redis does; their keys say how long it is.
    """

    clock: Clock
    ends_entries: bool = False
    kept: dict[str, tuple[bytes, float]] = field(factory=dict)
    late: list[dict[str, tuple[bytes, float]]] = field(factory=list)

    def get(self, key: str) -> Any:
        """Return bytes, as old as they are."""
        if key not in self.kept:
            return NO_VALUE
        value, sent = self.kept[key]
        lifetime = _LIFETIME.search(key)
        if self.ends_entries and lifetime is not None and self.clock() >= sent + int(lifetime[1]):
            return NO_VALUE
        head, _, payload = value.partition(b"|")
        made = time.time() - (self.clock() - sent) - _OLDER
        return json.dumps({**json.loads(head), "ct": made}).encode() + b"|" + payload

    def put(self, values: Mapping[str, tuple[bytes, float]]) -> None:
        """Keep bytes."""
        self.kept.update(values)

    def arrive(self) -> None:
        """Let what was late arrive, in its order."""
        while self.late:
            self.put(self.late.pop(0))

    def forget(self, *, tokens: bool, each: int, from_: int) -> None:
        """Forget some of the tokens, or of the entries."""
        keys = [key for key in self.kept if (IS_TOKEN in key) is tokens]
        for key in keys[from_::each]:
            del self.kept[key]


class Moments:
    """Lets somebody act, once, when a process comes to a moment."""

    def __init__(self) -> None:
        self._armed: tuple[Moment, Callable[[], None]] | None = None
        self.acted: list[Moment] = []

    def arm(self, moment: Moment, act: Callable[[], None]) -> None:
        """Choose the moment."""
        self._armed = moment, act

    def disarm(self) -> None:
        """Nobody acts any more."""
        self._armed = None

    def come(self, moment: Moment) -> None:
        """It has come."""
        if self._armed is not None and self._armed[0] == moment:
            act = self._armed[1]
            self._armed = None
            self.acted.append(moment)
            act()


@define
class Line:
    """How one process reaches the memory.

    Attributes:
        memory: which all processes share.
        moments: at which others act.
        faults: what goes wrong, the first of which that fits.
        struck: how often each kind of fault hit something.
    """

    memory: Memory
    moments: Moments = Factory(Moments)
    faults: list[Fault] = field(factory=list)
    struck: list[tuple[str, Kind]] = field(factory=list)

    def look(self, keys: Sequence[str]) -> list[Any]:
        """Return bytes."""
        operation = _named("get", keys)
        self.moments.come(operation[0])
        if self._fault(operation[1]) is not None:
            raise ConnectionError("the line is cut")
        return [self.memory.get(key) for key in keys]

    def keep(self, mapping: Mapping[str, bytes]) -> None:
        """Keep bytes."""
        before, operation, after = _named("set", list(mapping))
        self.moments.come(before)
        values = {key: (value, self.memory.clock()) for key, value in mapping.items()}
        match self._fault(operation):
            case None:
                self.memory.put(values)
                self.moments.come(after)
                return
            case "answer lost":
                self.memory.put(values)
            case "half done":
                self.memory.put(dict([*values.items()][: len(values) // 2]))
            case "late":
                self.memory.late.append(values)
        self.moments.come("answer lost")
        raise TimeoutError("no answer")

    def drop(self, keys: Iterable[str]) -> None:
        """Forget keys."""
        for key in keys:
            self.memory.kept.pop(key, None)

    def _fault(self, operation: str) -> Kind | None:
        for number, fault in enumerate(self.faults):
            if fault.operation == operation:
                self.faults[number : number + 1] = (
                    [Fault(operation, fault.kind, fault.times - 1)] if fault.times > 1 else []
                )
                self.struck.append((operation, fault.kind))
                return fault.kind
        return None


def _named(verb: str, keys: Sequence[str]) -> tuple[Any, str, Any]:
    operation = f"{verb} {'tokens' if any(IS_TOKEN in key for key in keys) else 'data'}"
    return f"before {operation}", operation, f"after {operation}"


class SharedBackend(BytesBackend):
    """The dogpile backend that each region of a process makes for itself; its argument is the ``line``."""

    def __init__(self, arguments: Mapping[str, Any]) -> None:
        self._line: Line = arguments["line"]

    def get_serialized(self, key: str) -> Any:
        """Return the bytes of a key."""
        return self._line.look([key])[0]

    def get_serialized_multi(self, keys: Iterable[str]) -> Sequence[Any]:
        """Return the bytes of several keys."""
        return self._line.look([*keys])

    def set_serialized(self, key: str, value: bytes) -> None:
        """Keep bytes."""
        self._line.keep({key: value})

    def set_serialized_multi(self, mapping: Mapping[str, bytes]) -> None:
        """Keep bytes under several keys."""
        self._line.keep(mapping)

    def delete(self, key: str) -> None:
        """Forget a key."""
        self._line.drop([key])

    def delete_multi(self, keys: Iterable[str]) -> None:
        """Forget several keys."""
        self._line.drop(keys)


__all__ = ["Clock", "Fault", "Line", "Memory", "Moment", "Moments", "SharedBackend", "faults", "token_faults"]
