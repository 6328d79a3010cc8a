"""Clocks: aware, UTC, whole milliseconds."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tristore import NEVER, Clock, FixedClock, SystemClock
from tristore.domain.entities.clock import to_milliseconds

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)


def test_the_clock_of_the_machine_tells_the_time() -> None:
    """The machine's clock gives its time in UTC, cut to milliseconds."""
    before = datetime.now(UTC)
    now = SystemClock().now()

    assert before - timedelta(milliseconds=1) < now <= datetime.now(UTC)
    assert (UTC, 0) == (now.tzinfo, now.microsecond % 1000)


def test_a_fixed_clock_stands_until_it_is_moved() -> None:
    """A fixed clock gives one time until it is told to move on."""
    clock = FixedClock(NOON)
    times = [clock.now(), clock.now()]
    clock.advance(timedelta(hours=1, microseconds=1999))

    assert [NOON, NOON, NOON + timedelta(hours=1, milliseconds=1)] == [*times, clock.now()]


def test_a_fixed_clock_tells_utc() -> None:
    """A start in another zone is told in UTC."""
    clock = FixedClock(datetime(2026, 1, 31, 13, 0, 0, 1999, timezone(timedelta(hours=1))))

    assert NOON + timedelta(milliseconds=1) == clock.now()
    assert UTC is clock.now().tzinfo


def test_a_fixed_clock_refuses_a_naive_start() -> None:
    """A naive start would be taken for local time, which differs from machine to machine."""
    with pytest.raises(ValueError, match="aware"):
        FixedClock(datetime(2026, 1, 31))


@pytest.mark.parametrize("clock", [SystemClock(), FixedClock(NOON)])
def test_both_are_clocks(clock: Clock) -> None:
    """Each tells an aware time."""
    assert clock.now().utcoffset() == timedelta(0)


def test_never_is_before_every_time() -> None:
    """What was never added is older than everything that was."""
    assert NEVER < NOON
    assert UTC is NEVER.tzinfo


@given(st.datetimes(timezones=st.just(UTC)))
def test_cutting_keeps_the_order_and_is_done_once(moment: datetime) -> None:
    """Cutting never moves a time forward, nor by a millisecond or more, and twice is once."""
    cut = to_milliseconds(moment)

    assert timedelta(0) <= moment - cut < timedelta(milliseconds=1)
    assert cut == to_milliseconds(cut)
