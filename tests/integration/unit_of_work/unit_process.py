"""A process that is killed in the middle of a unit of work: run by `test_dead_process`.

Usage: ``unit_process.py CORE_URL STEP``
"""

import os
import signal
import sys

from integration.outbox.deliveries_process import DeadlyBackend, Point
from tristore import open_store
from tristore.domain.core import CoreUnitOfWork, CreditTransfer
from tristore.testing import plugged
from tristore.three_stores import CORE

STEPS = ("read", "changed", "flushed", "before the commit", "after the commit")


def die() -> None:
    """End this process as ``kill -9`` does."""
    os.kill(os.getpid(), signal.SIGKILL)


def transfer(core: CoreUnitOfWork, step: str) -> None:
    """Move a credit and log it, up to the step."""
    sender, receiver = core.users.find(sort="username")
    if step == "read":
        die()
    core.transfers.add(CreditTransfer.between(sender, receiver, 1))
    if step == "changed":
        die()
    core.flush()
    if step == "flushed":
        die()


def main() -> None:
    """Work up to the step."""
    url, step = sys.argv[1:]
    store = open_store(CoreUnitOfWork, url=url, documents=CORE, name="dying", prepare="off")
    backend = DeadlyBackend(store.backend, Point("transfers", before=step == "before the commit"))
    with plugged(store, backend):
        store.run(lambda core: transfer(core, step))


if __name__ == "__main__":
    main()
