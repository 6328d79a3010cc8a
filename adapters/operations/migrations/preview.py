"""What a migration would make of some documents, without writing anything."""

from collections.abc import Iterable
from typing import Any

from ....domain.errors import MigrationError
from ....domain.queries.query import Query, SortKey
from ...backend import Document
from ...documents.collections.bindings import Binding
from ...documents.context.store_context import Environment
from ...documents.mapping.entity_mapping import EntityMapping
from ...documents.values.keys import ID_KEY
from .reports import SampleDiff
from .walk import scan_timeout

_WIDTH = 60
_HIDDEN = "***"


def samples_of(environment: Environment, binding: Binding, versions: Iterable[int], each: int) -> list[SampleDiff]:
    """Return the first documents of each version before and after, in the order of their ids."""
    found: list[SampleDiff] = []
    for version in versions:
        query = Query(binding.mapping.chain.of_version(version), (SortKey((ID_KEY,)),), limit=each)
        cursor = environment.backend.find(
            binding.collection, query, transaction=None, timeout=scan_timeout(environment)
        )
        found += [_sample(binding.mapping, document, version) for document in cursor.to_list()]
    return found


def _sample(mapping: EntityMapping, document: Document, version: int) -> SampleDiff:
    try:
        after = dict(document)
        upgrade = mapping.chain.upgrade(after)
    except MigrationError as error:
        return SampleDiff(document[ID_KEY], version, (), str(error))
    assert upgrade is not None  # noqa: S101 - of an older version
    changed = [*upgrade.unset, *(key for key in upgrade.set if key not in mapping.chain.stamp)]
    lines = []
    for key in dict.fromkeys(changed):
        if key in document:
            lines.append(_line("-", key, document[key], mapping.chain.secret_keys))
        if key in after:
            lines.append(_line("+", key, after[key], mapping.chain.secret_keys))
    return SampleDiff(document[ID_KEY], version, tuple(lines))


def _line(sign: str, key: str, value: Any, secret: frozenset[str]) -> str:
    text = _HIDDEN if key in secret else repr(value)
    return f"{sign} {key}: {text if len(text) <= _WIDTH else text[: _WIDTH - 3] + '...'}"
