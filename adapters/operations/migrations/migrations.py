"""Migrations of a store: where it stands, what a run would do, the run, and whether it did it."""

import time
from collections.abc import Callable, Collection, Sequence
from datetime import UTC, datetime
from math import inf
from typing import Any, TypeGuard

from ....domain.errors import ConfigurationError
from ....domain.plain_functions import check_plain
from ....domain.queries.query import Query
from ....domain.unit_of_work.store import Store
from ...backend import Capability
from ...documents.collections.bindings import Binding
from ...documents.context.store_context import Environment
from ...documents.store import DocumentStore
from ...documents.values.codecs import load_datetime
from ...documents.values.keys import ID_KEY
from ...documents.values.own_records import of_store, owned_id
from .census import census_of
from .collection_run import count_due, migrate, schema_work
from .field_addition import FieldAddition, addition_work, check_addition
from .journal import Journal, RunnerLease, runner_of
from .one_off import OneOff, is_step, recorded
from .preview import samples_of
from .reports import (
    CollectionPlan,
    CollectionStatus,
    Plan,
    Progress,
    RunReport,
    Status,
    StepStatus,
    Verification,
)
from .verification import verify
from .walk import BATCH, Pace, Walk, stored_now

LEASE = 30.0
"""Seconds after which another runner may take over from one that has died, unless the caller says otherwise."""

OnProgress = Callable[[Progress], None]


def _nobody(_: Progress) -> None:
    """Tell nobody."""


class Migrations:
    """The migrations of one store: the steps of its `Documents`, and named steps.

    Only `run` and `add_field` write. One of them works on a store at a time; a second one is refused, or waits.

    Args:
        store: made by `open_store`.
        steps: named steps, in the order in which they are carried out, after the documents were brought up to date.

    Raises:
        ConfigurationError: if two steps have the same name, or the backend cannot count or has no leases.
    """

    def __init__(self, store: Store[Any], steps: Sequence[OneOff] = ()) -> None:
        if not isinstance(store, DocumentStore):
            raise ConfigurationError(f"migrations are of a store that open_store made, not of a {type(store).__name__}")
        self.store = store
        self.steps = tuple(steps)
        names = [step.name for step in self.steps]
        for name in names:
            if names.count(name) > 1:
                raise ConfigurationError(f"two steps have the name {name}: their records would be one")
        needed = Capability.ROLLUPS | Capability.LEASES
        lacking = needed & ~store.backend.capabilities
        if lacking:
            raise ConfigurationError(f"migrations need {lacking.name}, which {store.backend.location} does not have")

    @property
    def _environment(self) -> Environment:
        return self.store.environment

    @property
    def names(self) -> frozenset[str]:
        """The names of its collections and named steps, for `only`."""
        return frozenset((*self._environment.by_collection, *(step.name for step in self.steps)))

    def status(self) -> Status:
        """Count the documents by version, and read what is recorded."""
        environment, journal = self._environment, Journal(self._environment)
        collections = []
        for binding in environment.by_collection.values():
            chain, record = binding.mapping.chain, journal.schema_record(binding.collection)
            at, current = record.get("at"), record.get("version") == chain.current
            census = census_of(environment, binding)
            collections.append(
                CollectionStatus(
                    binding.collection,
                    chain.current,
                    census,
                    complete=current and record.get("complete") is True and not census.older,
                    position=record.get("position") if current else None,
                    changed_at=None if at is None else load_datetime(at),
                )
            )
        runner = runner_of(journal, datetime.now(UTC).replace(tzinfo=None))
        return Status(environment.name, tuple(collections), self._step_statuses(), runner)

    def plan(self, *, only: Collection[str] | None = None, samples: int = 1) -> Plan:
        """Say what a run would do, without writing: a dry run.

        Args:
            only: the names of collections and steps; all by default.
            samples: how many documents of each old version are shown before and after.

        Raises:
            StepChanged: if a step that was done has another checksum now.
        """
        bindings, steps = self._chosen(only)
        if type(samples) is not int or not 0 <= samples <= 1_000:
            raise ConfigurationError(f"samples must be a whole number from 0 to 1,000, not {samples!r}")
        journal = Journal(self._environment)
        for step in steps:
            step.refuse_changed(journal.record(step.record), self.store.name)
        statuses = [step.status(journal.record(step.record)) for step in steps]
        plans = [self._plan(binding, samples) for binding in bindings]
        return Plan(
            self._environment.name,
            tuple(plan for plan in plans if plan.census.older or plan.census.unreadable),
            tuple(status for status in statuses if status.outcome != "done"),
        )

    def run(
        self,
        *,
        only: Collection[str] | None = None,
        batch: int = BATCH,
        rate: float | None = None,
        wait: float = 0.0,
        lease: float = LEASE,
        on_progress: OnProgress = _nobody,
    ) -> RunReport:
        """Bring all documents up to date, then carry out the named steps that were not.

        A run may be killed at any moment and started again: it goes on behind its last checkpoint. Documents are
        written one by one, each only if nobody has written it since it was read; whoever holds one as it was before
        meets a `VersionConflict`. A step that fails ends the run; a document that cannot be migrated does not.

        Args:
            only: the names of collections and steps; all by default.
            batch: how many documents are read and written at a time; a checkpoint follows each batch.
            rate: the most documents a second; None for no limit.
            wait: seconds to wait for another runner to end.
            lease: seconds after which another runner may take over if this one has died.
            on_progress: is told after each batch.

        Raises:
            MigrationRunning: if another runner is at work.
            LeaseLost: if another one has taken over.
            StepChanged: if a step that was done has another checksum now; nothing was done.
            ConfigurationError: if an argument is wrong.
        """
        check_plain(on_progress, "on_progress", takes=1)
        bindings, steps = self._chosen(only)
        pace = _pace(batch, rate, lease, wait)
        environment = self._environment
        environment.ensure_prepared()
        with RunnerLease(environment, lease, wait) as held:
            journal = Journal(environment)
            for step in steps:
                step.refuse_changed(journal.record(step.record), self.store.name)
            done = [
                run
                for binding in bindings
                if (run := migrate(environment, binding, held, pace, batch=batch, on_progress=on_progress)) is not None
            ]
            carried_out: list[StepStatus] = []
            for step in steps:
                if step.status(journal.record(step.record)).outcome != "done":
                    carried_out.append(self._carry_out(step, held))
                    if carried_out[-1].outcome != "done":
                        break
        return RunReport(environment.name, tuple(done), tuple(carried_out))

    def verify(
        self, *, only: Collection[str] | None = None, read: bool = True, on_progress: OnProgress = _nobody
    ) -> tuple[Verification, ...]:
        """Look whether all documents are of the current version, and valid.

        Args:
            only: the names of collections; all by default.
            read: whether each document is read and built as an entity, which takes as long as a stream of all of them;
                otherwise they are only counted by version.
            on_progress: is told after each thousand documents.
        """
        check_plain(on_progress, "on_progress", takes=1)
        bindings, _ = self._chosen(only)
        return tuple(verify(self._environment, binding, on_progress, read=read) for binding in bindings)

    def add_field(
        self,
        collection: str,
        name: str,
        *,
        batch: int = BATCH,
        rate: float | None = None,
        wait: float = 0.0,
        lease: float = LEASE,
        on_progress: OnProgress = _nobody,
    ) -> FieldAddition:
        """Give a field that was added to an entity its default in every stored document without it, and verify that.

        Each document has the default of its own, as the constructor of the entity makes it. The work is done like
        that of `run`: in batches, resumable, beside live writers.

        Args:
            collection: its name.
            name: the attribute of the entity.
            batch, rate, wait, lease, on_progress: as for `run`.

        Raises:
            ConfigurationError: if there is no such field, or it has no default that can be stored.
            MigrationRunning: if another runner is at work.
        """
        check_plain(on_progress, "on_progress", takes=1)
        ((binding,), _) = self._chosen([collection])
        environment = self._environment
        field = check_addition(binding, name, has_old=count_due(environment, schema_work(binding)) > 0)
        pace, work = _pace(batch, rate, lease, wait), addition_work(binding, field)
        environment.ensure_prepared()
        with RunnerLease(environment, lease, wait) as held:
            began, total = time.monotonic(), count_due(environment, work)
            record = owned_id("field", environment.name, f"{binding.collection}.{field.key}")
            position = Journal(environment).adopt(record, held.fence).get("position")
            walk = Walk(environment, work, held, record, pace=pace, batch=batch, on_progress=on_progress, total=total)
            left = walk.run(position)
            Journal(environment).save(record, held.fence, {"position": None, "at": stored_now(environment)})
        tally, seconds = walk.tally, time.monotonic() - began
        return FieldAddition(
            binding.collection, name, tally.migrated, tally.failed, tuple(tally.problems), left, seconds
        )

    def _chosen(self, only: Collection[str] | None) -> tuple[list[Binding], list[OneOff]]:
        bindings = [*self._environment.by_collection.values()]
        if only is None:
            return bindings, [*self.steps]
        if not isinstance(only, str | Collection) or not all(isinstance(name, str) for name in only):
            raise ConfigurationError(f"only must be names of collections and steps, not {only!r}")
        names = {only} if isinstance(only, str) else {*only}
        unknown = sorted(names - self.names)
        if unknown:
            raise ConfigurationError(
                f"store {self._environment.name} has no collection or step {', '.join(unknown)}: "
                f"it has {', '.join(sorted(self.names))}"
            )
        chosen = [binding for binding in bindings if binding.collection in names]
        return chosen, [step for step in self.steps if step.name in names]

    def _plan(self, binding: Binding, samples: int) -> CollectionPlan:
        chain, census = binding.mapping.chain, census_of(self._environment, binding)
        old = [version for version in census.versions if version < chain.current]
        steps = {step.version: str(step) for step in chain.steps if old and step.version > min(old)}
        diffs = samples_of(self._environment, binding, old, samples) if samples else []
        return CollectionPlan(binding.collection, chain.current, census, steps, tuple(diffs))

    def _carry_out(self, step: OneOff, lease: RunnerLease) -> StepStatus:
        environment, journal = self._environment, Journal(self._environment)
        lease.check()
        journal.adopt(step.record, lease.fence)
        begun = {
            "store": self.store.name,
            "description": step.description,
            "checksum": step.checksum,
            "startedAt": stored_now(environment),
            "outcome": "running",
            "details": "",
        }
        journal.save(step.record, lease.fence, begun)
        outcome, details = step.carry_out(self.store)
        journal.save(
            step.record, lease.fence, {"outcome": outcome, "details": details, "endedAt": stored_now(environment)}
        )
        return step.status(journal.record(step.record))

    def _step_statuses(self) -> tuple[StepStatus, ...]:
        mine = Journal(self._environment).find(Query(of_store(self._environment.name)))
        records = {str(one[ID_KEY]): one for one in mine if is_step(one)}
        declared = [step.status(records.pop(step.record, None)) for step in self.steps]
        others = [recorded(one, "undeclared", one["checksum"], one["description"]) for one in records.values()]
        return (*declared, *others)


def _pace(batch: object, rate: object, lease: object, wait: object) -> Pace:
    if type(batch) is not int or not 1 <= batch <= 100_000:
        raise ConfigurationError(f"batch must be a whole number from 1 to 100,000, not {batch!r}")
    if rate is not None and not (_is_number(rate) and 0 < rate < inf):
        raise ConfigurationError(f"rate must be more than 0 documents a second, or None, not {rate!r}")
    if not (_is_number(lease) and 0.1 <= lease <= 3_600):
        raise ConfigurationError(f"lease must be from 0.1 to 3,600 seconds, not {lease!r}")
    if not (_is_number(wait) and 0 <= wait <= 86_400):
        raise ConfigurationError(f"wait must be from 0 to 86,400 seconds, not {wait!r}")
    return Pace(rate)


def _is_number(value: object) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool)
