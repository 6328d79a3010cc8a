"""What the environment says: where each store is, and how to connect to it.

Every variable is named ``TRISTORE_<STORE>_<SETTING>``. Without the store's name it holds for all stores; only a
URL is always one store's. What is said of the cache, ``TRISTORE_CACHE`` and ``TRISTORE_CACHE_<SETTING>``, holds for the
caches of all stores. A variable that is empty counts as not set.
"""

import os
import re
from collections.abc import Callable, Mapping
from datetime import timedelta
from difflib import get_close_matches
from typing import Any, Literal, NewType, Self, get_type_hints

from attrs import evolve, field, fields, frozen
from cattrs import Converter
from cattrs.errors import CattrsError

from ...domain.errors import ConfigurationError
from ..backend.urls import without_password
from ..caching.settings import CacheSettings
from ..caching.switch import VARIABLE as CACHE_SWITCH

PREFIX = "TRISTORE_"
ELSEWHERE = "TRISTORE_TEST_"
"""The beginning of names that other parts of tristore read."""

Url = NewType("Url", str)
CacheUrl = NewType("CacheUrl", str)
Name = NewType("Name", str)
Most = NewType("Most", int)
Least = NewType("Least", int)
Milliseconds = NewType("Milliseconds", int)
Heartbeat = NewType("Heartbeat", int)
Seconds = NewType("Seconds", float)
Days = NewType("Days", int)
Prepare = Literal["check", "create", "off"]
Transactions = Literal["required", "off"]
Switch = Literal["on", "off"]


@frozen(kw_only=True)
class StoreSettings:
    """How to reach one store. What is None is left to the backend's default.

    Attributes:
        url: the scheme chooses the backend, ``memory://`` or ``mongodb://host/database``.
        prepare: what the first use does about declared unique keys: compare them, create them, or trust.
        transactions: whether a server without transactions is refused.
        operation_timeout: for each operation.
        retention_days: how many days log entries and error reports are kept, 0 for ever; only of systemlogs.
        max_pool_size: the most connections to one server.
        min_pool_size: how many connections are kept open.
        connect_timeout_ms: for opening a connection.
        server_selection_timeout_ms: for finding a server that can serve an operation.
        heartbeat_ms: between two looks at each server.
        max_idle_ms: after which an unused connection is closed.
        wait_queue_timeout_ms: for a connection to become free.
        slow_command_ms: from how many milliseconds on a command is logged; without it, none is, and nobody listens.
    """

    url: Url = field(default=Url("memory://"), repr=without_password)
    prepare: Prepare = "check"
    transactions: Transactions = "required"
    operation_timeout: Seconds = Seconds(10.0)
    retention_days: Days = Days(90)
    max_pool_size: Most | None = field(default=None, metadata={"driver": "maxPoolSize"})
    min_pool_size: Least | None = field(default=None, metadata={"driver": "minPoolSize"})
    connect_timeout_ms: Milliseconds | None = field(default=None, metadata={"driver": "connectTimeoutMS"})
    server_selection_timeout_ms: Milliseconds | None = field(
        default=None, metadata={"driver": "serverSelectionTimeoutMS"}
    )
    heartbeat_ms: Heartbeat | None = field(default=None, metadata={"driver": "heartbeatFrequencyMS"})
    max_idle_ms: Milliseconds | None = field(default=None, metadata={"driver": "maxIdleTimeMS"})
    wait_queue_timeout_ms: Milliseconds | None = field(default=None, metadata={"driver": "waitQueueTimeoutMS"})
    slow_command_ms: Milliseconds | None = field(default=None, metadata={"driver": "slowCommandMS"})

    @property
    def retention(self) -> timedelta | None:
        """How long what has a retention is kept, None for ever."""
        return timedelta(days=self.retention_days) if self.retention_days else None

    @property
    def connection(self) -> dict[str, int]:
        """The settings for the backend that were given, by the names that MongoDB's drivers share."""
        named = {
            attribute.metadata["driver"]: getattr(self, attribute.name)
            for attribute in fields(StoreSettings)
            if attribute.metadata
        }
        return {name: value for name, value in named.items() if value is not None}


@frozen(kw_only=True)
class Settings:
    """Where the three stores and their caches are, and how to connect to them."""

    core: StoreSettings = StoreSettings()
    analytics: StoreSettings = StoreSettings()
    systemlogs: StoreSettings = StoreSettings()
    cache: CacheSettings = field(factory=CacheSettings)

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] | None = None) -> Self:
        """Read the settings from environment variables, by default those of the process.

        Raises:
            ConfigurationError: for a name that nobody reads or a value that is not accepted.
        """
        given = {
            name: value.strip()
            for name, value in (os.environ if environ is None else environ).items()
            if name.startswith(PREFIX) and not name.startswith(ELSEWHERE) and value.strip()
        }
        _refuse_unknown(given)
        return cls(**{store: _store_settings(store, given) for store in STORES}, cache=_cache_settings(given))

    def with_urls(
        self,
        *,
        core: str | None = None,
        analytics: str | None = None,
        systemlogs: str | None = None,
        cache: str | None = None,
    ) -> Self:
        """Return the same settings with other URLs, where they are given.

        Raises:
            ConfigurationError: if one is not a URL.
        """
        given = {"core": core, "analytics": analytics, "systemlogs": systemlogs}
        changed = {
            store: evolve(getattr(self, store), url=_accepted(f"the URL of {store}", url, Url))
            for store, url in given.items()
            if url is not None
        }
        if cache is not None:
            changed["cache"] = evolve(self.cache, url=_accepted("the URL of the cache", cache, CacheUrl))
        return evolve(self, **changed)

    def prepared(self, prepare: Prepare) -> Self:
        """Return the same settings with another way to prepare each store."""
        return evolve(self, **{store: evolve(getattr(self, store), prepare=prepare) for store in STORES})


STORES = tuple(attribute.name for attribute in fields(Settings) if attribute.name != "cache")
"""The names of the three stores."""

_CACHE: Mapping[str, tuple[str, Any]] = {
    CACHE_SWITCH: ("enabled", Switch),
    "TRISTORE_CACHE_URL": ("url", CacheUrl),
    "TRISTORE_CACHE_PREFIX": ("prefix", Name),
    "TRISTORE_CACHE_STRICT": ("strict", Switch),
    "TRISTORE_CACHE_WATCH": ("watch", Switch),
}


def _cache_settings(given: Mapping[str, str]) -> CacheSettings:
    found: dict[str, Any] = {"enabled": True}  # what is not given here is not looked for elsewhere
    for variable, (setting, kind) in _CACHE.items():
        if variable in given:
            value = _accepted(variable, given[variable], kind)
            found[setting] = value == "on" if kind is Switch else value
    return CacheSettings(**found)


def _store_settings(store: str, given: Mapping[str, str]) -> StoreSettings:
    found: dict[str, Any] = {}
    for setting, kind in get_type_hints(StoreSettings).items():
        own, shared = _variable(store, setting), _shared_variable(setting)
        variable = own if own in given else shared
        if variable in given:
            found[setting] = _accepted(variable, given[variable], kind)
    settings = StoreSettings(**found)
    least, most = settings.min_pool_size, settings.max_pool_size
    if least is not None and most is not None and least > most:
        own = _variable(store, "min_pool_size")
        raise ConfigurationError(f"{own} must be at most the largest size of the pool, {most}, not {least}")
    return settings


def _variable(store: str, setting: str) -> str:
    return f"{PREFIX}{store}_{setting}".upper()


def _shared_variable(setting: str) -> str:
    return f"{PREFIX}{setting}".upper()


def _refuse_unknown(given: Mapping[str, str]) -> None:
    settings = [attribute.name for attribute in fields(StoreSettings)]
    known = [*(_variable(store, setting) for store in STORES for setting in settings), *_CACHE]
    known += [_shared_variable(setting) for setting in settings if setting not in {"url", _RETENTION}]
    known = [name for name in known if not name.endswith(_RETENTION.upper()) or name == _variable(*_RETAINING)]
    for name in given:
        if name not in known:
            close = get_close_matches(name, known, n=1)
            advice = f"did you mean {close[0]}?" if close else "the reference of settings lists those that are"
            raise ConfigurationError(f"{name} is not a setting of tristore: {advice}")


def _accepted(variable: str, value: str, kind: Any) -> Any:
    try:
        return _CONVERTER.structure(value, kind)
    except (ValueError, CattrsError):
        shown = without_password(value)
    # Out here it has no context: what the converter says quotes the value, which may be a URL in a wrong place.
    raise ConfigurationError(f"{variable} must be {_ACCEPTED[kind]}, not {shown!r}")


def _to_url(text: str, _: object) -> Url:
    if not re.match(r"[a-z][a-z0-9+.-]*://", text):
        raise ValueError("not a URL")  # which may hold a password
    return Url(text)


def _to_cache_url(text: str, _: object) -> CacheUrl:
    if not re.match(r"[a-z][a-z0-9_+.-]*://", text):  # names of dogpile's backends have underscores
        raise ValueError("not a URL")
    return CacheUrl(text)


def _to_name(text: str, _: object) -> Name:
    if re.fullmatch(r"[A-Za-z0-9._-]{1,40}", text) is None:
        raise ValueError(text)
    return Name(text)


def _to_seconds(text: str, _: object) -> Seconds:
    seconds = float(text)
    if not 0 < seconds <= _MOST_SECONDS:
        raise ValueError(text)
    return Seconds(seconds)


def _to_days(text: str, _: object) -> Days:
    if re.fullmatch(r"[0-9]{1,5}", text) is None or int(text) > _MOST_DAYS:
        raise ValueError(text)
    return Days(int(text))


def _whole_from(least: int) -> Callable[[str, object], int]:
    def convert(text: str, _: object) -> int:
        if re.fullmatch(r"[0-9]{1,9}", text) is None or int(text) < least:
            raise ValueError(text)
        return int(text)

    return convert


_MOST_SECONDS = 86_400
_MOST_DAYS = 24_855
"""As many as the 31 bits of seconds hold after which a server lets documents expire."""
_RETENTION = "retention_days"
_RETAINING = ("systemlogs", _RETENTION)
"""The one store and setting that say how long documents are kept."""
_ACCEPTED: Mapping[Any, str] = {
    Url: "a URL such as memory:// or mongodb://localhost:27017/core",
    CacheUrl: "a URL such as memory://, redis://localhost:6379/0 or null://",
    Name: "1 to 40 letters, digits, dots, dashes and underscores",
    Switch: "on or off",
    Prepare: "check, create or off",
    Transactions: "required or off",
    Days: f"a whole number of days from 0, which keeps for ever, to {_MOST_DAYS:,}",
    Seconds: f"a number of seconds above 0, at most {_MOST_SECONDS}",
    Most | None: "a whole number from 1",
    Least | None: "a whole number from 0",
    Milliseconds | None: "a whole number of milliseconds from 1",
    Heartbeat | None: "a whole number of milliseconds from 500",
}

_CONVERTER = Converter()
_CONVERTER.register_structure_hook(Url, _to_url)
_CONVERTER.register_structure_hook(CacheUrl, _to_cache_url)
_CONVERTER.register_structure_hook(Name, _to_name)
_CONVERTER.register_structure_hook(Seconds, _to_seconds)
_CONVERTER.register_structure_hook(Days, _to_days)
_CONVERTER.register_structure_hook(Most, _whole_from(1))
_CONVERTER.register_structure_hook(Least, _whole_from(0))
_CONVERTER.register_structure_hook(Milliseconds, _whole_from(1))
_CONVERTER.register_structure_hook(Heartbeat, _whole_from(500))
