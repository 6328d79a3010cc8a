"""What is said of queries that no index serves, on every backend."""

from collections.abc import Sequence
from typing import Any

import pytest
from attrs import define, field

from tristore import (
    Documents,
    DocumentStore,
    Entity,
    Index,
    Repository,
    TristoreError,
    Unique,
    UnitOfWork,
    count,
    is_none,
)
from tristore.testing import AnyStore, no_scans, scans


@define(kw_only=True)
class Ticket(Entity):
    """Something to do."""

    number: int
    queue: str
    title: str = ""
    priority: int = field(default=0)


@define
class Tally:
    """How many there are."""

    queue: str
    tickets: int


class Tickets(Repository[Ticket]):
    """Named queries: some with an index, some without."""

    unique = (Unique("number"),)

    def by_number(self, number: int) -> Ticket | None:
        """By the unique key."""
        return self.first(lambda t: t.number == number)

    def of_queue(self, queue: str, limit: int = 10) -> Sequence[Ticket]:
        """By an index, in its order."""
        return self.find(lambda t: t.queue == queue, sort="-priority", limit=limit)

    def everything(self) -> list[Ticket]:
        """All of them, on purpose."""
        return list(self.stream())

    def titled(self, title: str) -> Sequence[Ticket]:
        """By a field without an index."""
        return self.find(lambda t: t.title == title)

    def titled_in_order(self, title: str) -> Sequence[Ticket]:
        """By a field without an index, in the order of one: its every key is looked at."""
        return self.find(lambda t: t.title == title, sort=("queue", "-priority"), limit=10)

    def in_order(self) -> Sequence[Ticket]:
        """The first ones in the order of an index."""
        return self.find(sort=("queue", "-priority"), limit=10)

    def urgent(self, least: int) -> int:
        """Counted by a field without an index of its own."""
        return self.count(lambda t: t.priority >= least)

    def tallies(self, title: str) -> Sequence[Tally]:
        """Added up, by a field without an index."""
        return self.rollup(
            Tally, lambda t: t.title == title, by=lambda t: {"queue": t.queue}, values=lambda t: {"tickets": count()}
        )

    def guarded(self, what: object) -> Sequence[Ticket]:
        """With a parameter for which nobody knows a value."""
        return self.find(lambda t: is_none(t.title) & (t.queue == str(what)))

    def failing(self) -> Sequence[Ticket]:
        """Raises before it asks."""
        raise TristoreError("not today")


class Desk(UnitOfWork):
    """Where the tickets are."""

    tickets: Tickets


DOCUMENTS = (Documents(Tickets, collection="tickets", indexes=(Index("queue", "-priority"),)),)

DeskStore = DocumentStore[Desk]


class ScanContract:
    """The report over named queries, and the block that fails."""

    @pytest.fixture
    def store(self, open_store_here: AnyStore) -> DeskStore:
        """A prepared store with two tickets."""
        store = open_store_here(Desk, documents=DOCUMENTS)
        with store.unit_of_work() as uow:
            for number in (1, 2):
                uow.tickets.add(Ticket(number=number, queue="q", title="t"))
        return store

    def test_named_queries_are_explained(self, store: DeskStore) -> None:
        """Each named query is explained without being carried out; those that nothing serves are reported."""
        report = scans(store)
        found = {scan.place: (scan.text, scan.suggestion) for scan in report.scans}

        assert {
            "Tickets.titled": ("{title: {$eq: ?}}", (("title", 1),)),
            "Tickets.titled_in_order": (
                "{title: {$eq: ?}} sort {queue: 1, priority: -1}",
                (("title", 1), ("queue", 1), ("priority", -1)),
            ),
            "Tickets.urgent": ("{priority: {$gte: ?}}", (("priority", 1),)),
            "Tickets.tallies": ("{title: {$eq: ?}}", (("title", 1),)),
        } == found
        assert {"Tickets.by_number", "Tickets.of_queue", "Tickets.everything", "Tickets.in_order"} <= set(
            report.explained
        )
        assert ["Tickets.failing: not today"] == [line for line in report.skipped if "failing" in line]

    def test_served_queries_pass(self, store: DeskStore) -> None:
        """A block whose queries are all served by an index passes, and gives the answers that it gave without."""
        with no_scans(store), store.reader() as reader:
            assert 1 == getattr(reader.tickets.by_number(1), "number", None)
            assert [1, 2] == sorted(ticket.number for ticket in reader.tickets.of_queue("q"))
            assert 2 == len(reader.tickets.everything())

    def test_a_scan_fails_with_what_to_do(self, store: DeskStore) -> None:
        """A scan fails the block with line, question, plan and the index that is wanted; values are masked."""
        with pytest.raises(AssertionError) as caught, no_scans(store), store.reader() as reader:
            reader.tickets.titled("secret-title")
            reader.tickets.urgent(5)
            reader.tickets.page(lambda t: t.title == "secret-title", limit=1)
        said = str(caught.value)

        _, *found = said.splitlines()
        assert 3 <= len(found)
        assert all(line.startswith(f"  {__file__}:") for line in found), said
        assert "asks tickets for {title: {$eq: ?}}: " in said
        assert "an index on title would serve it" in said
        assert "an index on priority would serve it" in said
        assert "secret-title" not in said

    def test_scans_of_units_and_distinct_values(self, store: DeskStore) -> None:
        """What a unit of work asks is seen too, and different values; what is allowed passes."""
        with pytest.raises(AssertionError, match="title"), no_scans(store), store.unit_of_work() as uow:
            uow.tickets.distinct(lambda t: t.queue, lambda t: t.title == "t")
        with no_scans(store, allow=["tickets"]), store.unit_of_work() as uow:
            uow.tickets.titled("t")

    @pytest.mark.parametrize("how", ["bulk", "unit"])
    def test_writes_by_a_rule(self, store: DeskStore, how: str) -> None:
        """Changes and removals by a rule that no index serves are scans; all of them at once are so on purpose."""

        def work(rule: Any) -> None:
            with store.bulk() if how == "bulk" else store.unit_of_work() as uow:
                uow.tickets.update_where(rule, set={"title": "t"})
                uow.tickets.remove_where(rule)

        with pytest.raises(AssertionError) as caught, no_scans(store):
            work(lambda t: t.title == "x")
        with no_scans(store):
            work(lambda t: t.number == 1)
            work(None)

        _, *found = str(caught.value).splitlines()
        assert 2 == len(found)
        assert all("asks tickets for {title: {$eq: ?}}: " in line for line in found)

    def test_the_error_of_the_block_comes_first(self, store: DeskStore) -> None:
        """An error inside the block is not replaced by what was found."""
        with pytest.raises(KeyError), no_scans(store), store.reader() as reader:
            reader.tickets.titled("t")
            raise KeyError("mine")


__all__ = ["ScanContract"]
