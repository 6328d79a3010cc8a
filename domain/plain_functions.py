"""Functions that callers hand over: each has done its work when it returns, or it is refused.

The body of an async or generator function does not run when it is called, so that whatever called it would take for
done what never began. What is declared so is refused where it is handed over; what only turns out to be so, where it
is called.
"""

import inspect
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from .errors import ConfigurationError, TristoreError

P = ParamSpec("P")
T = TypeVar("T")

_KINDS = (
    ("async", inspect.iscoroutinefunction),
    ("a generator", inspect.isgeneratorfunction),
    ("an async generator", inspect.isasyncgenfunction),
)
_LEFT_OVER = (
    ("a coroutine that nobody awaits", inspect.isawaitable),
    ("a generator whose body has not run", inspect.isgenerator),
    ("an async generator whose body has not run", inspect.isasyncgen),
)


def check_plain(
    fn: object,
    place: str,
    *,
    takes: int | None = None,
    iterated: bool = False,
    error: Callable[[str], TristoreError] = ConfigurationError,
) -> None:
    """Refuse what is not done when it returns.

    Args:
        fn: what a caller handed over.
        place: who takes it, for the message.
        takes: how many arguments it will be given; None where that is not known.
        iterated: whether what it returns is gone through at once, so that it may be a generator.
        error: makes the error.

    Raises:
        ConfigurationError: or what `error` makes, if it is no function, async, a generator, or takes other arguments.
    """
    if not callable(fn):
        raise error(f"{place} takes a function, not {type(fn).__name__}")
    call = getattr(fn, "__call__", None)  # noqa: B004 - of an object that is called
    for kind, is_one in _KINDS:
        if (is_one(fn) or is_one(call)) and not (iterated and is_one is inspect.isgeneratorfunction):
            raise error(f"{_name(fn)} is {kind}: {place} takes a plain function, which is done when it returns")
    if takes is not None and not _takes(fn, takes):
        raise error(
            f"{place} takes a function of {takes} argument{'' if takes == 1 else 's'}, which {_name(fn)} is not"
        )


def check_done(result: object, place: str, *, error: Callable[[str], TristoreError] = ConfigurationError) -> None:
    """Refuse the result of a function that is not done although it has returned.

    Raises:
        ConfigurationError: or what `error` makes, if it is a coroutine, a generator, or something else to wait for.
    """
    if result is None:
        return
    for kind, is_one in _LEFT_OVER:
        if is_one(result):
            if inspect.iscoroutine(result):
                result.close()
            raise error(f"the function returned {kind}: {place} takes a plain function, which is done when it returns")


def call_plain(place: str, fn: Callable[P, T], *arguments: P.args, **named: P.kwargs) -> T:
    """Call a function that must be done when it returns.

    Raises:
        ConfigurationError: if it is not.
    """
    result = fn(*arguments, **named)
    check_done(result, place)
    return result


def _takes(fn: Callable[..., object], number: int) -> bool:
    try:
        signature = inspect.signature(fn)
    except (TypeError, ValueError):
        return True  # of some built-in functions nobody can tell
    try:
        signature.bind(*[None] * number)
    except TypeError:
        return False
    return True


def _name(fn: object) -> str:
    return getattr(fn, "__qualname__", "") or repr(fn)
