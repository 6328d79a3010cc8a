"""One random history on two backends: every answer is compared, field by field, and at the end every document."""

import contextvars
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import attrs
from contracts.billing import DOCUMENTS, Address, BillingUnitOfWork, Customer, Status, customer
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from tristore import (
    DocumentStore,
    FixedClock,
    Id,
    Specification,
    TristoreError,
    contains,
    is_none,
    not_,
    one_of,
    some,
    where,
)
from tristore.adapters.backend import Query

START = datetime(2026, 1, 31, 12, 0, tzinfo=UTC)
SLOTS = (0, 1)
NAMES = ("ada", "bob", "Cid", "", "ä", "zoe")
EMAILS = tuple(f"{name}@example.org" for name in ("a", "b", "c", "d", "e"))
SORTABLE = ("email", "name", "nickname", "status", "credits", "score", "balance", "is_trusted", "joined_at", "version")

names = st.sampled_from(NAMES)
credits = st.integers(0, 5) | st.sampled_from([2**31, 2**53 + 1, 2**63 - 1])
scores = st.sampled_from([0.0, -0.0, 0.1, 1.0, 1.5, float("inf"), float("nan")])
balances = st.sampled_from([Decimal(0), Decimal("0.10"), Decimal("0.1"), Decimal(-3), Decimal("1E+3")])
moments = st.integers(0, 3).map(lambda n: START + timedelta(milliseconds=n))
free = st.sampled_from([0, 1, 1.0, True, None, "x", [1, 2], {"deep": "y"}, START, Decimal("1.5")])
photos = st.sampled_from([b"", b"a", b"b", b"aa", b"\xff"])
tags = st.lists(st.sampled_from(["vip", "new", ""]), max_size=3)

values: dict[str, st.SearchStrategy[Any]] = {
    "name": names,
    "nickname": st.none() | st.sampled_from(["n", "m"]),
    "status": st.sampled_from(Status),
    "credits": credits,
    "score": scores,
    "balance": balances | st.just(Decimal("NaN")),
    "is_trusted": st.booleans(),
    "joined_at": st.none() | moments,
    "address": st.none() | st.builds(Address, st.sampled_from(["London", "Paris"]), st.none() | st.just("N1")),
    "tags": tags,
    "metadata": st.dictionaries(st.sampled_from(["x", "y"]), free, max_size=2),
    "photo": st.none() | photos,
}
edits = st.sampled_from(sorted(values)).flatmap(lambda name: st.tuples(st.just(name), values[name]))
entities = st.fixed_dictionaries({"email": st.sampled_from(EMAILS)}, optional=values)


def _comparison(name: str, strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[Specification[Customer]]:
    """Rules that compare one declared scalar with a value."""
    import operator

    compare = st.sampled_from([operator.eq, operator.ne, operator.lt, operator.le, operator.gt, operator.ge])

    def build(how: Callable[[Any, Any], Any], value: Any) -> Specification[Customer]:
        return where(Customer, lambda c: how(some(getattr(c, name)), value))

    return st.builds(build, compare, strategy)


leaves = st.one_of(
    _comparison("name", names),
    _comparison("nickname", st.sampled_from(["n", "m"])),
    _comparison("credits", credits),
    _comparison("score", st.sampled_from([0.0, 0.1, 1.0, 1.5, float("inf")])),
    _comparison("balance", balances),
    _comparison("joined_at", moments),
    _comparison("is_trusted", st.booleans()),
    _comparison("status", st.sampled_from(Status)),
    _comparison("photo", photos),
    st.builds(lambda n: where(Customer, lambda c: one_of(c.name, n)), st.lists(names, max_size=3)),
    st.builds(lambda n: where(Customer, lambda c: c.name.startswith(n)), st.sampled_from(["a", "A", "C", "."])),
    st.builds(lambda n: where(Customer, lambda c: c.email.endswith(n)), st.sampled_from(["b@example.org", ".org"])),
    st.builds(lambda tag: where(Customer, lambda c: contains(c.tags, tag)), st.sampled_from(["vip", ""])),
    st.just(where(Customer, lambda c: is_none(c.nickname))),
    st.just(where(Customer, lambda c: is_none(c.joined_at))),
    st.just(where(Customer, lambda c: some(c.address).city == "London")),
)
rules = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.builds(lambda a, b: a & b, inner, inner),
        st.builds(lambda a, b: a | b, inner, inner),
        st.builds(not_, inner),
    ),
    max_leaves=4,
)
directions = st.sampled_from(SORTABLE).flatmap(lambda name: st.sampled_from([name, f"-{name}"]))
sorts = st.lists(directions, max_size=2, unique_by=lambda name: name.strip("-"))


class Twin:
    """One backend with its two units of work."""

    def __init__(self, store: DocumentStore[BillingUnitOfWork]) -> None:
        self.store = store
        self.units: list[BillingUnitOfWork | None] = [None, None]

    def begin(self, slot: int) -> None:
        """Open a unit; interleaved units live in contexts of their own."""
        unit = self.store.unit_of_work()
        contextvars.Context().run(unit.__enter__)
        self.units[slot] = unit

    def unit(self, slot: int) -> BillingUnitOfWork:
        """The open unit of a slot."""
        unit = self.units[slot]
        assert unit is not None
        return unit


def plain(answer: Any) -> Any:
    """An answer as values that compare exactly: types, NaN, the order of keys."""
    if isinstance(answer, Customer):
        return {name: plain(getattr(answer, name)) for name in attrs.fields_dict(Customer)}
    if isinstance(answer, list | tuple):
        return [plain(one) for one in answer]
    if isinstance(answer, BaseException):
        return f"{type(answer).__name__} {getattr(answer, 'fields', '')}"
    return repr(answer)


class Histories(RuleBasedStateMachine):
    """Adds, edits in place, removals, queries, commits and rollbacks of two interleaved units."""

    stores: Callable[[], tuple[DocumentStore[BillingUnitOfWork], DocumentStore[BillingUnitOfWork]]]
    clock: FixedClock
    met: set[str]

    def __init__(self) -> None:
        super().__init__()
        self.ids: list[Id] = []
        self.twins: list[Twin] = []
        self.open = [False, False]

    @initialize()
    def begin_with_empty_stores(self) -> None:
        """Both stores are empty and both units closed."""
        self.twins = [Twin(store) for store in type(self).stores()]

    def both(self, act: Callable[[Twin], Any]) -> Any:
        """Do it on both backends and compare the answers, errors included."""
        answers = []
        for twin in self.twins:
            try:
                answers.append(plain(act(twin)))
            except TristoreError as error:
                answers.append(plain(error))
        assert answers[0] == answers[1]
        if isinstance(answers[0], str):
            type(self).met.add(answers[0].partition(" ")[0])
        return answers[0]

    def in_unit(self, slot: int, act: Callable[[BillingUnitOfWork], Any]) -> None:
        """Do it in the unit of a slot, which is opened first if need be."""
        if not self.open[slot]:
            for twin in self.twins:
                twin.begin(slot)
            self.open[slot] = True
        self.both(lambda twin: act(twin.unit(slot)))

    @rule(slot=st.sampled_from(SLOTS), fields=entities)
    def add(self, slot: int, fields: dict[str, Any]) -> None:
        """Add a new customer."""
        number = len(self.ids)
        new_id = Id(f"{number:024x}")
        self.ids.append(new_id)

        def act(uow: BillingUnitOfWork) -> None:
            given = {name: attrs.evolve(v) if attrs.has(type(v)) else _copied(v) for name, v in fields.items()}
            uow.customers.add(customer(given.pop("email"), id=new_id, **given))

        self.in_unit(slot, act)

    @rule(slot=st.sampled_from(SLOTS), which=st.integers(0, 20), edit=edits)
    @precondition(lambda self: self.ids)
    def edit(self, slot: int, which: int, edit: tuple[str, Any]) -> None:
        """Load a customer and change one field, lists and dictionaries in place."""
        chosen = self.ids[which % len(self.ids)]

        def act(uow: BillingUnitOfWork) -> Customer:
            found = uow.customers.get(chosen)  # type: ignore[arg-type]
            name, value = edit
            current = getattr(found, name)
            if isinstance(current, list):
                current[:] = value
            elif isinstance(current, dict):
                current.clear()
                current.update(_copied(value))
            else:
                setattr(found, name, _copied(value))
            return found

        self.in_unit(slot, act)

    @rule(slot=st.sampled_from(SLOTS), which=st.integers(0, 20))
    @precondition(lambda self: self.ids)
    def remove(self, slot: int, which: int) -> None:
        """Remove a customer."""
        chosen = self.ids[which % len(self.ids)]
        self.in_unit(slot, lambda uow: uow.customers.remove(uow.customers.get(chosen)))  # type: ignore[arg-type]

    @rule(slot=st.sampled_from(SLOTS), wanted=rules, name=names, by=st.integers(-2, 2) | st.just(2**62))
    def change_all(self, slot: int, wanted: Specification[Customer], name: str, by: int) -> None:
        """Change all that a rule holds for, in a unit, without loading them."""
        self.in_unit(
            slot, lambda uow: uow.customers.update_where(wanted, set={"name": name}, increment={"credits": by}).matched
        )

    @rule(slot=st.sampled_from(SLOTS), wanted=rules, sort=sorts, skip=st.integers(0, 2), limit=st.integers(1, 4))
    def find(self, slot: int, wanted: Specification[Customer], sort: list[str], skip: int, limit: int) -> None:
        """Query in a unit, in a total order."""
        self.in_unit(slot, lambda uow: uow.customers.find(wanted, sort=(*sort, "id"), skip=skip, limit=limit))

    @rule(slot=st.sampled_from(SLOTS), wanted=rules)
    def count(self, slot: int, wanted: Specification[Customer]) -> None:
        """Count in a unit."""
        self.in_unit(slot, lambda uow: (uow.customers.count(wanted), uow.customers.exists(wanted)))

    @rule(wanted=rules, sort=sorts, page=st.integers(1, 3))
    def read(self, wanted: Specification[Customer], sort: list[str], page: int) -> None:
        """Read without a unit: a page, and all that the rule holds for, no more and no fewer."""

        def act(twin: Twin) -> Any:
            with twin.store.reader() as billing:
                satisfied = {one.id for one in billing.customers.find() if wanted.is_satisfied_by(one)}
                assert satisfied == {one.id for one in billing.customers.find(wanted)}
                found = billing.customers.page(wanted, sort=sort, page=page, limit=2)
                assert len(satisfied) == found.total_count
                return [found.items, found.total_count, found.has_next, found.has_prev]

        self.both(act)

    @rule(slot=st.sampled_from(SLOTS))
    def flush(self, slot: int) -> None:
        """Flush a unit."""
        self.in_unit(slot, lambda uow: uow.flush())

    @rule(slot=st.sampled_from(SLOTS), milliseconds=st.integers(0, 2))
    def commit(self, slot: int, milliseconds: int) -> None:
        """Commit a unit; a conflict rolls it back."""
        if self.open[slot]:
            self.clock.advance(timedelta(milliseconds=milliseconds))
            self.open[slot] = False
            self.both(lambda twin: twin.unit(slot).__exit__(None, None, None))

    @rule(slot=st.sampled_from(SLOTS))
    def roll_back(self, slot: int) -> None:
        """Discard a unit."""
        if self.open[slot]:
            self.open[slot] = False
            self.both(lambda twin: twin.unit(slot).rollback())

    @invariant()
    def committed_entities_are_alike(self) -> None:
        """After every step readers see the same on both backends."""
        if self.twins:
            self.both(lambda twin: _everything(twin.store))

    def teardown(self) -> None:
        """At the end the stored documents are the same, key by key."""
        for slot in SLOTS:
            self.roll_back(slot)
        if self.twins:
            documents = [_documents(twin.store) for twin in self.twins]
            assert documents[0] == documents[1]


def _everything(store: DocumentStore[BillingUnitOfWork]) -> list[Customer]:
    with store.reader() as billing:
        return list(billing.customers.find(sort="id"))


def _documents(store: DocumentStore[BillingUnitOfWork]) -> list[str]:
    found = store.backend.find("customers", Query(), transaction=None, timeout=5.0).to_list()
    return sorted(repr(document) for document in found)


def _copied(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _copied(item) for key, item in value.items()}
    return [_copied(item) for item in value] if isinstance(value, list) else value


__all__ = ["DOCUMENTS", "Histories"]
