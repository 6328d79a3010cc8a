"""Receipts: documents written in one transaction with a unit's changes, which prove later that it was committed.

A unit with a key also leaves the key and its result, so that whoever repeats it, from any process, gets the first
result and causes no second effect.
"""

from datetime import timedelta
from typing import Any

from attrs import frozen
from bson import decode, encode

from ....domain.entities.bounds import Comparator
from ....domain.errors import ConfigurationError, ValidationError
from ....domain.queries.query import Query
from ....domain.rules.predicates import All, Compare, OneOf
from ...backend import CollectionDeclaration, Document, IndexDeclaration, WritePlan
from ...backend.bson import CODEC_OPTIONS
from ..values.codecs import LONGEST_EXPIRY, real_time
from ..values.free_values import dump_free, load_free
from ..values.keys import ID_KEY
from ..values.own_records import STORE, of_store, owned_id

COLLECTION = "tristore_units"
"""The collection of the receipts of every store of a database."""

LIFETIME = timedelta(days=7)
"""How long a receipt is kept unless the store says otherwise: within it a key has its effect once."""

_NO_VERSION = "version"


@frozen
class Recalled:
    """The result that a key was recorded with."""

    result: Any


def declaration(lifetime: timedelta) -> CollectionDeclaration:
    """The collection, whose documents go by themselves after their lifetime.

    Raises:
        ConfigurationError: if the lifetime is not a whole number of seconds that a server can count.
    """
    seconds = lifetime.total_seconds()
    if not 1 <= seconds <= LONGEST_EXPIRY or seconds != int(seconds):
        raise ConfigurationError(
            f"receipts are kept for whole seconds, at least 1 and at most {LONGEST_EXPIRY:,}, not for {lifetime}"
        )
    expiry = IndexDeclaration((("at", 1),), expire_after=int(seconds))
    return CollectionDeclaration(COLLECTION, (expiry,), authoritative=True)


def of_unit(store: str, unit_id: str) -> Document:
    """The receipt of a unit of a store."""
    return {ID_KEY: unit_id, STORE: store, "at": real_time()}


def of_key(store: str, key: str, unit_id: str, result: object) -> Document:
    """The receipt of a key of a store, with the result of its unit.

    Raises:
        ValidationError: if the result cannot be stored.
    """
    try:
        stored = dump_free(result)
    except ValueError as error:
        raise ValidationError.of("", f"the result of a unit with a key is kept with it, and {error}") from error
    return {ID_KEY: owned_id("run", store, key), STORE: store, "unit": unit_id, "result": stored, "at": real_time()}


def plan(documents: list[Document]) -> WritePlan:
    """What writes receipts."""
    return WritePlan(COLLECTION, _NO_VERSION, inserts=documents)


def wanted_key(store: str, key: str) -> Query:
    """Ask for the receipt of a key of a store; one from before receipts carried its name counts for every store."""
    return Query(OneOf((ID_KEY,), (owned_id("run", store, key), f"key:{key}")), limit=1)


def wanted_unit(store: str, unit_id: str) -> Query:
    """Ask for the receipt of a unit of a store."""
    return Query(All((Compare((ID_KEY,), Comparator.EQ, unit_id), of_store(store))), limit=1)


def recall(found: list[Document]) -> Recalled | None:
    """Return what a key was recorded with, if it was."""
    return Recalled(load_free(found[0]["result"])) if found else None


def as_recalled(document: Document) -> Any:
    """Return the result that the receipt of a key holds, in the form in which every repeat gets it."""
    return load_free(decode(encode(document, False, CODEC_OPTIONS), CODEC_OPTIONS)["result"])
