"""One client for each backend: read from the URL at once, connected at the first use, reused, closed."""

import re
from collections.abc import Mapping
from functools import cached_property
from threading import Lock
from typing import Any
from urllib.parse import unquote_plus

import pymongo
from pymongo import MongoClient
from pymongo.collection import Collection
from pymongo.database import Database
from pymongo.errors import PyMongoError
from pymongo.read_concern import ReadConcern
from pymongo.read_preferences import ReadPreference
from pymongo.uri_parser import split_options
from pymongo.write_concern import WriteConcern

from ...domain.errors import ConfigurationError
from ..backend import BackendOptions, Document
from ..backend.bson import CODEC_OPTIONS
from ..backend.urls import has_ports_only, secret_options
from .monitoring.driver_log import ServerLog, debugging
from .monitoring.driver_metrics import metering
from .monitoring.slow_commands import SlowCommandLog

DEFAULTS: dict[str, Any] = {
    "connectTimeoutMS": 2_000,
    "heartbeatFrequencyMS": 2_000,
    "serverSelectionTimeoutMS": 10_000,
    "maxPoolSize": 10,
    "minPoolSize": 2,
    "maxIdleTimeMS": 30_000,
    "waitQueueTimeoutMS": 5_000,
    "w": "majority",
    "retryReads": True,
    "retryWrites": True,
}
"""Of the client. The driver's own would let callers wait 20 s for a server that froze, and for ever for a pool.

An operation waits for a connection as long as its own time allows: inside it the driver does not look at
waitQueueTimeoutMS, which bounds what has no time of its own.
"""

_ASKING = 2.0
"""Seconds for a question about the server itself."""

_LIFETIME = 60.0
"""The server's default of transactionLifetimeLimitSeconds
(https://www.mongodb.com/docs/manual/reference/parameters)."""

_COHERENT = frozenset({None, "local", "majority"})


SLOW_COMMAND_MS = "slowCommandMS"
"""The setting from how many milliseconds on a command is logged; it is not the driver's."""


class Connection:
    """The client of one database, and its collections.

    Args:
        url: ``mongodb://`` or ``mongodb+srv://`` with the name of a database; its options go before the settings.
        options: the store's name, and settings by the driver's names.

    Raises:
        ConfigurationError: if the URL or a setting is wrong, without showing the password.
    """

    def __init__(self, url: str, options: BackendOptions) -> None:
        self._url = url
        self._store = options.store
        self._metrics = options.metrics
        scheme, user, place, query = _parts(url, options.store)
        self.place, _, name = place.partition("/")
        self.location = f"{scheme}://{place}"
        self._lock = Lock()
        self._collections: dict[str, Collection[Document]] = {}
        self._declared = tuple(one.name for one in options.collections)
        self.indexes = {one.name: one.indexes for one in options.collections}
        self._authoritative = frozenset(one.name for one in options.collections if one.authoritative)
        problem: Exception | None = None
        try:
            self.database_name = unquote_plus(name)
            self._settings = _merged(options.settings, query)
            self._slow_log = _slow_log(options.store, self._settings.pop(SLOW_COMMAND_MS, None))
            self._client: MongoClient[Document] | None = self._new_client()
            if name:
                self._client.get_database(self.database_name)
        except (PyMongoError, ValueError, TypeError, OSError) as error:  # OSError: of certificates
            problem = error
        if problem is not None:
            where = f"{self.location}{_refused_option(query)}"
            raise _refusal(where, problem, [*_secrets(user, query), *_secret_settings(options.settings)])
        if not name:
            self.close()
            raise ConfigurationError(f"{self.location} names no database: write {scheme}://{self.place}/<database>")
        doubled = sorted(name for name in self._declared if f"{self.database_name}/{name}" in self._declared)
        if doubled:
            self.close()
            raise ConfigurationError(
                f"the collection {doubled[0]!r} is declared more than once: {self.database_name} is the database of "
                f"{self.location}, so leave database={self.database_name!r} out"
            )
        if not self.client.write_concern.acknowledged:
            self.close()
            raise ConfigurationError(f"{self.location}: w=0 loses writes unseen; leave it out, or use w=majority")

    @property
    def client(self) -> MongoClient[Document]:
        """The client; made if there is none, which does no I/O."""
        client = self._client
        return client if client is not None else self._connect()

    def time_for(self, timeout: float) -> float:
        """Return the seconds for an operation: while no primary is known, serverSelectionTimeoutMS at the most.

        The driver's own look at that setting is switched off by the time that every operation has.
        """
        client = self.client
        topology = client.topology_description
        if topology.topology_type_name == "ReplicaSetWithPrimary" or topology.has_writable_server():
            return timeout
        return min(timeout, client.options.server_selection_timeout)

    @cached_property
    def incoherence(self) -> str:
        """Say why a read could be older than a commit that has returned; empty if it never is."""
        client = self.client
        if client.read_preference != ReadPreference.PRIMARY:
            return "read preference"
        if client.read_concern.level not in _COHERENT:
            return "read concern"
        if client.read_concern.level == "majority" and client.write_concern.document.get("w") != "majority":
            return "write concern"
        return ""

    @property
    def databases(self) -> frozenset[str]:
        """The databases in which the store has collections."""
        return frozenset(name.rpartition("/")[0] or self.database_name for name in self._declared)

    @property
    def database(self) -> Database[Document]:
        """The database."""
        return self.client.get_database(self.database_name, codec_options=CODEC_OPTIONS)

    def collection(self, name: str) -> Collection[Document]:
        """Return a collection of the database; the same object each time, for making one takes microseconds."""
        found = self._collections.get(name)
        if found is None:
            collections, found = self._collections, collection_in(self.database, name)
            if name in self._authoritative:
                found = found.with_options(
                    read_preference=ReadPreference.PRIMARY,
                    read_concern=ReadConcern("majority"),
                    write_concern=WriteConcern("majority"),
                )
            # The dictionary from before: after a close in between, a new one is not given an old client's.
            collections[name] = found
        return found

    def transaction_lifetime(self) -> float:
        """Return the seconds that the server lets a transaction live; its default where it does not tell this user."""
        try:
            with pymongo.timeout(_ASKING):
                answer = self.client.admin.command("getParameter", transactionLifetimeLimitSeconds=1)
        except PyMongoError:
            return _LIFETIME
        return float(answer["transactionLifetimeLimitSeconds"])

    def close(self) -> None:
        """Close the client; the next use makes another."""
        with self._lock:
            client, self._client, self._collections = self._client, None, {}
            self._server_log.mute()
        if client is not None:
            client.close()

    def _connect(self) -> MongoClient[Document]:
        with self._lock:
            if self._client is None:
                self._client = self._new_client()
            return self._client

    def _new_client(self) -> MongoClient[Document]:
        self._server_log = ServerLog(self._store)
        return MongoClient(
            self._url,
            connect=False,
            appname=f"tristore/{self._store}",
            event_listeners=[
                self._server_log,
                *debugging(self._store),
                *self._slow_log,
                *metering(self._store, self._metrics),
            ],
            **self._settings,
        )


def _slow_log(store: str, threshold: Any) -> list[SlowCommandLog]:
    """The listener that logs slow commands, if one is asked for."""
    if threshold is None:
        return []
    if isinstance(threshold, bool) or not isinstance(threshold, int | float) or threshold < 0:
        raise ValueError(f"{SLOW_COMMAND_MS} must be a number of milliseconds from 0, not {threshold!r}")
    return [SlowCommandLog(store, threshold)]


def _parts(url: str, store: str) -> tuple[str, str, str, str]:
    """Split a URL into scheme, user with password, hosts with database, and options.

    Raises:
        ConfigurationError: if a part of the password would be taken for something else, and be shown as that.
    """
    scheme, _, rest = url.partition("://")
    address, _, query = rest.partition("?")
    user, _, place = address.rpartition("@")
    if "/" in user or "@" in query:
        raise ConfigurationError(
            f"the {scheme}:// URL of {store}: the user, the password or an option in it has characters that must be "
            "percent-encoded (urllib.parse.quote_plus)"
        )
    if not has_ports_only(place):
        raise ConfigurationError(
            f"the {scheme}:// URL of {store}: Port is not a number, or what belongs behind user and password "
            f"is missing: write {scheme}://user:password@host:port/<database>"
        )
    return scheme, user, place, query


def _secrets(user: str, query: str) -> list[str]:
    """What of a URL no error may show, as it is written there and as it is meant."""
    _, _, password = user.partition(":")
    return [form for secret in (password, *secret_options(query)) for form in (secret, unquote_plus(secret)) if form]


def _refused_option(query: str) -> str:
    """Name the option of a URL that the driver refuses, which its own words leave out.

    Empty if it refuses none, or if what looks like one could be a piece of a password in the URL.
    """
    if any(secret_options(query)):
        return ""
    for option in re.split("[&;]", query):
        name = option.partition("=")[0]
        try:
            split_options(option)
        except (PyMongoError, ValueError):
            return f", option {name}" if name.isalnum() else ""
    return ""


def _secret_settings(settings: Mapping[str, Any]) -> list[str]:
    """What of the settings no error may show."""
    return [secret for name, value in settings.items() for secret in secret_options(f"{name}={value}") if secret]


def _refusal(location: str, problem: Exception, secrets: list[str]) -> ConfigurationError:
    """The error for what the driver refuses; with its words only if they show no secret."""
    if any(secret in f"{problem!r}" for secret in secrets):
        return ConfigurationError(
            f"{location}: the driver refuses the URL or a setting ({type(problem).__name__}); its words are left out, "
            "because they show a password"
        )
    return ConfigurationError(f"{location}: {problem}")


def collection_in(database: Database[Document], name: str) -> Collection[Document]:
    """Return a collection by its name, which may stand behind that of another database of the same server."""
    other, _, own = name.rpartition("/")
    place = database.client.get_database(other, codec_options=CODEC_OPTIONS) if other else database
    return place[own]


def _merged(settings: Mapping[str, Any], query: str) -> dict[str, Any]:
    """The defaults and settings that the URL does not set itself, for arguments would go before it."""
    in_url = {name.lower(): value for name, value in (split_options(query) if query else {}).items()}
    most = in_url.get("maxpoolsize", settings.get("maxPoolSize"))
    smallest = {"minPoolSize": 1} if most == 1 else {}
    merged = {**DEFAULTS, **smallest, **settings}
    return {name: value for name, value in merged.items() if name.lower() not in in_url}
