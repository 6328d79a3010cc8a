"""Counting the documents of a collection by schema version."""

from typing import Any

from ....domain.errors import UnreadableVersion
from ....domain.queries.rollups import Figure, Function, GroupKey, Rollup
from ...backend import Document
from ...documents.collections.bindings import Binding
from ...documents.context.store_context import Environment
from ...documents.values.keys import ID_KEY
from .reports import Census
from .walk import scan_timeout

_COUNT = Figure("documents", Function.COUNT)


def census_of(environment: Environment, binding: Binding) -> Census:
    """Count; the server groups, so that no document travels."""
    chain = binding.mapping.chain
    keys = GroupKey("schema", (chain.keys.schema,)), GroupKey("compatible", (chain.keys.compatible,))
    rows = environment.backend.rollup(
        binding.collection, Rollup(keys, (_COUNT,)), transaction=None, timeout=scan_timeout(environment)
    )
    versions: dict[int, int] = {}
    unreadable: dict[str, int] = {}
    for row in rows:
        document: Document = {ID_KEY: None, chain.keys.schema: row["schema"], chain.keys.compatible: row["compatible"]}
        count: int = row["documents"]
        try:
            version = chain.version_of(document)
        except UnreadableVersion:
            unreadable[_shown(row["schema"])] = unreadable.get(_shown(row["schema"]), 0) + count
        else:
            versions[version] = versions.get(version, 0) + count
    older = sum(count for version, count in versions.items() if version < chain.current)
    return Census(dict(sorted(versions.items())), unreadable, older)


def _shown(version: Any) -> str:
    return "none" if version is None else f"{version}"[:40]
