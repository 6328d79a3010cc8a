"""The contracts of the cache on each backend, in each cache."""

from .cache_failures_suite import CacheFailuresContract
from .cached_reads_suite import CachedReadsContract
from .cached_writes_suite import CachedWritesContract
from .caching_base import InProcess, InRedis
from .stores import OnMemory, OnMongo


class TestMemoryInProcess(OnMemory, InProcess, CachedReadsContract):
    """In memory, cached in this process."""


class TestMemoryInRedis(OnMemory, InRedis, CachedReadsContract):
    """In memory, cached in Redis."""


class TestMongoInProcess(OnMongo, InProcess, CachedReadsContract):
    """On a real mongod, cached in this process."""


class TestMongoInRedis(OnMongo, InRedis, CachedReadsContract):
    """On a real mongod, cached in Redis."""


class TestWritesMemoryInProcess(OnMemory, InProcess, CachedWritesContract):
    """In memory, cached in this process."""


class TestWritesMemoryInRedis(OnMemory, InRedis, CachedWritesContract):
    """In memory, cached in Redis."""


class TestWritesMongoInProcess(OnMongo, InProcess, CachedWritesContract):
    """On a real mongod, cached in this process."""


class TestWritesMongoInRedis(OnMongo, InRedis, CachedWritesContract):
    """On a real mongod, cached in Redis."""


class TestFailuresMemory(OnMemory, CacheFailuresContract):
    """In memory, with a cache that is broken by hand."""


class TestFailuresMongo(OnMongo, CacheFailuresContract):
    """On a real mongod, with a cache that is broken by hand."""
