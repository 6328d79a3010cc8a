"""What users try their own code with, on each backend: strategies, rules, factories, and the count of queries."""

from collections.abc import Callable
from typing import Any

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sized import sized

from tristore import ConfigurationError, DocumentStore, Entity, Specification, VersionConflict
from tristore.adapters.backend import Delete, WritePlan
from tristore.domain.core import Project, User, UserStatus
from tristore.services import CreditService
from tristore.testing import (
    AnyStore,
    EntityFactory,
    StorePersistence,
    document_store,
    entities,
    factory_of,
    queries,
    specifications,
)
from tristore.three_stores import Stores

from ..billing import DOCUMENTS, BillingUnitOfWork, Customer

ENTITIES = [
    *(("core", name) for name in ("users", "organizations", "projects", "tokens", "sessions", "transfers")),
    *(("analytics", name) for name in ("playback", "metrics", "usage")),
    *(("systemlogs", name) for name in ("logs", "errors", "audit")),
    *(("billing", name) for name in ("customers", "invoices")),
]
"""Every entity of the three stores and of the sample domain, by store and repository."""

GIVEN: dict[str, dict[str, Any]] = {"invoices": {"number": st.text(min_size=1)}}
"""What the hooks of a repository ask for beyond the rules of the entity."""

LAW = settings(deadline=None, database=None)

BillingStore = DocumentStore[BillingUnitOfWork]
OpenNamed = Callable[[str], DocumentStore[Any]]


def values_of(entity: Entity[Any]) -> dict[str, Any]:
    """Every field of an entity with its value."""
    return {field.name: getattr(entity, field.name) for field in attrs.fields(type(entity))}


def binding_of(store: DocumentStore[Any], name: str) -> Any:
    """How a store keeps what one of its repositories holds: an inner value, which nothing but this suite looks at."""
    return store.environment.bindings[name]


def forget(store: DocumentStore[Any], name: str, *gone: Entity[Any]) -> None:
    """Remove entities below the repository, whose hooks may refuse it."""
    binding = binding_of(store, name)
    ids = [binding.mapping.dump_id(one.id) for one in gone]
    plan = WritePlan(binding.collection, binding.mapping.version_key, deletes=[Delete(id_, 1) for id_ in ids])
    done = store.backend.write(plan, transaction=None, timeout=5.0)
    assert len(gone) == done.deleted


class KitContract:
    """Subclass it with the fixtures `stores` and `open_any`."""

    @pytest.fixture
    def billing(self, open_any: AnyStore) -> BillingStore:
        """The sample domain's store."""
        return open_any(BillingUnitOfWork, documents=DOCUMENTS)

    @pytest.fixture
    def named(self, stores: Stores, billing: BillingStore) -> OpenNamed:
        """A store by its name."""
        return lambda name: billing if name == "billing" else document_store(getattr(stores, name))

    @sized(10, soak=60)
    @pytest.mark.parametrize(("store", "name"), ENTITIES)
    def test_every_derived_entity_comes_back_as_it_was(
        self, named: OpenNamed, store: str, name: str, examples: int
    ) -> None:
        """What `entities` makes is accepted by the store, and loads with equal values of the same types."""
        target = named(store)
        cls = binding_of(target, name).repository.entity

        @settings(LAW, max_examples=examples)
        @given(entities(cls, **GIVEN.get(name, {})))
        def comes_back(entity: Entity[Any]) -> None:
            with target.unit_of_work() as uow:
                getattr(uow, name).add(entity)
            with target.reader() as reader:
                found = getattr(reader, name).get(entity.id)
            forget(target, name, entity)

            assert values_of(entity) == values_of(found)
            assert list(map(type, values_of(entity).values())) == list(map(type, values_of(found).values()))

        comes_back()

    @sized(10, soak=60)
    @pytest.mark.parametrize(("store", "name"), ENTITIES)
    def test_derived_rules_hold_of_what_the_store_finds(
        self, named: OpenNamed, store: str, name: str, examples: int
    ) -> None:
        """A store finds exactly those entities that satisfy a rule of `specifications`."""
        target = named(store)
        cls = binding_of(target, name).repository.entity
        one = entities(cls, **GIVEN.get(name, {}))
        several = st.lists(one, min_size=1, max_size=3, unique_by=_unique(target, name))
        met: list[bool] = []

        @settings(LAW, max_examples=examples)
        @given(several, st.lists(specifications(cls), min_size=1, max_size=5))
        def agree(stored: list[Entity[Any]], rules: list[Specification[Any]]) -> None:
            with target.unit_of_work() as uow:
                for one in stored:
                    getattr(uow, name).add(one)
            with target.reader() as reader:
                found = [{one.id for one in getattr(reader, name).find(rule)} for rule in rules]
            forget(target, name, *stored)
            expected = [{one.id for one in stored if rule.is_satisfied_by(one)} for rule in rules]
            met.extend(map(bool, expected))

            assert expected == found

        agree()

        assert {True, False} == set(met)

    @pytest.mark.parametrize(("store", "name"), ENTITIES)
    def test_factories_store_every_entity(self, named: OpenNamed, store: str, name: str) -> None:
        """A factory made from an entity stores as many as are asked for, and they load as they were."""
        target = named(store)
        made = factory_of(binding_of(target, name).repository.entity).save(target, count=25)
        with target.reader() as reader:
            found = [getattr(reader, name).get(one.id) for one in made]

        assert 25 == len(made)
        assert list(map(values_of, made)) == list(map(values_of, found))

    def test_factories_wire_references_by_entities(self, stores: Stores) -> None:
        """An entity given for a reference stands for its id, for one entity or for many."""
        ada = factory_of(User).save(stores.core, username="ada", status=UserStatus.ACTIVE)
        projects = factory_of(Project).save(stores.core, count=3, owner_id=ada)
        with stores.core.reader() as core:
            owned = core.projects.count(lambda p: p.owner_id == ada.id)

        assert (3, 3) == (len(projects), owned)

    def test_factories_join_an_open_unit(self, billing: BillingStore) -> None:
        """Saved through an open unit of work, entities go with it, also when it rolls back."""
        with billing.unit_of_work() as uow:
            factory_of(Customer).save(uow, count=2)
            uow.rollback()
        with billing.unit_of_work() as uow:
            kept = factory_of(Customer).save(uow)
        with billing.reader() as reader:
            found = reader.customers.find()

        assert [kept.id] == [one.id for one in found]

    def test_polyfactory_persists_through_a_unit(self, billing: BillingStore) -> None:
        """polyfactory's own way to persist works with the store behind it."""

        class CustomerFactory(EntityFactory[Customer]):
            __sync_persistence__ = StorePersistence[Customer](billing)

            name = "Ada"

        made = [CustomerFactory.create_sync(), *CustomerFactory.create_batch_sync(2, credits=7)]
        with billing.reader() as reader:
            found = [(one.name, one.credits == 7) for one in map(reader.customers.get, (one.id for one in made))]

        assert [("Ada", made[0].credits == 7), ("Ada", True), ("Ada", True)] == found

    def test_a_factory_needs_a_repository_of_its_entity(self, billing: BillingStore) -> None:
        """A store that keeps no such entities is refused by name, and stays as it is."""
        with pytest.raises(ConfigurationError, match="BillingUnitOfWork has no repository of User"):
            factory_of(User).save(billing)

    def test_queries_are_counted_alike_on_every_backend(self, stores: Stores) -> None:
        """A service call costs the same operations on the same collections wherever the store is."""
        ada, bob = factory_of(User).save(stores.core, count=2, credits=10)
        with queries(stores.core) as seen:
            CreditService(stores.core).transfer(ada.id, bob.id, 4)

        wanted = ["find users", "write users", "write transfers", "write tristore_outbox", "commit"]
        assert wanted == seen.operations
        assert all("credits.py:" in query.place for query in seen)

    def test_reads_are_counted_where_they_are_asked(self, billing: BillingStore) -> None:
        """Reads of a reader, of a stream and of a page count, each with the line of the caller."""
        factory_of(Customer).save(billing, count=30)
        with queries(billing) as seen, billing.reader() as reader:
            reader.customers.get(reader.customers.first().id)  # type: ignore[union-attr]
            reader.customers.exists()
            assert 30 == len(list(reader.customers.stream()))
            reader.customers.page(limit=10)

        assert ["find", "find", "count", "find", "find", "count"] == [query.operation for query in seen]
        assert {"customers"} == {query.collection for query in seen}
        *alone, _, _ = seen  # a page and its count may be asked for in threads of the store
        assert all("kit_suite.py:" in query.place for query in alone)

    def test_an_open_unit_can_be_watched(self, billing: BillingStore) -> None:
        """Watching may begin and end in the middle of a unit, which goes on undisturbed."""
        made = factory_of(Customer).save(billing)
        with billing.unit_of_work() as uow:
            found = uow.customers.get(made.id)
            with queries(billing) as seen:
                uow.invoices.count()
            found.credits += 1
        with billing.reader() as reader:
            stored = reader.customers.get(made.id)

        assert (["count invoices"], made.credits + 1) == (seen.operations, stored.credits)

    def test_failed_operations_are_seen_too(self, billing: BillingStore) -> None:
        """An operation that raised was asked all the same, and the watching ends with the block."""
        made = factory_of(Customer).save(billing)
        with pytest.raises(VersionConflict), queries(billing) as seen, billing.unit_of_work() as uow:
            uow.customers.get(made.id, version=5)
        with billing.reader() as reader:
            reader.customers.count()

        assert ["find customers"] == seen.operations

    def test_several_stores_are_watched_together(self, stores: Stores, billing: BillingStore) -> None:
        """The operations of several stores stand in one list, each with the name of its store."""
        with queries(stores.core, billing) as seen:
            with stores.core.reader() as core:
                core.users.count()
            with billing.reader() as reader:
                reader.invoices.count()

        assert [("core", "users"), ("billing", "invoices")] == [(one.store, one.collection) for one in seen]

    def test_a_wrong_count_is_explained(self, billing: BillingStore) -> None:
        """The failure lists each query with its place."""
        with queries(billing) as seen, billing.reader() as reader:
            reader.customers.count()
            reader.invoices.find()
        with pytest.raises(AssertionError) as failure:
            seen.assert_count(1)
        lines = str(failure.value).splitlines()
        numbered = [" ".join(line.split()[:3]) for line in lines if ".py:" in line]

        assert "expected 1, seen 2 queries" == lines[0]
        assert ["1. count customers", "2. find invoices"] == numbered
        seen.assert_count(2)


def _unique(store: DocumentStore[Any], name: str) -> tuple[Callable[[Any], object], ...]:
    """What no two entities of a repository may have in common; an optional value may be missing everywhere."""
    keys = [("id",), *(key.fields for key in binding_of(store, name).repository.unique)]

    def value(fields: tuple[str, ...]) -> Callable[[Any], object]:
        return lambda one: tuple(getattr(one, field) for field in fields) if _is_there(one, fields) else one.id

    return tuple(map(value, keys))


def _is_there(entity: Entity[Any], fields: tuple[str, ...]) -> bool:
    return any(getattr(entity, field) is not None for field in fields)
