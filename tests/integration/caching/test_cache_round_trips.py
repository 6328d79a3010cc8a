"""How often a store talks to its Redis: counted by Redis itself, in commits and in cached reads."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from redis import Redis

from tristore import CacheSettings
from tristore.domain.core import Organization, User
from tristore.testing import RedisServer

from ..core_store import CoreStore, OpenCore, save, user
from .cached_load import cached, cached_count

Act = Callable[[CoreStore, list[User]], object]


@pytest.fixture(scope="module")
def redis() -> Iterator[RedisServer]:
    """A Redis that nobody else talks to."""
    with RedisServer(own=True) as server:
        yield server


@pytest.fixture
def client(redis: RedisServer) -> Iterator[Any]:
    """Asks Redis what it has counted."""
    with Redis.from_url(redis.url) as client:
        yield client


@pytest.fixture
def store(open_core: OpenCore, redis: RedisServer) -> CoreStore:
    """A store over that Redis."""
    return open_core(cache=CacheSettings(url=redis.url))


@pytest.fixture
def users(store: CoreStore) -> list[User]:
    """Ten users, all of them cached; what a connection costs at first is paid."""
    users = [user(f"user{number}") for number in range(10)]
    save(store, *users)
    assert [0] * 10 == [cached(store, one.id) for one in users]
    assert 10 == cached_count(store, 0)
    return users


def spent(client: Any, act: Callable[[], object]) -> int:
    """How many round trips something costs: a pipeline is read by Redis at once."""
    before = client.info("stats")["total_reads_processed"]
    act()
    found: int = client.info("stats")["total_reads_processed"] - before - 1  # the question itself
    return found


def edit(store: CoreStore, users: list[User]) -> None:
    """Change all of them in one unit."""
    with store.unit_of_work() as core:
        for one in users:
            core.users.get(one.id).credits += 1


def edit_and_add(store: CoreStore, users: list[User]) -> None:
    """Write two collections in one unit."""
    with store.unit_of_work() as core:
        core.users.get(users[0].id).credits += 1
        core.organizations.add(Organization(name="Engines", slug="engines"))


def update_where(store: CoreStore, users: list[User]) -> None:
    """Change what matches, by one command."""
    with store.bulk() as core:
        core.users.update_where(lambda u: u.credits == 0, set={"credits": 1})


def roll_back(store: CoreStore, users: list[User]) -> None:
    """Write, and change one's mind."""
    with store.unit_of_work() as core:
        core.users.get(users[0].id).credits += 1
        core.flush()
        core.rollback()


def only_read(store: CoreStore, users: list[User]) -> None:
    """Commit nothing."""
    with store.unit_of_work() as core:
        core.users.get(users[0].id)


ADDED: dict[str, tuple[Act, int]] = {
    "one entity": (lambda store, users: edit(store, users[:1]), 1),
    "ten entities": (edit, 1),
    "two collections": (edit_and_add, 1),
    "a filter": (update_where, 1),
    "a rollback": (roll_back, 0),
    "a unit that only reads": (only_read, 0),
}


@pytest.mark.parametrize("what", ADDED)
def test_what_a_commit_adds(store: CoreStore, users: list[User], client: Any, what: str) -> None:
    """C10: invalidation adds one round trip to a commit at most, however much was written, and none without one."""
    act, added = ADDED[what]
    assert added == spent(client, lambda: act(store, users))


def test_what_a_hit_costs(store: CoreStore, users: list[User], client: Any) -> None:
    """C6: one round trip: the tokens, and at the same moment the entry that they had when somebody last looked."""
    assert 1 == spent(client, lambda: cached(store, users[0].id))
    assert 1 == spent(client, lambda: cached_count(store, 0))


def test_what_a_miss_costs(store: CoreStore, users: list[User], client: Any) -> None:
    """C6: a look before the lock of its key, one behind it, and keeping what was loaded, besides the tokens."""
    edit(store, users[:1])
    assert 4 == spent(client, lambda: cached(store, users[0].id))
