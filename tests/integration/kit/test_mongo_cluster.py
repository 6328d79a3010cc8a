"""The replica set that tests may break: it starts whole, and never outlives the process that started it."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from pymongo import MongoClient

from tristore import ConfigurationError
from tristore.testing import MongoCluster

pytestmark = pytest.mark.soak

HOLD = """
import time
from tristore.testing import MongoCluster

cluster = MongoCluster(members=2).start()
cluster.pause(cluster.nodes[1])
print(*(f"{node.pid} {node._directory}" for node in cluster.nodes), flush=True)
time.sleep(100)
"""


def is_gone(pid: int, directory: str) -> bool:
    """Whether process and files are gone in time."""
    end = time.monotonic() + 5
    while time.monotonic() < end:
        command = Path(f"/proc/{pid}/cmdline")
        if not (command.exists() and command.read_bytes()) and not Path(directory).exists():
            return True
        time.sleep(0.05)
    return False


def test_step_down(tristore_cluster: MongoCluster) -> None:
    """Another node is primary after a step-down, and the set is whole; what was written to the former one is there."""
    tristore_cluster.wait_until_whole()
    with MongoClient[dict[str, object]](tristore_cluster.url_for("a"), w="majority") as client:
        client["a"]["b"].insert_one({"_id": 1})
        former = tristore_cluster.step_down()
        found = client["a"]["b"].find_one()
        client.drop_database("a")
    tristore_cluster.wait_until_whole()

    assert {"_id": 1} == found
    assert former is not tristore_cluster.primary()


def test_killed_node_comes_back(tristore_cluster: MongoCluster) -> None:
    """A killed node that is not started again is missed; started, it is a member as before."""
    tristore_cluster.wait_until_whole()
    node = next(node for node in tristore_cluster.nodes if node is not tristore_cluster.primary())
    tristore_cluster.kill(node)
    with pytest.raises(ConfigurationError, match=rf"not whole after 0.2 s: .*127.0.0.1:{node.port} gone"):
        tristore_cluster.wait_until_whole(timeout=0.2)
    tristore_cluster.restart(node)
    tristore_cluster.wait_until_whole()


@pytest.mark.usefixtures("tristore_cluster")
def test_stopped_cluster() -> None:
    """A cluster that does not run has no URL, and stopping it does nothing."""
    cluster = MongoCluster()
    cluster.stop()

    with pytest.raises(ConfigurationError, match="not running"):
        _ = cluster.url


@pytest.mark.usefixtures("tristore_cluster")
@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGKILL])
def test_cluster_ends_with_its_process(end: signal.Signals) -> None:
    """However the process ends that started it, every node ends too, a frozen one as well; no files are left."""
    process = subprocess.Popen([sys.executable, "-c", HOLD], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    told = process.stdout.readline().split()
    process.send_signal(end)
    process.wait()
    process.stdout.close()

    assert 4 == len(told)
    assert all(is_gone(int(pid), directory) for pid, directory in zip(told[::2], told[1::2], strict=True))
