"""A server without transactions, real and in memory: refused where they are required, guarded where they are off."""

from collections.abc import Callable, Iterator
from contextvars import copy_context
from typing import Any
from uuid import uuid4

import pytest
from pymongo import MongoClient

from tristore import DuplicateKey, VersionConflict, open_store
from tristore.domain.core import CoreUnitOfWork, Organization
from tristore.errors import TransactionsUnsupported
from tristore.testing import MongoServer
from tristore.three_stores import CORE

from ..core_store import CoreStore, load, save, user

Open = Callable[[str], CoreStore]


class StandaloneContract:
    """What holds on every server without transactions; a subclass adds where it is."""

    @pytest.fixture
    def open_with(self, url: str) -> Iterator[Open]:
        """Open the store with transactions "required" or "off"."""
        opened: list[CoreStore] = []

        def open_it(transactions: Any) -> CoreStore:
            opened.append(
                open_store(CoreUnitOfWork, url=url, documents=CORE, prepare="create", transactions=transactions)
            )
            return opened[-1]

        yield open_it
        for store in opened:
            store.close()

    @pytest.fixture
    def required(self, open_with: Open) -> CoreStore:
        """A store whose units are transactions: the default."""
        return open_with("required")

    @pytest.fixture
    def off(self, open_with: Open) -> CoreStore:
        """A store that writes without transactions."""
        return open_with("off")

    def test_required_refuses_before_the_first_write(self, required: CoreStore) -> None:
        """U19: a unit is refused with what to do about it, and nothing is written."""
        with pytest.raises(TransactionsUnsupported, match="transactions='off'"):
            save(required, user())
        with required.reader() as core:
            assert 0 == core.users.count()

    def test_required_refuses_reads_of_a_unit(self, required: CoreStore) -> None:
        """U19: a unit that only reads promises a snapshot too; so does a snapshot reader."""
        with pytest.raises(TransactionsUnsupported), required.unit_of_work() as core:
            core.users.count()
        with pytest.raises(TransactionsUnsupported), required.reader(snapshot=True) as view:
            view.users.count()

    def test_required_is_not_retried(self, required: CoreStore) -> None:
        """U5: a server without transactions will have none the next time: run() calls the function once."""
        calls = []

        def work(core: CoreUnitOfWork) -> None:
            calls.append(1)
            core.users.add(user())
            core.flush()

        with pytest.raises(TransactionsUnsupported):
            required.run(work)

        assert [1] == calls

    def test_check_says_which(self, required: CoreStore, off: CoreStore) -> None:
        """U19: check() tells what is missing and what to do; with transactions off all is well."""
        required.prepare()
        off.prepare()
        refused, accepted = required.check(), off.check()

        assert (False, True) == (refused.ok, accepted.ok)
        assert "transactions='off'" in refused.details

    def test_off_works(self, off: CoreStore) -> None:
        """U19: with transactions off a unit adds, finds, edits and removes with the same plan."""
        ada, bob = user("ada"), user("bob")
        save(off, ada, bob)
        with off.unit_of_work() as core:
            core.users.get(ada.id).credits = 5
            core.users.remove(core.users.get(bob.id))
            core.organizations.add(Organization(name="Engines", slug="engines"))
            assert [5] == [one.credits for one in core.users.find()]
        with off.reader() as core:
            assert (1, 1) == (core.users.count(), core.organizations.count())

        assert (2, 5) == (load(off, ada.id).version, load(off, ada.id).credits)

    def test_off_still_guards_versions(self, off: CoreStore) -> None:
        """U12: an edit over another writer's edit is refused, naming the entity; theirs stays."""
        ada = user()
        save(off, ada)

        def meddle() -> None:
            with off.unit_of_work() as other:
                other.users.get(ada.id).credits = 1

        outside = copy_context()
        with pytest.raises(VersionConflict) as caught, off.unit_of_work() as core:
            core.users.get(ada.id).credits = 2
            outside.run(meddle)

        assert [(ada.id, 1, 2)] == [(one.id, one.expected, one.actual) for one in caught.value.stale]
        assert 1 == load(off, ada.id).credits

    def test_off_says_what_stays(self, off: CoreStore) -> None:
        """U19: an error in the middle says which operations were applied."""
        save(off, user("taken"))
        first = user("first")
        with pytest.raises(DuplicateKey) as caught, off.unit_of_work() as core:
            core.users.add(first)
            core.users.add(user("taken"))
            core.users.add(user("never"))

        assert (f"added User {first.id}",) == caught.value.applied
        with off.reader() as core:
            assert ["first", "taken"] == [one.username for one in core.users.find(sort="username")]

    def test_off_writes_nothing_when_the_body_fails(self, off: CoreStore) -> None:
        """U19: what was not flushed before the error is not written."""
        with pytest.raises(RuntimeError, match="no"), off.unit_of_work() as core:
            core.users.add(user())
            raise RuntimeError("no")
        with off.reader() as core:
            assert 0 == core.users.count()


class TestStandaloneMongod(StandaloneContract):
    """A mongod that is not a member of a replica set."""

    @pytest.fixture
    def url(self, standalone: MongoServer) -> Iterator[str]:
        """Where the store is."""
        name = f"core_{uuid4().hex[:8]}"
        yield standalone.url_for(name)
        with MongoClient[dict[str, Any]](standalone.url) as client:
            client.drop_database(name)


class TestStandaloneMemory(StandaloneContract):
    """Its twin in memory."""

    @pytest.fixture
    def url(self) -> str:
        """Where the store is."""
        return "memory://?transactions=false"
