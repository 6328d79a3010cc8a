"""Queries for documents by their ids, and the version that a caller expects of one."""

from collections.abc import Iterator, Sequence
from typing import Any

from ....domain.entities.bounds import Comparator
from ....domain.errors import Stale, VersionConflict
from ....domain.queries.query import FIND_BOUND, Query
from ....domain.rules.predicates import Compare, OneOf
from ..mapping.entity_mapping import EntityMapping
from ..values.keys import ID_KEY


def by_id(mapping: EntityMapping, id: object) -> Query:
    """The query for the document with an id."""
    return Query(Compare((ID_KEY,), Comparator.EQ, mapping.dump_id(id)), limit=1)


def stored_portions(mapping: EntityMapping, ids: Sequence[object]) -> Iterator[tuple[Any, ...]]:
    """Yield these ids as they are stored, `FIND_BOUND` of them each; all are checked before."""
    stored = tuple(mapping.dump_id(id) for id in ids)
    for start in range(0, len(stored), FIND_BOUND):
        yield stored[start : start + FIND_BOUND]


def by_ids(mapping: EntityMapping, ids: Sequence[object]) -> Iterator[Query]:
    """Yield the queries for the documents with these ids."""
    for portion in stored_portions(mapping, ids):
        yield Query(OneOf((ID_KEY,), portion), limit=len(portion))


def check_version(mapping: EntityMapping, id: object, expected: int | None, actual: int | None) -> None:
    """Compare the version that the caller saw, if any, with the stored one.

    Raises:
        VersionConflict: if they differ.
    """
    if expected is not None and expected != (actual or 0):
        raise VersionConflict([Stale(mapping.name, id, expected, actual or 0)])
