"""The contracts of the cache on each backend, in each cache."""

from ..stores import OnMemory, OnMongo
from .cached_bypasses_suite import CachedBypassesContract
from .cached_commits_suite import CachedCommitsContract
from .cached_keys_suite import CachedKeysContract
from .cached_reads_suite import CachedReadsContract
from .cached_writes_suite import CachedWritesContract
from .caching_base import InAnotherBackend, InProcess, InRedis


class TestMemoryInProcess(OnMemory, InProcess, CachedReadsContract, CachedBypassesContract):
    """In memory, cached in this process."""


class TestMemoryInRedis(OnMemory, InRedis, CachedReadsContract, CachedBypassesContract):
    """In memory, cached in Redis."""


class TestMongoInProcess(OnMongo, InProcess, CachedReadsContract, CachedBypassesContract):
    """On a real mongod, cached in this process."""


class TestMongoInRedis(OnMongo, InRedis, CachedReadsContract, CachedBypassesContract):
    """On a real mongod, cached in Redis."""


class TestWritesMemoryInProcess(OnMemory, InProcess, CachedWritesContract):
    """In memory, cached in this process."""


class TestWritesMongoInProcess(OnMongo, InProcess, CachedWritesContract):
    """On a real mongod, cached in this process."""


class TestWritesMongoInRedis(OnMongo, InRedis, CachedWritesContract):
    """On a real mongod, cached in Redis."""


class TestCommitsMemoryInProcess(OnMemory, InProcess, CachedCommitsContract):
    """In memory, cached in this process."""


class TestCommitsMongoInRedis(OnMongo, InRedis, CachedCommitsContract):
    """On a real mongod, cached in Redis."""


class TestKeysMemoryInProcess(OnMemory, InProcess, CachedKeysContract):
    """In memory, cached in this process."""


class TestKeysMemoryInAnother(OnMemory, InAnotherBackend, CachedKeysContract):
    """In memory, cached by a backend of dogpile.cache that ends no entry by itself."""


class TestKeysMongoInProcess(OnMongo, InProcess, CachedKeysContract):
    """On a real mongod, cached in this process."""


class TestKeysMongoInRedis(OnMongo, InRedis, CachedKeysContract):
    """On a real mongod, cached in Redis."""
