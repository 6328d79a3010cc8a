"""The handler of logging where things break: no server, one that comes back, the end of the process, a fork."""

import logging
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tristore import open_store, open_stores
from tristore.domain.systemlogs import SystemlogsUnitOfWork
from tristore.operations import StoreHandler
from tristore.three_stores import SYSTEMLOGS, Settings

Failpoint = Callable[..., Any]

NOBODY = "mongodb://127.0.0.1:1/systemlogs"


def test_without_a_server_nothing_waits_and_nothing_raises() -> None:
    """Records fill the queue, the rest is dropped; the end takes no longer than it may, and counts what is lost."""
    settings = Settings.from_environment({"TRISTORE_OPERATION_TIMEOUT": "0.2"})
    with open_stores(settings, systemlogs=NOBODY) as stores:
        handler = StoreHandler(stores.systemlogs, capacity=10, batch=5, interval=0.05, flush_timeout=1.0)
        logger = logging.Logger("shop")
        logger.addHandler(handler)
        for number in range(100):
            logger.info("%d", number)
        handler.close()

    assert (0, 100) == (handler.counts.written, handler.counts.dropped + handler.counts.waiting)
    assert handler.counts.last_error is not None
    assert "Unavailable" in handler.counts.last_error


def test_what_waits_is_written_when_the_server_takes_it(mongo_url: str, failpoint: Failpoint) -> None:
    """A batch that the server refuses for the moment is tried again, and is stored once."""
    store = open_store(SystemlogsUnitOfWork, url=mongo_url, documents=SYSTEMLOGS, name="under-test", prepare="create")
    store.open()
    handler = StoreHandler(store, interval=0.05, flush_timeout=30.0)
    logger = logging.Logger("shop")
    logger.addHandler(handler)
    with failpoint(["insert"], times=3, errorCode=11600):
        logger.info("first")
        logger.info("second")
        handler.close()
    with store.reader() as systemlogs:
        found = [one.message for one in systemlogs.logs.find(sort=("occurred_at", "id"))]
    store.close()

    assert (["first", "second"], 2, 0) == (found, handler.counts.written, handler.counts.dropped)


PROGRAM = """
import logging, os, sys
from tristore import open_stores
from tristore.operations import StoreHandler
stores = open_stores(systemlogs={url!r})
handler = StoreHandler(stores.systemlogs, interval=60)
logger = logging.getLogger("shop")
logger.addHandler(handler)
logger.error("left in the queue")
{more}
"""


def run(folder: Path, more: str = "") -> list[str]:
    """Run a program that ends without closing anything; return what is stored."""
    url = f"memory://{folder}"
    subprocess.run([sys.executable, "-c", PROGRAM.format(url=url, more=more)], check=True, env=dict(os.environ))
    with open_stores(systemlogs=url) as stores, stores.systemlogs.reader() as systemlogs:
        return [one.message for one in systemlogs.logs.find(sort="occurred_at")]


def test_the_end_of_the_process_flushes(tmp_path: Path) -> None:
    """What waits when the interpreter ends is stored, also after an uncaught error or a `logging.shutdown`."""
    assert ["left in the queue"] == run(tmp_path / "plain")
    assert ["left in the queue"] == run(tmp_path / "shutdown", "logging.shutdown()")


def test_a_fork_has_an_empty_queue(tmp_path: Path) -> None:
    """The child does not write what its parent has in its queue."""
    more = "child = os.fork()\nif child == 0:\n    print(handler.counts.waiting)\n    os._exit(0)\nos.waitpid(child, 0)"

    assert ["left in the queue"] == run(tmp_path, more)
