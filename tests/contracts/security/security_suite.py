"""Operator injection: whatever callers pass where a value belongs, no backend ever reads it as an operator."""

import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import attrs
import pytest
from attrs import frozen
from bson import Code, Regex
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tristore import (
    DocumentStore,
    InvalidQuery,
    Repository,
    TristoreError,
    ValidationError,
    bucket,
    contains,
    count,
    one_of,
    some,
    total,
)

from ..billing import Address, BillingUnitOfWork, Customer, customer
from ..stores import BillingContract

OPERATORS = [
    *("$eq", "$ne", "$gt", "$gte", "$lt", "$in", "$nin", "$exists", "$type", "$regex", "$not", "$or", "$nor", "$expr"),
    *("$where", "$function", "$accumulator", "$jsonSchema", "$mod", "$all", "$elemMatch", "$set", "$inc", "$comment"),
]
NAMES = [
    *("$where", "$set", "roles.admin", "a.b", "a\0b", "__proto__", "__class__", "__dict__", "__init__", "constructor"),
    *("_schema", "_path", "_events", "missing", "no_such_field", " email", "email ", "e-mail"),
]
TEXTS = [
    "$where",
    "$gt",
    "$credits",
    ".*",
    "^(a|a?)+$",
    "this.credits > 0",
    "'; return true; //",
    "{$ne: null}",
    "\\Q",
    "a.b",
]
MANAGED = {"id", "version", "updated_at"}
"""Fields of which a unit never reads what the object says once it is stored."""

COMPARISONS: dict[str, Callable[[Any, Any], Any]] = {
    "==": lambda field, value: field == value,
    "!=": lambda field, value: field != value,
    "<": lambda field, value: field < value,
    "<=": lambda field, value: field <= value,
    ">": lambda field, value: field > value,
    ">=": lambda field, value: field >= value,
    "one_of": lambda field, value: one_of(field, [value]),
    "one_of, bare": one_of,
    "contains": contains,
    "some": lambda field, value: some(field) == value,
    "startswith": lambda field, value: field.startswith(value),
    "endswith": lambda field, value: field.endswith(value),
    "key": lambda field, value: field[value] == 1,
    "value": lambda field, value: field["key"] == value,
    "deep value": lambda field, value: field["key"]["$gt"] == value,
}

_operands = st.sampled_from([None, "", 0, 1, True, ".*", "sleep(1000)", [], ["ada@example.org"]])
_documents = st.recursive(
    st.dictionaries(st.sampled_from(OPERATORS), _operands, min_size=1, max_size=2),
    lambda inner: (
        st.dictionaries(st.sampled_from([*OPERATORS, "a", "city"]), inner, min_size=1, max_size=2)
        | st.lists(inner, min_size=1, max_size=2)
    ),
    max_leaves=4,
)
ATTACKS = _documents | st.sampled_from([re.compile(".*"), Regex(".*"), object()])
"""Documents of operators, nested too, lists of them (an update by pipeline), patterns."""

FIELDS = sorted(field.name for field in attrs.fields(Customer) if not field.name.startswith("_"))
# The store of a test serves all its examples, and each backend runs the same suite: both on purpose.
_on_purpose = [HealthCheck.function_scoped_fixture, HealthCheck.differing_executors]
quickly = settings(max_examples=60, deadline=None, database=None, suppress_health_check=_on_purpose)


def stored(store: DocumentStore[BillingUnitOfWork]) -> list[dict[str, Any]]:
    """All that is stored of the customers."""
    with store.reader() as uow:
        return [attrs.asdict(found, recurse=False) for found in uow.customers.find(sort="email")]


@frozen
class Tally:
    """How many have a name."""

    name: str
    n: int


class SecurityContract(BillingContract):
    """What repositories refuse."""

    @pytest.fixture
    def victims(self, store: DocumentStore[BillingUnitOfWork]) -> list[dict[str, Any]]:
        """Three customers that no attack may find or change."""
        with store.unit_of_work() as uow:
            for name in ("ada", "bob", "cyd"):
                values = {"metadata": {"key": name}, "tags": [name], "address": Address("Oslo"), "credits": 5}
                uow.customers.add(customer(f"{name}@example.org", **values))
        return stored(store)

    @settings(quickly, max_examples=200)
    @given(name=st.sampled_from(FIELDS), comparison=st.sampled_from(sorted(COMPARISONS)), attack=ATTACKS)
    def test_values_of_rules(
        self, store: DocumentStore[BillingUnitOfWork], name: str, comparison: str, attack: Any
    ) -> None:
        """Every way to compare every sort of field refuses documents, lists of them and patterns as values."""
        # TypeError is Python's word for a rule that asks a nested value for a key
        with pytest.raises((InvalidQuery, TypeError)), store.reader() as uow:
            uow.customers.find(lambda c: COMPARISONS[comparison](getattr(c, name), attack))

    @quickly
    @given(attack=ATTACKS)
    def test_arguments_of_repositories(
        self, store: DocumentStore[BillingUnitOfWork], victims: list[dict[str, Any]], attack: Any
    ) -> None:
        """Every public method refuses operators as ids, versions, rules, orders, bounds, pages and entities."""
        for name, arguments in calls_with(victims[0]["id"], attack):
            for open_it in (store.unit_of_work, store.reader):
                with pytest.raises(TristoreError), open_it() as uow:
                    answer = getattr(uow.customers, name)(**arguments)
                    list(answer if name == "stream" else ())
                    raise AssertionError(f"{name}({arguments!r}) was answered")

        assert victims == stored(store)

    def test_every_public_method_is_attacked(self) -> None:
        """A method that is added to repositories must be attacked too."""
        public = {name for name in dir(Repository) if not name.startswith("_")}
        others = {"before_save", "before_remove", "after_commit", "unique", "entity"}
        others |= {"cached_by_default"}  # which takes the options of a mark in the code

        assert public - others == {name for name, _ in calls_with("", None)}

    @quickly
    @given(name=st.sampled_from(sorted(set(FIELDS) - MANAGED)), attack=ATTACKS)
    def test_fields_of_what_is_written(
        self, store: DocumentStore[BillingUnitOfWork], victims: list[dict[str, Any]], name: str, attack: Any
    ) -> None:
        """An operator in a field, however it came there, is refused when the unit writes, and nothing is written."""
        for write in writes_with(store, victims[0]["id"], name, attack):
            with pytest.raises(ValidationError, match=name), store.unit_of_work() as uow:
                write(uow)

        assert victims == stored(store)

    @quickly
    @given(name=st.sampled_from(sorted(MANAGED)), attack=ATTACKS)
    def test_fields_that_only_the_unit_writes(
        self, store: DocumentStore[BillingUnitOfWork], victims: list[dict[str, Any]], name: str, attack: Any
    ) -> None:
        """What an object says of its own id, version and time of change is refused or ignored, never stored."""
        _, *writes = writes_with(store, victims[0]["id"], name, attack)
        for write in writes:
            with suppress(TristoreError, TypeError), store.unit_of_work() as uow:
                write(uow)

        assert victims == stored(store)

    @quickly
    @given(attack=ATTACKS)
    def test_keys_and_values_in_free_dictionaries(
        self, store: DocumentStore[BillingUnitOfWork], victims: list[dict[str, Any]], attack: Any
    ) -> None:
        """A free dictionary takes any data but keys that look like operators or paths, and no patterns or code."""
        with pytest.raises(TristoreError), store.unit_of_work() as uow:
            uow.customers.get(victims[0]["id"]).metadata["profile"] = {"nested": [attack]}

        assert victims == stored(store)

    @pytest.mark.parametrize("name", NAMES)
    def test_names_of_fields(self, store: DocumentStore[BillingUnitOfWork], name: str) -> None:
        """Names from outside that are not the entity's are refused in orders and rules, dotted ones too."""
        with store.reader() as uow:
            for sort in (name, f"-{name}", ("email", name), f"address.{name}", f"{name}.city"):
                with pytest.raises(InvalidQuery):
                    uow.customers.find(sort=sort)
            with pytest.raises(InvalidQuery):
                uow.customers.find(lambda c: getattr(c, name) == "x")
            with pytest.raises(InvalidQuery):
                uow.customers.find(lambda c: getattr(c.address, name) == "x")

    @pytest.mark.parametrize("key", ["$where", "a.b", "a\0b", ""])
    def test_keys_of_dictionaries(self, store: DocumentStore[BillingUnitOfWork], key: str) -> None:
        """A key from outside cannot become an operator or a path."""
        with store.reader() as uow:
            with pytest.raises(InvalidQuery):
                uow.customers.find(lambda c: c.metadata[key] == 1)
            with pytest.raises(InvalidQuery):
                uow.customers.find(sort=f"metadata.x.{key}" if key in {"", "$where", "a\0b"} else "metadata.$a.b")

    @pytest.mark.parametrize("text", TEXTS)
    def test_text_that_looks_like_code(
        self, store: DocumentStore[BillingUnitOfWork], victims: list[dict[str, Any]], text: str
    ) -> None:
        """Text is compared as text: letters of patterns and scripts mean nothing, and find only themselves."""
        with store.unit_of_work() as uow:
            uow.customers.add(customer("new@example.org", name=f"{text}!", tags=[text], metadata={"key": text}))
        with store.reader() as uow:
            found = [
                *uow.customers.find(lambda c: c.name == f"{text}!"),
                *uow.customers.find(lambda c: c.name.startswith(text)),
                *uow.customers.find(lambda c: c.name.endswith(f"{text}!")),
                *uow.customers.find(lambda c: contains(c.tags, text)),
                *uow.customers.find(lambda c: c.metadata["key"] == text),
                *uow.customers.find(lambda c: one_of(c.metadata["key"], [text, "nobody"])),
            ]
            none = uow.customers.count(lambda c: c.email == text)

        assert (["new@example.org"] * 6, 0) == ([one.email for one in found], none)

    def test_code_is_stored_as_text(self, store: DocumentStore[BillingUnitOfWork]) -> None:
        """BSON's code, which is text to Python, arrives as text."""
        code = Code("function() { return true }")
        with store.unit_of_work() as uow:
            uow.customers.add(customer("new@example.org", name=code))
        with store.reader() as uow:
            (found,) = uow.customers.find(lambda c: (c.name == code) & c.name.startswith(code))

        assert (str, str(code)) == (type(found.name), found.name)

    @pytest.mark.parametrize("test", ["startswith", "endswith"])
    def test_texts_of_patterns_are_bounded(self, store: DocumentStore[BillingUnitOfWork], test: str) -> None:
        """What becomes a pattern has at most 1,000 characters, all of which may need escaping."""
        with store.reader() as uow:
            assert 0 == uow.customers.count(lambda c: getattr(c.name, test)("(" * 1_000))
            with pytest.raises(InvalidQuery, match="1,000"):
                uow.customers.find(lambda c: getattr(c.name, test)("a" * 1_001))

    def test_a_pattern_that_explodes_is_only_text(
        self, store: DocumentStore[BillingUnitOfWork], victims: list[dict[str, Any]]
    ) -> None:
        """The expression that keeps a server busy for minutes is looked for as it is written."""
        with store.unit_of_work() as uow:
            uow.customers.add(customer("new@example.org", name="a" * 40 + "!"))
        with store.reader() as uow:
            found = uow.customers.find(lambda c: c.name.startswith("^(a|a?)+$") | c.name.endswith("(a+)+$"))

        assert [] == found


def writes_with(
    store: DocumentStore[BillingUnitOfWork], known: Any, name: str, attack: Any
) -> list[Callable[[BillingUnitOfWork], None]]:
    """Every way to write an entity with the attack in a field, past its converters and validators."""

    def add(uow: BillingUnitOfWork) -> None:
        new = customer("new@example.org")
        object.__setattr__(new, name, attack)
        uow.customers.add(new)

    def edit(uow: BillingUnitOfWork) -> None:
        object.__setattr__(uow.customers.get(known), name, attack)

    def attach(uow: BillingUnitOfWork) -> None:
        with store.reader() as before:
            old = before.customers.get(known)
        object.__setattr__(old, name, attack)
        uow.customers.attach(old)

    return [add, edit, attach]


def calls_with(known: Any, attack: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every public method of a repository, with the attack in each of its parameters."""
    yield "get", {"id": attack}
    yield "get", {"id": known, "version": attack}
    for name in ("find", "first", "exists", "count", "page", "stream"):
        yield name, {"rule": attack}
    for name in ("find", "first", "page", "stream"):
        yield name, {"sort": attack}
    for name, bound in (("find", "skip"), ("find", "limit"), ("page", "limit"), ("page", "page")):
        yield name, {bound: attack}
    for name in ("find", "first", "page", "stream"):
        yield name, {"select": attack}
    for place in ("after", "before"):
        yield "page", {place: attack}
    yield "get_many", {"ids": [attack]}
    yield "get_many", {"ids": [known, attack]}
    yield "populate", {"entities": [1], "reference": lambda _: [attack]}
    yield "distinct", {"field": attack}
    yield "distinct", {"field": lambda c: c.email, "rule": attack}
    for name in ("ttl", "key", "compress"):
        yield "cached", {name: attack}
    for name in ("add", "remove", "attach", "refresh"):
        yield name, {"entity": attack}
    for name in ("add_many", "bulk_update"):
        yield name, {"entities": attack}
        yield name, {"entities": [attack]}
        yield name, {"entities": [], "max_errors": attack or 0}
    yield "update_where", {"rule": attack, "set": {"name": "x"}}
    yield "update_where", {"rule": None, "set": attack}
    yield "update_where", {"rule": None, "increment": attack}
    yield "update_where", {"rule": None, "increment": {"credits": attack}}
    for name in FIELDS:
        yield "update_where", {"rule": None, "set": {name: attack}}
    yield "remove_where", {"rule": attack}
    yield "upsert", {"entity": attack, "by": "email"}
    yield "upsert", {"entity": customer("new@example.org"), "by": attack}
    good: dict[str, Any] = {"view": Tally, "by": lambda c: {"name": c.name}, "values": lambda c: {"n": count()}}
    for name in ("view", "rule", "by", "values", "sort", "limit"):
        yield "rollup", {**good, name: attack}
    yield "rollup", {**good, "by": lambda c: {"name": attack}}
    yield "rollup", {**good, "by": lambda c: {"name": bucket(c.joined_at, "day", attack)}}
    yield "rollup", {**good, "values": lambda c: {"n": total(attack)}}
