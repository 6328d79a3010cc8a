"""How stores are, asked from all of them at the same time."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from attrs import evolve

from ...domain.entities.bounds import Comparator
from ...domain.entities.clock import SystemClock
from ...domain.errors import TristoreError
from ...domain.rules.predicates import Compare, Not
from ...domain.unit_of_work.health import Health, StoreHealth
from ...domain.unit_of_work.outbox import Backlog
from ...domain.unit_of_work.store import Store, StoreReport
from ..documents.context.readiness import in_one_line, readiness_of
from ..documents.context.store_context import Environment
from ..documents.store import DocumentStore
from .relay.records import Records
from .relay.store_access import Access
from .relay.subscriptions import Subscriptions

T = TypeVar("T")

MAX_LAG = 10.0
"""Seconds of replication lag above which there is a warning."""


def check_of(*stores: Store[Any], timeout: float = 5.0) -> list[StoreReport]:
    """Look at stores at the same time, as `Store.check` does; what is wrong with one is in its report.

    Args:
        stores: which.
        timeout: seconds for each question.
    """
    with ThreadPoolExecutor(max(1, len(stores))) as pool:
        return list(pool.map(lambda store: store.check(timeout=timeout), stores))


def health_of(
    *stores: Store[Any], timeout: float = 5.0, count_versions: bool = False, max_lag: float = MAX_LAG
) -> Health:
    """Ask stores how they are, at the same time; never raises for what it finds.

    A store is ready if `Store.check` has nothing against its use, the change streams that its cache follows included.
    It is cheap enough for a readiness probe: a ping, the lists of indexes, and counts that an index of the outbox
    answers. What the driver knows of servers and pools is read from memory.

    Args:
        stores: made by `open_store` or `open_stores`.
        timeout: seconds for each question.
        count_versions: whether the documents whose schema version is not the declared one are counted, too, which looks
            at every document.
        max_lag: seconds of replication lag above which there is a warning.
    """
    with ThreadPoolExecutor(max(1, len(stores))) as pool:
        asked = [pool.submit(_Question(store, timeout, max_lag).ask, count_versions=count_versions) for store in stores]
        return Health(tuple(one.result() for one in asked))


class _Question:
    """One store that is asked."""

    def __init__(self, store: Store[Any], timeout: float, max_lag: float) -> None:
        if not isinstance(store, DocumentStore):
            raise TypeError(f"health_of takes stores of open_store, not {type(store).__name__}")
        self._environment: Environment = evolve(store.environment, operation_timeout=timeout, preparation="off")
        self._timeout = timeout
        self._max_lag = max_lag
        self._warnings: list[str] = []

    def ask(self, *, count_versions: bool) -> StoreHealth:
        """Ask everything; what cannot be answered is a problem or a warning."""
        environment = self._environment
        found = readiness_of(environment, timeout=self._timeout)
        state = found.state
        if state is None:
            return StoreHealth(
                store=environment.name, url=environment.backend.location, ready=False, problems=found.problems
            )
        if state.replication_lag is not None and state.replication_lag > self._max_lag:
            self._warnings.append(f"a secondary is {state.replication_lag:.0f} s behind the primary")
        if state.unreachable:
            self._warnings.append(f"no answer from {', '.join(state.unreachable)}")
        for pool in state.pools:
            if pool.most is not None and pool.in_use >= pool.most:
                self._warnings.append(f"all {pool.most} connections to {pool.server} are in use; operations wait")
        backlog = self._tried(self._backlog)
        if backlog is not None and backlog.parked:
            whose = ", ".join(f"{one.name} ({one.parked})" for one in backlog.subscriptions if one.parked)
            self._warnings.append(
                f"{backlog.parked} events are parked{whose and f', for {whose}'}: tristore relay parked shows them"
            )
        index_drift = self._tried(self._index_drift)
        if index_drift:
            what = f"{len(index_drift)} indexes or options are not as declared"
            self._warnings.append(f"{what}: tristore indexes diff shows them")
        behind = self._tried(self._behind) if count_versions else None
        return StoreHealth(
            store=environment.name,
            url=environment.backend.location,
            ready=not found.problems,
            problems=found.problems,
            warnings=tuple(self._warnings),
            description=state.info.description,
            latency=state.info.latency,
            primary=state.primary,
            replication_lag=state.replication_lag,
            unreachable=state.unreachable,
            pools=state.pools,
            missing=found.missing,
            index_drift=index_drift,
            schema_versions={
                binding.collection: binding.documents.schema_version for binding in environment.by_collection.values()
            },
            behind=behind,
            backlog=backlog,
        )

    def _tried(self, question: Callable[[], T]) -> T | None:
        try:
            return question()
        except TristoreError as error:
            self._warnings.append(in_one_line(error))
            return None

    def _backlog(self) -> Backlog | None:
        environment = self._environment
        if environment.outbox is None:
            return None
        return Records(Access(environment), SystemClock()).backlog(Subscriptions(), environment.outbox.names)

    def _index_drift(self) -> tuple[str, ...] | None:
        environment = self._environment
        administration = environment.backend.administration()
        if administration is None:
            return None
        plan = administration.plan(environment.collections, timeout=self._timeout)
        return (*map(str, plan.steps), *plan.problems)

    def _behind(self) -> dict[str, int]:
        """Count the documents of another version, the missing one included."""
        environment = self._environment
        found: dict[str, int] = {}
        for binding in environment.by_collection.values():
            current = Compare((binding.mapping.schema_version_key,), Comparator.EQ, binding.documents.schema_version)
            found[binding.collection] = environment.backend.count(
                binding.collection, Not(current), limit=None, transaction=None, timeout=self._timeout
            )
        return found
