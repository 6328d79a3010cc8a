"""Indexes of a server against what is declared: the plan, its steps, and what stays untouched."""

import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from contracts.billing import customer

from tristore import ConfigurationError, Index, open_store
from tristore.adapters.backend import IndexStep
from tristore.operations import diff_indexes, sync_indexes

from ..core_store import Raw, database_name
from .upkeep import BillingStore, customers, on_billing, open_billing, tristore

Open = Callable[..., BillingStore]


@pytest.fixture
def opened(mongo_url: str) -> Iterator[Open]:
    """Opens the billing store with indexes of customers; closed after the test."""
    stores: list[BillingStore] = []

    def open_it(*indexes: Index, **options: Any) -> BillingStore:
        stores.append(open_billing(mongo_url, customers(*indexes, **options)))
        return stores[-1]

    yield open_it
    for store in stores:
        store.close()


@pytest.fixture
def database(mongo_url: str, raw: Raw) -> Any:
    """The database, through a bare client."""
    return raw[database_name(mongo_url)]


def steps(store: BillingStore, **options: Any) -> list[str]:
    """The steps of a plan in words."""
    return [f"{step.kind.value} {step.name}".strip() for step in diff_indexes(store, **options).steps]


def problems(store: BillingStore) -> list[str]:
    """The indexes that only a name can let go."""
    found = (re.search(r"--drop (\w+)", problem) for problem in diff_indexes(store).plan.problems)
    return [one[1] for one in found if one is not None]


def sync(store: BillingStore, **options: Any) -> list[str]:
    """Carry a plan out, and say what was done."""
    done = sync_indexes(store, diff_indexes(store, **options))
    return [f"{step.kind.value} {step.name}".strip() for step in done]


DECLARATIONS = {
    "compound": Index("status", "-credits"),
    "nested": Index("address.zip_code"),
    "sparse": Index("referred_by", sparse=True),
    "partial": Index("score", where=lambda c: c.credits >= 100),
    "expiring": Index("joined_at", expire_after=timedelta(days=30)),
    "at once": Index("joined_at", expire_after=timedelta(0)),
    "text": Index("name:text", "nickname:text", weights={"name": 5}, default_language="none"),
    "text with a prefix": Index("status", "name:text"),
    "collation": Index("name", collation={"locale": "de", "strength": 2}),
    "hashed": Index("name:hashed"),
    "wildcard": Index("metadata.$**"),
    "wildcard with a projection": Index("$**", wildcardProjection={"metadata": 1, "tags": 1}),
    "hidden": Index("name", hidden=True),
    "with a name": Index("name", name="by_name"),
}


@pytest.mark.parametrize("index", DECLARATIONS.values(), ids=DECLARATIONS)
def test_every_declaration_is_made_once(opened: Open, index: Index) -> None:
    """An index with any option is created by a sync and by prepare(), and is no drift afterwards."""
    store = opened(index)
    sync(store)
    store.prepare()

    assert [] == steps(store)
    assert () == diff_indexes(store).undeclared


@pytest.mark.parametrize("index", DECLARATIONS.values(), ids=DECLARATIONS)
def test_every_declaration_is_prepared_once(opened: Open, index: Index) -> None:
    """What prepare() creates is no drift."""
    store = opened(index)
    store.prepare()
    store.prepare()

    assert [] == steps(store)


@pytest.mark.parametrize("locale", ["da", "fr_CA", "hi", "th", "de@collation=phonebook", "simple"])
def test_what_a_locale_brings_is_no_drift(opened: Open, locale: str) -> None:
    """What a server adds to a declared collation is no drift, for the locales that have rules of their own too."""
    store = opened(Index("name", collation={"locale": locale}))
    store.prepare()

    assert [] == steps(store)


def test_the_twin_takes_every_declaration() -> None:
    """A store in memory takes every index, and answers as without it; of text there is one for a collection."""
    left_out = {"at once", "hidden", "text with a prefix"}
    documents = customers(*(index for name, index in DECLARATIONS.items() if name not in left_out))
    with open_billing("memory://", documents).unit_of_work() as uow:
        uow.customers.add(customer(name="Ada"))

        assert ["Ada"] == [one.name for one in uow.customers.find(lambda c: c.name == "Ada", sort="name")]


def test_a_new_database(opened: Open, database: Any) -> None:
    """The first plan creates the collections and every index; nothing is changed by looking."""
    store = opened(Index("status"))
    found = diff_indexes(store)

    assert found.drift
    assert [] == database.list_collection_names()
    assert ["create collection", "create email_1", "create nickname_1", "create status_1"] == steps(store)[:4]


def test_expiry_is_modified_in_place(opened: Open, database: Any) -> None:
    """When documents expire is changed without building anything; an index that finds may begin to let them expire."""
    sync(opened(Index("joined_at", expire_after=timedelta(days=1))))
    again = opened(Index("joined_at", expire_after=timedelta(days=2)))

    assert ["modify joinedAt_1"] == sync(again)
    assert 172_800 == database["customers"].index_information()["joinedAt_1"]["expireAfterSeconds"]
    assert [] == steps(again)


def test_an_expiry_that_goes(opened: Open) -> None:
    """An index that is no longer to expire is built anew in the place of the old one, once that was named."""
    sync(opened(Index("joined_at", expire_after=timedelta(days=1))))
    again = opened(Index("joined_at"))

    assert ([], ["joinedAt_1"]) == (steps(again), problems(again))
    assert ["hide joinedAt_1", "drop joinedAt_1", "create joinedAt_1"] == sync(again, drop=["joinedAt_1"])
    assert ([], []) == (steps(again), problems(again))


def test_what_can_stand_beside_is_built_first(opened: Open) -> None:
    """An index whose rule changed is built beside the old one, which stays until it is named."""
    sync(opened(Index("score", where=lambda c: c.credits >= 100)))
    again = opened(Index("score", where=lambda c: c.credits >= 200))

    assert ["create score_1_v2", "hide score_1"] == sync(again, drop=["score_1"])
    assert ([], ["score_1"]) == (steps(again), problems(again))
    assert ["drop score_1"] == sync(again, drop=["score_1"])
    assert ([], []) == (steps(again), problems(again))
    third = opened(Index("score"))
    assert ["create score_1"] == sync(third)
    assert ["score_1_v2"] == problems(third)


OTHERS: dict[str, tuple[Index, dict[str, Any]]] = {
    "unique": (Index("score"), {"unique": True}),
    "partial": (Index("score"), {"partialFilterExpression": {"credits": {"$gt": 5}}}),
    "sparse": (Index("score"), {"sparse": True}),
    "collation": (Index("score"), {"collation": {"locale": "de"}}),
    "expiring": (Index("score"), {"expireAfterSeconds": 5}),
    "plain": (Index("score", sparse=True), {}),
}


@pytest.mark.parametrize(("index", "options"), OTHERS.values(), ids=OTHERS)
def test_a_name_is_no_proof_of_who_made_it(
    mongo_url: str, opened: Open, database: Any, index: Index, options: dict[str, Any]
) -> None:
    """What another program made over declared keys stays whatever its name, and is drift that says what to do."""
    database["customers"].create_index("score", **options)
    store = opened(index)
    before = database["customers"].index_information()["score_1"]
    sync(store)
    (problem,) = diff_indexes(store).plan.problems

    assert before == database["customers"].index_information()["score_1"]
    assert "--drop score_1" in problem
    assert all(name in problem for name in options)
    assert diff_indexes(store).drift
    while "score_1" in problems(store):
        sync(store, drop=["score_1"])
    assert (False, []) == (diff_indexes(store).drift, steps(store))


def test_the_commands_on_an_index_of_the_declared_name(mongo_url: str, database: Any) -> None:
    """A unique index that nobody declared ends diff and sync with 1, and only --drop lets it go, hidden first."""
    name = database["customers"].create_index([("status", 1), ("credits", -1)], unique=True)
    asked = [on_billing("indexes", *command, url=mongo_url) for command in (("diff",), ("sync", "--apply"))]

    assert [1, 1] == [one.exit_code for one in asked]
    assert f"--drop {name}" in " ".join(asked[0].stdout.split())
    assert {"_id_", name} == set(database["customers"].index_information())
    kept = []
    for _ in range(2):
        assert 0 == on_billing("indexes", "sync", "--apply", "--drop", name, url=mongo_url).exit_code
        kept.append(name in database["customers"].index_information())
    assert [True, False] == kept
    assert 0 == on_billing("indexes", "diff", "--strict", url=mongo_url).exit_code


INSIDE: dict[str, tuple[Index, list[tuple[str, Any]], dict[str, Any]]] = {
    "a text field more": (Index("name:text"), [("name", "text"), ("nickname", "text")], {}),
    "a weight": (Index("name:text"), [("name", "text")], {"weights": {"name": 5}}),
    "a language": (Index("name:text"), [("name", "text")], {"default_language": "none"}),
    "the field of the language": (Index("name:text"), [("name", "text")], {"language_override": "tongue"}),
    "a strength": (
        Index("name", collation={"locale": "de"}),
        [("name", 1)],
        {"collation": {"locale": "de", "strength": 1}},
    ),
    "letter case": (
        Index("name", collation={"locale": "da"}),
        [("name", 1)],
        {"collation": {"locale": "da", "caseFirst": "off"}},
    ),
    "what refuses new duplicates": (Index("name"), [("name", 1)], {"prepareUnique": True}),
    "a precision": (Index("metadata:2d"), [("metadata", "2d")], {"bits": 20}),
    "a projection": (
        Index("$**", wildcardProjection={"metadata": 1}),
        [("$**", 1)],
        {"wildcardProjection": {"metadata": 1, "tags": 1}},
    ),
}


@pytest.mark.parametrize(("index", "keys", "options"), INSIDE.values(), ids=INSIDE)
def test_what_differs_inside_an_option(
    opened: Open, database: Any, index: Index, keys: list[tuple[str, Any]], options: dict[str, Any]
) -> None:
    """An index whose text fields, collation or projection say more than was declared is another one."""
    database["customers"].create_index(keys, name="theirs", **options)
    store = opened(index)

    assert diff_indexes(store).drift
    for _ in range(2):
        sync(store, drop=[str(found) for found in diff_indexes(store).undeclared])
    assert (False, ()) == (diff_indexes(store).drift, diff_indexes(store).undeclared)


def test_a_sync_that_was_broken_off(opened: Open) -> None:
    """What a broken-off sync left to do is in the next plan, at whichever step it ended."""
    sync(opened(Index("joined_at", expire_after=timedelta(days=1))))
    again = opened(Index("joined_at"))
    plan = diff_indexes(again, drop=["joinedAt_1"])
    seen: list[list[str]] = []
    administration = again.backend.administration()
    assert administration is not None
    for step in plan.steps:
        administration.apply(step)
        named = ["joinedAt_1"] if "joinedAt_1" in problems(again) else []
        seen.append(steps(again, drop=named))

    assert [["drop joinedAt_1", "create joinedAt_1"], ["create joinedAt_1"], []] == seen


def test_hidden_by_somebody(opened: Open, database: Any) -> None:
    """A declared index that was hidden by hand is shown again."""
    store = opened(Index("status"))
    sync(store)
    database.command({"collMod": "customers", "index": {"name": "status_1", "hidden": True}})

    assert ["modify status_1"] == sync(store)
    assert "hidden" not in database["customers"].index_information()["status_1"]


def test_undeclared_indexes_stay(opened: Open, database: Any) -> None:
    """What nobody declared is shown and stays; named, it is hidden by one sync and dropped by the next."""
    store = opened(Index("status"))
    sync(store)
    database["customers"].create_index("score", name="theirs")

    assert [] == sync(store)
    assert ["customers.theirs"] == [str(index) for index in diff_indexes(store).undeclared]
    assert ["hide theirs"] == sync(store, drop=["theirs"])
    assert [] == sync(store)
    assert ["drop theirs"] == sync(store, drop=["customers.theirs"])
    assert "theirs" not in database["customers"].index_information()


def test_a_declared_index_cannot_be_named(opened: Open) -> None:
    """Naming what is declared, or what is not there, is an error that shows what could have been meant."""
    store = opened(Index("status"))
    sync(store)

    for name in ("status_1", "nothing", "_id_"):
        with pytest.raises(ConfigurationError, match=f"no undeclared index {name}"):
            diff_indexes(store, drop=[name])


def test_an_index_of_another_on_the_same_keys(opened: Open, database: Any) -> None:
    """Another program's index that leaves no room for the declared one is a problem that says what to do."""
    database["customers"].create_index("name", name="theirs", expireAfterSeconds=5)
    store = opened(Index("name"))
    found = diff_indexes(store)

    assert "create name_1" not in steps(store)
    assert [problem for problem in found.plan.problems if "--drop theirs" in problem]


def test_an_index_of_another_that_does_the_same(opened: Open, database: Any) -> None:
    """What another program made under its own name serves as well."""
    database["customers"].create_index([("status", 1), ("credits", -1)], name="theirs")

    assert [] == [step for step in steps(opened(Index("status", "-credits"))) if "status" in step]


DUPLICATES: dict[str, tuple[list[dict[str, Any]], tuple[int, int] | None]] = {
    "none": ([{"email": "a"}, {"email": "b"}], None),
    "two": ([{"email": "a"}, {"email": "a"}, {"email": "b"}], (1, 2)),
    "missing and null": ([{}, {"email": None}], (1, 2)),
    "two groups": ([{"email": value} for value in ("a", "a", "b", "b", "b")], (2, 5)),
    "in a list": ([{"email": ["a", "b"]}, {"email": "b"}], (1, 2)),
    "twice in one list": ([{"email": ["a", "a"]}, {"email": "b"}], None),
    "alike as numbers": ([{"email": 1}, {"email": 1.0}], (1, 2)),
    "an empty list and nothing": ([{"email": []}, {}], None),
}


@pytest.mark.parametrize(("documents", "expected"), DUPLICATES.values(), ids=DUPLICATES)
def test_duplicates_are_counted_as_the_server_would(
    opened: Open, database: Any, documents: list[dict[str, Any]], expected: tuple[int, int] | None
) -> None:
    """Duplicates are reported with counts and ids before anything changes, exactly if the server would refuse."""
    numbered = [{"_id": number, "nickname": f"n{number}", **one} for number, one in enumerate(documents)]
    database["customers"].insert_many(numbered)
    store = opened()
    found = diff_indexes(store)
    counts = [(one.groups, one.documents) for one in found.duplicates]

    assert ([] if expected is None else [expected]) == counts
    if expected is None:
        sync(store)
        assert [] == steps(store)
        return
    with pytest.raises(ConfigurationError, match=r"nothing was changed.*customers\(email\)"):
        sync_indexes(store, found)
    assert {"_id_"} == set(database["customers"].index_information())
    with pytest.raises(ConfigurationError, match="the same values"):
        store.prepare()


def test_duplicates_outside_a_sparse_key(opened: Open, database: Any) -> None:
    """Documents that a sparse key does not hold are no duplicates."""
    database["customers"].insert_many([{"email": f"{number}"} for number in range(5)])

    assert () == diff_indexes(opened()).duplicates


def test_progress_is_told(opened: Open, database: Any) -> None:
    """Each step is told of when it begins, with its index."""
    told: list[str] = []
    store = opened(Index("status"))
    sync_indexes(store, diff_indexes(store), progress=lambda step, done, total: told.append(step.name))

    assert {"email_1", "status_1"} <= set(told)


def test_progress_of_a_build(opened: Open, database: Any, raw: Raw) -> None:
    """While a server builds, it is told how many documents are done of how many."""
    database["customers"].insert_many([{"email": f"{n}", "nickname": f"{n}", "score": n} for n in range(300)])
    store = opened(Index("score"))
    told: list[tuple[str, int, int]] = []
    scanning = "hangIndexBuildDuringCollectionScanPhaseAfterInsertion"
    at_200 = {"mode": "alwaysOn", "data": {"fieldsToMatch": {"score": 200}}}

    def tell(step: IndexStep, done: int, total: int) -> None:
        told.append((step.name, done, total))
        if total:
            raw.admin.command({"configureFailPoint": scanning, "mode": "off"})

    raw.admin.command({"configureFailPoint": scanning, **at_200})
    try:
        sync_indexes(store, diff_indexes(store), progress=tell)
    finally:
        raw.admin.command({"configureFailPoint": scanning, "mode": "off"})

    assert ("email_1", 0, 0) in told
    assert [300] == list({total for _, _, total in told if total})
    assert [] == steps(store)


def test_the_commands(mongo_url: str, database: Any) -> None:
    """Diff exits with 1 on drift; sync changes nothing without --apply; with it there is no drift afterwards."""
    first = on_billing("indexes", "diff", url=mongo_url)
    shown = on_billing("indexes", "sync", url=mongo_url)
    nothing = database.list_collection_names()
    applied = on_billing("indexes", "sync", "--apply", url=mongo_url)
    last = on_billing("indexes", "diff", url=mongo_url)

    assert [1, 0, 0, 0] == [one.exit_code for one in (first, shown, applied, last)]
    assert [] == nothing
    assert "give --apply" in shown.stdout
    assert "email_1" in applied.stdout
    assert max(len(line) for line in first.stdout.splitlines()) <= 100


def test_the_commands_on_duplicates_and_undeclared_indexes(mongo_url: str, database: Any) -> None:
    """Duplicates end a sync with 1, with counts and ids and without values; --strict makes the undeclared drift."""
    database["customers"].insert_many([{"_id": number, "email": "ada@example.org"} for number in (7, 8)])
    blocked = on_billing("indexes", "sync", "--apply", url=mongo_url)

    assert 1 == blocked.exit_code
    assert "7, 8" in blocked.stdout
    assert "ada@" not in blocked.output
    database["customers"].delete_one({"_id": 8})
    assert 0 == on_billing("indexes", "sync", "--apply", url=mongo_url).exit_code
    database["customers"].create_index("score", name="theirs")
    assert [0, 1] == [on_billing("indexes", "diff", *more, url=mongo_url).exit_code for more in ((), ("--strict",))]
    named = on_billing("indexes", "sync", "--drop", "nothing", url=mongo_url)
    assert (2, "") == (named.exit_code, named.stdout)
    assert "customers.theirs" in named.stderr
    assert 0 == on_billing("indexes", "sync", "--apply", "--drop", "theirs", url=mongo_url).exit_code
    assert database["customers"].index_information()["theirs"]["hidden"]


@pytest.mark.parametrize(
    "command",
    [
        ("indexes", "diff"),
        ("indexes", "sync"),
        ("indexes", "advise"),
        ("schema", "diff"),
        ("schema", "sync"),
        ("slow-queries",),
    ],
    ids=" ".join,
)
def test_a_store_without_a_server(command: tuple[str, ...]) -> None:
    """In memory a command that needs a server says so in one line, with what to do."""
    result = tristore(*command)

    assert (2, "", 1) == (result.exit_code, result.stdout, result.stderr.count("\n"))
    assert "no store has a server to look after" in result.stderr


def test_a_store_in_memory_says_so() -> None:
    """From code, the error names the store and what to do."""
    with pytest.raises(ConfigurationError, match=r"store billing: memory:// has no server.*mongodb://"):
        diff_indexes(open_billing("memory://"))


def test_the_three_stores_have_no_drift_after_prepare(mongo_url: str, raw: Raw) -> None:
    """What prepare() makes of the three stores is what is declared."""
    name = database_name(mongo_url)
    urls = {store: mongo_url.replace(name, f"{name}_{store}") for store in ("core", "analytics", "systemlogs")}
    options = [part for store, url in urls.items() for part in (f"--{store}", url)]
    assert 0 == tristore("indexes", "sync", "--apply", *options).exit_code
    result = tristore("indexes", "diff", "--strict", *options)
    for store in urls:
        raw.drop_database(f"{name}_{store}")

    assert 0 == result.exit_code, result.output


def test_users_have_the_usual_indexes(mongo_url: str, raw: Raw) -> None:
    """Users are found by e-mail address, username, organization with status, and date of creation."""
    from tristore.domain.core import CoreUnitOfWork
    from tristore.three_stores import CORE

    store = open_store(CoreUnitOfWork, url=mongo_url, documents=CORE)
    store.prepare()
    store.close()
    found = raw[database_name(mongo_url)]["users"].index_information()
    keys = [tuple(index["key"]) for index in found.values()]
    begins = {key[:length] for key in keys for length in range(1, len(key) + 1)}

    assert {"email_1", "username_1"} == {name for name, index in found.items() if index.get("unique")}
    assert {(("organizationId", 1), ("status", 1)), (("createdAt", -1),)} <= begins
