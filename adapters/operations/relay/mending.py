"""What somebody on call does about an event: it is made due once more, or given up."""

from collections.abc import Callable
from typing import Any

from attrs import frozen

from ....domain.entities.bounds import Comparator
from ....domain.entities.ids import Id
from ....domain.errors import NotFound
from ....domain.queries.query import Query
from ....domain.rules.predicates import All, Compare
from ...backend import Document
from ...documents.context.outbox import CLOSED, COLLECTION, DISCARDED, DONE, NEW
from ...documents.unit_of_work.transaction_scope import TransactionScope
from ...documents.values.codecs import dump_id
from ...documents.values.keys import ID_KEY
from ...documents.values.own_records import of_store
from .progress import Progress, all_progress, with_progress
from .records import change_of
from .store_access import Access
from .subscriptions import Subscriptions

_Rewriting = Callable[[Document], tuple[Document, tuple[str, ...]]]
"""Makes of a record the fields that change, and the keys that go."""


@frozen
class Mending:
    """Changes single records of one outbox, whoever has their lanes.

    Attributes:
        access: its store.
        subscriptions: those that are known here.
    """

    access: Access
    subscriptions: Subscriptions

    def replay(self, event_id: Id, subscription: str | None) -> None:
        """Make a record due now, as if no attempt had failed; one that was delivered goes to everybody again.

        Raises:
            NotFound: if there is none with that id, or nobody with that name.
        """

        def again(record: Document) -> tuple[Document, tuple[str, ...]]:
            found = all_progress(record)
            if subscription is not None:
                chosen = {subscription: _named(record, subscription, self.subscriptions)}
            else:
                chosen = {name: one for name, one in found.items() if record["status"] == DONE or not one.is_settled}
            fields, unset = with_progress(
                record, {name: one.replayed() for name, one in chosen.items()}, self.subscriptions.of(record["type"])
            )
            gone = {*unset, "doneAt"}
            if not found and subscription is None:
                gone.add(CLOSED)  # nobody has met it yet, or it is from before each had its part: all get it
            kept = {key: value for key, value in fields.items() if key not in gone}
            return {**kept, "status": NEW}, tuple(gone)

        self._rewrite(event_id, again)

    def discard(self, event_id: Id, subscription: str | None) -> None:
        """Give a record up, for one subscription or for all that have not got it.

        Raises:
            NotFound: if there is none with that id, nobody with that name, or nothing left to give up.
        """

        def given_up(record: Document) -> tuple[Document, tuple[str, ...]]:
            if subscription is not None:
                chosen = {subscription: _named(record, subscription, self.subscriptions)}
            else:
                names = (*all_progress(record), *self.subscriptions.of(record["type"]))
                chosen = {name: _named(record, name, self.subscriptions) for name in names}
            chosen = {name: one for name, one in chosen.items() if not one.is_settled}
            if record["status"] == DONE or (subscription is not None and not chosen):
                raise NotFound("undelivered outbox record", event_id)
            ended = {name: one.ended(DISCARDED) for name, one in chosen.items()}
            expected = self.subscriptions.of(record["type"]) if subscription is not None else ()
            return with_progress(record, ended, expected)

        self._rewrite(event_id, given_up)

    def _rewrite(self, event_id: Id, change: _Rewriting) -> None:
        wanted = Query(
            All((Compare((ID_KEY,), Comparator.EQ, _stored_id(event_id)), of_store(self.access.name))), limit=1
        )

        def work(scope: TransactionScope) -> None:
            found = scope.read(COLLECTION, wanted)
            if not found:
                raise NotFound("outbox record", event_id)
            scope.write(change_of(found[0], *change(found[0])))

        self.access.run(work)


def _named(record: Document, name: str, subscriptions: Subscriptions) -> Progress:
    """How far a subscription is with a record.

    Raises:
        NotFound: if it has not met the record, and is not known here.
    """
    found = all_progress(record).get(name)
    if found is None and (name, record["type"]) not in subscriptions:
        raise NotFound(f"subscription of outbox record {record[ID_KEY]}", name)
    return found or Progress(name)


def _stored_id(event_id: Id) -> Any:
    try:
        return dump_id(event_id)
    except ValueError:
        raise NotFound("outbox record", event_id) from None
