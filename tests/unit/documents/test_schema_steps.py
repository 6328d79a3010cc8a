"""Declaring schema steps, and what each does to a document."""

from collections.abc import Callable
from typing import Any

import pytest
from attrs import define, field
from bson import Decimal128, ObjectId

from tristore import (
    ConfigurationError,
    Convert,
    Default,
    Documents,
    Drop,
    Entity,
    Rename,
    Repository,
    SchemaStep,
    Transform,
    UnitOfWork,
    open_store,
    touches,
)
from tristore.adapters.backend import WritePlan
from tristore.adapters.documents.declarations.schema_steps import SchemaChange
from tristore.adapters.operations.migrations.walk import Pace
from tristore.errors import StepFailed
from tristore.fields import SECRET
from tristore.operations import Migrations, OneOff


@define(kw_only=True)
class Account(Entity):
    """Somebody's account."""

    login: str = ""
    secret_word: str = field(default="", metadata=SECRET)


class AccountRepository(Repository[Account]):
    """Accounts."""


class AccountUnitOfWork(UnitOfWork):
    """Writing accounts."""

    accounts: AccountRepository


def opened(*steps: Any, version: Any = None, **options: Any) -> Any:
    """A store with these steps."""
    given = {"schema_version": len(steps) + 1 if version is None else version, "steps": steps, **options}
    documents = Documents(AccountRepository, collection="accounts", **given)
    return open_store(AccountUnitOfWork, url="memory://", documents=[documents])


def carried_out(change: SchemaChange, document: dict[str, Any]) -> dict[str, Any]:
    """What a change makes of a document."""
    chain = opened(SchemaStep(2, change)).environment.bindings["accounts"].mapping.chain
    given = {"_id": 1, **document}
    chain.upgrade(given)
    return {key: value for key, value in given.items() if key[:1] not in {"_", "\0"} and key != "schemaVersion"}


@pytest.mark.parametrize(
    ("change", "document", "expected"),
    [
        (Rename("a", "b"), {"a": 1}, {"b": 1}),
        (Rename("a", "b"), {"a": None}, {"b": None}),
        (Rename("a", "b"), {"b": 2}, {"b": 2}),
        (Rename("a", "b"), {"a": 1, "b": None}, {"b": 1}),
        (Rename("a.x", "b.y"), {"a": {"x": 1, "z": 2}}, {"a": {"z": 2}, "b": {"y": 1}}),
        (Rename("a.x", "b"), {"a": 1}, {"a": 1}),
        (Default("a", 1), {}, {"a": 1}),
        (Default("a", 1), {"a": None}, {"a": None}),
        (Default("a.x", 1), {"a": {}}, {"a": {"x": 1}}),
        (Default("a", {"x": []}), {}, {"a": {"x": []}}),
        (Drop("a"), {"a": 1, "b": 2}, {"b": 2}),
        (Drop("a.x"), {"a": {"x": 1}}, {"a": {}}),
        (Drop("a.x"), {}, {}),
        (Convert("a", int), {"a": "5"}, {"a": 5}),
        (Convert("a", int), {"a": None}, {"a": None}),
        (Convert("a", int), {}, {}),
        (Convert("a", Decimal128), {"a": "1.50"}, {"a": Decimal128("1.50")}),
        (Transform(lambda d: {**d, "a": d["b"]}, ("a",)), {"b": 1}, {"a": 1, "b": 1}),
    ],
)
def test_a_change(change: SchemaChange, document: dict[str, Any], expected: dict[str, Any]) -> None:
    """Each kind of change does what it says, and nothing where its key is missing."""
    assert expected == carried_out(change, document)


def test_a_default_is_not_shared() -> None:
    """Two documents with a mutable default have lists of their own."""
    change = Default("a", [])
    first, second = carried_out(change, {}), carried_out(change, {})
    first["a"].append(1)

    assert [] == second["a"]


@pytest.mark.parametrize(
    ("steps", "version", "why"),
    [
        ([SchemaStep(2), SchemaStep(4)], 4, r"lead to 2, 4, and must lead without a gap .* schema_version 4"),
        ([SchemaStep(2)], 3, r"lead to 2, .*declare one SchemaStep for each of 2, 3"),
        ([SchemaStep(3), SchemaStep(2)], 3, "lead to 3, 2"),
        ([SchemaStep(1), SchemaStep(2)], 2, "lead to 1, 2"),
        ([Drop("a")], 2, "must be SchemaStep"),
        ([SchemaStep(2, Drop("schemaVersion"))], 2, "touches schemaVersion"),
        ([SchemaStep(2, Rename("a", "version"))], 2, "touches version"),
        ([], 0, "schema_version of accounts must be a whole number from 1 on, not 0"),
        ([], "2", "must be a whole number"),
        ([], True, "must be a whole number"),
    ],
)
def test_a_wrong_chain(steps: list[Any], version: Any, why: str) -> None:
    """A chain with a gap, or with what is no step, is refused when the store is opened, with what to declare."""
    with pytest.raises(ConfigurationError, match=why):
        opened(*steps, version=version)


@pytest.mark.parametrize(
    ("declare", "why"),
    [
        (lambda: Rename("a", "a.b"), "moves a key into itself"),
        (lambda: Rename("", "a"), "old of a schema step must be a document key"),
        (lambda: Drop("_id"), "not the id"),
        (lambda: Drop("$set"), "must be a document key"),
        (lambda: Default("a", object()), "the value of a Default holds"),
        (lambda: Convert("a", "int"), "to of a schema step takes a function, not str"),  # type: ignore[arg-type]
        (lambda: Transform(dict, ()), "must list the keys that it touches"),
        (lambda: Transform(dict, "a"), "must list the keys that it touches as a tuple"),  # type: ignore[arg-type]
        (lambda: SchemaStep(2, "drop a"), "a SchemaStep takes Rename, Default"),  # type: ignore[arg-type]
        (lambda: opened(unversioned=0), "unversioned of accounts must be"),
        (lambda: opened(write_back="never"), "write_back of Documents must be on_change or on_read"),
        (lambda: Documents(AccountRepository, collection="a", steps=SchemaStep(2)), "must be a list of SchemaStep"),
        (lambda: OneOff("no spaces", "d", print), "cannot be the name of a step"),
        (lambda: OneOff("x", "d", print), "the source of 'print' cannot be read"),
        (lambda: OneOff("x", "d", lambda _: None), "a lambda has no source of its own"),
        (lambda: OneOff("x", "d", 5), "run of step x takes a function"),  # type: ignore[arg-type]
        (lambda: Migrations(opened(), [OneOff("x", "d", print, "1"), OneOff("x", "d", print, "2")]), "two steps have"),
    ],
)
def test_a_wrong_declaration(declare: Any, why: str) -> None:
    """What cannot be meant is refused where it is written."""
    with pytest.raises(ConfigurationError, match=why):
        declare()


def test_a_function_with_its_keys() -> None:
    """The decorator makes a change that says what it does and to which keys."""

    @touches("name", "first")
    def shorten(document: dict[str, Any]) -> dict[str, Any]:
        return document

    assert "shorten, which touches name, first" == str(shorten)
    assert "rename a to b; drop c; convert d by int" == str(
        SchemaStep(2, Rename("a", "b"), Drop("c"), Convert("d", int))
    )


def test_secrets_are_hidden_in_samples() -> None:
    """A dry run shows neither the value of a secret field nor that of the key from which it comes."""
    store = opened(SchemaStep(2, Rename("word", "secretWord"), Rename("name", "login")))
    document = {"_id": ObjectId(), "word": "hush", "name": "ada"}
    store.backend.write(WritePlan("accounts", "version", inserts=[document]), transaction=None, timeout=5)

    (sample,) = Migrations(store).plan().collections[0].samples

    assert "hush" not in str(sample)
    assert {"- word: ***", "+ secretWord: ***", "- name: 'ada'", "+ login: 'ada'"} == set(sample.lines)


@pytest.mark.parametrize(("convert", "kind"), [(int, "ValueError"), (lambda word: {word}, "InvalidDocument")])
def test_secrets_are_hidden_in_errors(convert: Callable[[Any], Any], kind: str) -> None:
    """The error of a step that touches a secret names its type alone, and has no cause that quotes the value."""
    store = opened(SchemaStep(2, Convert("secretWord", convert)))
    document = {"_id": ObjectId(), "secretWord": "hush"}
    store.backend.write(WritePlan("accounts", "version", inserts=[document]), transaction=None, timeout=5)

    with store.reader() as reader, pytest.raises(StepFailed, match=f"{kind}, whose words may show") as caught:
        reader.accounts.find()

    assert "hush" not in str(caught.value)
    assert (None, None) == (caught.value.__cause__, caught.value.__context__)


def test_the_checksum_is_that_of_the_source() -> None:
    """The same source gives the same checksum, another one another."""

    def fix(_: object) -> int:
        return 1

    def fix_otherwise(_: object) -> int:
        return 2

    same = OneOff("x", "d", fix).checksum
    other = OneOff("x", "d", fix_otherwise).checksum

    assert (same, False) == (OneOff("y", "e", fix).checksum, same == other)


def test_the_pace() -> None:
    """A pace waits as long as the documents so far should have taken, and takes no more than a second's at once."""
    now, slept = [0.0], list[float]()
    pace = Pace(10, sleep=slept.append, clock=lambda: now[0])
    pace.wait(5)
    now[0] = 1.0
    pace.wait(5)
    pace.wait(20)

    assert ([0.5, 2.0], 10, 4) == (slept, pace.batch(1_000), pace.batch(4))
    assert 1_000 == Pace(None).batch(1_000)
