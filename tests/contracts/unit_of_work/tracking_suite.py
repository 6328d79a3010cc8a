"""What a unit of work finds and writes, on every backend: identity, changes, flushes, removals."""

from datetime import timedelta
from typing import Any

import attrs
import pytest

from tristore import (
    Change,
    ConfigurationError,
    Documents,
    FixedClock,
    NotFound,
    UnitOfWork,
    ValidationError,
    VersionConflict,
    new_id,
)
from tristore.errors import Stale, UnitOfWorkError

from ..billing import (
    DOCUMENTS,
    Address,
    Customer,
    CustomerId,
    CustomerRepository,
    Invoice,
    InvoiceRepository,
    customer,
)
from ..repository.repository_suite import JOINED, BillingStore, save
from ..stores import BillingContract, OpenBilling, elsewhere


class TrackingContract(BillingContract):
    """The identity map, the dirty check, the flush and what it writes."""

    def test_one_object_for_one_entity(self, store: BillingStore) -> None:
        """U7: get, find and first return the same object, and later queries do not overwrite its edits."""
        ada = customer()
        save(store, ada)
        with store.unit_of_work(autoflush=False) as uow:
            found = uow.customers.get(ada.id)
            found.name = "edited"

            assert found is uow.customers.find()[0]
            assert found is uow.customers.first()
            assert "edited" == uow.customers.get(ada.id).name

    def test_edits_in_place_are_found(self, store: BillingStore) -> None:
        """U8: nested lists, dictionaries and attrs values that were edited in place are written."""
        ada = customer(tags=["a"], metadata={"deep": {"list": [1]}}, address=Address("London"))
        save(store, ada)
        with store.unit_of_work() as uow:
            found = uow.customers.get(ada.id)
            found.tags.append("b")
            found.metadata["deep"]["list"].append(2)
            assert found.address is not None
            found.address.city = "Paris"
        with store.reader() as billing:
            after = billing.customers.get(ada.id)

        assert (["a", "b"], {"deep": {"list": [1, 2]}}, Address("Paris")) == (after.tags, after.metadata, after.address)
        assert 2 == after.version

    @pytest.mark.parametrize(
        ("before", "after"),
        [(1, 1.0), (1, True), (0.0, 0), ("1", 1), ([], {}), (None, 0), ({"a": 1, "b": 2}, {"b": 2, "a": 1})],
    )
    def test_a_change_of_type_alone_is_written(self, store: BillingStore, before: object, after: object) -> None:
        """U8: 1, 1.0 and True are equal to Python and different in a store; so is the order of keys."""
        ada = customer(metadata={"x": before})
        save(store, ada)
        with store.unit_of_work() as uow:
            uow.customers.get(ada.id).metadata["x"] = after
        with store.reader() as billing:
            found = billing.customers.get(ada.id)

        assert repr(after) == repr(found.metadata["x"])
        assert 2 == found.version

    def test_nan_and_microseconds_are_no_changes(self, store: BillingStore) -> None:
        """U8: NaN differs from itself and microseconds are cut; neither causes a write."""
        ada = customer(score=float("nan"), joined_at=JOINED, metadata={"nan": float("nan")})
        save(store, ada)
        with store.unit_of_work() as uow:
            found = uow.customers.get(ada.id)
            found.score = float("nan")
            found.joined_at = JOINED + timedelta(microseconds=999)
            found.metadata["nan"] = float("nan")
        with store.reader() as billing:
            assert 1 == billing.customers.get(ada.id).version

    def test_an_edit_that_is_taken_back_writes_nothing(self, store: BillingStore) -> None:
        """U8: what counts is the difference between load and flush."""
        ada = customer(tags=["a"])
        save(store, ada)
        with store.unit_of_work() as uow:
            found = uow.customers.get(ada.id)
            found.tags.append("b")
            found.tags.pop()
            found.name, found.name = "other", found.name
        with store.reader() as billing:
            assert 1 == billing.customers.get(ada.id).version

    def test_none_removes_the_field(self, store: BillingStore) -> None:
        """U9: an optional field that becomes None is unset, and found by is_none afterwards."""
        ada = customer(nickname="countess", joined_at=JOINED)
        save(store, ada)
        with store.unit_of_work() as uow:
            found = uow.customers.get(ada.id)
            found.nickname = None
            found.joined_at = None
        with store.reader() as billing:
            again = billing.customers.get(ada.id)

        assert (None, None) == (again.nickname, again.joined_at)

    def test_versions_step_once_for_each_unit(self, store: BillingStore, clock: FixedClock) -> None:
        """U10: three flushes are one step and one updated_at; the object learns them at the commit."""
        ada = customer()
        save(store, ada)
        created = ada.updated_at
        clock.advance(timedelta(minutes=1))
        with store.unit_of_work() as uow:
            found = uow.customers.get(ada.id)
            for name in ("a", "b", "c"):
                found.name = name
                uow.flush()
                clock.advance(timedelta(minutes=1))
            assert (1, created) == (found.version, found.updated_at)
        with store.reader() as billing:
            stored = billing.customers.get(ada.id)

        assert (2, created + timedelta(minutes=1)) == (found.version, found.updated_at)
        assert (2, found.updated_at, created) == (stored.version, stored.updated_at, stored.created_at)

    def test_queries_see_the_units_own_changes(self, store: BillingStore) -> None:
        """U13: a query flushes first; after a rollback everything is as before, the version included."""
        ada = customer()
        save(store, ada)
        new = customer("new@example.org", credits=7)
        with store.unit_of_work() as uow:
            found = uow.customers.get(ada.id)
            found.credits = 7
            uow.customers.add(new)
            assert {ada.id, new.id} == {one.id for one in uow.customers.find(lambda c: c.credits == 7)}
            assert (2, True) == (uow.customers.count(), uow.customers.exists(lambda c: c.credits == 7))
            assert 2 == sum(1 for _ in uow.customers.stream())
            uow.rollback()
        with store.reader() as billing:
            assert [0] == [one.credits for one in billing.customers.find()]
        assert (1, 0) == (found.version, new.version)
        save(store, new)

    def test_autoflush_can_be_switched_off(self, store: BillingStore) -> None:
        """U13: without autoflush a query shows the stored state; the commit still writes."""
        with store.unit_of_work(autoflush=False) as uow:
            uow.customers.add(customer())
            assert 0 == uow.customers.count()
            uow.flush()
            assert 1 == uow.customers.count()
        with store.reader() as billing:
            assert 1 == billing.customers.count()

    def test_deletes_come_before_updates_and_inserts(self, store: BillingStore) -> None:
        """U11: a unique value that is freed in the unit can be taken in the same unit."""
        ada, bob = customer("ada@example.org"), customer("bob@example.org")
        save(store, ada, bob)
        with store.unit_of_work() as uow:
            uow.customers.add(customer("bob@example.org", name="third"))
            uow.customers.get(bob.id).email = "ada@example.org"
            uow.customers.remove(uow.customers.get(ada.id))
        with store.reader() as billing:
            assert {"ada@example.org": "bob", "bob@example.org": "third"} == {
                one.email: one.name for one in billing.customers.find()
            }

    def test_swapping_unique_values(self, store: BillingStore) -> None:
        """U11: a swap is written by one flush; with flushes of one's own in between it works too."""
        ada, bob = customer("ada@example.org"), customer("bob@example.org")
        save(store, ada, bob)
        for _ in range(2):
            with store.unit_of_work() as uow:
                first, second = uow.customers.get(ada.id), uow.customers.get(bob.id)
                first.email, second.email = second.email, first.email
        with store.unit_of_work() as uow:
            first, second = uow.customers.get(ada.id), uow.customers.get(bob.id)
            first.email = "free@example.org"
            uow.flush()
            second.email = "ada@example.org"
            uow.flush()
            first.email = "bob@example.org"
        with store.reader() as billing:
            assert "bob@example.org" == billing.customers.get(ada.id).email

    def test_what_was_added_and_removed_was_never_there(self, store: BillingStore) -> None:
        """add then remove writes nothing; remove then add keeps the entity; both also across a flush."""
        stored = customer("stored@example.org")
        save(store, stored)
        brief, flushed = customer("brief@example.org"), customer("flushed@example.org")
        with store.unit_of_work() as uow:
            uow.customers.add(brief)
            uow.customers.remove(brief)
            uow.customers.add(flushed)
            uow.flush()
            uow.customers.remove(flushed)
            found = uow.customers.get(stored.id)
            uow.customers.remove(found)
            uow.customers.add(found)
            found.name = "kept"
        with store.reader() as billing:
            assert ["kept"] == [one.name for one in billing.customers.find()]
            with pytest.raises(NotFound):
                billing.customers.get(flushed.id)

    def test_removed_in_a_flush_and_added_again(self, store: BillingStore) -> None:
        """T22: an id that was deleted in this unit can be inserted again in it."""
        ada = customer()
        save(store, ada)
        with store.unit_of_work() as uow:
            found = uow.customers.get(ada.id)
            uow.customers.remove(found)
            uow.flush()
            found.name = "again"
            uow.customers.add(found)
        with store.reader() as billing:
            assert ("again", 1) == (billing.customers.get(ada.id).name, billing.customers.get(ada.id).version)
        assert 1 == found.version

    def test_attach_saves_edits_made_elsewhere(self, store: BillingStore) -> None:
        """attach() compares the version and writes only what differs."""
        ada = customer(credits=5)
        save(store, ada)
        with store.reader() as billing:
            loaded = billing.customers.get(ada.id)
        loaded.name = "edited outside"
        with store.unit_of_work() as uow:
            uow.customers.attach(loaded)
        with store.reader() as billing:
            assert ("edited outside", 2) == (billing.customers.get(ada.id).name, loaded.version)

    def test_attach_refuses_what_moved_on(self, store: BillingStore) -> None:
        """U12: VersionConflict names the entity, the version expected and the one found, None if it is gone."""
        ada = customer()
        save(store, ada)
        with store.reader() as billing:
            stale, gone = billing.customers.get(ada.id), customer("gone@example.org")
        object.__setattr__(gone, "version", 3)
        with store.unit_of_work() as uow:
            uow.customers.get(ada.id).name = "moved on"
        with store.unit_of_work() as uow:
            with pytest.raises(VersionConflict) as moved:
                uow.customers.attach(stale)
            with pytest.raises(VersionConflict) as removed:
                uow.customers.remove(gone)

        def facts(error: VersionConflict) -> list[tuple[Any, ...]]:
            return [(one.entity, one.id, one.expected, one.actual) for one in error.stale]

        assert [("Customer", ada.id, 1, 2)] == facts(moved.value)
        assert [("Customer", gone.id, 3, None)] == facts(removed.value)
        assert isinstance(moved.value.stale[0], Stale)

    def test_a_second_object_for_an_entity_is_refused(self, store: BillingStore) -> None:
        """U7: add, attach and remove refuse an object when another one stands for the entity already."""
        ada = customer()
        save(store, ada)
        with store.reader() as billing:
            other = billing.customers.get(ada.id)
        with store.unit_of_work() as uow:
            uow.customers.get(ada.id)
            for write in (uow.customers.attach, uow.customers.remove, uow.customers.add):
                with pytest.raises(UnitOfWorkError, match="another object"):
                    write(other)

    def test_refresh_discards_edits(self, store: BillingStore) -> None:
        """refresh() gives the object the stored values as the unit sees them."""
        ada = customer(credits=5)
        save(store, ada)
        with store.unit_of_work() as uow:
            found = uow.customers.get(ada.id)
            found.credits = 6
            uow.flush()
            found.credits = 9
            found.tags.append("x")
            uow.customers.refresh(found)
            assert (6, []) == (found.credits, found.tags)
        with store.reader() as billing:
            assert (6, 2) == (billing.customers.get(ada.id).credits, found.version)

    def test_before_save_sees_what_was_modified(self, store: BillingStore) -> None:
        """The hook runs on adds and edits, may change the entity, and knows the modified fields."""
        ada = customer()
        invoice = Invoice(number="1", customer_id=ada.id)
        with store.unit_of_work() as uow:
            uow.customers.add(ada)
            uow.invoices.add(invoice)
        with store.reader() as billing:
            new = billing.invoices.get(invoice.id)
        with store.unit_of_work() as uow:
            uow.invoices.get(invoice.id).paid_at = JOINED
        with store.reader() as billing:
            edited = billing.invoices.get(invoice.id)

        assert ("invoice-1", ["new"]) == (new.slug, new.saved_fields)
        assert ["paid_at"] == edited.saved_fields

    def test_before_remove_cascades(self, store: BillingStore) -> None:
        """The hook reaches the unit's other repositories; everything goes in one transaction."""
        ada, bob = customer("ada@example.org"), customer("bob@example.org")
        with store.unit_of_work() as uow:
            for one in (ada, bob):
                uow.customers.add(one)
                uow.invoices.add(Invoice(number=f"1-{one.name}", customer_id=one.id))
                uow.invoices.add(Invoice(number=f"2-{one.name}", customer_id=one.id))
        with store.unit_of_work() as uow:
            uow.customers.remove(uow.customers.get(ada.id))
        with store.reader() as billing:
            assert {"1-bob", "2-bob"} == {one.number for one in billing.invoices.find()}

    def test_a_cascade_finds_what_the_unit_has_not_flushed_yet(self, store: BillingStore) -> None:
        """U13: a query inside a hook sees the pending changes of its own unit, so a cascade leaves no orphan."""
        ada = customer()
        save(store, ada)
        with store.unit_of_work() as uow:
            uow.invoices.add(Invoice(number="1", customer_id=ada.id))
            uow.customers.remove(uow.customers.get(ada.id))
        with store.reader() as billing:
            assert (0, 0) == (billing.customers.count(), billing.invoices.count())

    def test_a_hook_that_guards_a_rule_sees_pending_entities(self, open_billing: OpenBilling) -> None:
        """U13: a rule that a hook checks by a query holds among the entities of one unit too."""

        class Guarded(InvoiceRepository):
            def before_save(self, entity: Invoice, change: Change, uow: UnitOfWork[Any]) -> None:
                if self.exists(lambda i: (i.customer_id == entity.customer_id) & (i.id != entity.id)):
                    raise RuntimeError("one invoice for each customer")
                super().before_save(entity, change, uow)

        store = open_billing(documents=(DOCUMENTS[0], attrs.evolve(DOCUMENTS[1], repository=Guarded)))
        ada, bob = customer("ada@example.org"), customer("bob@example.org")
        with store.unit_of_work() as uow:
            uow.invoices.add(Invoice(number="1", customer_id=ada.id))
            uow.invoices.add(Invoice(number="2", customer_id=bob.id))
        with pytest.raises(RuntimeError, match="one invoice"), store.unit_of_work() as uow:
            uow.invoices.add(Invoice(number="3", customer_id=CustomerId(new_id())))
            third = Invoice(number="4", customer_id=uow.invoices.find()[0].customer_id)
            uow.invoices.add(third)
        with store.reader() as billing:
            assert {"1": "invoice-1", "2": "invoice-2"} == {one.number: one.slug for one in billing.invoices.find()}

    def test_a_version_that_the_unit_itself_moved_on(self, store: BillingStore) -> None:
        """U10: until the commit, get(id, version=) compares with the version that the caller can see."""
        ada = customer()
        save(store, ada)
        with store.unit_of_work() as uow:
            found = uow.customers.get(ada.id)
            found.credits += 1
            uow.flush()
            assert found is uow.customers.get(ada.id, version=found.version)

    def test_refresh_keeps_what_the_unit_has_promised(self, store: BillingStore) -> None:
        """refresh() keeps a lock, forgets no stamp, and does not bring back what is removed."""
        ada, new = customer("ada@example.org"), customer("new@example.org")
        save(store, ada)
        with store.unit_of_work() as uow:
            found = uow.customers.get(ada.id)
            uow.lock(found)
            uow.customers.refresh(found)
        assert found.version == 2
        with store.unit_of_work() as uow:
            uow.customers.add(new)
            uow.flush()
            uow.customers.refresh(new)
            removed = uow.customers.get(ada.id)
            uow.customers.remove(removed)
            with pytest.raises(NotFound):
                uow.customers.refresh(removed)
            uow.rollback()
        assert customer().created_at == new.created_at

    def test_an_id_does_not_change(self, store: BillingStore) -> None:
        """Who an entity is cannot be edited: the assignment is refused, and nothing else is touched."""
        ada, bob = customer("ada@example.org"), customer("bob@example.org")
        save(store, ada, bob)
        with store.unit_of_work() as uow:
            found = uow.customers.get(ada.id)
            with pytest.raises(ValidationError, match="id: cannot change"):
                found.id = bob.id
            object.__setattr__(found, "id", bob.id)
            found.name = "x"
            with pytest.raises(ValidationError, match="id: cannot change"):
                uow.flush()
            uow.rollback()
        with store.reader() as billing:
            assert {"ada", "bob"} == {one.name for one in billing.customers.find()}

    def test_what_was_never_stored_cannot_be_attached(self, store: BillingStore) -> None:
        """attach() and remove() of a new entity say to add it."""
        with store.unit_of_work() as uow:
            for write in (uow.customers.attach, uow.customers.remove):
                with pytest.raises(UnitOfWorkError, match="never stored"):
                    write(customer())

    def test_an_error_in_a_hook_rolls_back(self, store: BillingStore) -> None:
        """What a hook raises reaches the caller, and nothing is written."""
        ada = customer()
        with pytest.raises(RuntimeError, match="needs a number"), store.unit_of_work() as uow:
            uow.customers.add(ada)
            uow.invoices.add(Invoice(number="", customer_id=ada.id))
        with store.reader() as billing:
            assert not billing.customers.exists()

    def test_a_replacing_repository_writes_whole_documents(self, open_billing: OpenBilling) -> None:
        """U9: update='replace' writes the document as the entity has it; versions and hooks stay."""
        documents = tuple(attrs.evolve(found, update="replace") for found in DOCUMENTS)
        store = open_billing(documents=documents)
        ada = customer(nickname="n")
        save(store, ada)
        with store.unit_of_work() as uow:
            found = uow.customers.get(ada.id)
            found.nickname, found.name = None, "whole"
        with store.reader() as billing:
            again = billing.customers.get(ada.id)

        assert ("whole", None, 2) == (again.name, again.nickname, again.version)

    def test_snake_case_and_own_keys(self, open_billing: OpenBilling) -> None:
        """A store may keep snake_case keys, or keys of its own; queries and sorts follow."""
        documents = (
            Documents(CustomerRepository, collection="customers", naming="snake_case", keys={"credits": "money"}),
            Documents(InvoiceRepository, collection="invoices"),
        )
        store = open_billing(documents=documents, prepare="off")
        ada = customer(joined_at=JOINED, credits=3)
        save(store, ada)
        [document] = stored_documents(store, "customers")
        with store.reader() as billing:
            found = billing.customers.find(lambda c: c.credits == 3, sort="-joined_at")

        assert {"joined_at", "created_at", "money"} <= set(document)
        assert [ada] == found

    @pytest.mark.parametrize(
        ("declared", "words"),
        [
            ({"keys": {"nope": "x"}}, "name nope"),
            ({"keys": {"name": "version"}}, "share the document key 'version'"),
            ({"keys": {"name": "$name"}}, "'\\$name'"),
            ({"naming": "kebab-case"}, "naming of Documents must be camelCase or snake_case"),
            ({"update": "merge"}, "update of Documents must be set or replace"),
        ],
    )
    def test_a_wrong_declaration_is_refused_at_once(
        self, open_billing: OpenBilling, declared: dict[str, Any], words: str
    ) -> None:
        """A key of no field or of two, an unknown naming or form of update: ConfigurationError before any I/O."""
        with pytest.raises(ConfigurationError, match=words):
            open_billing(documents=(Documents(CustomerRepository, collection="customers", **declared), DOCUMENTS[1]))

    def test_documents_have_camel_case_keys_and_a_schema_version(self, store: BillingStore) -> None:
        """The stored form is the guideline's: camelCase, None left out, schemaVersion beside the fields."""
        save(store, customer(is_trusted=True))
        [document] = stored_documents(store, "customers")

        assert {"_id", "version", "createdAt", "updatedAt", "isTrusted", "schemaVersion"} <= set(document)
        assert (1, 1) == (document["version"], document["schemaVersion"])
        assert "nickname" not in document

    def test_a_rolled_back_entity_can_be_added_again(self, store: BillingStore) -> None:
        """An add that was rolled back leaves nothing on the object."""
        ada = customer()
        with pytest.raises(ZeroDivisionError), store.unit_of_work() as uow:
            uow.customers.add(ada)
            uow.flush()
            _ = 1 / 0
        fresh = customer()
        assert (fresh.version, fresh.created_at, fresh.updated_at) == (ada.version, ada.created_at, ada.updated_at)
        save(store, ada)
        assert 1 == ada.version

    def test_lock_takes_a_step_without_a_change(self, store: BillingStore) -> None:
        """U10: lock() bumps the version of an entity that was only read."""
        ada = customer()
        save(store, ada)
        with store.unit_of_work() as uow:
            found = uow.customers.get(ada.id)
            uow.lock(found)
            uow.lock(found)
        with store.reader() as billing:
            assert (2, 2) == (found.version, billing.customers.get(ada.id).version)

    def test_units_of_other_threads_have_their_own_entities(self, store: BillingStore) -> None:
        """Two units share nothing: each has its own object."""
        ada = customer()
        save(store, ada)
        seen: list[Customer] = []

        def load() -> None:
            with store.unit_of_work() as uow:
                seen.append(uow.customers.get(ada.id))

        elsewhere(load)
        elsewhere(load)

        assert seen[0] is not seen[1]


def stored_documents(store: BillingStore, collection: str) -> list[dict[str, Any]]:
    """The documents of a collection as the backend has them."""
    from tristore.adapters.backend import Query

    return store.backend.find(collection, Query(), transaction=None, timeout=5.0).to_list()
