"""Entities that record an event when they are made: it happened once, and loading tells it to nobody."""

from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from attrs import define, field, frozen

from tristore import Documents, DocumentStore, Entity, Event, Repository, UnitOfWork, from_dict, open_store, to_dict
from tristore.adapters.backend import Query
from tristore.operations import OutboxRelay


@frozen(kw_only=True)
class Opened(Event):
    """An account was opened."""

    number: str


@define(kw_only=True)
class Account(Entity):
    """Says that it was opened, in its constructor."""

    number: str
    tags: list[str] = field(factory=list)

    def __attrs_post_init__(self) -> None:
        self.record(Opened(number=self.number))


class AccountRepository(Repository[Account]):
    """Accounts."""


class Bank(UnitOfWork):
    """Where they are."""

    accounts: AccountRepository


WAYS: dict[str, Any] = {
    "get": lambda uow, made: uow.accounts.get(made.id),
    "get by version": lambda uow, made: uow.accounts.get(made.id, version=1),
    "get_many": lambda uow, made: uow.accounts.get_many([made.id]),
    "find": lambda uow, made: uow.accounts.find(),
    "first": lambda uow, made: uow.accounts.first(),
    "page": lambda uow, made: uow.accounts.page(page=1, limit=5),
    "stream": lambda uow, made: list(uow.accounts.stream()),
    "refresh": lambda uow, made: uow.accounts.refresh(uow.accounts.get(made.id)),
    "attach": lambda uow, made: uow.accounts.attach(made),
    "attach from JSON": lambda uow, made: uow.accounts.attach(from_dict(Account, to_dict(made))),
}


class EventsWhenLoadingContract:
    """What a class that records in its constructor tells, and when."""

    @pytest.fixture
    def bank(self, url: str) -> Iterator[DocumentStore[Bank]]:
        """The store."""
        with open_store(
            Bank,
            url=url,
            documents=[Documents(AccountRepository, collection="accounts")],
            prepare="create",
            publishes=(Opened,),
        ) as store:
            yield store

    @pytest.fixture
    def made(self, bank: DocumentStore[Bank]) -> Account:
        """An account that was stored."""
        account = Account(number="1")
        with bank.unit_of_work() as uow:
            uow.accounts.add(account)
        return account

    @pytest.mark.parametrize("way", WAYS)
    def test_a_unit_that_reads_tells_nothing(self, bank: DocumentStore[Bank], made: Account, way: str) -> None:
        """It publishes nothing, delivers nothing, and steps no version."""
        heard: list[Event] = []
        bank.subscribe(Opened, heard.append)
        with bank.unit_of_work() as uow:
            WAYS[way](uow, made)

        with bank.reader() as reader:
            version = reader.accounts.get(made.id).version
        assert (1, [], 1) == (records(bank), heard, version)

    def test_what_is_made_is_told_once(self, bank: DocumentStore[Bank], made: Account) -> None:
        """The event of the constructor belongs to the unit that adds the entity; an edit later tells no second one."""
        taken: list[str] = []
        relay = OutboxRelay(bank)
        relay.on(Opened, "log", lambda event, delivery: taken.append(event.number))
        with bank.unit_of_work() as uow:
            uow.accounts.get(made.id).tags.append("edited")
        with bank.bulk() as bulk:
            bulk.accounts.bulk_update(_tagged(bulk.accounts.find()))

        relay.run_once()

        assert ["1"] == taken

    def test_a_reader_shows_no_events(self, bank: DocumentStore[Bank], made: Account) -> None:
        """Nothing is recorded of what is only looked at."""
        with bank.reader() as reader:
            assert () == reader.accounts.get(made.id).recorded_events


def _tagged(found: Sequence[Account]) -> Sequence[Account]:
    for one in found:
        one.tags.append("again")
    return found


def records(store: DocumentStore[Bank]) -> int:
    """How many records the outbox holds."""
    return len(store.backend.find("tristore_outbox", Query(), transaction=None, timeout=5).to_list())
