"""tristore: repositories and units of work over three MongoDB databases, with an in-memory twin."""

from .adapters.documents.converter import make_converter
from .adapters.documents.declarations import Documents, Index
from .adapters.documents.store import DocumentStore, open_store
from .adapters.relay import OutboxRelay
from .adapters.serialization import from_dict, to_dict, update_from
from .adapters.settings import Settings
from .adapters.stores import Stores, open_stores
from .domain.bulk import BulkError, BulkResult
from .domain.capture import contains, is_none, one_of, some
from .domain.clock import NEVER, Clock, FixedClock, SystemClock
from .domain.entity import Entity
from .domain.errors import (
    CommitUnknown,
    ConcurrentUse,
    ConfigurationError,
    Conflict,
    CrossStore,
    DeadlineExceeded,
    DomainError,
    DuplicateKey,
    DurabilityWarning,
    InvalidQuery,
    LargeDocumentWarning,
    LargeUnitWarning,
    NestedUnitOfWork,
    NotFound,
    Problem,
    RetryExhausted,
    Stale,
    TooLarge,
    TooManyResults,
    TransactionsUnsupported,
    TristoreError,
    Unavailable,
    UnitOfWorkClosed,
    UnitOfWorkError,
    UnitOfWorkFailed,
    ValidationError,
    VersionConflict,
    WriteConflict,
)
from .domain.events import Event
from .domain.ids import Id, IdFactory, new_id, parse_id
from .domain.outbox import Backlog, Delivery, Parked
from .domain.queries import Page
from .domain.repository import Change, ReadRepository, Repository, Unique
from .domain.specification import Specification, not_, where
from .domain.unit_of_work import Attempt, Reader, Store, StoreReport, UnitOfWork, UnitOfWorkListener, UnitReport

__all__ = [
    "NEVER",
    "Attempt",
    "Backlog",
    "BulkError",
    "BulkResult",
    "Change",
    "Clock",
    "CommitUnknown",
    "ConcurrentUse",
    "ConfigurationError",
    "Conflict",
    "CrossStore",
    "DeadlineExceeded",
    "Delivery",
    "DocumentStore",
    "Documents",
    "DomainError",
    "DuplicateKey",
    "DurabilityWarning",
    "Entity",
    "Event",
    "FixedClock",
    "Id",
    "IdFactory",
    "Index",
    "InvalidQuery",
    "LargeDocumentWarning",
    "LargeUnitWarning",
    "NestedUnitOfWork",
    "NotFound",
    "OutboxRelay",
    "Page",
    "Parked",
    "Problem",
    "ReadRepository",
    "Reader",
    "Repository",
    "RetryExhausted",
    "Settings",
    "Specification",
    "Stale",
    "Store",
    "StoreReport",
    "Stores",
    "SystemClock",
    "TooLarge",
    "TooManyResults",
    "TransactionsUnsupported",
    "TristoreError",
    "Unavailable",
    "Unique",
    "UnitOfWork",
    "UnitOfWorkClosed",
    "UnitOfWorkError",
    "UnitOfWorkFailed",
    "UnitOfWorkListener",
    "UnitReport",
    "ValidationError",
    "VersionConflict",
    "WriteConflict",
    "contains",
    "from_dict",
    "is_none",
    "make_converter",
    "new_id",
    "not_",
    "one_of",
    "open_store",
    "open_stores",
    "parse_id",
    "some",
    "to_dict",
    "update_from",
    "where",
]
