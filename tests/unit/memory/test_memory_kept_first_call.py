"""Whatever is asked first of a store that is kept in a folder loads it: before everything, and after a close."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from contracts.billing import DOCUMENTS, BillingUnitOfWork, CustomerMoved, customer
from contracts.parcels import PARCELS, ParcelUnitOfWork, insert, migrated, old, stored

from tristore import ConfigurationError, open_store
from tristore.adapters.backend import (
    All,
    BackendOptions,
    CollectionDeclaration,
    Delete,
    Figure,
    Function,
    IndexDeclaration,
    Modify,
    Query,
    Rollup,
    Update,
    WritePlan,
)
from tristore.errors import WriteConflict
from tristore.operations import Migrations, OutboxRelay
from tristore.testing import MemoryBackend

THINGS = (CollectionDeclaration("things"), CollectionDeclaration("leases"))
UNIQUE = (CollectionDeclaration("things", (IndexDeclaration((("n", 1),), unique=True),)),)
ALL = All(())
EVERYTHING = Query(ALL)
ONE, TWO = {"_id": 1, "n": 1, "version": 1}, {"_id": 2, "n": 2, "version": 1}
OURS = {"transaction": None, "timeout": 1}


def opened(folder: Path) -> MemoryBackend:
    """A backend on a folder; nothing is loaded yet."""
    return MemoryBackend.open(f"memory://{folder}", BackendOptions("test", THINGS))


def everything(backend: MemoryBackend) -> list[Any]:
    """All that it has."""
    return backend.find("things", EVERYTHING, transaction=None, timeout=1).to_list()


def plan(**operations: Any) -> WritePlan:
    """What to write."""
    return WritePlan("things", "version", **operations)


def fill(backend: MemoryBackend) -> None:
    """Store one document and one lease, and close."""
    backend.write(plan(inserts=[ONE]), transaction=None, timeout=1)
    backend.claim_lease("leases", "a", owner="me", seconds=600, timeout=1)
    backend.close()


def committed(backend: MemoryBackend) -> object:
    """One document more, in a transaction."""
    transaction = backend.begin()
    backend.write(plan(inserts=[TWO]), transaction=transaction, timeout=1)
    backend.commit(transaction, timeout=1)
    backend.settle(transaction, timeout=1)
    return everything(backend)


def settled(backend: MemoryBackend) -> object:
    """Asked of a transaction that was not committed."""
    with pytest.raises(WriteConflict):
        backend.settle(backend.begin(), timeout=1)
    return everything(backend)


def aborted(backend: MemoryBackend) -> object:
    """A document that is thrown away."""
    transaction = backend.begin()
    backend.write(plan(inserts=[TWO]), transaction=transaction, timeout=1)
    backend.abort(transaction)
    return everything(backend)


def claimed(backend: MemoryBackend) -> object:
    """A lease, and who has it afterwards."""
    state = backend.claim_lease("leases", "b", owner="me", seconds=60, timeout=1)
    return state.owner, state.fence, backend.claim_lease("leases", "b", owner="you", seconds=60, timeout=1).owner


def refused(call: Callable[[], object]) -> str:
    """What is said to a call that this backend does not take."""
    with pytest.raises(ConfigurationError) as error:
        call()
    return type(error.value).__name__


FIRST_CALLS: dict[str, tuple[Callable[[Any], object], object]] = {
    "abort": (aborted, [ONE]),
    "administration": (lambda b: b.administration(), None),
    "aggregate": (lambda b: refused(lambda: b.aggregate("things", [], **OURS)), "ConfigurationError"),
    "begin": (lambda b: b.find("things", EVERYTHING, transaction=b.begin(), timeout=1).to_list(), [ONE]),
    "claim_lease": (claimed, ("me", 1, "me")),
    "close": (lambda b: (b.close(), everything(b)), (None, [ONE])),
    "commit": (committed, [ONE, TWO]),
    "confirm": (lambda b: b.confirm("things", timeout=1), None),
    "count": (lambda b: b.count("things", ALL, limit=None, **OURS), 1),
    "distinct": (lambda b: b.distinct("things", ("n",), ALL, **OURS), [1]),
    "explain": (lambda b: b.explain("things", EVERYTHING).examined, 1),
    "find": (everything, [ONE]),
    "missing": (lambda b: [name for name, _ in b.missing(UNIQUE, timeout=1)], ["things"]),
    "ping": (lambda b: b.ping(timeout=1).transactions, True),
    "prepare": (lambda b: (b.prepare(UNIQUE, timeout=1), b.missing(UNIQUE, timeout=1)), (None, [])),
    "remove_where": (lambda b: (b.remove_where("things", ALL, **OURS), everything(b)), (1, [])),
    "renew_lease": (lambda b: b.renew_lease("leases", "a", owner="me", fence=1, seconds=60, timeout=1), True),
    "rollup": (lambda b: b.rollup("things", Rollup(figures=(Figure("n", Function.COUNT),)), **OURS), [{"n": 1}]),
    "save": (lambda b: (b.save(), everything(b)), (None, [ONE])),
    "settle": (settled, [ONE]),
    "state": (lambda b: b.state(timeout=1).info.transactions, True),
    "update_where": (
        lambda b: (b.update_where("things", ALL, Modify({"n": 5}), **OURS).modified, everything(b)),
        (1, [{**ONE, "n": 5}]),
    ),
    "watch": (lambda b: refused(lambda: b.watch(timeout=1)), "ConfigurationError"),
    "write": (lambda b: (b.write(plan(deletes=[Delete(1, 1)]), **OURS).deleted, everything(b)), (1, [])),
    "write_many": (
        lambda b: (b.write_many(plan(updates=[Update(1, 1, {"n": 7})]), timeout=1).errors, everything(b)),
        ({}, [{"_id": 1, "n": 7, "version": 1}]),
    ),
}


def test_every_method_is_tried() -> None:
    """A method that the backend gains is tried here as the first call, too."""
    methods = {name for name in dir(MemoryBackend) if name[0] != "_" and callable(getattr(MemoryBackend, name))}

    assert methods - {"open"} == set(FIRST_CALLS)


@pytest.mark.parametrize("name", FIRST_CALLS)
def test_as_the_first_call(tmp_path: Path, name: str) -> None:
    """Each method finds the data of the folder when nothing was asked before."""
    fill(opened(tmp_path))
    backend = opened(tmp_path)
    call, answer = FIRST_CALLS[name]

    assert answer == call(backend)
    backend.close()


@pytest.mark.parametrize("name", FIRST_CALLS)
def test_as_the_first_call_after_a_close(tmp_path: Path, name: str) -> None:
    """Each method works on what was loaded again, though it had worked on what was there before the close."""
    backend = opened(tmp_path)
    fill(backend)
    call, answer = FIRST_CALLS[name]

    assert answer == call(backend)
    backend.close()


def test_a_migration_is_the_first_call(tmp_path: Path) -> None:
    """A run that is the first to use a store migrates what its folder holds, and so does one after a close."""
    store = open_store(ParcelUnitOfWork, url=f"memory://{tmp_path}", documents=[PARCELS])
    insert(store, [old(1)])
    store.close()

    fresh = open_store(ParcelUnitOfWork, url=f"memory://{tmp_path}", documents=[PARCELS])
    assert Migrations(fresh).run().ok
    assert [migrated(1)] == stored(fresh)
    fresh.close()
    insert(fresh, [old(2)])
    fresh.close()
    assert Migrations(fresh).run().ok
    assert [migrated(1), migrated(2)] == stored(fresh)
    fresh.close()


def test_a_relay_is_the_first_call(tmp_path: Path) -> None:
    """A pass of a relay delivers what a folder holds: as the first call, and after a close."""
    store = open_store(BillingUnitOfWork, url=f"memory://{tmp_path}", documents=DOCUMENTS, publishes=(CustomerMoved,))
    relay, cities = OutboxRelay(store), list[str]()
    relay.on(CustomerMoved, "cities", lambda event, delivery: cities.append(event.city))

    assert 0 == relay.run_once().delivered
    for city in ("Bern", "Basel"):
        with store.unit_of_work() as billing:
            ada = customer(f"{city}@example.org")
            billing.customers.add(ada)
            ada.move(city)
        store.close()
        assert 1 == relay.run_once().delivered
        store.close()
    assert ["Bern", "Basel"] == cities
