"""The composition root: every service can be made, and every part replaced."""

import itertools
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from dependency_injector import providers

from tristore import FixedClock, Id, open_stores, to_dict
from tristore.domain.core import ProjectId
from tristore.three_stores import Argon2PasswordHasher, Container, Settings

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)


@pytest.fixture
def container() -> Iterator[Container]:
    """A container on stores in memory."""
    container = Container(settings=providers.Object(Settings()))
    yield container
    container.shutdown_resources()


def test_every_service_can_be_made(container: Container) -> None:
    """Each provider of a service gives one, with all that it asks for."""
    services = (
        container.accounts,
        container.audit,
        container.credits,
        container.logs,
        container.metrics,
        container.playback,
        container.projects,
        container.usage,
    )

    assert all(type(make()).__name__.endswith("Service") for make in services)


def test_services_share_their_stores(container: Container) -> None:
    """The stores are opened once: what one service writes, another one sees."""
    user = container.accounts().register(email="ada@example.org", username="ada", password="long enough")

    assert user == container.accounts().authenticate("ada@example.org", "long enough")
    assert container.stores() is container.stores()


def test_a_part_can_be_replaced(container: Container) -> None:
    """An override reaches every service that asks for the part."""
    container.clock.override(providers.Object(FixedClock(NOON)))

    assert NOON == container.logs().write("hello", source="test").occurred_at


def test_the_stores_can_be_replaced(container: Container) -> None:
    """Services work on stores that a test gives them."""
    with open_stores(Settings()) as stores, container.stores.override(providers.Object(stores)):
        container.logs().write("hello", source="test")
        with stores.systemlogs.reader() as systemlogs:
            written = systemlogs.logs.count()

    assert 1 == written


def test_a_container_can_be_made_with_other_parts() -> None:
    """Parts may be given when the container is made."""
    quick = Argon2PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    container = Container(settings=providers.Object(Settings()), passwords=providers.Object(quick))

    assert quick is container.passwords()


def test_ids_come_from_the_container() -> None:
    """With an id factory and a clock of the test's own, two runs make the same entities."""

    def run() -> list[dict[str, Any]]:
        numbers = itertools.count(1)
        container = Container(
            ids=providers.Object(lambda: Id(f"{next(numbers):024x}")),
            clock=providers.Object(FixedClock(NOON)),
            settings=providers.Object(Settings()),
        )
        try:
            ada, bob = (
                container.accounts().register(
                    email=f"{name}@example.org", username=name, password="long enough " + name
                )
                for name in ("ada", "bob")
            )
            container.stores().core.run(lambda core: core.users.get(ada.id).credit(5))
            moved = container.credits().transfer(ada.id, bob.id, 5)
            view = container.playback().record(ProjectId(Id("f" * 24)), ada.id)
            entry = container.audit().record("done", subject_kind="user", subject_id=ada.id)
            return [to_dict(one) for one in (ada, bob, moved, view, entry)]
        finally:
            container.shutdown_resources()

    first = run()

    assert [f"{number:024x}" for number in range(1, 6)] == [one["id"] for one in first]
    assert first == run()
