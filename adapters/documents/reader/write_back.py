"""Writing documents back that a reader brought up to date."""

import logging
from math import isfinite

from ....domain.errors import MigrationError, TristoreError
from ...backend import Document, Update, WritePlan
from ..context.store_context import Environment
from ..evolution.upgrade import UPGRADE, Upgrade
from ..mapping.entity_mapping import EntityMapping
from ..unit_of_work.lifecycle import is_unit_open
from ..values.keys import ID_KEY

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
    if is_unit_open(environment):
        return
    key = mapping.version_key
    updates = [
        (document, update)
        for document in documents
        if UPGRADE in document and (update := _update_of(document, key)) is not None
    ]
    if not updates:
        return
    plan = WritePlan(collection, key, updates=[update for _, update in updates])
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
    if result.matched == len(updates):
        for document, update in updates:
            document[key] = update.set[key]


def _update_of(document: Document, version_key: str) -> Update | None:
    """What writes a document that was brought up to date; None if what is stored as its version is none."""
    upgrade: Upgrade = document[UPGRADE]
    try:
        return raised(Update(document[ID_KEY], None, upgrade.set, upgrade.unset), document, version_key)
    except MigrationError:
        return None


def raised(change: Update, document: Document, version_key: str) -> Update:
    """Let a change raise the optimistic version, so that whoever holds the document as it was does not write it.

    Raises:
        MigrationError: if what is stored as the version is no number that could be raised.
    """
    version = document.get(version_key)
    if version is not None and (isinstance(version, bool) or not isinstance(version, int | float)):
        raise _no_version(document, version_key)
    if isinstance(version, float) and not isfinite(version):
        raise _no_version(document, version_key)
    # whole doubles compare too
    return Update(change.id, version, {**change.set, version_key: int(version or 0) + 1}, change.unset)  # type: ignore[arg-type]


def _no_version(document: Document, version_key: str) -> MigrationError:
    return MigrationError(
        f"{version_key} of document {document[ID_KEY]} is no number: {document[version_key]!r}; mend the document"
    )
