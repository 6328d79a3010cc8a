"""The composition root: every service can be made, and every part replaced."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from dependency_injector import providers

from tristore.adapters.container import Container
from tristore.adapters.passwords import Argon2PasswordHasher
from tristore.adapters.settings import Settings
from tristore.adapters.stores import open_stores
from tristore.domain.clock import FixedClock

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
