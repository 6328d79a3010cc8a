"""The contracts of a cache that fails, is shared, or has no ground to stand on."""

from contracts.caching.caching_base import InRedis
from contracts.stores import OnMemory, OnMongo

from .cache_failures_suite import CacheFailuresContract
from .cache_garbage_suite import CacheGarbageContract
from .cached_shared_suite import IncoherentReadsContract, PlantedInRedisContract, SharedCacheContract


class TestFailuresMemory(OnMemory, CacheFailuresContract):
    """In memory, with a cache that is broken by hand."""


class TestFailuresMongo(OnMongo, CacheFailuresContract):
    """On a real mongod, with a cache that is broken by hand."""


class TestGarbageMemory(OnMemory, CacheGarbageContract):
    """In memory, with a cache that others write to."""


class TestShared(OnMongo, InRedis, SharedCacheContract):
    """Two stores on a real mongod and a real Redis."""


class TestPlantedInRedis(OnMemory, InRedis, PlantedInRedisContract):
    """In memory, cached in Redis."""


class TestIncoherentReads(OnMongo, IncoherentReadsContract):
    """On a real mongod."""
