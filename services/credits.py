"""Credits: moving them between users."""

from collections.abc import Sequence

from attrs import frozen

from ..domain.core import CoreUnitOfWork, CreditTransfer, CreditTransferId, UserId
from ..domain.entities.ids import IdFactory, new_id
from ..domain.rules.words import one_of
from ..domain.unit_of_work.store import Store


@frozen
class CreditService:
    """The use cases around credits."""

    _core: Store[CoreUnitOfWork]
    _ids: IdFactory = new_id

    def transfer(self, sender_id: UserId, receiver_id: UserId, amount: int, note: str = "") -> CreditTransfer:
        """Move credits from one user to another and record it, all of it or nothing.

        Raises:
            NotFound: if one of them does not exist.
            InsufficientCredits: if the sender has fewer.
            ValidationError: if the amount is no whole number of at least 1, or both are one user.
            RetryExhausted: if others were always faster; nothing was moved.
        """

        def transfer(core: CoreUnitOfWork) -> CreditTransfer:
            # one query for both; what it does not find, get() names
            found = {user.id: user for user in core.users.find(lambda u: one_of(u.id, [sender_id, receiver_id]))}
            sender = found.get(sender_id) or core.users.get(sender_id)
            receiver = found.get(receiver_id) or core.users.get(receiver_id)
            moved = CreditTransfer.between(sender, receiver, amount, note, id=CreditTransferId(self._ids()))
            core.transfers.add(moved)
            return moved

        return self._core.run(transfer)

    def history(self, user_id: UserId, limit: int = 100) -> Sequence[CreditTransfer]:
        """Return what a user sent and received, newest first."""
        with self._core.reader() as core:
            return core.transfers.of_user(user_id, limit)
