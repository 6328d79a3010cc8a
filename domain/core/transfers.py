"""Transfers of credits: each one a line in a book that is never rewritten."""

from collections.abc import Sequence
from typing import Any, Self

from attrs import Attribute, define, field, frozen

from ..entities.entity import Entity
from ..entities.events import Event
from ..entities.fields import reference, text, whole
from ..entities.ids import new_id
from ..errors import ValidationError
from ..repository.read_repository import ReadRepository
from ..repository.repository import Repository
from .ids import CreditTransferId, UserId
from .users import User


@frozen(kw_only=True)
class CreditsTransferred(Event):
    """Credits went from one user to another."""

    transfer_id: CreditTransferId
    sender_id: UserId
    receiver_id: UserId
    amount: int


def _not_the_sender(transfer: "CreditTransfer", attribute: "Attribute[Any]", value: object) -> None:
    if value == transfer.sender_id:
        raise ValidationError.of(attribute.name, "must be another user than the sender")


@define(kw_only=True)
class CreditTransfer(Entity[CreditTransferId]):
    """The record of credits that went from one user to another."""

    sender_id: UserId = field(validator=reference)
    receiver_id: UserId = field(validator=[reference, _not_the_sender])
    amount: int = field(validator=whole(min=1))
    note: str = field(default="", validator=text(max=500))

    @classmethod
    def between(
        cls, sender: User, receiver: User, amount: int, note: str = "", *, id: CreditTransferId | None = None
    ) -> Self:
        """Move credits, and return the record of it.

        Raises:
            ValidationError: if the amount is no whole number of at least 1, or sender and receiver are one.
            InsufficientCredits: if the sender has fewer.
        """
        transfer = cls(
            id=id or CreditTransferId(new_id()), sender_id=sender.id, receiver_id=receiver.id, amount=amount, note=note
        )
        sender.debit(amount)
        receiver.credit(amount)
        transfer.record(
            CreditsTransferred(transfer_id=transfer.id, sender_id=sender.id, receiver_id=receiver.id, amount=amount)
        )
        return transfer


class CreditTransferQueries(ReadRepository[CreditTransfer, CreditTransferId]):
    """The questions that are asked of transfers."""

    def of_user(self, user_id: UserId, limit: int = 100) -> Sequence[CreditTransfer]:
        """Return what a user sent and received, newest first."""
        return self.find(
            lambda t: (t.sender_id == user_id) | (t.receiver_id == user_id),
            sort=("-created_at", "-id"),
            limit=limit,
        )


class CreditTransferRepository(CreditTransferQueries, Repository[CreditTransfer, CreditTransferId]):
    """The transfers."""
