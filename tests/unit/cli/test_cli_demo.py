"""The demo's plan and data: the same for the same seed, and a run that can be repeated."""

from collections.abc import Iterator

import attrs
import pytest
from dependency_injector import providers

from tristore.adapters.cli.demo.invariants import INVARIANTS, data_of, read_back
from tristore.adapters.cli.demo.plan import make_plan
from tristore.adapters.cli.demo.scenario import Run, play
from tristore.three_stores import Argon2PasswordHasher, Container, Settings


@pytest.fixture
def container() -> Iterator[Container]:
    """Services on stores in memory, with a quick password hash."""
    container = Container(
        settings=providers.Object(Settings()),
        passwords=providers.Object(Argon2PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)),
    )
    yield container
    container.shutdown_resources()


def played(container: Container, seed: int = 1) -> Run:
    """A run of all steps."""
    run = Run(make_plan(5, seed), container)
    list(play(run))
    return run


def test_a_plan_is_drawn_from_its_seed() -> None:
    """The same seed and number of users give the same plan, another seed another one."""
    assert make_plan(20, 7) == make_plan(20, 7)
    assert make_plan(20, 7) != make_plan(20, 8)


@pytest.mark.parametrize("users", [2, 3, 50, 500])
def test_every_payment_is_covered_in_any_order(users: int) -> None:
    """Each person begins with at least what all of its payments need together."""
    plan = make_plan(users, 3)
    needed = [sum(p.amount for p in plan.payments if p.sender == person) for person in range(users)]

    assert all(person.credits >= need for person, need in zip(plan.people, needed, strict=True))


def test_threads_meet_real_conflicts(container: Container) -> None:
    """Transfers of several threads get into each other's way, and nothing is lost or doubled."""
    run = played(container)
    stored = read_back(run)

    assert run.watch.retries
    assert [] == [name for name, holds in INVARIANTS if not holds(stored)]


def test_a_run_can_be_repeated_on_the_same_stores(container: Container) -> None:
    """A second run with the same seed adds the same data beside that of the first."""
    first, second = played(container), played(container)

    assert first.name != second.name
    assert data_of(first) == data_of(second)


def test_the_cache_answers_what_did_not_change(container: Container) -> None:
    """The demo reads with a cache: each account is loaded once, the project after each of its three changes."""
    steps = play(Run(make_plan(5, 1), container))
    result = next(step.result for step in steps if step.title == "read with a cache")
    stats = container.stores().cache_stats()["core"]

    assert (9 * 5 - 5, 5) == tuple(stats.total(outcome, collection="users") for outcome in ("hit", "miss"))
    assert (9 - 3, 3) == tuple(stats.total(outcome, collection="projects") for outcome in ("hit", "miss"))
    assert "46 hits, 8 misses, 3 changes seen at once" == result


def test_services_ask_once_for_what_many_events_share(container: Container) -> None:
    """The project of many views is loaded once; statistics that are shown again are kept until a view is added."""
    run = played(container)
    loads = container.stores().cache_stats()["core"].total("miss", collection="projects")
    before = container.stores().cache_stats()["analytics"]
    first, second = run.stats(), run.stats()
    container.playback().record(run.projects[0])
    third = run.stats()
    after = container.stores().cache_stats()["analytics"]

    assert 3 + len(run.projects) - 1 == loads  # three changes of the first project, whose last reading is kept
    assert first == second
    assert 1 == sum(day.views for day in third[0]) - sum(day.views for day in first[0])
    assert (len(run.projects), 2 * len(run.projects)) == tuple(
        after.total(outcome, method="rollup") - before.total(outcome, method="rollup") for outcome in ("hit", "miss")
    )


def test_each_invariant_can_fail(container: Container) -> None:
    """An invariant notices what it is there for."""
    stored = read_back(played(container))
    cheat = attrs.evolve(
        stored,
        users=[*stored.users[1:], stored.users[1]],
        transfers=stored.transfers[1:],
        views=stored.views + 1,
        deeds=stored.deeds + stored.deeds,
        seconds=stored.seconds + 1,
    )
    broken = {name for name, holds in INVARIANTS if not holds(cheat)}

    assert {name for name, _ in INVARIANTS} - {"no balance below zero"} == broken
