"""The rules of the systemlogs store's entities."""

from datetime import UTC, datetime, timedelta

import pytest

from tristore import ValidationError
from tristore.domain.systemlogs import (
    AuditEntry,
    ErrorReopened,
    ErrorReport,
    ErrorStatus,
    LogEntry,
    LogLevel,
    fingerprint_of,
)

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def report() -> ErrorReport:
    return ErrorReport(
        fingerprint="f", source="web", kind="KeyError", message="x", first_seen_at=NOON, last_seen_at=NOON
    )


def test_a_long_message_is_cut() -> None:
    """A log keeps the beginning of a message that is too long, and shows that it was cut."""
    entry = LogEntry(source="web", message="x" * 20_000, occurred_at=NOON)

    assert (len(entry.message), entry.message[-1]) == (10_000, "\u2026")


def test_a_message_is_text() -> None:
    """What is not text is refused, not converted."""
    with pytest.raises(ValidationError):
        LogEntry(source="web", message=7, occurred_at=NOON)  # type: ignore[arg-type]


def test_levels_rise() -> None:
    """A level comes with those that matter more."""
    assert LogLevel.WARNING.and_above() == [LogLevel.WARNING, LogLevel.ERROR, LogLevel.CRITICAL]


def test_a_fingerprint_leaves_out_what_varies() -> None:
    """Numbers, addresses and ids do not make a new fault; source, class and wording do."""
    first = fingerprint_of("web", "KeyError", "user 17 at 0x7fae00 (65f0c0ffee65f0c0ffee65f0) \ud800")
    again = fingerprint_of("web", "KeyError", "user 4 at 0x1234ab (65f0c0ffee65f0c0ffee65f1) \ud800")
    other = fingerprint_of("web", "ValueError", "user 17 at 0x7fae00 (65f0c0ffee65f0c0ffee65f0) \ud800")

    assert first == again
    assert first != other


def test_an_error_that_happens_again_is_counted() -> None:
    """The report keeps the last occurrence, the number of all, and when the first one was."""
    error = report()

    error.happened_again(NOON + timedelta(hours=1), "y", "stack", {"path": "/"})

    assert (error.occurrences, error.message, error.context) == (2, "y", {"path": "/"})
    assert (error.first_seen_at, error.last_seen_at) == (NOON, NOON + timedelta(hours=1))
    assert error.recorded_events == ()


def test_a_resolved_error_that_happens_again_is_open() -> None:
    """An error that comes back is reopened, and says so in an event."""
    error = report()

    error.resolve()
    assert not error.is_open

    error.happened_again(NOON, "x", "", {})
    assert error.status is ErrorStatus.OPEN
    assert error.recorded_events == (ErrorReopened(report_id=error.id),)


@pytest.mark.parametrize("field", ["action", "subject_kind", "subject_id"])
def test_an_audit_entry_says_what_was_done_to_what(field: str) -> None:
    """An audit entry without action or subject is refused."""
    values = {"action": "user.removed", "subject_kind": "user", "subject_id": "1", field: ""}

    with pytest.raises(ValidationError) as error:
        AuditEntry(occurred_at=NOON, **values)  # type: ignore[arg-type]

    assert error.value.problems[0].field == field
