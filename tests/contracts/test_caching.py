"""The contracts of the cache on each backend, in each cache."""

from .cache_failures_suite import CacheFailuresContract
from .cached_keys_suite import CachedKeysContract
from .cached_reads_suite import CachedReadsContract
from .cached_shared_suite import IncoherentReadsContract, PlantedInRedisContract, SharedCacheContract
from .cached_writes_suite import CachedWritesContract
from .caching_base import InAnotherBackend, InProcess, InRedis
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


class TestKeysMemoryInProcess(OnMemory, InProcess, CachedKeysContract):
    """In memory, cached in this process."""


class TestKeysMemoryInRedis(OnMemory, InRedis, CachedKeysContract):
    """In memory, cached in Redis."""


class TestKeysMemoryInAnother(OnMemory, InAnotherBackend, CachedKeysContract):
    """In memory, cached by a backend of dogpile.cache that ends no entry by itself."""


class TestKeysMongoInProcess(OnMongo, InProcess, CachedKeysContract):
    """On a real mongod, cached in this process."""


class TestKeysMongoInRedis(OnMongo, InRedis, CachedKeysContract):
    """On a real mongod, cached in Redis."""


class TestShared(OnMongo, InRedis, SharedCacheContract):
    """Two stores on a real mongod and a real Redis."""


class TestPlantedInRedis(OnMemory, InRedis, PlantedInRedisContract):
    """In memory, cached in Redis."""


class TestIncoherentReads(OnMongo, IncoherentReadsContract):
    """On a real mongod."""
