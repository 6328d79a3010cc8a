"""tristore: repositories and units of work over MongoDB, with an in-memory twin. The door of those who write services.

What tests need stands in `tristore.testing`, what keeps stores running in `tristore.operations`, and the three stores
that ship in `tristore.three_stores`, beside their entities in `tristore.domain.core`, `tristore.domain.analytics` and
`tristore.domain.systemlogs`. ``tristore.fields`` holds validators and converters, ``tristore.errors`` every error.
"""

from . import errors, fields
from .adapters.caching.settings import CacheSettings
from .adapters.caching.switch import cache_disabled
from .adapters.documents.declarations.documents import Documents, TimeSeries, Validation
from .adapters.documents.declarations.indexes import Index
from .adapters.documents.declarations.published_events import PublishedEvent
from .adapters.documents.declarations.schema_steps import Convert, Default, Drop, Rename, SchemaStep, Transform, touches
from .adapters.documents.mapping.converter import make_converter
from .adapters.documents.store import DocumentStore, open_store
from .adapters.formats.json_entities import from_dict, to_dict, update_from
from .adapters.mongo.repository import MongoRepository
from .adapters.three_stores.stores import open_stores
from .domain.bulk_result import BulkError, BulkResult
from .domain.entities.clock import NEVER, Clock, FixedClock, SystemClock
from .domain.entities.entity import Entity
from .domain.entities.events import Event
from .domain.entities.ids import Id, IdFactory, new_id, parse_id
from .domain.errors import (
    ConfigurationError,
    Conflict,
    DomainError,
    DuplicateKey,
    InvalidQuery,
    NotFound,
    TristoreError,
    Unavailable,
    ValidationError,
    VersionConflict,
)
from .domain.queries.aggregates import average, bucket, count, distinct_count, largest, smallest, total
from .domain.queries.pages import Page
from .domain.repository.caching import cacheable
from .domain.repository.hooks import Change
from .domain.repository.read_repository import ReadRepository
from .domain.repository.repository import Repository
from .domain.repository.unique import Unique
from .domain.rules.specification import Specification, not_, specification, where
from .domain.rules.words import (
    any_of,
    between,
    contains,
    contains_all,
    exists,
    icontains,
    is_none,
    matches,
    not_one_of,
    one_of,
    size,
    some,
)
from .domain.unit_of_work.store import Attempt, Store
from .domain.unit_of_work.unit_of_work import Reader, UnitOfWork

__all__ = [
    "NEVER",
    "Attempt",
    "BulkError",
    "BulkResult",
    "CacheSettings",
    "Change",
    "Clock",
    "ConfigurationError",
    "Conflict",
    "Convert",
    "Default",
    "DocumentStore",
    "Documents",
    "DomainError",
    "Drop",
    "DuplicateKey",
    "Entity",
    "Event",
    "FixedClock",
    "Id",
    "IdFactory",
    "Index",
    "InvalidQuery",
    "MongoRepository",
    "NotFound",
    "Page",
    "PublishedEvent",
    "ReadRepository",
    "Reader",
    "Rename",
    "Repository",
    "SchemaStep",
    "Specification",
    "Store",
    "SystemClock",
    "TimeSeries",
    "Transform",
    "TristoreError",
    "Unavailable",
    "Unique",
    "UnitOfWork",
    "Validation",
    "ValidationError",
    "VersionConflict",
    "any_of",
    "average",
    "between",
    "bucket",
    "cache_disabled",
    "cacheable",
    "contains",
    "contains_all",
    "count",
    "distinct_count",
    "errors",
    "exists",
    "fields",
    "from_dict",
    "icontains",
    "is_none",
    "largest",
    "make_converter",
    "matches",
    "new_id",
    "not_",
    "not_one_of",
    "one_of",
    "open_store",
    "open_stores",
    "parse_id",
    "size",
    "smallest",
    "some",
    "specification",
    "to_dict",
    "total",
    "touches",
    "update_from",
    "where",
]
