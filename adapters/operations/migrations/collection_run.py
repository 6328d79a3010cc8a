"""Bringing the documents of one collection up to date: what is due, and one run of it."""

import time
from collections.abc import Callable

from ....domain.errors import UnreadableVersion
from ...backend import Document, Update
from ...documents.collections.bindings import Binding
from ...documents.context.store_context import Environment
from ...documents.evolution.migration_state import schema_record
from ...documents.values.keys import ID_KEY
from .census import census_of
from .journal import Journal, RunnerLease
from .reports import CollectionRun, Progress
from .walk import Pace, Walk, Work, scan_timeout, stored_now


def schema_work(binding: Binding) -> Work:
    """What brings the documents of a collection up to date."""
    chain = binding.mapping.chain

    def change(document: Document) -> Update:
        upgrade = chain.upgrade(document)
        if upgrade is None:
            raise UnreadableVersion(
                chain.collection, document[ID_KEY], document.get(chain.keys.schema), chain.current, "it is not older"
            )
        return Update(document[ID_KEY], None, upgrade.set, upgrade.unset)

    return Work(binding.collection, chain.keys.version, chain.older(), change)


def count_due(environment: Environment, work: Work) -> int:
    """Count the documents that need a change."""
    return environment.backend.count(
        work.collection, work.due, limit=None, transaction=None, timeout=scan_timeout(environment)
    )


def migrate(
    environment: Environment,
    binding: Binding,
    lease: RunnerLease,
    pace: Pace,
    *,
    batch: int,
    on_progress: Callable[[Progress], None],
) -> CollectionRun | None:
    """Bring the documents of a collection up to date; None if there is nothing to do, and it is recorded.

    Args:
        environment: the store.
        binding: the collection.
        lease: that this runner has.
        pace: holds it to a number of documents in a second.
        batch: how many documents are read and written at a time.
        on_progress: is told after each batch.

    Raises:
        LeaseLost: if another runner has taken over.
    """
    chain, journal = binding.mapping.chain, Journal(environment)
    work, record = schema_work(binding), schema_record(environment.name, binding.collection)
    total = count_due(environment, work)
    lease.check()
    if not total and not chain.steps:
        return None
    journal.take_back(binding.collection)
    known = journal.adopt(record, lease.fence)
    began = {"version": chain.current, "complete": False}
    resumes = {key: known.get(key) for key in began} == began
    journal.save(record, lease.fence, {**began, "collection": binding.collection, "at": stored_now(environment)})
    start = time.monotonic()
    walk = Walk(environment, work, lease, record, pace=pace, batch=batch, on_progress=on_progress, total=total)
    left = walk.run(known.get("position") if resumes else None)
    end: Document = {"complete": left == 0, "position": None, "at": stored_now(environment)}
    journal.save(record, lease.fence, end)
    tally, unreadable = walk.tally, census_of(environment, binding).unreadable
    if not total and not tally.migrated and not unreadable:
        return None
    return CollectionRun(
        binding.collection,
        tally.migrated,
        tally.retried,
        tally.failed,
        tuple(tally.problems),
        left,
        time.monotonic() - start,
        unreadable,
    )
