"""What tests need: the door of those who test services, entities and stores of their own.

Real servers, stores on data of their own, factories and Hypothesis strategies, faults and crash points, counted
queries and scans, a fuzzer that compares two backends, and the suite that a backend passes.

Each name is loaded when it is first asked for, so that this door opens without pytest, Hypothesis or a factory library.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .adapters.memory.backend import MemoryBackend
    from .adapters.operations.observed_backend import ObservedBackend, Operation, document_store, plugged
    from .adapters.operations.upkeep.scans import Scan, ScanReport, scans
    from .adapters.testing.conformance.suite import BackendConformance
    from .adapters.testing.data.factories import EntityFactory, StorePersistence, factory_of
    from .adapters.testing.data.strategies import entities, specifications
    from .adapters.testing.faults import faults
    from .adapters.testing.faults.crashes import CrashPoint, CrashReport, InvariantBroken, crash_points
    from .adapters.testing.fixtures.databases import TestDatabases
    from .adapters.testing.fixtures.stores import AnyStore, MemoryStores, MongoStores
    from .adapters.testing.fuzzing.fuzzing import Difference, FuzzReport, StoresDiffer, compare, fuzz
    from .adapters.testing.queries.query_counts import SeenQueries, SeenQuery, queries
    from .adapters.testing.queries.scans import no_scans
    from .adapters.testing.servers.cluster import MongoCluster
    from .adapters.testing.servers.mongod_process import MongodProcess, find_mongod
    from .adapters.testing.servers.redis_server import RedisServer
    from .adapters.testing.servers.server import MongoServer

_ROOMS = {
    "memory.backend": ("MemoryBackend",),
    "operations.observed_backend": ("ObservedBackend", "Operation", "document_store", "plugged"),
    "operations.upkeep.scans": ("Scan", "ScanReport", "scans"),
    "testing.conformance.suite": ("BackendConformance",),
    "testing.data.factories": ("EntityFactory", "StorePersistence", "factory_of"),
    "testing.data.strategies": ("entities", "specifications"),
    "testing.faults": ("faults",),
    "testing.faults.crashes": ("CrashPoint", "CrashReport", "InvariantBroken", "crash_points"),
    "testing.fixtures.databases": ("TestDatabases",),
    "testing.fixtures.stores": ("AnyStore", "MemoryStores", "MongoStores"),
    "testing.fuzzing.fuzzing": ("Difference", "FuzzReport", "StoresDiffer", "compare", "fuzz"),
    "testing.queries.query_counts": ("SeenQueries", "SeenQuery", "queries"),
    "testing.queries.scans": ("no_scans",),
    "testing.servers.cluster": ("MongoCluster",),
    "testing.servers.mongod_process": ("MongodProcess", "find_mongod"),
    "testing.servers.redis_server": ("RedisServer",),
    "testing.servers.server": ("MongoServer",),
}
_ROOM_OF = {name: room for room, names in _ROOMS.items() for name in names}

__all__ = [
    "AnyStore",
    "BackendConformance",
    "CrashPoint",
    "CrashReport",
    "Difference",
    "EntityFactory",
    "FuzzReport",
    "InvariantBroken",
    "MemoryBackend",
    "MemoryStores",
    "MongoCluster",
    "MongoServer",
    "MongoStores",
    "MongodProcess",
    "ObservedBackend",
    "Operation",
    "RedisServer",
    "Scan",
    "ScanReport",
    "SeenQueries",
    "SeenQuery",
    "StorePersistence",
    "StoresDiffer",
    "TestDatabases",
    "compare",
    "crash_points",
    "document_store",
    "entities",
    "factory_of",
    "faults",
    "find_mongod",
    "fuzz",
    "no_scans",
    "plugged",
    "queries",
    "scans",
    "specifications",
]


def __getattr__(name: str) -> object:
    """Load a name from its room."""
    if name not in _ROOM_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    room = f"{__package__}.adapters.{_ROOM_OF[name]}"
    if name == "faults":  # a module: what it holds reads best behind its name, faults.StepDown
        return import_module(f"{room}.faults")
    value: object = getattr(import_module(room), name)
    return value


def __dir__() -> list[str]:
    return __all__
