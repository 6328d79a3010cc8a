"""In-memory backends with one wrong rule each: what a fuzzer must find."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any

import attrs

from tristore.adapters.backend import (
    NOTHING,
    All,
    AnyOf,
    Comparator,
    Compare,
    Contains,
    Cursor,
    Delete,
    Document,
    IsNone,
    KeyTaken,
    Leaf,
    Not,
    OneOf,
    Predicate,
    Query,
    Text,
    TextTest,
    Transaction,
    Update,
    WritePlan,
    WriteResult,
    map_predicate,
)
from tristore.errors import WriteConflict
from tristore.testing import MemoryBackend


class WrongTwin(MemoryBackend):
    """A twin with one wrong rule, which its docstring tells.

    Attributes:
        transactional: whether the wrong rule shows in units that are transactions.
    """

    transactional = True

    def leaf(self, leaf: Leaf) -> Predicate:
        """What is asked instead of a leaf."""
        return leaf

    def asked(self, query: Query) -> Query:
        """What is asked instead of a query."""
        return attrs.evolve(query, predicate=map_predicate(query.predicate, self.leaf))

    def find(self, collection: str, query: Query, *, transaction: Transaction | None, timeout: float) -> Cursor:
        """Find by the wrong rule."""
        return super().find(collection, self.asked(query), transaction=transaction, timeout=timeout)

    def count(
        self,
        collection: str,
        predicate: Predicate,
        *,
        limit: int | None,
        transaction: Transaction | None,
        timeout: float,
    ) -> int:
        """Count by the wrong rule."""
        wrong = map_predicate(predicate, self.leaf)
        return super().count(collection, wrong, limit=limit, transaction=transaction, timeout=timeout)

    def everything(self, collection: str, transaction: Transaction | None) -> list[Document]:
        """All documents of a collection."""
        return super().find(collection, Query(), transaction=transaction, timeout=5.0).to_list()


class Sorted:
    """A cursor over documents that are there already."""

    def __init__(self, documents: Sequence[Document]) -> None:
        self._documents: Iterator[Document] = iter(documents)

    def __iter__(self) -> Iterator[Document]:
        return self._documents

    def to_list(self) -> list[Document]:
        return list(self._documents)

    def close(self) -> None:
        self._documents = iter(())


class WrongOrder(WrongTwin):
    """A twin that brings documents into an order of its own, before it cuts them."""

    def order(self, documents: list[Document], query: Query) -> list[Document]:
        """Return the documents in the wrong order."""
        raise NotImplementedError

    def find(self, collection: str, query: Query, *, transaction: Transaction | None, timeout: float) -> Cursor:
        uncut = attrs.evolve(query, skip=0, limit=None)
        found = super().find(collection, uncut, transaction=transaction, timeout=timeout).to_list()
        ordered = self.order(found, query) if query.sort else found
        return Sorted(ordered[query.skip :][: query.limit])


def at(document: Document, path: Sequence[str]) -> Any:
    """What stands at a path, None where there is nothing."""
    found: Any = document
    for name in path:
        found = found.get(name) if isinstance(found, dict) else None
    return found


class NullsSortLast(WrongOrder):
    """Documents without a value come last in an ascending order."""

    def order(self, documents: list[Document], query: Query) -> list[Document]:
        first = query.sort[0]
        return documents if first.descending else sorted(documents, key=lambda one: at(one, first.path) is None)


class IntegersSortBeforeFloats(WrongOrder):
    """Numbers of different types are ordered by their type."""

    def order(self, documents: list[Document], query: Query) -> list[Document]:
        return sorted(documents, key=lambda one: isinstance(at(one, query.sort[0].path), float))


class DescendingForgetsTies(WrongOrder):
    """Behind a descending field the rest of the order is forgotten."""

    def order(self, documents: list[Document], query: Query) -> list[Document]:
        if not query.sort[0].descending or query.sort[0].path == ("_id",):
            return documents
        groups: dict[str, list[Document]] = {}
        for document in documents:
            groups.setdefault(repr(at(document, query.sort[0].path)), []).append(document)
        return [one for group in groups.values() for one in sorted(group, key=lambda one: repr(one["_id"]))]


class SkipIsOffByOne(WrongTwin):
    """Skips one document too many."""

    def asked(self, query: Query) -> Query:
        return attrs.evolve(query, skip=query.skip + 1) if query.skip else query


class LimitForgottenWithTwoFields(WrongTwin):
    """An order of two fields has no limit."""

    def asked(self, query: Query) -> Query:
        return attrs.evolve(query, limit=None) if len(query.sort) > 1 else query


class MissingIsNotNull(WrongTwin):
    """A field that is not there is not null."""

    def leaf(self, leaf: Leaf) -> Predicate:
        return NOTHING if isinstance(leaf, IsNone) else leaf


class NotEqualPassesMissingOver(WrongTwin):
    """A field that is not there is not unequal either."""

    def leaf(self, leaf: Leaf) -> Predicate:
        match leaf:
            case Compare(path, Comparator.NE, _):
                return All((leaf, Not(IsNone(path))))
        return leaf


class TrueIsOne(WrongTwin):
    """True equals 1."""

    def leaf(self, leaf: Leaf) -> Predicate:
        match leaf:
            case Compare(path, Comparator.EQ, value) if type(value) in {int, bool} and value in {0, 1}:
                return AnyOf((Compare(path, Comparator.EQ, int(value)), Compare(path, Comparator.EQ, bool(value))))
        return leaf


class OneOfForgetsTheLast(WrongTwin):
    """The last of several values is not looked for."""

    def leaf(self, leaf: Leaf) -> Predicate:
        match leaf:
            case OneOf(path, values) if len(values) > 1:
                return OneOf(path, values[:-1])
        return leaf


class StartsWithIgnoresCase(WrongTwin):
    """Text begins with a part whatever its letter case."""

    def leaf(self, leaf: Leaf) -> Predicate:
        match leaf:
            case Text(path, TextTest.STARTS, text):
                forms = {text, text.swapcase(), text.lower(), text.upper(), text.title()}
                return AnyOf(tuple(Text(path, TextTest.STARTS, form) for form in sorted(forms)))
        return leaf


class ContainsComparesTheWholeList(WrongTwin):
    """A list contains an item if it has no other."""

    def leaf(self, leaf: Leaf) -> Predicate:
        match leaf:
            case Contains(path, value):
                return Compare(path, Comparator.EQ, [value])
        return leaf


class AtMostIsLess(WrongTwin):
    """<= is <."""

    def leaf(self, leaf: Leaf) -> Predicate:
        match leaf:
            case Compare(path, Comparator.LE, value):
                return Compare(path, Comparator.LT, value)
        return leaf


class WrongWrite(WrongTwin):
    """A twin that writes something else than it is told."""

    def instead(self, plan: WritePlan, transaction: Transaction | None) -> WritePlan:
        """What is written instead of a plan; an error if it is refused."""
        raise NotImplementedError

    def write(self, plan: WritePlan, *, transaction: Transaction | None, timeout: float) -> WriteResult:
        return super().write(self.instead(plan, transaction), transaction=transaction, timeout=timeout)


class UniqueIgnoresCase(WrongWrite):
    """Two e-mail addresses, or names of one, are one value whatever their letter case."""

    def instead(self, plan: WritePlan, transaction: Transaction | None) -> WritePlan:
        stored = {
            str(one.get("number", one["_id"])).casefold() for one in self.everything(plan.collection, transaction)
        }
        for position, document in enumerate(plan.inserts, len(plan.deletes) + len(plan.updates)):
            number = str(document.get("number", document["_id"])).casefold()
            if number in stored:
                raise KeyTaken(("number",), position)
            stored.add(number)
        return plan


class UniqueForgottenInsideOnePlan(WrongWrite):
    """Of two new documents with one unique value, the second is lost without a word."""

    def instead(self, plan: WritePlan, transaction: Transaction | None) -> WritePlan:
        inserts = {document.get("email", repr(document["_id"])): document for document in reversed(plan.inserts)}
        return attrs.evolve(plan, inserts=[one for one in plan.inserts if one in inserts.values()])


class DatesLoseTheirMilliseconds(WrongWrite):
    """Dates are kept in whole seconds."""

    def instead(self, plan: WritePlan, transaction: Transaction | None) -> WritePlan:
        def cut(document: Document) -> Document:
            return {
                key: value.replace(microsecond=0) if isinstance(value, datetime) else value
                for key, value in document.items()
            }

        updates = [
            attrs.evolve(one, set=cut(dict(one.set))) if isinstance(one, Update) else one for one in plan.updates
        ]
        return attrs.evolve(plan, inserts=[cut(document) for document in plan.inserts], updates=updates)


class EmptyTextIsMissing(WrongWrite):
    """Empty text is left out of new documents."""

    def instead(self, plan: WritePlan, transaction: Transaction | None) -> WritePlan:
        inserts = [{key: value for key, value in one.items() if value != ""} for one in plan.inserts]
        return attrs.evolve(plan, inserts=inserts)


class AnUpdateHitsTwo(WrongWrite):
    """An update of the credits is made to another document too."""

    def instead(self, plan: WritePlan, transaction: Transaction | None) -> WritePlan:
        ids = {one.id for one in plan.updates}
        hit = [one for one in plan.updates if isinstance(one, Update) and "credits" in one.set]
        others = [one for one in self.everything(plan.collection, transaction) if one["_id"] not in ids][:1]
        more = [Update(one["_id"], one["version"], {"credits": hit[0].set["credits"]}) for one in others if hit]
        return attrs.evolve(plan, updates=[*plan.updates, *more])

    def write(self, plan: WritePlan, *, transaction: Transaction | None, timeout: float) -> WriteResult:
        result = super().write(plan, transaction=transaction, timeout=timeout)
        return attrs.evolve(result, matched=min(result.matched, len(plan.updates)))


class VersionsAreIgnored(WrongWrite):
    """Updates and deletes meet a document whatever its version; transactions would conflict first."""

    transactional = False

    def instead(self, plan: WritePlan, transaction: Transaction | None) -> WritePlan:
        versions = {one["_id"]: one.get("version") for one in self.everything(plan.collection, transaction)}

        def blind(one: Any) -> Any:
            return attrs.evolve(one, version=versions.get(one.id, one.version))

        deletes: Iterable[Delete] = map(blind, plan.deletes)
        return attrs.evolve(plan, deletes=[*deletes], updates=[*map(blind, plan.updates)])


class TransactionsSeeOthersCommits(WrongTwin):
    """What others commit is seen inside a transaction, until it writes."""

    def find(self, collection: str, query: Query, *, transaction: Any, timeout: float) -> Cursor:
        if transaction is not None and collection not in transaction.drafts:
            transaction.table(collection)  # the snapshot is taken all the same
            return super().find(collection, query, transaction=None, timeout=timeout)
        return super().find(collection, query, transaction=transaction, timeout=timeout)


class CountsForgetOwnWrites(WrongTwin):
    """What a transaction wrote itself is not counted."""

    def count(
        self,
        collection: str,
        predicate: Predicate,
        *,
        limit: int | None,
        transaction: Transaction | None,
        timeout: float,
    ) -> int:
        return super().count(collection, predicate, limit=limit, transaction=None, timeout=timeout)


class RollbackCommits(WrongTwin):
    """What was flushed stays, though the unit was rolled back."""

    def abort(self, transaction: Transaction) -> None:
        try:
            self.commit(transaction, timeout=5.0)
        except WriteConflict:
            super().abort(transaction)


def below(cls: type[WrongTwin]) -> list[type[WrongTwin]]:
    """The classes with a wrong rule."""
    return [found for child in cls.__subclasses__() for found in (below(child) or [child])]


WRONG_TWINS = below(WrongTwin)

__all__ = ["WRONG_TWINS", "WrongTwin"]
