"""What the events of the services mean to the audit trail: pure functions, without secrets and addresses."""

from collections.abc import Callable, Mapping
from typing import Any

from attrs import field, frozen

from ..domain.core import (
    CreditsTransferred,
    PasswordChanged,
    ProjectArchived,
    ProjectCreated,
    UserDeactivated,
    UserId,
    UserRegistered,
    UserRemoved,
)
from ..domain.entities.events import Event
from ..domain.systemlogs import ErrorReopened


@frozen(kw_only=True)
class Deed:
    """One line of the audit trail to be.

    Attributes:
        action: what was done.
        subject_kind: to what sort of thing.
        subject_id: to which one.
        actor_id: who did it, None where the event does not say.
        changes: what is different since.
    """

    action: str
    subject_kind: str
    subject_id: str
    actor_id: UserId | None = None
    changes: Mapping[str, Any] = field(factory=dict)


def deed_of(event: Event) -> Deed:
    """Return the line of the audit trail that an event leaves.

    Raises:
        LookupError: if the event is none that is audited.
    """
    return _DEEDS[type(event)](event)


def _registered(event: UserRegistered) -> Deed:
    return Deed(action="user.registered", subject_kind="user", subject_id=event.user_id, actor_id=event.user_id)


def _password_changed(event: PasswordChanged) -> Deed:
    return Deed(action="user.password_changed", subject_kind="user", subject_id=event.user_id, actor_id=event.user_id)


def _deactivated(event: UserDeactivated) -> Deed:
    return Deed(action="user.deactivated", subject_kind="user", subject_id=event.user_id)


def _removed(event: UserRemoved) -> Deed:
    return Deed(action="user.removed", subject_kind="user", subject_id=event.user_id)


def _transferred(event: CreditsTransferred) -> Deed:
    return Deed(
        action="credits.transferred",
        subject_kind="transfer",
        subject_id=event.transfer_id,
        actor_id=event.sender_id,
        changes={"sender": event.sender_id, "receiver": event.receiver_id, "amount": event.amount},
    )


def _created(event: ProjectCreated) -> Deed:
    return Deed(
        action="project.created",
        subject_kind="project",
        subject_id=event.project_id,
        changes={"organization": event.organization_id},
    )


def _archived(event: ProjectArchived) -> Deed:
    return Deed(action="project.archived", subject_kind="project", subject_id=event.project_id)


def _reopened(event: ErrorReopened) -> Deed:
    return Deed(action="error.reopened", subject_kind="error", subject_id=event.report_id)


_DEEDS: Mapping[type[Event], Callable[[Any], Deed]] = {
    UserRegistered: _registered,
    PasswordChanged: _password_changed,
    UserDeactivated: _deactivated,
    UserRemoved: _removed,
    CreditsTransferred: _transferred,
    ProjectCreated: _created,
    ProjectArchived: _archived,
    ErrorReopened: _reopened,
}

AUDITED = tuple(_DEEDS)
"""The classes of events that leave a line."""
