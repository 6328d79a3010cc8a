"""Wrong URLs, wrong settings, servers that are not there: one clear error each, in bounded time, without secrets."""

import logging
import time
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote_plus

import pytest

from tristore import ConfigurationError, Unavailable, open_stores
from tristore.testing import MongoServer
from tristore.three_stores import Settings

from ..core_store import CoreStore, OpenCore, Raw, database_name, save, user

SECRET = "hunter2-Zq9"
LIMIT = 0.5
SLACK = 1.5
"""Seconds that one operation may take here, and what a busy machine may add."""

WRONG_URLS = {
    "mongodb://127.0.0.1": "names no database",
    "mongodb://127.0.0.1/": "names no database",
    "mongodb:///core": "host",
    "mongodb://127.0.0.1:99999999/core": "[Pp]ort",
    "mongodb://127.0.0.1/core?maxPoolSize=many": "maxpoolsize",
    "mongodb://127.0.0.1/core?noSuchOption=1": "noSuchOption",
    "mongodb://127.0.0.1/core?w=0": "w=0",
    "mongo://127.0.0.1/core": "mongo://",
    "postgres://127.0.0.1/core": "mongodb://",
    "127.0.0.1:27017/core": "URL",
    "memory://?transactions=maybe": "transactions",
    "memory://?noSuchOption=1": "memory://",
}


@pytest.fixture
def dead(open_core: OpenCore, nobody: int) -> CoreStore:
    """A store at a port where nobody listens."""
    return open_core(url=f"mongodb://127.0.0.1:{nobody}/core", operation_timeout=LIMIT)


@pytest.fixture
def unknown_host(open_core: OpenCore) -> CoreStore:
    """A store on a host that does not exist."""
    return open_core(url="mongodb://no-such-host.invalid/core", operation_timeout=LIMIT)


@pytest.fixture
def other_set(open_core: OpenCore, mongo_url: str) -> CoreStore:
    """A store that expects another replica set than the one that is there."""
    return open_core(url=mongo_url.replace("replicaSet=rs0", "replicaSet=other"), operation_timeout=LIMIT)


@pytest.fixture(params=["dead", "unknown_host", "other_set"])
def unreachable(request: pytest.FixtureRequest) -> CoreStore:
    """Each store that no server serves."""
    store: CoreStore = request.getfixturevalue(request.param)
    return store


def add(store: CoreStore) -> None:
    """Write with a unit of work."""
    save(store, user())


def run(store: CoreStore) -> None:
    """Write with a unit of work that is repeated on conflicts."""
    store.run(lambda core: core.users.add(user()), deadline=1.0)


def read(store: CoreStore) -> None:
    """Read without a unit."""
    with store.reader() as core:
        core.users.count()


def stream(store: CoreStore) -> None:
    """Read batch by batch."""
    with store.reader() as core:
        list(core.users.stream())


USES: tuple[Callable[[CoreStore], None], ...] = (add, run, read, stream, CoreStore.open, CoreStore.prepare)


@pytest.mark.parametrize("use", USES)
def test_unreachable_server(unreachable: CoreStore, use: Callable[[CoreStore], None]) -> None:
    """A server that is not there is Unavailable within the time of one operation, with what was tried."""
    began = time.monotonic()
    with pytest.raises(Unavailable, match="check that the server runs and that the URL is right") as caught:
        use(unreachable)

    assert time.monotonic() - began < LIMIT + SLACK
    assert caught.value.__cause__ is not None


def test_server_selection_timeout(open_core: OpenCore, nobody: int) -> None:
    """While no server is known, serverSelectionTimeoutMS bounds an operation that may take longer."""
    url = f"mongodb://127.0.0.1:{nobody}/core"
    store = open_core(url=url, operation_timeout=10.0, settings={"serverSelectionTimeoutMS": 300})
    began = time.monotonic()
    with pytest.raises(Unavailable):
        read(store)

    assert time.monotonic() - began < 0.3 + SLACK


def test_default_preparation_meets_it_too(open_core: OpenCore, nobody: int) -> None:
    """U18: a server that is not there is not mistaken for a database that was not prepared."""
    store = open_core(url=f"mongodb://127.0.0.1:{nobody}/core", operation_timeout=LIMIT, prepare="check")
    with pytest.raises(Unavailable):
        add(store)


def test_check_of_an_unreachable_server(unreachable: CoreStore) -> None:
    """check() reports it instead of raising, in the time that it is given."""
    began = time.monotonic()
    report = unreachable.check(timeout=LIMIT)

    assert time.monotonic() - began < LIMIT + SLACK
    assert (False, None) == (report.ok, report.latency)
    assert "no MongoDB served it" in report.details


def test_check_of_all_stores_takes_five_seconds(nobody: int) -> None:
    """check() of three stores that are not there ends within its 5 s, for it asks them at the same time."""
    url = f"mongodb://127.0.0.1:{nobody}/store"
    began = time.monotonic()
    with open_stores(Settings(), core=url, analytics=url, systemlogs=url) as stores:
        reports = stores.check()

    assert time.monotonic() - began < 5 + SLACK
    assert [False] * 3 == [report.ok for report in reports]


def test_other_replica_set_is_not_written(other_set: CoreStore, mongo_url: str, raw: Raw) -> None:
    """A replica set of another name than the URL's is never used."""
    for use in (add, CoreStore.prepare):
        with pytest.raises(Unavailable):
            use(other_set)

    assert [] == raw[database_name(mongo_url)].list_collection_names()


@pytest.mark.parametrize(("url", "says"), WRONG_URLS.items(), ids=WRONG_URLS)
def test_wrong_url(url: str, says: str) -> None:
    """A wrong URL is one ConfigurationError when the stores are opened, saying what is wrong."""
    with pytest.raises(ConfigurationError, match=says):
        open_stores(Settings(), core=url)


@pytest.mark.parametrize(("name", "value"), [("MAX_POOL_SIZE", "0"), ("MAX_POOL_SIZE", "ten"), ("MIN_POOL_SIZE", "-1")])
@pytest.mark.parametrize("store", ["CORE_", ""])
def test_wrong_pool_size_in_the_environment(store: str, name: str, value: str) -> None:
    """A wrong pool size is one ConfigurationError that names the variable and shows the value."""
    variable = f"TRISTORE_{store}{name}"
    with pytest.raises(ConfigurationError, match=f"{variable} must be a whole number.*'{value}'"):
        Settings.from_environment({variable: value})


def test_pool_sizes_that_contradict_each_other() -> None:
    """A least size above the largest is refused with both."""
    environ = {"TRISTORE_CORE_MAX_POOL_SIZE": "2", "TRISTORE_CORE_MIN_POOL_SIZE": "3"}
    with pytest.raises(ConfigurationError, match="TRISTORE_CORE_MIN_POOL_SIZE"):
        Settings.from_environment(environ)


@pytest.mark.parametrize("value", [-1, "ten", 1.5])
def test_wrong_pool_size_as_a_setting(open_core: OpenCore, value: object) -> None:
    """A wrong pool size given to open_store is refused when the store is opened, before any I/O."""
    with pytest.raises(ConfigurationError, match="maxPoolSize"):
        open_core(settings={"maxPoolSize": value})


LookAt = Callable[[BaseException | str], None]


@pytest.fixture
def secretive(caplog: pytest.LogCaptureFixture) -> Iterator[LookAt]:
    """Asserts that the password is not shown; what was logged meanwhile, by whomever, is looked at too."""
    caplog.set_level(logging.DEBUG)

    def look_at(shown: BaseException | str) -> None:
        error: Any = shown
        while isinstance(error, BaseException):
            assert SECRET not in f"{error} {error!r} {getattr(error, '__notes__', '')}"
            error = error.__cause__ or error.__context__
        assert SECRET not in str(shown)

    yield look_at
    assert SECRET not in caplog.text


@pytest.mark.parametrize(
    "url",
    [
        f"mongodb://ada:{SECRET}@127.0.0.1",
        f"mongodb://ada:{SECRET}@127.0.0.1:port/core",
        f"mongodb://ada:{SECRET}@127.0.0.1/co$re",
        f"mongodb://ada:{SECRET}@127.0.0.1/core?noSuchOption=1",
        f"mongodb://ada:{SECRET}@127.0.0.1/core?authMechanism=NONE",
        f"mongodb://ada:a/{SECRET}@127.0.0.1/core",
        f"mongodb://ada:a@{SECRET}@127.0.0.1/core",
        f"mongodb://ada:%{SECRET}@127.0.0.1/core",
        f"mongo://ada:{SECRET}@127.0.0.1/core",
        f"ada:{SECRET}@127.0.0.1/core",
        f"mongodb//ada:{SECRET}@127.0.0.1/core",
        f"mongodb:/ada:{SECRET}@127.0.0.1/core",
    ],
)
def test_wrong_url_hides_its_password(url: str, secretive: LookAt) -> None:
    """A URL that is refused shows its password in no message, cause or log."""
    with pytest.raises(ConfigurationError) as in_environment:
        open_stores(Settings.from_environment({"TRISTORE_CORE_URL": url}))
    with pytest.raises(ConfigurationError) as as_argument:
        open_stores(Settings(), core=url)

    secretive(in_environment.value)
    secretive(as_argument.value)


def test_unreachable_server_hides_the_password(open_core: OpenCore, nobody: int, secretive: LookAt) -> None:
    """The password of a server that is not there is in no error, report or log."""
    url = f"mongodb://ada:{SECRET}@127.0.0.1:{nobody}/core?authSource=admin"
    store = open_core(url=url, operation_timeout=0.2)
    for use in USES:
        with pytest.raises(Unavailable) as caught:
            use(store)
        secretive(caught.value)
    report = store.check(timeout=0.3)

    secretive(repr(report))
    secretive(repr(store.backend) + repr(store))
    assert f"mongodb://127.0.0.1:{nobody}/core" == report.url


def test_refused_password(open_core: OpenCore, standalone: MongoServer, secretive: LookAt) -> None:
    """A server that refuses the user is a ConfigurationError without the password, percent-encoded or not."""
    password = quote_plus(f"{SECRET}/@:")
    url = standalone.url_for("core").replace("://", f"://ada:{password}@") + "&authSource=admin"
    store = open_core(url=url, transactions="off", operation_timeout=5.0)
    for use in USES:
        with pytest.raises(ConfigurationError, match="refuses this user") as caught:
            use(store)
        secretive(caught.value)
    report = store.check()

    assert not report.ok
    assert "refuses this user" in report.details
    secretive(repr(report))


def test_settings_hide_the_password(secretive: LookAt) -> None:
    """The representation of settings shows user and place, not the password."""
    settings = Settings.from_environment({"TRISTORE_CORE_URL": f"mongodb://ada:{SECRET}@127.0.0.1/core"})

    secretive(repr(settings))
    assert "mongodb://ada:***@127.0.0.1/core" in repr(settings)
