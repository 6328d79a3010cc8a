"""Writes of any number of documents: unordered plans, and changes of all that match a filter.

Outside transactions the majority of the members confirms them, whatever the URL says.
"""

from collections.abc import Mapping
from typing import Any

from pymongo import DeleteMany, UpdateMany, WriteConcern
from pymongo.client_session import ClientSession
from pymongo.collection import Collection
from pymongo.errors import BulkWriteError

from ...backend import Document, ManyResult, Modify, ModifyResult, WritePlan
from ...backend.durability import warn_of_durability
from ..translation.filters import Filter
from .errors import DURABILITY_UNCONFIRMED, Operation, translated_write_error
from .writes import requests_of

_MAJORITY = WriteConcern("majority")


def carry_out_many(collection: Collection[Document], plan: WritePlan, operation: Operation) -> ManyResult:
    """Write a plan as one unordered bulk; what the server refuses of it is told by position."""
    confirmed = collection.with_options(write_concern=_MAJORITY)
    try:
        if not plan.updates and not plan.deletes:
            inserted = confirmed.insert_many(plan.inserts, ordered=False).inserted_ids
            return ManyResult(0, 0, len(inserted))
        result = confirmed.bulk_write(requests_of(plan), ordered=False)
    except BulkWriteError as error:
        _warn_if_unconfirmed(error)
        details = error.details
        errors = {problem["index"]: translated_write_error(problem, operation) for problem in details["writeErrors"]}
        return ManyResult(details["nRemoved"], details["nMatched"], details["nInserted"], errors)
    return ManyResult(result.deleted_count, result.matched_count, result.inserted_count)


def modify(
    collection: Collection[Document], filter_: Filter, change: Modify, session: ClientSession | None
) -> ModifyResult:
    """Change every document that a filter meets."""
    details = _all_that_match(collection, UpdateMany(filter_, _operators(change)), session)
    return ModifyResult(details["nMatched"], details["nModified"])


def remove(collection: Collection[Document], filter_: Filter, session: ClientSession | None) -> int:
    """Remove every document that a filter meets."""
    removed: int = _all_that_match(collection, DeleteMany(filter_), session)["nRemoved"]
    return removed


def _all_that_match(
    collection: Collection[Document], request: UpdateMany | DeleteMany, session: ClientSession | None
) -> Mapping[str, Any]:
    """Carry out one request; a bulk write tells what was applied also where too few members confirm it."""
    # in a transaction the commit is what is confirmed
    target = collection if session is not None else collection.with_options(write_concern=_MAJORITY)
    try:
        return target.bulk_write([request], session=session).bulk_api_result
    except BulkWriteError as error:
        if error.details["writeErrors"]:
            raise
        _warn_if_unconfirmed(error)
        return error.details


def _operators(change: Modify) -> dict[str, Mapping[str, Any]]:
    parts = {"$set": change.set, "$unset": dict.fromkeys(change.unset, ""), "$inc": change.increment}
    return {operator: part for operator, part in parts.items() if part}


def _warn_if_unconfirmed(error: BulkWriteError) -> None:
    """Warn of writes that too few members confirmed.

    Raises:
        BulkWriteError: the given one, if the server says anything else of the whole.
    """
    codes = {problem["code"] for problem in error.details["writeConcernErrors"]}
    if not codes <= DURABILITY_UNCONFIRMED:
        raise error
    if codes:
        warn_of_durability(f"a write was applied, but too few members confirmed it (codes {sorted(codes)})")
