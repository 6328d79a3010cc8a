"""Units that are broken off in the middle: no transaction, no cursor and no locked row is left in the server."""

import contextvars
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from listening import Listen
from pymongo.monitoring import CommandStartedEvent

from tristore import Unavailable
from tristore.domain.core import CoreUnitOfWork, User
from tristore.errors import WriteConflict

from ..core_store import (
    FREE,
    Commands,
    CoreStore,
    OpenCore,
    Raw,
    RawDatabase,
    eventually,
    load,
    open_cursors,
    open_transactions,
    save,
    seconds_until_free,
    user,
)

Work = Callable[[CoreUnitOfWork], None]


@pytest.fixture
def store(open_core: OpenCore) -> CoreStore:
    """A store that meets fail points."""
    return open_core()


@pytest.fixture
def ada(store: CoreStore) -> User:
    """A stored user."""
    ada = user(credits=10)
    save(store, ada)
    return ada


def in_a_unit(store: CoreStore, work: Work) -> None:
    """Work in one unit."""
    with store.unit_of_work() as core:
        work(core)


def in_attempts(store: CoreStore, work: Work) -> None:
    """Work in a loop of attempts."""
    for attempt in store.attempts():
        with attempt as core:
            work(core)


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt, SystemExit, GeneratorExit])
@pytest.mark.parametrize("how", [in_a_unit, in_attempts, CoreStore.run])
def test_body_that_is_broken_off(
    store: CoreStore,
    database: RawDatabase,
    raw: Raw,
    how: Callable[[CoreStore, Work], None],
    error: type[BaseException],
) -> None:
    """U5: whatever breaks a body off, it is not repeated, the transaction ends and its rows are free at once."""
    save(store, user(credits=10))
    calls: list[int] = []

    def work(core: CoreUnitOfWork) -> None:
        calls.append(1)
        core.users.find()[0].credits = 0
        core.flush()
        raise error

    with pytest.raises(error):
        how(store, work)

    assert ([1], 0) == (calls, open_transactions(raw))
    assert seconds_until_free(database) < FREE
    assert [10] == database["users"].distinct("credits")


class Interrupting(Commands):
    """Interrupts the program when a command is sent."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self._name = name

    def started(self, event: CommandStartedEvent) -> None:
        if event.command_name == self._name:
            raise KeyboardInterrupt


@pytest.fixture(params=["find", "update", "commitTransaction"])
def interrupted(open_core: OpenCore, ada: User, listen: Listen, request: pytest.FixtureRequest) -> CoreStore:
    """A store with a user, that is interrupted when it sends one of its commands."""
    listen(Interrupting(request.param))
    return open_core()


def test_interrupt_inside_a_command(interrupted: CoreStore, ada: User, database: RawDatabase, raw: Raw) -> None:
    """U5: an interrupt that comes while a command is under way ends the transaction too."""
    with pytest.raises(KeyboardInterrupt), interrupted.unit_of_work() as core:
        core.users.add(user("bob"))
        core.flush()
        core.users.get(ada.id).credits = 0

    assert 0 == open_transactions(raw)
    assert seconds_until_free(database) < FREE
    assert 1 == database["users"].count_documents({})


@pytest.fixture
def many(store: CoreStore) -> None:
    """More users than one batch of a cursor holds."""
    save(store, *(user(f"user{number}") for number in range(400)))


@pytest.mark.usefixtures("many")
@pytest.mark.parametrize("end", ["close", "drop", "leave"])
def test_stream_that_is_broken_off(store: CoreStore, ada: User, database: RawDatabase, raw: Raw, end: str) -> None:
    """U5, U14: a stream that is left in its middle keeps neither cursor nor transaction, however it is left."""
    with store.unit_of_work() as core:
        core.users.get(ada.id).credits = 0
        stream = core.users.stream(sort="username")
        next(stream)
        if end == "close":
            stream.close()  # type: ignore[attr-defined] # a stream is a generator
        elif end == "drop":
            del stream

    assert 0 == open_transactions(raw)
    assert eventually(lambda: open_cursors(raw) == 0)
    assert seconds_until_free(database) < FREE


def generated(store: CoreStore, ada: User) -> Iterator[User]:
    """A generator with a unit inside, as a web framework's dependency is."""
    with store.unit_of_work() as core:
        core.users.get(ada.id).credits = 0
        core.flush()
        yield from core.users.stream()


@pytest.mark.usefixtures("many")
@pytest.mark.parametrize("end", ["close", "drop", "another context"])
def test_generator_that_is_closed(store: CoreStore, ada: User, database: RawDatabase, raw: Raw, end: str) -> None:
    """U5: a generator that is closed with a unit open inside rolls it back at once."""
    generator: Any = generated(store, ada)
    next(generator)
    assert 1 == open_transactions(raw)
    if end == "another context":
        contextvars.Context().run(generator.close)
    elif end == "close":
        generator.close()
    del generator

    assert 0 == open_transactions(raw)
    assert seconds_until_free(database) < FREE
    assert 10 == load(store, ada.id).credits
    save(store, user("next"))


@pytest.mark.usefixtures("many")
def test_lost_cursor_in_a_unit(store: CoreStore, failpoint: Any) -> None:
    """U14: a cursor that is lost between two batches is a conflict in a unit, never a short list."""
    with failpoint(["getMore"], closeConnection=True), pytest.raises(WriteConflict), store.unit_of_work() as core:
        list(core.users.stream())


@pytest.mark.usefixtures("many")
def test_lost_cursor_in_a_reader(store: CoreStore, failpoint: Any) -> None:
    """U14: a cursor that is lost between two batches is Unavailable in a reader, never a short list."""
    with failpoint(["getMore"], closeConnection=True), pytest.raises(Unavailable), store.reader() as core:
        list(core.users.stream())
