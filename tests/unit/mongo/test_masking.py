"""The driver's errors, as they become causes: facts stay, words go."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from contracts.security.canaries_suite import everything
from integration.core_store import Raw, RawDatabase, database_name
from pymongo.errors import BulkWriteError, OperationFailure

from tristore.adapters.mongo.commands.masking import masked

CANARY = "hunter2zq9"


def errors_of_the_server(database: RawDatabase) -> Iterator[OperationFailure]:
    """Real errors that quote what was sent."""
    users = database["users"]
    users.insert_one({"_id": CANARY})
    attempts: list[Callable[[], Any]] = [
        lambda: users.insert_one({"_id": CANARY}),
        lambda: users.insert_many([{"_id": f"{CANARY}1"}, {"_id": CANARY, "secret": CANARY}]),
        lambda: users.find_one({"a": {f"${CANARY}": 1}}),
        lambda: users.update_one({"_id": CANARY}, {"$inc": {"_id": 1}}),
        lambda: users.aggregate([{f"${CANARY}": 1}]),
        lambda: database.command(CANARY),
    ]
    for attempt in attempts:
        with pytest.raises(OperationFailure) as caught:
            attempt()
        yield caught.value


def test_whatever_the_server_says(mongo_url: str, raw: Raw) -> None:
    """Of every refusal the cause keeps class, code, labels and whether it was a time-out, and no word of the server."""
    errors = list(errors_of_the_server(raw[database_name(mongo_url)]))
    hidden = [masked(error) for error in errors]

    assert all(CANARY in everything(error) for error in errors)
    assert [] == [error for error in hidden if CANARY in f"{error!r} {error} {error.details}"]
    assert [(type(error), error.code, error.timeout) for error in errors] == [
        (type(error), error.code, error.timeout) for error in hidden
    ]


def test_bulk_errors_keep_their_positions() -> None:
    """Of a bulk write the cause keeps which operation failed, its code and labels, and that it was a time-out."""
    facts = {"index": 3, "code": 64, "keyPattern": {"a": 1}}
    words = {"errmsg": CANARY, "op": {"a": CANARY}, "errInfo": {"wtimeout": True, "x": CANARY}, "keyValue": CANARY}
    problem = {**facts, **words}
    error = BulkWriteError(
        {"writeErrors": [problem], "writeConcernErrors": [problem], "nInserted": 3, "errorLabels": ["RetryableError"]}
    )
    hidden = masked(error)

    kept = {**facts, "errInfo": {"wtimeout": True}}
    assert ([kept], [kept], 3) == tuple(
        hidden.details[name] for name in ("writeErrors", "writeConcernErrors", "nInserted")
    )
    assert (True, True) == (hidden.has_error_label("RetryableError"), hidden.timeout)
    assert CANARY not in f"{hidden!r} {hidden} {hidden.details}"
