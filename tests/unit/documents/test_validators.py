"""Validators of a server against tristore's own rules: they agree on what may be stored, whoever writes it."""

import math
import re
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from typing import Any

import attrs
import pytest
from attrs import define, field, validators
from bson import Decimal128, Int64, ObjectId
from contracts.billing import customer
from contracts.parcels import PARCELS, ParcelUnitOfWork, insert, migrated, old
from hypothesis import given, settings
from hypothesis import strategies as st
from integration.core_store import Raw, database_name
from integration.operations.upkeep import BillingStore, customers, on_billing, open_billing
from pymongo.errors import WriteError
from sized import sized

from tristore import (
    ConfigurationError,
    Documents,
    Entity,
    Id,
    Repository,
    Validation,
    ValidationError,
    make_converter,
    open_store,
)
from tristore.adapters.backend import CODEC_OPTIONS
from tristore.adapters.documents.collections.json_schema import json_schema_of
from tristore.adapters.documents.mapping.converter import mapping_of
from tristore.adapters.documents.mapping.entity_mapping import EntityMapping
from tristore.fields import at_least, text, to_email, username, whole
from tristore.operations import Migrations, diff_validators, sync_validators
from tristore.testing import entities
from tristore.three_stores import ANALYTICS, CORE, SYSTEMLOGS

NOW = datetime(2026, 1, 31)


class Grade(Enum):
    """An enum of text."""

    GOOD = "good"
    BAD = "bad"


@define
class Part:
    """A nested value with rules of its own."""

    code: str = field(
        validator=validators.and_(validators.max_len(20), validators.matches_re(r"[A-Z]{2}(-[a-z0-9]+)*"))
    )
    weight: float = field(default=1.0, validator=validators.and_(validators.gt(0), validators.le(10)))
    inside: "Part | None" = None


@define(kw_only=True)
class Ruled(Entity):
    """A field for every rule that a validator can say."""

    name: str = field(validator=text(min=1, max=5))
    handle: str = field(validator=username)
    address: str = field(converter=to_email)
    found: str = field(default="ab", validator=validators.matches_re("a[bc]", func=re.search))
    begins: str | None = field(default=None, validator=validators.optional(validators.matches_re("x.", func=re.match)))
    chosen: str = field(default="one", validator=validators.in_(["one", "two"]))
    number: int = field(default=1, validator=validators.in_((1, 2, 3)))
    count: int = field(default=0, validator=whole(min=0, max=10))
    large: int = 0
    share: float = field(default=0.5, validator=at_least(0))
    open: float = field(default=0.5, validator=[validators.gt(0), validators.lt(1)])
    price: Decimal = field(default=Decimal(1), validator=validators.ge(Decimal("0.5")))
    grade: Grade = Grade.GOOD
    maybe: Grade | None = None
    best: Grade = field(default=Grade.GOOD, validator=validators.in_([Grade.GOOD]))
    flag: bool = False
    at: datetime | None = None
    day: date | None = None
    begins_at: time | None = None
    lasts: timedelta = field(default=timedelta(), validator=validators.le(timedelta(microseconds=5)))
    allowed: time = field(default=time(12), validator=validators.in_([time(9), time(12)]))
    ref: Id | None = None
    raw: bytes = b""
    part: Part | None = None
    parts: list[Part] = field(factory=list, validator=validators.max_len(2))
    words: list[str] = field(factory=list, validator=validators.deep_iterable(validators.max_len(3)))
    holes: list[int | None] = field(factory=list)
    table: dict[str, int] = field(factory=dict, validator=validators.min_len(0))
    free: dict[str, Any] = field(factory=dict)
    anything: Any = None


class RuledRepository(Repository[Ruled]):
    """The port."""


RULED = mapping_of(Documents(RuledRepository, collection="ruled"), make_converter())

VALUES: tuple[Any, ...] = (
    *(None, True, False, 0, 1, 2, 5, 11, -1, Int64(2**40), 1.0, 0.5, 1.5, -0.5, 1e300, math.inf, -math.inf, math.nan),
    *(
        "",
        "a",
        "ab",
        "xab",
        "xy",
        "abcdef",
        "one",
        "three",
        "good",
        "AB",
        "AB-c1",
        "AB-",
        "AB\n",
        "a@b",
        "ada@example.org",
        "09:00:00.000000",
        "12:00:00.000000",
        "23:59:59.9999990",
        "24:00:00.000000",
        "09:00:00.000000\n",
        "09:00",
    ),
    *(Decimal128("0.5"), Decimal128("0.4"), b"", b"x", NOW, ObjectId(), re.compile("a")),
    *(
        [],
        [None],
        [1],
        ["a"],
        ["abcd"],
        [True],
        [{}],
        [{"code": "AB"}],
        [{"code": "AB"}] * 3,
        [[]],
        [1.5],
        [{"code": "ab"}],
    ),
    *({}, {"code": "AB"}, {"code": "ab"}, {"code": "AB", "weight": 0}, {"code": "AB", "weight": 3, "more": 1}),
    *({"code": "AB", "inside": None}, {"a": 1}, {"a": None}, {"a": "x"}, {"weight": 3}),
)
"""What other programs may write; of numbers above 64 bits and of the forms of binary data a schema knows nothing."""


def refused_by_server(raw: Raw, mapping: EntityMapping, documents: list[dict[str, Any]]) -> list[bool]:
    """Whether a server's validator refuses each document."""
    numbered = [{"n": number, "d": document} for number, document in enumerate(documents)]
    fitting = raw.get_database("validators", codec_options=CODEC_OPTIONS).aggregate(
        [
            {"$documents": [{"$literal": one} for one in numbered]},
            {"$replaceRoot": {"newRoot": {"$mergeObjects": ["$d", {"number of it": "$n"}]}}},
            {"$match": {"$jsonSchema": json_schema_of(mapping)}},
        ]
    )
    numbers = {found["number of it"] for found in fitting}
    return [number not in numbers for number in range(len(documents))]


def refused_by_tristore(mapping: EntityMapping, document: dict[str, Any]) -> bool:
    """Whether the mapping or a validator of the entity refuses a document."""
    try:
        _check(mapping.load(document))
    except (ValueError, TypeError):
        return True
    return False


def _check(subject: Any) -> None:
    attrs.validate(subject)
    for one in attrs.fields(type(subject)):
        value = getattr(subject, one.name)
        if one.converter is not None and value is not None:
            one.converter(value)
        for part in value if isinstance(value, list) else [value]:
            if attrs.has(type(part)):
                _check(part)


@pytest.mark.parametrize("documents", [*CORE, *ANALYTICS, *SYSTEMLOGS], ids=lambda one: one.collection)
def test_what_the_three_stores_store_passes(raw: Raw, documents: Documents) -> None:
    """Every entity that tristore stores passes its own validator."""
    mapping = mapping_of(documents, make_converter())

    @settings(max_examples=20)
    @given(st.lists(entities(mapping.cls), min_size=1, max_size=20))
    def law(found: list[Any]) -> None:
        stored = mapping.dump_new(found, NOW)

        assert not any(refused_by_server(raw, mapping, stored))

    law()


def test_what_any_entity_stores_passes(raw: Raw) -> None:
    """An entity with a rule of every kind passes its own validator, new and changed."""
    mappings = [RULED, *(mapping_of(one, make_converter()) for one in customers())]

    @settings(max_examples=60)
    @given(st.data())
    def law(data: st.DataObject) -> None:
        mapping = data.draw(st.sampled_from(mappings))
        found = data.draw(st.lists(_entities(mapping.cls), min_size=1, max_size=10))
        stored = [*mapping.dump_new(found, NOW), *map(mapping.dump, found)]

        assert not any(refused_by_server(raw, mapping, stored))

    law()


def _entities(cls: type[Any]) -> st.SearchStrategy[Any]:
    if cls is not Ruled:
        return entities(cls)
    return entities(Ruled, found=st.sampled_from(["ab", "xaby", "\nac"]), begins=st.sampled_from([None, "x1", "xyz"]))


def test_validator_and_tristore_agree(raw: Raw) -> None:
    """A document that another program writes is refused by the validator exactly if tristore refuses it."""
    sound = RULED.dump_new([Ruled(name="ada", handle="ada", address="ada@example.org")], NOW)[0]
    keys = sorted({field.key for field in RULED.fields} - {"_id"})
    cases = [
        *({key: value for key, value in sound.items() if key != gone} for gone in keys),
        *({**sound, key: value} for key in keys for value in VALUES),
    ]
    found = refused_by_server(raw, RULED, cases)
    wanted = [refused_by_tristore(RULED, case) for case in cases]
    differing = [
        (key, case.get(key, "missing"), "tristore refuses" if theirs else "the server refuses")
        for case, ours, theirs in zip(cases, found, wanted, strict=True)
        if ours != theirs
        for key in keys
        if case.get(key) is not sound.get(key)
    ]

    assert [] == [one for one in differing if one[0] != "address"]
    # of an address the server asks only for one @; no address that tristore takes is refused
    assert {("address", "a@b", "tristore refuses")} >= {*differing}
    assert 200 < sum(wanted) < len(cases) - 200


@sized(30, soak=200)
def test_validator_and_tristore_agree_on_several_changes(raw: Raw, examples: int) -> None:
    """They agree too where several fields of a random entity were changed at once."""

    @settings(max_examples=examples)
    @given(st.data())
    def law(data: st.DataObject) -> None:
        keys = sorted({field.key for field in RULED.fields} - {"_id", "address"})
        changes = st.dictionaries(st.sampled_from(keys), st.sampled_from(VALUES), max_size=3)
        (sound,) = RULED.dump_new([data.draw(_entities(Ruled))], NOW)
        cases = [{**sound, **change} for change in data.draw(st.lists(changes, min_size=1, max_size=8))]

        assert [refused_by_tristore(RULED, case) for case in cases] == refused_by_server(raw, RULED, cases)

    law()


@pytest.fixture
def database(mongo_url: str, raw: Raw) -> Any:
    """The database, through a bare client: another writer."""
    return raw[database_name(mongo_url)]


@pytest.fixture
def store(mongo_url: str) -> Iterator[BillingStore]:
    """The billing store, whose declaration says nothing of validators."""
    store = open_billing(mongo_url)
    store.prepare()
    yield store
    store.close()


def test_other_writers_are_refused(store: BillingStore, database: Any) -> None:
    """Once installed, a validator refuses another program's document that tristore would refuse, and no sound one."""
    sync_validators(store, diff_validators(store))
    with store.unit_of_work() as uow:
        uow.customers.add(customer(credits=5))
    with store.unit_of_work() as uow:
        uow.customers.find()[0].credits += 1
    (stored,) = database["customers"].find()

    for wrong in ({"credits": -1}, {"status": "gone"}, {"name": 5}, {"tags": "a"}, {"address": {"zipCode": "1"}}):
        with pytest.raises(WriteError):
            database["customers"].update_one({}, {"$set": wrong})
    with pytest.raises(WriteError):
        database["customers"].insert_one({"email": "bob@example.org"})
    database["customers"].insert_one({"email": "bob@example.org", "name": "Bob", "nickname": "b", "__v": 3})
    assert 6 == stored["credits"]
    with store.reader() as reader:
        assert 2 == len(reader.customers.find())


def test_diff_and_sync(store: BillingStore, database: Any) -> None:
    """A diff names what is missing, the sync installs it once, and what somebody changed is seen."""
    first = diff_validators(store)
    done = sync_validators(store, first)
    second = diff_validators(store)
    database.command({"collMod": "customers", "validationLevel": "moderate"})
    database.command({"collMod": "invoices", "validator": {"$jsonSchema": {"properties": {"number": {"minimum": 5}}}}})
    third = {one.collection: one.changes for one in diff_validators(store)}

    assert [("no validator",)] * 2 == [one.changes for one in first]
    assert (2, [False, False]) == (len(done), [one.drift for one in second])
    assert ("level is moderate, not strict",) == third["customers"]
    assert any(words.startswith("missing: _id, ") for words in third["invoices"])


STRICTER: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "no other fields": ({"additionalProperties": False}, {}),
    "few fields": ({"maxProperties": 5}, {}),
    "a negation": ({"not": {"required": ["nickname"]}}, {}),
    "a rule beside it": ({}, {"credits": {"$lt": 5}}),
    "a text beside it": ({"title": "customers"}, {}),
}


@pytest.mark.parametrize(("more", "beside"), STRICTER.values(), ids=STRICTER)
def test_a_validator_that_asks_more(
    store: BillingStore, database: Any, more: dict[str, Any], beside: dict[str, Any]
) -> None:
    """A validator that says anything else than the entity is drift, and the sync takes that away."""
    sync_validators(store, diff_validators(store))
    (wanted,) = (one.wanted for one in diff_validators(store) if one.collection == "customers")
    validator = {"$jsonSchema": {**wanted.schema, **more}, **beside}
    database.command({"collMod": "customers", "validator": validator})
    found = diff_validators(store)

    assert {"customers": ("another rule",), "invoices": ()} == {one.collection: one.changes for one in found}
    assert ["customers"] == [one.collection for one in sync_validators(store, found)]
    assert not any(one.drift for one in diff_validators(store))


def test_violations_are_counted_first(store: BillingStore, database: Any) -> None:
    """Stored documents that break a validator are counted, with ids, and stop a strict one unless told otherwise."""
    database["invoices"].insert_many([{"_id": n, "number": n} for n in range(5)])
    found = {one.collection: one for one in diff_validators(store)}
    moderate = diff_validators(store, level="moderate", action="error")

    assert (5, 0) == (found["invoices"].violations.count, found["customers"].violations.count)
    assert {0, 1, 2, 3, 4} >= set(found["invoices"].violations.examples)
    with pytest.raises(ConfigurationError, match=r"nothing was changed.*invoices \(5\)"):
        sync_validators(store, [*found.values()])
    assert [] == [one for one in database.list_collections() if "validator" in one["options"]]
    sync_validators(store, moderate)
    database["invoices"].update_one({"_id": 1}, {"$set": {"slug": "x"}})
    assert [False, False] == [one.drift for one in diff_validators(store, level="moderate")]
    assert 2 == len(sync_validators(store, [*found.values()], accept_violations=True))


def test_a_declared_validator_is_prepared(mongo_url: str, database: Any) -> None:
    """A collection whose documents declare validation is created with it, with level and action of choice."""
    store = open_billing(mongo_url, customers(validation=Validation("moderate", "warn")))
    store.prepare()
    store.prepare()
    options = next(one["options"] for one in database.list_collections(filter={"name": "customers"}))
    found = {one.collection: one.changes for one in diff_validators(store)}
    store.close()

    assert ("moderate", "warn") == (options["validationLevel"], options["validationAction"])
    assert {"customers": (), "invoices": ("no validator",)} == found


def test_the_error_of_a_validator_is_tristores(mongo_url: str, database: Any) -> None:
    """A list that was edited in place beyond its rule is refused by the server, as a ValidationError."""
    database.create_collection("customers", validator={"$jsonSchema": {"properties": {"tags": {"maxItems": 1}}}})
    store = open_billing(mongo_url)
    with pytest.raises(ValidationError, match="the server refuses the document"), store.unit_of_work() as uow:
        uow.customers.add(customer(tags=["a", "b"]))
    store.close()


def test_wrong_words_are_refused() -> None:
    """Level and action are MongoDB's words."""
    with pytest.raises(ConfigurationError, match="level of Validation must be strict or moderate or off, not 'high'"):
        Validation(level="high")  # type: ignore[arg-type]
    with pytest.raises(ConfigurationError, match="action of Validation must be error or warn"):
        Validation(action="stop")  # type: ignore[arg-type]


def test_the_commands(mongo_url: str, store: BillingStore, database: Any) -> None:
    """Diff exits with 1 on a difference; sync shows, counts, applies; violations end it with 1."""
    drift = on_billing("schema", "diff", url=mongo_url)
    shown = on_billing("schema", "sync", url=mongo_url)
    applied = on_billing("schema", "sync", "--apply", url=mongo_url)
    fine = on_billing("schema", "diff", url=mongo_url)
    other = on_billing("schema", "diff", "--level", "moderate", url=mongo_url)

    assert [1, 0, 0, 0, 1] == [one.exit_code for one in (drift, shown, applied, fine, other)]
    assert "give --apply" in shown.stdout
    assert max(len(line) for line in drift.stdout.splitlines()) <= 100
    database.command({"collMod": "invoices", "validator": {}})
    database["invoices"].insert_one({"_id": 77})
    blocked = on_billing("schema", "sync", "--apply", url=mongo_url)
    assert (1, True) == (blocked.exit_code, "77" in blocked.stdout and "Nothing was changed" in blocked.stdout)
    assert 0 == on_billing("schema", "sync", "--apply", "--action", "warn", url=mongo_url).exit_code


def test_dates_and_naming() -> None:
    """The schema speaks of the document's keys, in the form that the declaration gives them."""
    documents = Documents(RuledRepository, collection="x", naming="snake_case", keys={"name": "title"})
    schema = json_schema_of(mapping_of(documents, make_converter()))

    assert {"title", "handle", "address"} == set(schema["required"])
    assert {"created_at", "updated_at", "_id"} <= set(schema["properties"])
    assert {"bsonType": ["date", "null"]} == schema["properties"]["at"]


OPTIONS: list[Any] = [1, Decimal("2.50"), "3"]
NUMBERS: list[Any] = [1.0, 2.5, Decimal(3)]


@define(kw_only=True)
class Priced(Entity):
    """Options that equal values of the field's type, and one that does not."""

    price: Decimal = field(default=Decimal(1), validator=validators.in_(OPTIONS))
    number: int = field(default=1, validator=validators.in_(NUMBERS))


class PricedRepository(Repository[Priced]):
    """The port."""


def test_options_of_another_type() -> None:
    """What the entity takes because it equals an option, the validator takes too."""
    schema = json_schema_of(mapping_of(Documents(PricedRepository, collection="priced"), make_converter()))
    properties = schema["properties"]

    assert [Decimal128("1"), Decimal128("2.50")] == properties["price"]["enum"][:2]
    assert [1, 3] == properties["number"]["enum"][:2]
    assert all({None} >= set(field["enum"][2:]) for field in (properties["price"], properties["number"]))


def test_documents_of_older_schema_versions_break_the_validator_until_they_are_migrated(mongo_url: str) -> None:
    """They are counted; edits and a run store them in the current form, which passes."""
    with open_store(ParcelUnitOfWork, url=mongo_url, documents=[PARCELS], prepare="create") as store:
        insert(store, [old(1), old(2), migrated(3)])
        (before,) = diff_validators(store)
        sync_validators(store, [before], accept_violations=True)
        with store.unit_of_work() as uow:
            uow.parcels.get(Id(str(old(1)["_id"]))).priority = "high"
        (between,) = diff_validators(store)
        run = Migrations(store).run()
        (after,) = diff_validators(store)

        assert ([2, 1, 0], True) == ([one.violations.count for one in (before, between, after)], run.ok)
        assert (True, False) == (before.blocks, after.drift)
