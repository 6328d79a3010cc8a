"""What reaches a server: nothing that callers pass stands where an operator could, and every read has its time."""

import logging
import re
from collections.abc import Callable
from typing import Any

import pytest
from bson import Code, ObjectId, Regex
from contracts.security.canaries_suite import chain, everything
from contracts.security.wire import Wire, everything_wrong
from listening import Listen
from pymongo.errors import DuplicateKeyError

from tristore import ConfigurationError, DuplicateKey, contains, is_none, not_, one_of, some
from tristore.domain.core import User, UserStatus

from ..core_store import Commands, OpenCore, Raw, RawDatabase, database_name, save, user

CANARY = "hunter2zq9"

ZONE = {"date": "$x", "unit": "day", "timezone": {"$concat": ["$y"]}, "startOfWeek": "monday"}
PLANTED: dict[str, tuple[str, dict[str, Any]]] = {
    "$where": ("find", {"filter": {"$where": "sleep(1000)"}}),
    "$where in an and": ("find", {"filter": {"$and": [{"a": {"$eq": 1}}, {"$where": "1"}]}}),
    "$expr": ("aggregate", {"pipeline": [{"$match": {"$expr": {"$gt": ["$a", 1]}}}]}),
    "$function": ("aggregate", {"pipeline": [{"$match": {}}, {"$set": {"x": {"$function": {}}}}]}),
    "a field of a rollup": ("aggregate", {"pipeline": [{"$group": {"_id": {"k0": {"$ifNull": ["$$ROOT", None]}}}}]}),
    "a figure of a rollup": ("aggregate", {"pipeline": [{"$group": {"_id": None, "v0": {"$push": "$x"}}}]}),
    "an expression in a rollup": ("aggregate", {"pipeline": [{"$group": {"_id": None, "v0": {"$sum": {"$add": []}}}}]}),
    "a zone of a rollup": ("aggregate", {"pipeline": [{"$group": {"_id": {"k0": {"$dateTrunc": ZONE}}}}]}),
    "a value that is an operator": ("find", {"filter": {"password": {"$ne": None, "$exists": True}}}),
    "a pattern": ("find", {"filter": {"name": re.compile(".*")}}),
    "a pattern of BSON": ("find", {"filter": {"name": {"$in": [Regex(".*")]}}}),
    "a negation": ("find", {"filter": {"name": {"$not": {"$regex": "a"}}}}),
    "a list": ("find", {"filter": {"name": ["a"]}}),
    "an order": ("find", {"filter": {}, "sort": {"$natural": 1}}),
    "an update by pipeline": ("update", {"updates": [{"q": {"_id": ObjectId()}, "u": [{"$set": {"a": 1}}]}]}),
    "an update by another operator": ("update", {"updates": [{"q": {}, "u": {"$rename": {"a": "b"}}}]}),
    "a dotted key": ("update", {"updates": [{"q": {}, "u": {"$set": {"roles.admin": True}}}]}),
    "a key in a document": ("insert", {"documents": [{"a": {"b": [{"$set": 1}]}}]}),
    "a filter of a delete": ("delete", {"deletes": [{"q": {"_id": {"$gt": ""}, "x": {"$mod": [2, 0]}}}]}),
    "code": ("insert", {"documents": [{"a": Code("x")}]}),
    "a command": ("mapReduce", {"map": "x"}),
}


@pytest.fixture
def wire(listen: Listen) -> Wire:
    """Every store that the test opens from now on is listened to."""
    wire = Wire()
    listen(wire)
    return wire


@pytest.mark.parametrize(("name", "command"), PLANTED.values(), ids=PLANTED)
def test_the_eye_on_the_wire_sees(name: str, command: dict[str, Any]) -> None:
    """What the contracts of security look for is found where it is planted."""
    assert everything_wrong(name, {name: "users", **command})


def test_every_query_and_every_write(wire: Wire, open_core: OpenCore) -> None:
    """Whatever a store can be asked and told is sent under operators of its own."""
    store = open_core()
    ada, bob = user(metadata={"key": "$where"}), user("bob")
    rules: list[Callable[[User], bool]] = [
        lambda u: u.username == "$where",
        lambda u: not_((u.credits < 1) | (u.username != "x")),
        lambda u: one_of(u.status, [UserStatus.ACTIVE]) & is_none(u.last_login),
        lambda u: some(u.nickname) >= "$gt",
        lambda u: u.email.startswith(".*") | u.email.endswith("(a+)+$"),
        lambda u: contains(u.metadata["tags"], "$where") & (u.metadata["key"] == "$ne"),
        lambda u: u.id == ada.id,
    ]
    save(store, ada, bob)
    with store.unit_of_work() as core:
        for rule in rules:
            core.users.find(rule, sort=("-created_at", "metadata.key"))
            page = core.users.page(rule, sort=("-created_at", "metadata.key"), limit=1)
            core.users.page(rule, sort=("-created_at", "metadata.key"), limit=1, after=page.next_cursor)
            core.users.distinct(lambda u: u.metadata["key"], rule)
            core.users.exists(rule)
            list(core.users.stream(rule))
        core.users.get(ada.id).nickname = "$set"
        core.users.get(ada.id).last_login = core.users.get(bob.id).created_at
    with store.unit_of_work() as core:
        core.users.get(ada.id).last_login = None
        core.users.remove(core.users.get(bob.id))

    assert [] == wire.problems
    assert {"find", "aggregate", "insert", "update", "delete", "commitTransaction"} <= set(wire.names)


def test_every_read_is_bounded(commands: Commands, open_core: OpenCore) -> None:
    """Each find and count tells the server how long it may take, in readers, snapshots and units."""
    store = open_core(operation_timeout=2.0)
    save(store, user())
    for open_it in (store.reader, lambda: store.reader(snapshot=True), store.unit_of_work):
        with open_it() as core:
            core.users.find(lambda u: u.email.startswith("a"))
            core.users.count(lambda u: u.email.endswith("z"))
            core.users.exists()
            core.users.page(limit=1)
            list(core.users.stream())
    reads = [*commands.of("find"), *commands.of("aggregate")]

    assert len(reads) >= 15
    assert [] == [read for read in reads if not 0 < read.get("maxTimeMS", 0) <= 2_000]


@pytest.fixture
def duplicates(raw: Raw, mongo_url: str) -> RawDatabase:
    """Stored documents that break a unique key."""
    database = raw[database_name(mongo_url)]
    database["users"].insert_many([{"email": f"{CANARY}@example.org"} for _ in range(2)])
    return database


def test_duplicates_that_an_index_meets(open_core: OpenCore, mongo_url: str, duplicates: RawDatabase) -> None:
    """An index that cannot be made over duplicates names the fields; the value stays with the server."""
    store = open_core(url=mongo_url)
    with pytest.raises(ConfigurationError, match="unique index on email") as caught:
        store.prepare()

    assert CANARY not in everything(caught.value)
    assert 11000 == caught.value.__cause__.code  # type: ignore[union-attr]


def test_the_cause_keeps_its_facts(open_core: OpenCore) -> None:
    """Class, code, fields and traceback of the driver's error are those of the cause; its words and values are not."""
    store = open_core()
    save(store, user(CANARY))
    with pytest.raises(DuplicateKey) as caught:
        save(store, user(CANARY))
    (cause,) = [error for error in chain(caught.value) if isinstance(error, DuplicateKeyError)]

    assert (DuplicateKeyError, 11000, {"email": 1}) == (type(cause), cause.code, (cause.details or {})["keyPattern"])
    assert cause.__traceback__ is not None
    assert CANARY not in everything(caught.value)


def test_logs_of_the_driver(open_core: OpenCore, caplog: pytest.LogCaptureFixture) -> None:
    """The driver's log of commands shows values at DEBUG, as the page says; kept above it, no log of anybody does."""
    caplog.set_level(logging.DEBUG)
    store = open_core()
    save(store, user(f"{CANARY}a", password_hash=CANARY))
    told = CANARY in caplog.text
    caplog.clear()
    caplog.set_level(logging.INFO, logger="pymongo.command")
    with pytest.raises(DuplicateKey):
        save(store, user(f"{CANARY}a", password_hash=CANARY))

    assert told
    assert CANARY not in caplog.text
