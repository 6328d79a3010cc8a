"""From a frame outwards to whoever called, also where a thread reads for a caller in another one."""

import sys
from collections.abc import Iterator
from contextvars import Context, ContextVar, copy_context
from types import FrameType

_CALLER: ContextVar[FrameType | None] = ContextVar("tristore_caller", default=None)


def context_of_caller() -> Context:
    """Return a copy of the context in which a thread works for whoever calls this."""
    context = copy_context()
    context.run(_CALLER.set, sys._getframe(1))
    return context


def outwards(frame: FrameType | None) -> Iterator[FrameType]:
    """Yield a frame and those that led to it; behind those of a thread that works for a caller, the caller's."""
    for begin in (frame, _CALLER.get()):
        at = begin
        while at is not None:
            yield at
            at = at.f_back
