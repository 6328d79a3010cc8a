"""Rules over documents of several schema versions.

A rule is about entities, so about documents of the current version. For each older version, the steps from there on
are gone through backwards, and the rule becomes the one that holds of the old document exactly if the given one holds
of what the steps make of it. Where a step does not allow that, the rule waits until no old document is stored.
"""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

from attrs import evolve
from bson import Decimal128, ObjectId

from ....domain.entities.bounds import Comparator
from ....domain.errors import InvalidQuery
from ....domain.rules.evaluation import holds
from ....domain.rules.predicates import (
    EVERYTHING,
    NOTHING,
    All,
    AnyItem,
    AnyOf,
    Compare,
    Contains,
    Exists,
    IsNone,
    Leaf,
    Not,
    OneOf,
    Path,
    Predicate,
    dotted,
    map_predicate,
    paths_of,
)
from ...backend import Document
from ..declarations.schema_steps import Convert, Default, Drop, Rename, SchemaChange, SchemaStep, Transform
from ..values.nested_keys import overlap, put
from .schema_chain import SchemaChain


class MixedVersions:
    """What is asked of a collection in which documents of several versions may be stored.

    Args:
        chain: its steps.
        name: of its entity, for messages.
        attribute_of: the attribute name of a document key.
    """

    def __init__(self, chain: SchemaChain, name: str, attribute_of: Callable[[str], str]) -> None:
        self._chain = chain
        self._name = name
        self._attribute_of = attribute_of
        self._paths = tuple(dict.fromkeys(chain.changed_paths()))

    def changes(self, path: Path) -> bool:
        """Whether a step changes what stands at a path."""
        return any(overlap(path, changed) for changed in self._paths)

    def refuse_unsettled(self, path: Path, what: str) -> None:
        """Refuse what needs the same form of all documents, as an order does, until they have it.

        Raises:
            InvalidQuery: if a step changes the path, and the migration is not complete.
        """
        if self.changes(path) and not self._chain.is_complete():
            step, change = next(self._steps_that_change(path))
            raise self._refusal(path, what, step, change)

    def rewritten(self, predicate: Predicate) -> Predicate:
        """Return what holds of a document of any version exactly if the predicate holds of its entity.

        Raises:
            InvalidQuery: if a step does not allow that, and the migration is not complete.
        """
        if not any(map(self.changes, paths_of(predicate))):
            return predicate
        branches: list[tuple[list[int], Predicate]] = []
        before = predicate
        for step in reversed(self._chain.steps):
            for change in reversed(step.changes):
                before = self._before(before, step, change)
            if branches and branches[-1][1] == before:
                branches[-1][0].append(step.version - 1)
            elif branches or before != predicate:
                branches.append(([step.version - 1], before))
        if not branches:
            return predicate
        versions = [AnyOf(tuple(map(self._chain.of_version, numbers))) for numbers, _ in branches]
        older = [All((version, rule)) for version, (_, rule) in zip(versions, branches, strict=True)]
        return AnyOf((All((Not(AnyOf(tuple(versions))), predicate)), *older))

    def _before(self, predicate: Predicate, step: SchemaStep, change: SchemaChange) -> Predicate:
        try:
            return _simple(map_predicate(predicate, lambda leaf: before_change(leaf, change)))
        except UnanswerableError as error:
            if self._chain.is_complete():
                return predicate
            raise self._refusal(error.path, "asked about", step, change) from None

    def _steps_that_change(self, path: Path) -> Iterator[tuple[SchemaStep, SchemaChange]]:
        for step in self._chain.steps:
            for change in step.changes:
                if any(overlap(path, changed) for changed in change.paths):
                    yield step, change

    def _refusal(self, path: Path, what: str, step: SchemaStep, change: SchemaChange) -> InvalidQuery:
        by = "a function" if isinstance(change, Transform | Convert) else "a step"
        return InvalidQuery(
            f"{self._attribute_of(dotted(path))} of {self._name} cannot be {what} yet: {by} of schema version "
            f"{step.version} changes it ({change}), and documents of {self._chain.collection} may be stored that are "
            "older: complete the migration with `tristore migrate run`, or Migrations(store).run()"
        )


class UnanswerableError(Exception):
    """A step does not tell what a rule about its result means for what it was given.

    Attributes:
        path: of the rule.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.path = path


def before_change(leaf: Leaf, change: SchemaChange) -> Predicate:
    """Return what holds of a document exactly if the leaf holds of what the change makes of it.

    Raises:
        UnanswerableError: if nothing says so.
    """
    if not any(overlap(leaf.path, path) for path in change.paths):
        return leaf
    if isinstance(change, Transform) or any(len(leaf.path) < len(path) for path in _overlapped(leaf, change)):
        raise UnanswerableError(leaf.path)
    match change:
        case Rename():
            old, new = change.paths
            if overlap(leaf.path, old):
                return _constant(leaf, {})
            there = Exists(old)
            moved = evolve(leaf, path=old + leaf.path[len(new) :])
            return AnyOf((All((there, moved)), All((Not(there), leaf))))
        case Default():
            there = Exists(change.paths[0])
            filled: Document = {}
            put(filled, change.paths[0], change.value)
            return AnyOf((All((there, leaf)), All((Not(there), _constant(leaf, filled)))))
        case Drop():
            return _constant(leaf, {})
        case Convert():
            return _before_conversion(leaf, change)


def _overlapped(leaf: Leaf, change: SchemaChange) -> Iterator[Path]:
    return (path for path in change.paths if overlap(leaf.path, path))


def _before_conversion(leaf: Leaf, change: Convert) -> Predicate:
    """By the old values that become the new one; nothing and null stay what they are."""
    if change.back is None or leaf.path != change.paths[0]:
        raise UnanswerableError(leaf.path)
    match leaf:
        case IsNone() | Exists():
            return leaf
        case Compare(path, Comparator.EQ, value):
            return OneOf(path, _old_values(change, (value,)))
        case Compare(path, Comparator.NE, value):
            return Not(OneOf(path, _old_values(change, (value,))))
        case OneOf(path, values):
            return OneOf(path, _old_values(change, values))
    raise UnanswerableError(leaf.path)


def _old_values(change: Convert, values: tuple[Any, ...]) -> tuple[Any, ...]:
    back = change.back or (lambda _: ())
    return tuple(old for value in values for old in ((None,) if value is None else back(value)))


def _constant(leaf: Leaf, document: Document) -> Predicate:
    """What a leaf says of a known document; to a store a null among values is one that is missing, too."""
    if isinstance(leaf, OneOf) and any(value is None for value in leaf.values):
        rest = evolve(leaf, values=tuple(value for value in leaf.values if value is not None))
        return _simple(AnyOf((_constant(IsNone(leaf.path), document), _constant(rest, document))))
    return EVERYTHING if holds(_comparable_leaf(leaf), _comparable(document)) else NOTHING


def _comparable_leaf(leaf: Leaf) -> Leaf:
    match leaf:
        case Compare() | Contains():
            return evolve(leaf, value=_comparable(leaf.value))
        case OneOf():
            return evolve(leaf, values=tuple(map(_comparable, leaf.values)))
        case AnyItem():
            return evolve(leaf, part=map_predicate(leaf.part, _comparable_leaf))
    return leaf


def _comparable(value: Any) -> Any:
    """A stored value as the domain compares it: times with their zone, decimal numbers, ids as bytes of their own."""
    match value:
        case dict():
            return {key: _comparable(item) for key, item in value.items()}
        case list():
            return [_comparable(item) for item in value]
        case datetime():
            return value.replace(tzinfo=UTC)
        case Decimal128():
            return value.to_decimal()
        case ObjectId():
            return b"ObjectId, which is no other binary value of this length: " + value.binary
    return value


def _simple(predicate: Predicate) -> Predicate:
    """The same without parts that always or never hold."""
    match predicate:
        case All(parts):
            simple = [part for part in map(_simple, parts) if part != EVERYTHING]
            if NOTHING in simple:
                return NOTHING
            return simple[0] if len(simple) == 1 else All(tuple(simple))
        case AnyOf(parts):
            simple = [part for part in map(_simple, parts) if part != NOTHING]
            if EVERYTHING in simple:
                return EVERYTHING
            return simple[0] if len(simple) == 1 else AnyOf(tuple(simple))
        case Not(part):
            inner = _simple(part)
            return NOTHING if inner == EVERYTHING else EVERYTHING if inner == NOTHING else Not(inner)
    return predicate
