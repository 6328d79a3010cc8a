"""Stores: opened by URL, they make units of work and readers over one backend."""

from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any, Literal, TypeVar, get_args, overload

from cattrs import Converter
from typing_extensions import get_original_bases

from ...domain.entities.clock import Clock, SystemClock
from ...domain.entities.events import Event
from ...domain.entities.plain_values import is_text
from ...domain.errors import CommitUnknown, ConfigurationError, UnitOfWorkError, WriteConflict
from ...domain.plain_functions import check_plain
from ...domain.repository.caching import CacheInvalidated
from ...domain.unit_of_work.listener import LISTENER_METHODS, UnitOfWorkListener
from ...domain.unit_of_work.store import AnyReaderT, Attempt, EventT, PlainUnitT, Store, StoreReport, UnitT_co
from ...domain.unit_of_work.unit_of_work import NoReader, Reader, UnitOfWork
from ..backend import Backend, BackendOptions, Capability, Transaction
from ..backend.discovery import backend_for
from ..caching.settings import CacheSettings
from ..caching.stats import CacheObserver, CacheStats
from ..caching.store_cache import StoreCache
from ..observability.metrics import Metrics
from .bulk.bulk_session import BulkSession
from .collections.bindings import bindings_of, by_collection, refuse_unmet_needs
from .collections.collection_declarations import declaration_of
from .context import receipts as receipt
from .context.deadline import Deadline
from .context.outbox import Outbox
from .context.outbox import declarations as outbox_declarations
from .context.readiness import readiness_of, without_changes
from .context.store_context import Environment, Preparation
from .context.stray_edits import Policy, policy_of
from .context.unit_limits import Limits, is_positive
from .declarations.documents import Documents
from .declarations.published_events import PublishedEvent
from .evolution import migration_state
from .mapping.converter import make_converter
from .mapping.own_hooks import checked_converter
from .reader.reader import ReaderSession
from .unit_of_work.bulk_gateway import BulkUnitGateway
from .unit_of_work.retries import Attempts, each, run
from .unit_of_work.unit import DocumentUnit

T = TypeVar("T")
UnitT = TypeVar("UnitT", bound=UnitOfWork[Any])

OPERATION_TIMEOUT = 10.0
"""Seconds that one operation may take unless the store says otherwise."""


def open_store(
    unit: type[UnitT],
    *,
    url: str,
    documents: Sequence[Documents],
    name: str | None = None,
    prepare: Preparation = "check",
    transactions: Literal["required", "off"] = "required",
    operation_timeout: float = OPERATION_TIMEOUT,
    settings: Mapping[str, Any] | None = None,
    clock: Clock | None = None,
    converter: Converter | None = None,
    receipts: bool = False,
    receipt_lifetime: timedelta = receipt.LIFETIME,
    publishes: Sequence[type[Event] | PublishedEvent] = (),
    max_changes: int | None = None,
    max_seconds: float | None = None,
    cache: CacheSettings | str | None = "memory://",
    metrics: Metrics | None = None,
    stray_edits: Policy | None = None,
) -> "DocumentStore[UnitT]":
    """Open a store; it connects at its first use.

    Args:
        unit: the unit of work, which names its repositories by their ports.
        url: where the data is; its scheme chooses the backend: ``memory://``, ``mongodb://host/database``;
            ``memory:///some/folder`` keeps its data in files there.
        documents: the document side of each repository.
        name: the store's name, in logs and reports and in all that it keeps for itself: events on their way, the keys
            of `run`, migrations. Give every process that works on one store the same, and stores that share a
            database different ones; by default it is the unit's, without "UnitOfWork".
        prepare: before the first operation, "check" compares the declared unique keys with the actual ones,
            "create" makes what is missing, "off" trusts.
        transactions: "required" makes each unit of work a transaction; "off" writes without one, for standalone
            servers: versions still guard each entity, but a failing unit may keep a part of its writes.
        operation_timeout: the most seconds for one operation.
        settings: settings of the backend by name, such as ``maxPoolSize``.
        clock: tells the time of units; the machine's by default.
        converter: a cattrs converter from `make_converter` with hooks for types of your own.
        receipts: whether each unit that writes leaves a receipt in its transaction, one more document and round
            trip, so that `Store.resolve` can tell of any of them, from any process, whether it was committed.
        receipt_lifetime: how long receipts and keys are kept at least, in whole seconds; 7 days by default. A store in
            memory keeps them as long as itself.
        publishes: the event classes that travel, as a `PublishedEvent` those whose form has changed. Those that
            entities record, and those of `UnitOfWork.publish`, become records of the collection ``tristore_outbox`` in
            the same transaction; `OutboxRelay` delivers them.
        max_changes: the most entities that one unit may write; above 1,000 it is warned of in any case.
        max_seconds: how long a unit may have been open when it writes; above 30 it is warned of in any case.
        cache: where cached reads are kept: a URL, or settings; in this process by default, None for nowhere.
        metrics: counts commands, connections and units of this store; without it nothing is listened to.
        stray_edits: what becomes of an edit that nobody will write, of an entity that a reader loaded or that outlived
            its unit: "warn" names entity, field and line once the object goes without having joined a unit, "raise"
            refuses it at its line, "ignore" looks for none and costs nothing. By default "warn" where pytest runs or
            ``TRISTORE_DEV=1`` is set, else "ignore".

    Raises:
        ConfigurationError: if the URL, a setting, a port or a declaration is wrong.
    """
    if not is_positive(operation_timeout):
        raise ConfigurationError(f"operation_timeout must be more than 0 seconds, not {operation_timeout!r}")
    if prepare not in get_args(Preparation) or transactions not in {"required", "off"}:
        wanted = "prepare must be check, create or off, and transactions required or off"
        raise ConfigurationError(f"{wanted}, not {prepare!r} and {transactions!r}")
    if stray_edits not in {None, *get_args(Policy)}:
        raise ConfigurationError(f"stray_edits must be warn, raise or ignore, not {stray_edits!r}")
    registry = make_converter() if converter is None else checked_converter(converter)
    bindings = bindings_of(unit, documents, registry)
    store_name = name or unit.__name__.removesuffix("UnitOfWork").lower() or "store"
    cached = CacheSettings(url=cache) if isinstance(cache, str) else cache
    if cached is not None and cached.strict:
        publishes = (*publishes, CacheInvalidated)
    outbox = Outbox(store_name, publishes, registry) if publishes else None
    collections = (
        *map(declaration_of, by_collection(bindings).values()),
        receipt.declaration(receipt_lifetime),
        migration_state.declaration(),
        *(outbox_declarations() if outbox else ()),
    )
    backend: Backend = backend_for(url).open(
        url, BackendOptions(store_name, collections, dict(settings or {}), metrics)
    )
    refuse_unmet_needs(bindings.values(), backend)
    environment = Environment(
        name=store_name,
        backend=backend,
        bindings=bindings,
        collections=collections,
        clock=clock or SystemClock(),
        transactional=transactions == "required",
        operation_timeout=operation_timeout,
        preparation=prepare,
        receipts=receipts,
        outbox=outbox,
        limits=Limits(max_changes, max_seconds),
        stray_edits=policy_of(stray_edits),
        listeners=[] if metrics is None else [metrics.listener(store_name)],
    )
    if cached is not None:
        environment.cache = _cache_of(environment, cached)
    return DocumentStore(unit, environment)


def _cache_of(environment: Environment, settings: CacheSettings) -> StoreCache:
    """The cache of a store.

    Raises:
        ConfigurationError: if its URL is wrong, or it is to follow a change stream and the backend has none.
    """
    backend = environment.backend
    if settings.watch and Capability.CHANGE_STREAMS not in backend.capabilities:
        raise ConfigurationError(
            f"store {environment.name}: the backend at {backend.location} has no change streams for its cache to "
            "follow: leave watch out"
        )
    return StoreCache(
        settings,
        store=environment.name,
        place=backend.data_id,
        alone=backend.is_private,
        incoherent=lambda: environment.backend.incoherence,
        watch=lambda: environment.backend.watch(timeout=environment.operation_timeout),
        collections=[*environment.by_collection],
    )


class DocumentStore(Store[UnitT_co]):
    """A `Store` over a document backend; made by `open_store`."""

    def __init__(self, unit: type[UnitT_co], environment: Environment) -> None:
        self.name = environment.name
        self._unit = unit
        self._reader = _reader_of(unit)
        self._environment = environment

    @property
    def environment(self) -> Environment:
        """The store from the inside, for what works beside its units, as a relay does."""
        return self._environment

    @property
    def backend(self) -> Backend:
        """The backend, for tools that look below the repositories."""
        return self._environment.backend

    @property
    def _cache(self) -> StoreCache | None:
        """The cache with all that only its store asks of it."""
        cache = self._environment.cache
        assert cache is None or isinstance(cache, StoreCache)  # noqa: S101 - made by open_store
        return cache

    def unit_of_work(self, *, autoflush: bool = True) -> UnitT_co:
        """Return a unit of work for a ``with`` block.

        Args:
            autoflush: whether a query first writes the pending changes of its collection.
        """
        environment = self._environment
        deadline = Deadline(environment.operation_timeout)
        return self._unit(DocumentUnit(environment, deadline, BulkUnitGateway, autoflush=autoflush))

    @overload
    def reader(self: "DocumentStore[PlainUnitT]", *, snapshot: bool = False) -> PlainUnitT: ...
    @overload
    def reader(self: "DocumentStore[UnitOfWork[AnyReaderT]]", *, snapshot: bool = False) -> AnyReaderT: ...
    def reader(self, *, snapshot: bool = False) -> Any:
        """Return a reader for a ``with`` block."""
        return self._reader(ReaderSession(self._environment, snapshot=snapshot))

    def bulk(self) -> UnitT_co:
        """Return the repositories for a ``with`` block of work on many entities: no transaction, nothing tracked."""
        return self._unit(BulkSession(self._environment))

    def run(
        self,
        fn: Callable[[UnitT_co], T],
        *,
        max_attempts: int | None = None,
        deadline: float = 10.0,
        retry_on: tuple[type[Exception], ...] = (),
        key: str | None = None,
    ) -> T:
        """Call a function with a unit of work and commit; on a conflict, all of it again."""
        if key is not None and not (self._environment.transactional and isinstance(key, str) and key):
            raise UnitOfWorkError("a key is text that is not empty, and needs a store with transactions")
        if key is not None and not is_text(str(key)):
            raise UnitOfWorkError("a key is text that can be encoded: this one has half of a surrogate pair")
        return run(self._attempts(max_attempts, deadline, retry_on, key, getattr(fn, "__code__", fn)), fn, key)

    def attempts(
        self, *, max_attempts: int | None = None, deadline: float = 10.0, retry_on: tuple[type[Exception], ...] = ()
    ) -> Iterator[Attempt[UnitT_co]]:
        """Yield attempts until one commits."""
        return each(self._attempts(max_attempts, deadline, retry_on))

    def resolve(self, unit_id: str) -> bool:
        """Tell what became of a unit whose commit raised `CommitUnknown`."""
        environment = self._environment
        if unit_id in environment.settled:
            return environment.settled[unit_id]
        unsettled = environment.unsettled.get(unit_id)
        if unsettled is not None:
            environment.settled[unit_id] = self._settle(unsettled.transaction)
            environment.invalidate(unsettled.written)
            environment.unsettled.pop(unit_id, None)
            return environment.settled[unit_id]
        if self._has_receipt(unit_id):
            return True
        if not environment.receipts:
            raise CommitUnknown(unit_id)  # it may never have had a receipt, so its absence says nothing
        # one that only the primary has yet is not seen: it counts once the others have it
        environment.backend.confirm(receipt.COLLECTION, timeout=environment.operation_timeout)
        return self._has_receipt(unit_id)

    def _has_receipt(self, unit_id: str) -> bool:
        environment = self._environment
        wanted = receipt.wanted_unit(self.name, unit_id)
        found = environment.backend.find(
            receipt.COLLECTION, wanted, transaction=None, timeout=environment.operation_timeout
        )
        return bool(found.to_list())

    def _settle(self, transaction: Transaction) -> bool:
        try:
            self._environment.backend.settle(transaction, timeout=self._environment.operation_timeout)
        except WriteConflict:
            return False
        return True

    def subscribe(self, event: type[EventT], handler: Callable[[EventT], None]) -> None:
        """Call the handler with every event of that class after its commit."""
        check_plain(handler, "subscribe", takes=1)
        self._environment.handlers.append((event, handler))

    def listen(self, listener: UnitOfWorkListener) -> None:
        """Let a listener watch every unit of work from now on."""
        for name in LISTENER_METHODS:
            check_plain(getattr(listener, name, None), f"{name} of a listener")
        self._environment.listeners.append(listener)

    def open(self) -> None:
        """Connect now instead of at the first use."""
        info = self._environment.backend.ping(timeout=self._environment.operation_timeout)
        if refusal := without_changes(self._environment, info):
            raise ConfigurationError(f"store {self.name}: {refusal}")
        self._environment.ensure_prepared()
        if self._cache is not None:
            self._cache.start()

    def prepare(self) -> None:
        """Create the declared collections and indexes; what is there already stays."""
        environment = self._environment
        # A missing server is found within the time of one operation, not of building indexes.
        environment.backend.ping(timeout=environment.operation_timeout)
        environment.backend.prepare(environment.collections, timeout=max(60.0, environment.operation_timeout))
        environment.mark_prepared()

    def check(self, *, timeout: float = 5.0) -> StoreReport:
        """Ping, compare the declared unique keys with the actual ones, and ask the cache whether it answers."""
        location = self._environment.backend.location
        found = readiness_of(self._environment, timeout=timeout)
        if found.state is None:
            return StoreReport(self.name, location, ok=False, details="; ".join(found.problems))
        info = found.state.info
        if found.problems:
            details = "; ".join(found.problems)
            return StoreReport(self.name, location, False, details, info.latency, found.missing)
        guarantee = "" if self._cache is None else f"; cache: {self._cache.check()}"
        return StoreReport(self.name, location, ok=True, details=f"{info.description}{guarantee}", latency=info.latency)

    def cache_stats(self) -> CacheStats:
        """Return what the cache has counted; nothing without one."""
        cache = self._cache
        return CacheStats({}) if cache is None else cache.stats()

    def log_cache_stats(self) -> None:
        """Write what the cache has counted to the logger ``tristore.cache``, as one line; `close` does so too."""
        if self._cache is not None:
            self._cache.log_stats()

    def observe_cache(self, observer: CacheObserver) -> None:
        """Let an observer, such as a metrics library, hear of everything that the cache counts."""
        if self._cache is not None:
            self._cache.observe(observer)

    def save(self) -> None:
        """Keep what was committed so far."""
        self._environment.backend.save()

    def close(self) -> None:
        """Release connections; what the cache has counted goes to the log."""
        self._environment.side_by_side.close()
        if self._cache is not None:
            self._cache.close()
        self._environment.backend.close()

    def _attempts(
        self,
        max_attempts: int | None,
        deadline: float,
        retry_on: tuple[type[Exception], ...],
        key: str | None = None,
        kind: Hashable = None,
    ) -> Attempts[UnitT_co]:
        return Attempts(
            self._environment,
            self._unit,
            max_attempts=max_attempts,
            deadline=deadline,
            retry_on=retry_on,
            key=key,
            kind=kind,
        )


def _reader_of(unit: type[UnitOfWork[Any]]) -> type[Reader]:
    """The reader that a unit names as its type argument; the unit itself where it names none."""
    for base in unit.__mro__:
        for original in get_original_bases(base) if base is not object else ():
            for argument in get_args(original):
                if isinstance(argument, type) and issubclass(argument, Reader) and argument is not NoReader:
                    return argument
    return unit
