"""The core store on a real mongod, and what is looked at from outside while it works."""

import time
from collections.abc import Callable
from typing import Any

from pymongo import MongoClient, monitoring
from pymongo.database import Database
from pymongo.uri_parser import parse_uri

from tristore import DocumentStore
from tristore.domain.core import CoreUnitOfWork, User

CoreStore = DocumentStore[CoreUnitOfWork]
OpenCore = Callable[..., CoreStore]
Raw = MongoClient[dict[str, Any]]
RawDatabase = Database[dict[str, Any]]

NAME = "under-test"
"""The store's name, which is that of the clients that meet fail points."""

APPLICATION = f"tristore/{NAME}"

FREE = 1.0
"""Seconds in which a row counts as free at once: the server's own limit would free it after three."""


class Commands(monitoring.CommandListener):
    """Remembers the commands that were sent."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, dict[str, Any]]] = []
        self.connections: set[int | None] = set()

    def started(self, event: monitoring.CommandStartedEvent) -> None:
        self.sent.append((event.command_name, dict(event.command)))
        self.connections.add(event.server_connection_id)

    def succeeded(self, event: monitoring.CommandSucceededEvent) -> None: ...
    def failed(self, event: monitoring.CommandFailedEvent) -> None: ...

    @property
    def names(self) -> list[str]:
        """Their names, in order."""
        return [name for name, _ in self.sent]

    def of(self, name: str) -> list[dict[str, Any]]:
        """The commands of that name."""
        return [command for found, command in self.sent if found == name]


def database_name(url: str) -> str:
    """The database that a URL names."""
    name: str = parse_uri(url)["database"]
    return name


def user(name: str = "ada", **values: Any) -> User:
    """A user with what a test does not care about."""
    return User(email=f"{name}@example.org", username=name, **values)


def save(store: CoreStore, *users: User) -> None:
    """Store users in one unit."""
    with store.unit_of_work() as core:
        for one in users:
            core.users.add(one)


def load(store: CoreStore, id: Any) -> User:
    """The stored user."""
    with store.reader() as core:
        return core.users.get(id)


def connections(raw: Raw, application: str = APPLICATION) -> int:
    """How many connections the server has from clients of that name."""
    return sum(1 for _ in _operations(raw, {"appName": application, "type": "op"}))


def open_transactions(raw: Raw) -> int:
    """How many transactions of the store the server holds open."""
    return sum(1 for _ in _operations(raw, {"appName": APPLICATION, "transaction": {"$exists": True}}))


def open_cursors(raw: Raw) -> int:
    """How many cursors of the store the server holds open between two batches; of these it knows no client's name."""
    return sum(1 for _ in _operations(raw, {"ns": {"$regex": "^test_core_"}, "type": "idleCursor"}))


def seconds_until_free(database: RawDatabase, username: str = "ada") -> float:
    """How long another client waits to write a user."""
    started = time.monotonic()
    database["users"].update_one({"username": username}, {"$inc": {"touched": 1}})
    return time.monotonic() - started


def eventually(holds: Callable[[], bool], timeout: float = 5.0) -> bool:
    """Whether it becomes true in time: the server notes the end of a connection a moment later."""
    end = time.monotonic() + timeout
    while not holds():
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True


def _operations(raw: Raw, matching: dict[str, Any]) -> Any:
    everything = {"$currentOp": {"allUsers": True, "idleConnections": True, "idleSessions": True, "idleCursors": True}}
    return raw.admin.aggregate([everything, {"$match": matching}])
