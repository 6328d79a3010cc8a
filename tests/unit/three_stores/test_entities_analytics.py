"""The rules of the analytics store's entities."""

import math
from datetime import UTC, datetime, timedelta, timezone

import pytest

from tristore import ValidationError, new_id
from tristore.domain.analytics import Metric, Period, PlaybackEvent, UsageRecord, last_days
from tristore.domain.core import OrganizationId, ProjectId

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize("duration", [-0.1, math.nan, math.inf, "1", True, None])
def test_a_view_lasts_a_finite_time(duration: float) -> None:
    """A duration is a finite number of seconds that is not negative."""
    with pytest.raises(ValidationError) as error:
        PlaybackEvent(project_id=ProjectId(new_id()), duration_seconds=duration, occurred_at=NOON)

    assert error.value.problems[0].field == "duration_seconds"


def test_the_time_of_a_view_is_kept_in_utc_and_milliseconds() -> None:
    """A time of another zone is brought to UTC, and cut to what a store keeps."""
    local = datetime(2026, 3, 1, 1, 0, 0, 123_999, tzinfo=timezone(timedelta(hours=2)))

    event = PlaybackEvent(project_id=ProjectId(new_id()), occurred_at=local)

    assert event.occurred_at.isoformat() == "2026-02-28T23:00:00.123000+00:00"


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, "1", True, None])
def test_a_metric_has_a_finite_value(value: float) -> None:
    """What cannot be averaged is refused."""
    with pytest.raises(ValidationError) as error:
        Metric(name="load", value=value, occurred_at=NOON)

    assert error.value.problems[0].field == "value"


@pytest.mark.parametrize("quantity", [0, -1, 1.5, True])
def test_usage_is_a_whole_number_of_at_least_1(quantity: int) -> None:
    """Nothing, a fraction or a negative number of units cannot be consumed."""
    with pytest.raises(ValidationError) as error:
        UsageRecord(organization_id=OrganizationId(new_id()), resource="api", quantity=quantity, occurred_at=NOON)

    assert error.value.problems[0].field == "quantity"


@pytest.mark.parametrize(
    ("period", "start"),
    [(Period.DAY, datetime(2026, 2, 28, tzinfo=UTC)), (Period.MONTH, datetime(2026, 2, 1, tzinfo=UTC))],
)
def test_a_period_begins_in_utc(period: Period, start: datetime) -> None:
    """The period of a moment is that of its UTC date, whatever its time zone."""
    moment = datetime(2026, 3, 1, 1, 30, tzinfo=timezone(timedelta(hours=2)))

    assert start == period.start(moment)


def test_the_last_days_end_with_today() -> None:
    """The last days are given by their beginnings, oldest first."""
    days = last_days(3, NOON)

    assert [datetime(2026, 2, 27, tzinfo=UTC), datetime(2026, 2, 28, tzinfo=UTC)] == days[:2]
    assert days[2] == datetime(2026, 3, 1, tzinfo=UTC)
