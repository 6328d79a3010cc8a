"""Settings from the environment: names, values, defaults, and errors that name the variable."""

import re
from datetime import timedelta
from pathlib import Path

import attrs
import pytest

from tristore import CacheSettings, ConfigurationError
from tristore.adapters.backend.urls import without_password
from tristore.three_stores import Settings, StoreSettings, Url


def test_nothing_set_means_memory() -> None:
    """An empty environment gives three in-memory stores."""
    settings = Settings.from_environment({})

    assert Settings() == settings
    assert ["memory://"] * 3 == [settings.core.url, settings.analytics.url, settings.systemlogs.url]


def test_each_store_has_its_own_variables() -> None:
    """A variable with a store's name reaches that store alone."""
    settings = Settings.from_environment(
        {"TRISTORE_CORE_URL": "mongodb://db/core", "TRISTORE_ANALYTICS_MAX_POOL_SIZE": "40"}
    )

    assert "mongodb://db/core" == settings.core.url
    assert {} == settings.core.connection
    assert {"maxPoolSize": 40} == settings.analytics.connection


def test_a_shared_variable_yields_to_the_store() -> None:
    """A variable without a store's name holds for every store that has none of its own."""
    settings = Settings.from_environment({"TRISTORE_HEARTBEAT_MS": "900", "TRISTORE_CORE_HEARTBEAT_MS": "600"})

    assert {"heartbeatFrequencyMS": 600} == settings.core.connection
    assert {"heartbeatFrequencyMS": 900} == settings.systemlogs.connection


def test_every_setting_is_read() -> None:
    """Each setting of a store has a variable, and the driver gets those that are about connections."""
    settings = Settings.from_environment(
        {
            "TRISTORE_CORE_URL": "mongodb://db/core",
            "TRISTORE_CORE_PREPARE": "create",
            "TRISTORE_CORE_TRANSACTIONS": "off",
            "TRISTORE_CORE_OPERATION_TIMEOUT": "2.5",
            "TRISTORE_CORE_MAX_POOL_SIZE": "1",
            "TRISTORE_CORE_MIN_POOL_SIZE": "0",
            "TRISTORE_CORE_CONNECT_TIMEOUT_MS": "2",
            "TRISTORE_CORE_SERVER_SELECTION_TIMEOUT_MS": "3",
            "TRISTORE_CORE_HEARTBEAT_MS": "500",
            "TRISTORE_CORE_MAX_IDLE_MS": "5",
            "TRISTORE_CORE_WAIT_QUEUE_TIMEOUT_MS": "6",
            "TRISTORE_CORE_SLOW_COMMAND_MS": "7",
        }
    )

    assert ("create", "off", 2.5) == (
        settings.core.prepare,
        settings.core.transactions,
        settings.core.operation_timeout,
    )
    assert {
        "maxPoolSize": 1,
        "minPoolSize": 0,
        "connectTimeoutMS": 2,
        "serverSelectionTimeoutMS": 3,
        "heartbeatFrequencyMS": 500,
        "maxIdleTimeMS": 5,
        "waitQueueTimeoutMS": 6,
        "slowCommandMS": 7,
    } == settings.core.connection


def test_an_empty_variable_counts_as_not_set() -> None:
    """A variable of nothing but blanks leaves the default."""
    assert Settings() == Settings.from_environment({"TRISTORE_CORE_URL": " ", "TRISTORE_CORE_PREPARE": ""})


@pytest.mark.parametrize(
    ("variable", "value", "accepted"),
    [
        ("TRISTORE_CORE_URL", "localhost:27017", "a URL such as"),
        ("TRISTORE_CORE_PREPARE", "yes", "check, create or off"),
        ("TRISTORE_TRANSACTIONS", "on", "required or off"),
        ("TRISTORE_OPERATION_TIMEOUT", "0", "a number of seconds above 0"),
        ("TRISTORE_OPERATION_TIMEOUT", "nan", "a number of seconds above 0"),
        ("TRISTORE_OPERATION_TIMEOUT", "soon", "a number of seconds above 0"),
        ("TRISTORE_CORE_MAX_POOL_SIZE", "0", "a whole number from 1"),
        ("TRISTORE_CORE_MIN_POOL_SIZE", "-1", "a whole number from 0"),
        ("TRISTORE_CORE_MAX_IDLE_MS", "1.5", "a whole number of milliseconds from 1"),
        ("TRISTORE_HEARTBEAT_MS", "100", "a whole number of milliseconds from 500"),
    ],
)
def test_a_wrong_value_names_its_variable(variable: str, value: str, accepted: str) -> None:
    """A value that is not accepted is one error with the variable, what is accepted, and the value."""
    with pytest.raises(ConfigurationError) as caught:
        Settings.from_environment({variable: value})

    assert str(caught.value).startswith(f"{variable} must be {accepted}")
    assert str(caught.value).endswith(f"not {value!r}")


def test_the_cache_is_described_for_all_stores() -> None:
    """What the environment says of the cache holds for the caches of all stores."""
    settings = Settings.from_environment(
        {
            "TRISTORE_CACHE": "off",
            "TRISTORE_CACHE_URL": "redis://:secret@cache:6379/0",
            "TRISTORE_CACHE_PREFIX": "shop-live",
            "TRISTORE_CACHE_STRICT": "on",
            "TRISTORE_CACHE_WATCH": "on",
        }
    )
    url = "redis://:secret@cache:6379/0"

    assert CacheSettings(url=url, prefix="shop-live", enabled=False, strict=True, watch=True) == settings.cache
    assert CacheSettings() == Settings.from_environment({"TRISTORE_CACHE": "on", "TRISTORE_CACHE_URL": ""}).cache
    assert "secret" not in repr(settings)
    assert "null://" == settings.with_urls(cache="null://").cache.url


@pytest.mark.parametrize(
    ("variable", "value", "accepted"),
    [
        ("TRISTORE_CACHE", "false", "on or off"),
        ("TRISTORE_CACHE_URL", "redis", "a URL such as memory://, redis://localhost:6379/0 or null://"),
        ("TRISTORE_CACHE_PREFIX", "my shop", "1 to 40 letters, digits, dots, dashes and underscores"),
        ("TRISTORE_CACHE_STRICT", "1", "on or off"),
        ("TRISTORE_CACHE_WATCH", "yes", "on or off"),
    ],
)
def test_a_wrong_value_of_the_cache_names_its_variable(variable: str, value: str, accepted: str) -> None:
    """The settings of the cache are checked like those of the stores."""
    with pytest.raises(ConfigurationError, match=f"^{variable} must be {accepted}, not '{value}'$"):
        Settings.from_environment({variable: value})


def test_the_smallest_pool_fits_into_the_largest() -> None:
    """Pool sizes that exclude each other are refused, also when one of them is a shared setting."""
    with pytest.raises(ConfigurationError, match="TRISTORE_ANALYTICS_MIN_POOL_SIZE must be at most"):
        Settings.from_environment({"TRISTORE_ANALYTICS_MIN_POOL_SIZE": "5", "TRISTORE_MAX_POOL_SIZE": "4"})


def test_an_unknown_name_is_refused_with_a_suggestion() -> None:
    """A misspelt variable is an error that gives the name that was meant."""
    with pytest.raises(ConfigurationError, match=r"TRISTORE_CORE_ULR is not .* did you mean TRISTORE_CORE_URL\?"):
        Settings.from_environment({"TRISTORE_CORE_ULR": "memory://"})


def test_a_url_is_never_shared_between_stores() -> None:
    """There is no variable that would put all three stores into one database."""
    with pytest.raises(ConfigurationError, match="TRISTORE_URL is not a setting"):
        Settings.from_environment({"TRISTORE_URL": "memory://"})


def test_the_retention_is_that_of_systemlogs() -> None:
    """Only systemlogs has a retention, of whole days; 0 keeps for ever."""
    wanted = {"TRISTORE_SYSTEMLOGS_RETENTION_DAYS": "30"}

    assert timedelta(days=30) == Settings.from_environment(wanted).systemlogs.retention
    assert Settings.from_environment({"TRISTORE_SYSTEMLOGS_RETENTION_DAYS": "0"}).systemlogs.retention is None
    for name, value in (("CORE_RETENTION_DAYS", "30"), ("RETENTION_DAYS", "30"), ("SYSTEMLOGS_RETENTION_DAYS", "-1")):
        with pytest.raises(ConfigurationError, match=name):
            Settings.from_environment({f"TRISTORE_{name}": value})


def test_names_of_others_are_left_alone() -> None:
    """Variables of the tests and of other programs do not matter here."""
    environ = {"TRISTORE_TEST_MONGODB_URL": "mongodb://db", "PATH": "/bin"}

    assert Settings() == Settings.from_environment(environ)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("mongodb://ada:secret@db/core", "mongodb://ada:***@db/core"),
        ("mongodb://ada:a@b:c/d@db/core?w=1", "mongodb://ada:***@db/core?w=1"),
        ("mongodb://db/core?tlsCertificateKeyFilePassword=secret&w=1", "mongodb://db/core?tls…=***&w=1"),
        ("mongodb://db/core", "mongodb://db/core"),
        ("memory://", "memory://"),
    ],
)
def test_a_password_is_never_shown(url: str, shown: str) -> None:
    """The representation of settings, and an error over a URL, mask passwords."""
    expected = shown.replace("tls…", "tlsCertificateKeyFilePassword")

    assert expected == without_password(url)
    assert "secret" not in repr(StoreSettings(url=Url(url)))


def test_every_setting_is_described() -> None:
    """The reference of settings has a line for each setting, and for nothing else."""
    page = (Path(__file__).parents[3] / "docs/reference/settings.md").read_text()
    described = {line.split("`")[1].lower() for line in page.splitlines() if line.startswith("| `")}

    cache = set(re.findall(r"^\| (TRISTORE_CACHE\w*) \|", page, re.MULTILINE))
    names = {attribute.name for attribute in attrs.fields(CacheSettings)} - {"arguments", "enabled"}

    assert {attribute.name for attribute in attrs.fields(StoreSettings)} == described
    assert {"TRISTORE_CACHE", *(f"TRISTORE_CACHE_{name.upper()}" for name in names)} == cache
