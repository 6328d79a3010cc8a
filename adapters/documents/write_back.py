"""Writing documents back that a reader brought up to date."""

import logging

from ...domain.errors import TristoreError
from ..backend import Document, Update, WritePlan
from .entity_mapping import EntityMapping
from .environment import Environment
from .naming import ID_KEY
from .schema_chain import UPGRADE
from .unit import is_unit_open

log = logging.getLogger("tristore.migrations")


def write_back(environment: Environment, mapping: EntityMapping, collection: str, documents: list[Document]) -> None:
    """Write those that were brought up to date, each if nobody has written it since.

    A read must not fail for it: what cannot be written is logged, and stays for the next read or for a runner. Beside
    an open unit of work of the same store nothing is written, for the two could wait for each other.

    Args:
        environment: the store.
        mapping: of the entities.
        collection: where they are.
        documents: what was read; if all are written, they get the version that is stored then.
    """
    upgraded = [document for document in documents if UPGRADE in document]
    if is_unit_open(environment):
        return
    key = mapping.version_key
    plan = WritePlan(collection, key, updates=[update_of(document, key) for document in upgraded])
    try:
        result = environment.write_many(plan)
    except TristoreError as error:
        log.warning("store %s: documents of %s were not written back: %s", environment.name, collection, error)
        return
    if result.errors:
        kinds = ", ".join(sorted({type(error).__name__ for error in result.errors.values()}))
        log.warning(
            "store %s: %d documents of %s were not written back: %s",
            environment.name,
            len(result.errors),
            collection,
            kinds,
        )
    if result.matched == len(upgraded):
        for document in upgraded:
            document[key] = (document.get(key) or 0) + 1


def update_of(document: Document, version_key: str) -> Update:
    """What writes a document that was brought up to date, if it still has the version that was read."""
    upgrade = document[UPGRADE]
    version = document.get(version_key)
    return Update(document[ID_KEY], version, {**upgrade.set, version_key: (version or 0) + 1}, upgrade.unset)


__all__ = ["update_of", "write_back"]
