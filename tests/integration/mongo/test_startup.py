"""Connections: opened late, bounded, shared by threads, closed, and opened again."""

import socket
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from tristore import NotFound, TristoreError, new_id, open_stores
from tristore.domain.core import UserId
from tristore.errors import UnitOfWorkClosed
from tristore.three_stores import Settings

from ..core_store import Commands, CoreStore, OpenCore, Raw, connections, eventually, load, save, user

IMPORT = """
import sys, threading
sys.addaudithook(lambda event, _: sys.exit(event) if event in {"socket.connect", "socket.bind"} else None)
import tristore, tristore.operations, tristore.three_stores
from tristore.adapters.backend import backend_for
backend_for("mongodb://127.0.0.1/core")
sys.exit(threading.active_count() - 1)
"""

ANY_USER = UserId(new_id())


@pytest.fixture
def listening() -> Iterator[socket.socket]:
    """A socket at which somebody listens and answers nothing."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        server.setblocking(False)
        yield server


def look(store: CoreStore) -> None:
    """One read."""
    with pytest.raises(NotFound), store.reader() as core:
        core.users.get(ANY_USER)


def test_importing_does_nothing() -> None:
    """Importing the package opens no socket and starts no thread."""
    assert 0 == subprocess.run([sys.executable, "-c", IMPORT], check=False).returncode


def test_nothing_is_connected_before_it_is_used(open_core: OpenCore, listening: socket.socket) -> None:
    """A store that is opened, asked for units and readers, and closed, opens no socket."""
    store = open_core(url=f"mongodb://127.0.0.1:{listening.getsockname()[1]}/core", prepare="check")
    with store.unit_of_work(), store.reader(), store.reader(snapshot=True):
        pass
    store.close()

    with pytest.raises(BlockingIOError):
        listening.accept()


def test_connections_open_late_and_close(open_core: OpenCore, raw: Raw) -> None:
    """The first use connects, close() ends every connection, and the next use connects again."""
    assert eventually(lambda: connections(raw) == 0)
    store = open_core()
    assert 0 == connections(raw)
    for _ in range(2):
        look(store)
        assert connections(raw) > 0
        store.close()
        store.close()
        assert eventually(lambda: connections(raw) == 0)


def test_open_connects_at_once(open_core: OpenCore, raw: Raw) -> None:
    """open() connects, so that a wrong server is met at the start of a service."""
    open_core().open()

    assert connections(raw) > 0


def test_stores_close_together(core_url: str, raw: Raw) -> None:
    """Leaving the block of open_stores() closes what was opened in it."""
    with open_stores(Settings(), core=core_url, prepare="off") as stores, stores.core.reader() as core:
        core.users.count()
        assert connections(raw, "tristore/core") > 0

    assert eventually(lambda: connections(raw, "tristore/core") == 0)


def test_closing_during_a_unit(open_core: OpenCore) -> None:
    """A store that is closed while a unit is open keeps nothing of it, and works again afterwards."""
    store = open_core()
    with pytest.raises(TristoreError), store.unit_of_work() as core:
        core.users.add(user())
        core.flush()
        store.close()
    with store.reader() as view:
        assert 0 == view.users.count()


def test_a_reader_outlives_nothing(open_core: OpenCore) -> None:
    """A reader refuses reads after its block, whether the store is open or closed."""
    store = open_core()
    with store.reader() as core:
        core.users.count()
    store.close()

    with pytest.raises(UnitOfWorkClosed):
        core.users.count()


def test_threads_share_the_pool(open_core: OpenCore, commands: Commands, raw: Raw) -> None:
    """Eight threads with units and readers share one client and never have more connections than its pool allows."""
    store = open_core(settings={"maxPoolSize": 3, "minPoolSize": 0})
    people = [user(f"user{number}") for number in range(8)]
    save(store, *people)

    def work(number: int) -> None:
        for _ in range(10):
            with store.unit_of_work() as core:
                core.users.get(people[number].id).credits += 1
            load(store, people[number].id)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(8)))

    assert len(commands.connections) <= 3
    assert {10} == {load(store, one.id).credits for one in people}


def test_pool_sizes_of_the_environment(core_url: str, commands: Commands, raw: Raw) -> None:
    """Pool sizes from the environment reach the driver: the least is kept open, the largest is never passed."""
    environ = {
        "TRISTORE_CORE_URL": core_url,
        "TRISTORE_CORE_MIN_POOL_SIZE": "4",
        "TRISTORE_CORE_MAX_POOL_SIZE": "5",
        "TRISTORE_PREPARE": "off",
        "TRISTORE_CORE_HEARTBEAT_MS": "500",
    }
    monitors = 2
    with open_stores(Settings.from_environment(environ)) as stores:
        stores.core.open()
        assert eventually(lambda: 4 <= connections(raw, "tristore/core") <= 4 + monitors)
        with ThreadPoolExecutor(10) as pool, stores.core.reader() as core:
            list(pool.map(lambda _: core.users.count(), range(100)))
        assert len(commands.connections) <= 5


def test_connections_carry_the_stores_name(open_core: OpenCore, raw: Raw) -> None:
    """Who looks at the server sees which store of which program a connection belongs to."""
    open_core(name="billing").open()

    assert connections(raw, "tristore/billing") > 0


def test_idle_connections_end(open_core: OpenCore, raw: Raw) -> None:
    """A connection that nobody used for its time is closed by the driver's own upkeep."""
    store = open_core(settings={"maxIdleTimeMS": 200, "minPoolSize": 0})
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: look(store), range(40)))
    monitors = 2

    assert eventually(lambda: connections(raw) <= monitors)
