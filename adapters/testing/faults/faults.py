"""Faults for your own services: the same names in memory and on a test mongod.

>>> from tristore import open_stores
>>> from tristore.testing import faults
>>> from tristore.domain.core import User
>>> stores = open_stores(core="memory://")
>>> with faults.inject(stores.core, faults.TransientError(on="commit")) as injection:
...     stores.core.run(lambda core: core.users.add(User(email="ada@example.org", username="ada")))
>>> injection.struck
['commit']
>>> with stores.core.reader() as core:
...     core.users.count()
1
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from ....domain.unit_of_work.store import Store
from ...backend import Backend
from ...operations.observed_backend import ObservedBackend, document_store, plugged
from .faulty_backend import FaultMaker, FaultyBackend
from .named_faults import (
    CommitAppliedAnswerLost,
    CommitNotApplied,
    ConnectionClosed,
    Fault,
    Paused,
    PoolExhausted,
    ServerGone,
    SlowCommand,
    StepDown,
    TransientError,
    WriteConcernTimeout,
)
from .simulated_faults import SimulatedFaults


class Injection:
    """What has happened so far; asserting it shows that a test meets the fault that it is about."""

    def __init__(self, backend: FaultyBackend) -> None:
        self._backend = backend

    @property
    def struck(self) -> Sequence[str]:
        """The operations that a fault hit, in order, such as ``"write users"``, ``"commit"``."""
        return list(self._backend.struck)


@contextmanager
def inject(store: Store[Any], *faults: Fault) -> Iterator[Injection]:
    """Let operations of a store meet faults in a ``with`` block; at its end everything is as before.

    On MongoDB they are fail points of the server, which must be a test server; open the store with the setting
    ``heartbeatFrequencyMS=500``, or each lost connection costs seconds. On every other backend they are simulated: the
    same error classes, and the same operations applied or not. Both count the same operations. If two faults would
    hit one operation, the first of them does.

    Args:
        store: one that `open_store` or `open_stores` made.
        faults: what goes wrong, and when.

    Raises:
        ConfigurationError: if the store or its server cannot take faults.
        Unavailable: if no server answers.
    """
    target = document_store(store)
    inner = target.backend
    maker = _maker_for(inner)
    backend = FaultyBackend(inner, faults, maker)
    try:
        with plugged(target, backend):
            yield Injection(backend)
    finally:
        maker.close()


def _maker_for(backend: Backend) -> FaultMaker:
    real = backend
    while isinstance(real, ObservedBackend):
        real = real.inner
    from ...mongo.backend import MongoBackend

    if isinstance(real, MongoBackend):
        from .failpoints import ServerFaults

        return ServerFaults(real)
    return SimulatedFaults(real)


__all__ = [
    "CommitAppliedAnswerLost",
    "CommitNotApplied",
    "ConnectionClosed",
    "Fault",
    "Injection",
    "Paused",
    "PoolExhausted",
    "ServerGone",
    "SlowCommand",
    "StepDown",
    "TransientError",
    "WriteConcernTimeout",
    "inject",
]
