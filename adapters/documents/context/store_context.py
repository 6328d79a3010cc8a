"""What every unit of work and reader of one store shares."""

import logging
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Literal

from attrs import define, field, frozen

from ....domain.entities.clock import Clock
from ....domain.entities.entity import Entity
from ....domain.entities.events import Event
from ....domain.errors import ConfigurationError
from ....domain.plain_functions import call_plain
from ....domain.unit_of_work.listener import UnitOfWorkListener
from ...backend import Backend, CollectionDeclaration, ManyResult, Transaction, WritePlan
from ...caching.port import Cache
from ...caching.port import Written as Told
from ..collections.bindings import Binding, by_collection
from ..evolution.migration_state import reopen
from ..mapping.entity_mapping import EntityMapping
from ..queries.concurrent_count import SideBySide
from .outbox import Outbox
from .stray_edits import Policy, let_loose
from .unit_limits import Limits
from .written_documents import Written

log = logging.getLogger("tristore")

Preparation = Literal["check", "create", "off"]
Handler = Callable[[Any], None]


@frozen(eq=False)
class Unsettled:
    """A unit whose commit has an unknown outcome: its transaction, and what it wrote."""

    transaction: Transaction
    written: Written


@define(eq=False)
class Environment:
    """One store from the inside.

    Attributes:
        name: its logical name.
        backend: does the I/O.
        bindings: its repositories by the names that the unit of work gives them, in registration order.
        by_collection: one of them for each collection, by its name, in the same order.
        collections: what it declares.
        clock: tells the time of a unit.
        transactional: whether units are transactions.
        operation_timeout: the most seconds for one operation.
        preparation: what happens before the first operation.
        receipts: whether every unit that writes leaves a receipt, not only those with a key.
        outbox: the events that the store publishes, None if it publishes none.
        limits: how much one unit may change, and how long it may be open.
        side_by_side: reads pages beside their counts.
        time_series: the collections that are declared as time series.
        settled: what was learnt later of units whose commit had an unknown outcome: whether they were committed.
        unsettled: the units whose commit has an unknown outcome, by id.
        cache: of reads, None if there is none.
        stray_edits: what happens at an edit of an entity that belongs to no unit.
    """

    name: str
    backend: Backend
    bindings: Mapping[str, Binding]
    collections: Sequence[CollectionDeclaration]
    clock: Clock
    transactional: bool
    operation_timeout: float
    preparation: Preparation
    receipts: bool = False
    outbox: Outbox | None = None
    limits: Limits = field(factory=Limits)
    stray_edits: Policy = "ignore"
    side_by_side: SideBySide = field(factory=SideBySide)
    unsettled: dict[str, Unsettled] = field(factory=dict)
    cache: Cache | None = None
    settled: dict[str, bool] = field(factory=dict)
    listeners: list[UnitOfWorkListener] = field(factory=list)
    handlers: list[tuple[type[Event], Handler]] = field(factory=list)
    by_collection: Mapping[str, Binding] = field(init=False)
    time_series: frozenset[str] = field(init=False)
    _ready: bool = False
    _preparing: threading.Lock = field(factory=threading.Lock)

    @by_collection.default
    def _by_collection(self) -> Mapping[str, Binding]:
        return by_collection(self.bindings)

    @time_series.default
    def _time_series(self) -> frozenset[str]:
        return frozenset(declared.name for declared in self.collections if declared.time_series is not None)

    def ensure_prepared(self) -> None:
        """Before the first operation: create what is declared, or check the unique keys, as the store was told.

        Unless preparation is off, a migration that newer code has completed is not complete any more, for this code
        writes older documents.

        Raises:
            ConfigurationError: if a declared unique key does not exist.
        """
        if self._ready:
            return
        with self._preparing:
            if self._ready:
                return
            if self.preparation == "create":
                self.backend.prepare(self.collections, timeout=self.operation_timeout)
            elif self.preparation == "check" and not self.backend.born_prepared:
                self._check_unique_keys()
            # what is born so begins with this process, and so with this code
            if self.preparation != "off" and not self.backend.born_prepared:
                self._reopen_migrations()
            self._ready = True

    def _reopen_migrations(self) -> None:
        backend, timeout = self.backend, self.operation_timeout
        reopen(
            {name: binding.mapping.chain for name, binding in self.by_collection.items()},
            lambda collection, query: backend.find(collection, query, transaction=None, timeout=timeout).to_list(),
            lambda plan: backend.write(plan, transaction=None, timeout=timeout),
        )

    def missing(self, timeout: float) -> tuple[str, ...]:
        """Name the declared unique keys that do not exist."""
        found = self.backend.missing(self.collections, timeout=timeout)
        return tuple(f"{collection}({', '.join(key for key, _ in index.keys)})" for collection, index in found)

    def mark_prepared(self) -> None:
        """Remember that everything declared exists."""
        self._ready = True

    def _check_unique_keys(self) -> None:
        missing = self.missing(self.operation_timeout)
        if missing:
            raise ConfigurationError(
                f"store {self.name}: the declared unique keys {', '.join(missing)} do not exist at "
                f"{self.backend.location}: call store.prepare() once, or open the store with prepare='create'"
            )

    @property
    def records_invalidations(self) -> bool:
        """Whether each commit leaves an outbox record of what it makes out of date in the cache."""
        return self.cache is not None and self.cache.strict

    def write_many(self, plan: WritePlan) -> ManyResult:
        """Carry out a plan outside units of work, and let the cache know: one that failed may have been applied."""
        written = Written()
        written.add(plan)
        try:
            return self.backend.write_many(plan, timeout=self.operation_timeout)
        finally:
            self.invalidate(written)

    def invalidate(self, written: Written) -> None:
        """Tell the cache what was written, before anybody is told that it was."""
        if self.cache is not None and (found := self.of_entities(written)):
            self.cache.invalidate(found)

    def suspect(self, written: Written) -> None:
        """Tell the cache what may have been written, or may be yet."""
        if self.cache is not None and (found := self.of_entities(written)):
            self.cache.suspect(found)

    def of_entities(self, written: Written) -> Told:
        """Return what was written of entities: nobody caches what the framework keeps for itself."""
        return {name: ids for name, ids in written.told().items() if name in self.by_collection}

    def let_loose(self, mapping: EntityMapping, entities: Iterable[Entity[Any]], why: str) -> None:
        """Watch entities that belong to no unit, where the store was told to.

        Args:
            mapping: of the entities.
            entities: which.
            why: they belong to none.
        """
        if self.stray_edits != "ignore":
            let_loose(entities, frozenset(mapping.by_name), self.stray_edits, why)

    def deliver(self, events: Sequence[Event]) -> None:
        """Call the subscribed handlers; an error is logged and stops nothing."""
        for event in events:
            for kind, handler in self.handlers:
                if isinstance(event, kind):
                    self.shielded(handler, event)

    def shielded(self, call: Callable[..., None], *arguments: object) -> None:
        """Call what follows a commit: its error cannot undo the commit, so it is logged."""
        try:
            call_plain("what follows a commit", call, *arguments)
        except Exception:
            log.exception("store %s: an after-commit handler failed; the commit stands", self.name)
