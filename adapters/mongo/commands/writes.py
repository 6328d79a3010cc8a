"""Write plans as the driver's commands."""

from typing import Any

from pymongo import DeleteOne, InsertOne, ReplaceOne, UpdateOne
from pymongo.client_session import ClientSession
from pymongo.collection import Collection
from pymongo.errors import BulkWriteError

from ...backend import Delete, Document, Replace, Update, WritePlan, WriteResult
from ...backend.durability import warn_of_durability
from .errors import DURABILITY_UNCONFIRMED

_Request = DeleteOne | UpdateOne | ReplaceOne[Document] | InsertOne[Document]


def carry_out(collection: Collection[Document], plan: WritePlan, session: ClientSession | None) -> WriteResult:
    """Write a plan: as one ordered bulk write, which groups it into at most three commands."""
    size = len(plan.deletes) + len(plan.updates) + len(plan.inserts)
    if size == 0:
        return WriteResult(0, 0, 0)
    # A transaction reports no write concern errors before its commit; what they leave out is then not missed.
    if size == 1 and session is not None:
        return _carry_out_single(collection, plan, session)
    try:
        if size == len(plan.inserts):
            inserted = collection.insert_many(plan.inserts, session=session).inserted_ids
            return WriteResult(0, 0, len(inserted))
        result = collection.bulk_write(requests_of(plan), session=session)
    except BulkWriteError as error:
        return _applied_unconfirmed(error)
    return WriteResult(result.deleted_count, result.matched_count, result.inserted_count)


def _carry_out_single(collection: Collection[Document], plan: WritePlan, session: ClientSession) -> WriteResult:
    """Write a plan of one operation: a bulk write of one takes a tenth more of the client's time."""
    for document in plan.inserts:
        collection.insert_one(document, session=session)
    for delete in plan.deletes:
        deleted = collection.delete_one(_same_version(delete, plan), session=session).deleted_count
        return WriteResult(deleted, 0, 0)
    for update in plan.updates:
        matching = _same_version(update, plan)
        if isinstance(update, Replace):
            result = collection.replace_one(matching, update.document, session=session)
        else:
            result = collection.update_one(matching, _change(update), session=session)
        return WriteResult(0, result.matched_count, 0)
    return WriteResult(0, 0, 1)


def requests_of(plan: WritePlan) -> list[_Request]:
    """Return the operations of a plan in the driver's words, in its order."""
    requests: list[_Request] = [DeleteOne(_same_version(delete, plan)) for delete in plan.deletes]
    for update in plan.updates:
        matching = _same_version(update, plan)
        if isinstance(update, Replace):
            requests.append(ReplaceOne(matching, update.document))
        else:
            requests.append(UpdateOne(matching, _change(update)))
    requests += [InsertOne(document) for document in plan.inserts]
    return requests


def _same_version(operation: Delete | Update | Replace, plan: WritePlan) -> dict[str, Any]:
    """Match the document only in the version that was seen; None matches a missing version too."""
    # bare, unlike the values of a query: neither an id nor a version can be a document of operators
    return {"_id": operation.id, plan.version_key: operation.version}


def _change(update: Update) -> dict[str, Any]:
    change: dict[str, Any] = {"$set": update.set}
    if update.unset:
        change["$unset"] = dict.fromkeys(update.unset, "")
    return change


def _applied_unconfirmed(error: BulkWriteError) -> WriteResult:
    """The result of writes that were all applied, though too few members confirmed it in time.

    Raises:
        BulkWriteError: the given one, if it is anything else.
    """
    details = error.details
    codes = {problem["code"] for problem in details["writeConcernErrors"]}
    if details["writeErrors"] or not codes <= DURABILITY_UNCONFIRMED:
        raise error
    warn_of_durability(f"a write was applied, but too few members confirmed it (codes {sorted(codes)})")
    return WriteResult(details["nRemoved"], details["nMatched"], details["nInserted"])
