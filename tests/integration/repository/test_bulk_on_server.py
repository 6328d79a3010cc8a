"""What calls on many entities cost on a real server: memory, commands, the concern of their writes."""

from collections.abc import Iterator
from functools import partial

import pytest

from tristore.domain.core import User

from ..core_store import Commands, CoreStore, OpenCore, RawDatabase, save, user
from ..peaks import peak

CHUNK = 2_000
"""How many entities one command of a load writes at most."""

MAJORITY = {"w": "majority"}


def people(count: int) -> Iterator[User]:
    """So many users, made one by one."""
    for number in range(count):
        yield user(f"user{number}", first_name="Ada" * 10)


def load(store: CoreStore, count: int) -> None:
    """Load so many users."""
    with store.bulk() as core:
        assert count == core.users.add_many(people(count)).inserted


@pytest.mark.soak
def test_memory_of_a_load_is_bounded(open_core: OpenCore, database: RawDatabase) -> None:
    """A load of ten chunks holds no more at once than a load of two."""
    store = open_core()
    load(store, 10)
    peaks = []
    for chunks in (2, 10):
        database["users"].delete_many({})
        peaks.append(peak(partial(load, store, chunks * CHUNK)))

    assert peaks[1] < 1.1 * peaks[0]


def test_commands_of_a_load(commands: Commands, open_core: OpenCore, core_url: str) -> None:
    """A chunk is one unordered command, a change of all that match one; the majority confirms whatever the URL says."""
    store = open_core(url=f"{core_url}&w=1" if "?" in core_url else f"{core_url}?w=1")
    with store.bulk() as core:
        core.users.add_many(people(CHUNK + 1))
        loaded = core.users.find(limit=100)
        commands.sent.clear()
        core.users.add_many([user("ada"), user("bob")])
        core.users.bulk_update(loaded)
        core.users.update_where(lambda u: u.credits >= 0, increment={"credits": 1})
        core.organizations.remove_where(None)

    assert ["insert", "update", "update", "delete"] == commands.names
    assert [MAJORITY] * 4 == [command["writeConcern"] for _, command in commands.sent]
    assert [False, False] == [command["ordered"] for _, command in commands.sent[:2]]
    assert [True, False] == ["txnNumber" in command for _, command in commands.sent[1:3]]


def test_a_change_in_a_unit_is_one_command(store_and_users: tuple[CoreStore, list[User]], commands: Commands) -> None:
    """In a unit it is one update in the transaction, and one find where the unit has loaded entities."""
    store, _ = store_and_users
    with store.unit_of_work() as core:
        core.users.update_where(lambda u: u.credits >= 0, increment={"credits": 1})
    alone = list(commands.names)
    commands.sent.clear()
    with store.unit_of_work() as core:
        core.users.find(limit=5)
        core.users.update_where(lambda u: u.credits >= 0, increment={"credits": 1})

    assert ["update", "commitTransaction"] == alone
    assert ["find", "update", "find", "commitTransaction"] == commands.names


@pytest.fixture
def store_and_users(commands: Commands, open_core: OpenCore) -> tuple[CoreStore, list[User]]:
    """A store with ten users; what storing them sent does not count."""
    store, users = open_core(), list(people(10))
    save(store, *users)
    commands.sent.clear()
    return store, users
