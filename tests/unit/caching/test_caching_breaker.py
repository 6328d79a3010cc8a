"""A cache that fails, and is left alone for a while."""

from collections.abc import Callable
from contextlib import suppress

import pytest

from tristore.adapters.caching.regions.breaker import ERRORS, PAUSE, Breaker, CacheDown


class Clock:
    """A clock that is set by hand."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def fails() -> None:
    """A cache that does not answer."""
    raise TimeoutError


def answers() -> str:
    """A cache that does."""
    return "answer"


def tried(breaker: Breaker, operation: Callable[[], object] = answers) -> bool:
    """Whether the cache was asked at all."""
    asked: list[int] = []

    def ask() -> object:
        asked.append(1)
        return operation()

    with suppress(CacheDown):
        breaker.call(ask)
    return bool(asked)


@pytest.fixture
def clock() -> Clock:
    """The time."""
    return Clock()


@pytest.fixture
def opened(clock: Clock) -> Breaker:
    """A breaker that has just opened."""
    breaker = Breaker(clock)
    assert [True] * ERRORS == [tried(breaker, fails) for _ in range(ERRORS)]
    return breaker


def test_it_opens_after_errors_in_a_row(clock: Clock) -> None:
    """C17: an answer in between closes the account."""
    breaker = Breaker(clock)
    for _ in range(3):
        assert [True] * (ERRORS - 1) == [tried(breaker, fails) for _ in range(ERRORS - 1)]
        assert (True, False) == (tried(breaker), breaker.is_open)


def test_it_leaves_the_cache_alone(opened: Breaker, clock: Clock) -> None:
    """C17: for so long nobody asks; then it is tried, and left alone again if it fails once."""
    assert (True, False) == (opened.is_open, tried(opened))
    clock.now = PAUSE
    assert (False, True) == (opened.is_open, tried(opened, fails))
    assert (True, False) == (opened.is_open, tried(opened))
    clock.now = 2 * PAUSE
    assert (True, True) == (tried(opened), tried(opened))
    assert not opened.is_open


def test_one_caller_tries(opened: Breaker, clock: Clock) -> None:
    """C17: while one waits for the answer the others do not: for them the cache adds nothing to a read."""
    clock.now = PAUSE
    seen: list[bool] = []

    def while_it_is_tried() -> None:
        seen.extend([opened.is_open, tried(opened)])

    opened.call(while_it_is_tried)
    assert [True, False] == seen
    assert tried(opened)


def test_who_waits_once(clock: Clock) -> None:
    """C17: within the block nobody tries again once the cache has failed; afterwards everybody does."""
    breaker = Breaker(clock)
    with breaker.once():
        assert [True, False] == [tried(breaker, fails), tried(breaker)]
    assert tried(breaker)
