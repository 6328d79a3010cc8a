"""Collections and indexes: what is declared against what the server has."""

import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from bson import encode
from pymongo.collection import Collection
from pymongo.database import Database
from pymongo.errors import AutoReconnect, OperationFailure, PyMongoError

from ...domain.errors import ConfigurationError
from ..backend import CollectionDeclaration, Document, IndexDeclaration
from ..bson_values import CODEC_OPTIONS
from .connection import collection_in
from .errors import code_of
from .filters import to_filter
from .masking import raise_masked

_EXISTS = 48
_DUPLICATE = 11000
_PARALLEL_LISTS = 171
_OTHER_OPTIONS = frozenset({85, 86})
# Another process prepares at the same moment, or the primary changes: the next look finds what there is.
_PASSING = frozenset({46, 112, 117, 246, 276, 11601})
_PAUSE = 0.1
_ATTEMPTS = 20

# What an index may have beside its keys that changes which documents it holds or refuses.
_CHANGES_MEANING = ("collation", "wildcardProjection")

_PARTIAL = "partialFilterExpression"

Existing = Mapping[str, Any]


def prepare(database: Database[Document], declared: Sequence[CollectionDeclaration]) -> None:
    """Create the collections and indexes that are not there yet.

    Raises:
        ConfigurationError: if an index differs from its declaration, or stored documents break a unique key.
    """
    for declaration in declared:
        _patiently(partial(_prepare_one, database, declaration))


def missing(
    database: Database[Document], declared: Sequence[CollectionDeclaration]
) -> list[tuple[str, IndexDeclaration]]:
    """Return the declared unique indexes that the server does not have."""
    found: list[tuple[str, IndexDeclaration]] = []
    for declaration in declared:
        unique = [index for index in declaration.indexes if index.unique]
        existing = list(collection_in(database, declaration.name).list_indexes()) if unique else []
        found += [
            (declaration.name, index)
            for index in unique
            if not any(_refuses_the_same(have, index) for have in existing)
        ]
    return found


def _patiently(step: Callable[[], None]) -> None:
    """Repeat a step that creates what is missing: the driver repeats none of these commands by itself."""
    for _ in range(_ATTEMPTS - 1):
        try:
            return step()
        except PyMongoError as error:
            passing = isinstance(error, AutoReconnect) or code_of(error) in _PASSING
            if error.timeout or not passing:
                raise
        time.sleep(_PAUSE)
    return step()


def _prepare_one(database: Database[Document], declaration: CollectionDeclaration) -> None:
    collection = collection_in(database, declaration.name)
    existing = list(collection.list_indexes())
    if not existing:
        _create_collection(collection.database, collection.name)
    for index in declaration.indexes:
        if not any(_is_the_same(have, index) for have in existing):
            _create_index(collection, index)


def _create_collection(database: Database[Document], name: str) -> None:
    try:
        database.create_collection(name, check_exists=False)
    except OperationFailure as error:
        if error.code != _EXISTS:
            raise


def _create_index(collection: Collection[Document], index: IndexDeclaration) -> None:
    options: dict[str, Any] = {name: True for name in ("unique", "sparse") if getattr(index, name)}
    if index.expire_after is not None:
        options["expireAfterSeconds"] = index.expire_after
    if index.partial is not None:
        options[_PARTIAL] = to_filter(index.partial)
    try:
        collection.create_index(list(index.keys), name=index.name, **options)
    except OperationFailure as error:
        problem = _problem(collection.name, index, error)
        if problem is None:
            raise
        raise_masked(ConfigurationError(problem), error)


def _problem(collection: str, index: IndexDeclaration, error: OperationFailure) -> str | None:
    fields = ", ".join(key for key, _ in index.keys)
    if error.code == _DUPLICATE:
        return (
            f"{collection}: the unique index on {fields} cannot be created, because stored documents have the same "
            "values there: change or remove the duplicates, then prepare again"
        )
    if error.code == _PARALLEL_LISTS:
        return (
            f"{collection}: the index on {fields} cannot be created, because a stored document has different lists "
            "in two of these fields: change such documents, or index the fields apart"
        )
    if error.code in _OTHER_OPTIONS:
        options = f"unique={index.unique}, sparse={index.sparse}, expire_after={index.expire_after}, "
        options += f"where {'all documents' if index.partial is None else to_filter(index.partial)}"
        return (
            f"{collection}: an index on {fields}, or one named {index.name}, exists with other options than those "
            f"declared ({options}): drop it and prepare again, or change the declaration"
        )
    return None


def _is_the_same(have: Existing, index: IndexDeclaration) -> bool:
    return tuple(have["key"].items()) == index.keys and _same_options(have, index)


def _refuses_the_same(have: Existing, index: IndexDeclaration) -> bool:
    """Order and direction of the keys make no difference to which documents a unique index refuses."""
    return set(have["key"]) == {key for key, _ in index.keys} and _same_options(have, index)


def _same_options(have: Existing, index: IndexDeclaration) -> bool:
    return (
        bool(have.get("unique")) == index.unique
        and bool(have.get("sparse")) == index.sparse
        and have.get("expireAfterSeconds") == index.expire_after
        and _bytes(have.get(_PARTIAL)) == _bytes(None if index.partial is None else to_filter(index.partial))
        and not any(option in have for option in _CHANGES_MEANING)
    )


def _bytes(rule: Mapping[str, Any] | None) -> bytes:
    """The form in which rules compare: with the types of their values."""
    return encode({"": rule}, codec_options=CODEC_OPTIONS)


__all__ = ["missing", "prepare"]
