"""Health on real servers: primary, members that lag or do not answer, connections, what `check --json` prints."""

import json
import time
from collections.abc import Callable

from click.testing import CliRunner, Result

from tristore import Index, open_stores
from tristore.__main__ import cli
from tristore.operations import StoreHealth, health_of
from tristore.testing import MongoCluster

from .upkeep import customers, open_billing

NOBODY = "mongodb://127.0.0.1:1/core"


def check(*arguments: str) -> Result:
    """Run ``tristore check --json``."""
    stores = {f"TRISTORE_{name}_URL": "" for name in ("CORE", "ANALYTICS", "SYSTEMLOGS")}
    return CliRunner().invoke(cli, ["check", "--json", *arguments], env=stores)


def eventually(ask: Callable[[], StoreHealth], holds: Callable[[StoreHealth], bool]) -> StoreHealth:
    """Ask until something holds, at the most 20 s: the driver learns of servers with their heartbeats."""
    end = time.monotonic() + 20
    while not holds(found := ask()) and time.monotonic() < end:
        time.sleep(0.1)
    return found


def test_pools_are_seen_at_work(mongo_url: str) -> None:
    """Connections that operations have are in use, the others are idle; a full pool is a warning."""
    with open_stores(core=f"{mongo_url}&maxPoolSize=1") as stores:
        stores.core.prepare()
        with stores.core.reader() as core:
            core.users.count()
        idle = health_of(stores.core).stores[0]

    (pool,) = idle.pools
    assert (0, 1, 1) == (pool.in_use, pool.idle, pool.most)
    assert idle.primary == pool.server


def test_an_unprepared_store_is_not_ready(mongo_url: str) -> None:
    """Without its unique keys a store refuses to work, and says so to the probe; the exit code is 1."""
    result = check("--core", mongo_url)

    found = json.loads(result.stdout)
    core, *others = found["stores"]
    assert (1, False, False) == (result.exit_code, found["ready"], core["ready"])
    assert "users(email)" in core["missing"]
    assert core["problems"][0].endswith("call prepare()")
    assert [True, True] == [other["ready"] for other in others]


def test_indexes_that_are_not_as_declared_are_a_warning(mongo_url: str) -> None:
    """A missing index keeps no store from working; the probe names it until it is there."""
    with open_billing(mongo_url, customers(Index("score"))) as store:
        store.prepare()
        (as_declared,) = health_of(store).stores
    with open_billing(mongo_url, customers(Index("name"), Index("score"))) as store:
        (drifted,) = health_of(store).stores
    result = check("--app", "contracts.billing", "--url", mongo_url)

    assert ((), ()) == (as_declared.index_drift, as_declared.warnings)
    assert (True, ("create customers.name_1",)) == (drifted.ready, drifted.index_drift)
    assert drifted.warnings == ("1 indexes or options are not as declared: tristore indexes diff shows them",)
    assert "billing" == json.loads(result.stdout)["stores"][0]["store"]


def test_a_store_that_does_not_answer_is_not_ready() -> None:
    """The problem is one line, in bounded time, and the others are asked all the same."""
    result = check("--core", NOBODY, "--timeout", "0.5")

    core, *others = json.loads(result.stdout)["stores"]
    assert (1, False, [True, True]) == (result.exit_code, core["ready"], [other["ready"] for other in others])
    assert "127.0.0.1:1" in core["problems"][0]


def test_check_as_json_in_memory() -> None:
    """The exit code is 0 if every store is ready; versions are counted if asked."""
    result = check("--count-versions")

    found = json.loads(result.stdout)
    assert (0, True) == (result.exit_code, found["ready"])
    assert {0} == set(found["stores"][0]["behind"].values())


def test_versions_are_counted_only_with_json() -> None:
    """An option that would do nothing is refused."""
    result = CliRunner().invoke(cli, ["check", "--count-versions"])

    assert (2, True) == (result.exit_code, "--count-versions needs --json" in result.stderr)


def test_members_are_seen(tristore_cluster: MongoCluster) -> None:
    """The primary is named, secondaries lag by seconds at most, and one that is down is a warning, not a problem."""
    tristore_cluster.wait_until_whole()
    secondary = next(node for node in tristore_cluster.nodes if node is not tristore_cluster.primary())
    url = f"{tristore_cluster.url_for('health')}&heartbeatFrequencyMS=500"
    with open_stores(core=url) as stores:
        stores.core.prepare()

        def ask() -> StoreHealth:
            return stores.health().stores[0]

        whole = eventually(ask, lambda found: found.replication_lag is not None and not found.unreachable)
        tristore_cluster.kill(secondary)
        broken = eventually(ask, lambda found: bool(found.unreachable))
    tristore_cluster.restart(secondary)
    tristore_cluster.wait_until_whole()

    assert whole.primary == f"127.0.0.1:{tristore_cluster.primary().port}"
    assert whole.replication_lag is not None
    assert 0 <= whole.replication_lag < 12  # a server that is idle writes every 10 s
    assert (True, (f"127.0.0.1:{secondary.port}",)) == (broken.ready, broken.unreachable)
    assert broken.warnings == (f"no answer from 127.0.0.1:{secondary.port}",)
