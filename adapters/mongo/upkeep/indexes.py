"""Collections and indexes: what is declared against what the server has."""

import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from pymongo.collection import Collection
from pymongo.database import Database
from pymongo.errors import AutoReconnect, OperationFailure, PyMongoError

from ....domain.errors import ConfigurationError
from ...backend import CollectionDeclaration, Document, IndexDeclaration, ValidatorDeclaration
from ..commands.errors import REFUSED_BY_INDEX, code_of
from ..commands.masking import raise_masked
from ..connection import collection_in
from ..translation.filters import to_filter
from .index_specs import Spec, differences, has_keys_of, options_of

_EXISTS = 48
_DUPLICATE = 11000
_PARALLEL_LISTS = 171
_OTHER_OPTIONS = frozenset({85, 86})
# Another process prepares at the same moment, or the primary changes: the next look finds what there is.
_PASSING = frozenset({46, 112, 117, 246, 276, 11601})
_PAUSE = 0.1
_ATTEMPTS = 20


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


def creation_options(declaration: CollectionDeclaration) -> dict[str, Any]:
    """What a collection must be given when it is created."""
    options: dict[str, Any] = {}
    if declaration.validator is not None:
        options |= validator_options(declaration.validator)
    series = declaration.time_series
    if series is not None:
        fields = {"timeField": series.time, "metaField": series.meta, "granularity": series.granularity}
        options["timeseries"] = {name: value for name, value in fields.items() if value is not None}
        if series.expire_after is not None:
            options["expireAfterSeconds"] = series.expire_after
    return options


def validator_options(validator: ValidatorDeclaration) -> dict[str, Any]:
    """A validator as ``create`` and ``collMod`` take it."""
    return {
        "validator": {"$jsonSchema": dict(validator.schema)},
        "validationLevel": validator.level,
        "validationAction": validator.action,
    }


def create_collection(database: Database[Document], name: str, options: Mapping[str, Any]) -> None:
    """Create a collection; one that is there stays as it is."""
    try:
        database.create_collection(name, check_exists=False, **options)
    except OperationFailure as error:
        if error.code != _EXISTS:
            raise


def create_index(collection: Collection[Document], index: IndexDeclaration, name: str) -> None:
    """Create an index; one that is there under this name stays as it is.

    Raises:
        ConfigurationError: if another one is in the way, or stored documents break it.
    """
    try:
        collection.create_index(list(index.keys), name=name, **options_of(index))
    except OperationFailure as error:
        problem = _problem(collection.name, index, error)
        if problem is None:
            raise
        raise_masked(ConfigurationError(problem), error)


def _prepare_one(database: Database[Document], declaration: CollectionDeclaration) -> None:
    collection = collection_in(database, declaration.name)
    existing = list(collection.list_indexes())
    if not existing:
        create_collection(collection.database, collection.name, creation_options(declaration))
    for index in declaration.indexes:
        if not any(_is_the_same(have, index) for have in existing):
            create_index(collection, index, index.name)


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
    if error.code in REFUSED_BY_INDEX:
        return (
            f"{collection}: the index on {fields} cannot be created, because a stored document has a value that it "
            f"cannot hold ({REFUSED_BY_INDEX[error.code][1]}): change such documents, then prepare again"
        )
    if error.code in _OTHER_OPTIONS:
        options = f"unique={index.unique}, sparse={index.sparse}, expire_after={index.expire_after}, "
        options += f"where {'all documents' if index.partial is None else to_filter(index.partial)}"
        options += "".join(f", {name}={value}" for name, value in index.options.items())
        return (
            f"{collection}: an index on {fields}, or one named {index.name}, exists with other options than those "
            f"declared ({options}): drop it and prepare again, change the declaration, or let `tristore indexes sync` "
            "mend it"
        )
    return None


def _is_the_same(have: Spec, index: IndexDeclaration) -> bool:
    return has_keys_of(have, index) and _same_options(have, index)


def _refuses_the_same(have: Spec, index: IndexDeclaration) -> bool:
    """Order and direction of the keys make no difference to which documents a unique index refuses."""
    return set(have["key"]) == {key for key, _ in index.keys} and _same_options(have, index)


def _same_options(have: Spec, index: IndexDeclaration) -> bool:
    return not differences(have, index).keys() - {"hidden"}
