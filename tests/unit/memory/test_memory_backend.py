"""The in-memory backend by itself: its URL, its limits, and what it hands out."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from bson.objectid import ObjectId
from bson.regex import Regex

from tristore import ConfigurationError, InvalidQuery, ValidationError
from tristore.adapters.backend import (
    All,
    BackendOptions,
    Capability,
    CollectionDeclaration,
    Comparator,
    Compare,
    Contains,
    Document,
    IndexDeclaration,
    KeyTaken,
    OneOf,
    Predicate,
    Query,
    Replace,
    SortKey,
    Text,
    TextTest,
    Update,
    WritePlan,
    WriteResult,
)
from tristore.errors import TooLarge, TransactionsUnsupported
from tristore.testing import MemoryBackend

BY_NAME = IndexDeclaration((("name", 1),), unique=True)


def opened(*indexes: IndexDeclaration, url: str = "memory://") -> MemoryBackend:
    return MemoryBackend.open(url, BackendOptions("test", (CollectionDeclaration("things", indexes),)))


def insert(backend: MemoryBackend, *documents: Document) -> WriteResult:
    return backend.write(WritePlan("things", "version", inserts=documents), transaction=None, timeout=1)


def update(backend: MemoryBackend, *updates: Update | Replace) -> WriteResult:
    return backend.write(WritePlan("things", "version", updates=updates), transaction=None, timeout=1)


def found(backend: MemoryBackend, predicate: Predicate = All(()), **query: Any) -> list[Document]:  # noqa: B008
    return backend.find("things", Query(predicate, **query), transaction=None, timeout=1).to_list()


def equal(name: str, value: object) -> Compare:
    return Compare((name,), Comparator.EQ, value)


@pytest.mark.parametrize(
    "url",
    [
        "memory://data",
        "memory:///",
        "memory:///data?size=1",
        "memory://#data",
        "memory://?transactions=maybe",
        "memory://?transactions=",
        "memory://?size=1",
        "mongodb://",
    ],
)
def test_an_unknown_part_of_the_url_is_refused(url: str) -> None:
    """A URL that asks for what memory does not have is an error that says what to write."""
    with pytest.raises(ConfigurationError, match="memory://"):
        opened(url=url)


def test_each_opened_backend_has_its_own_data() -> None:
    """Two stores with the same URL share nothing."""
    one, other = opened(), opened()
    insert(one, {"_id": 1})

    assert [{"_id": 1}] == found(one)
    assert [] == found(other)


def test_a_standalone_twin_has_no_transactions() -> None:
    """With transactions=false the backend refuses to begin, and says so in what it can do (U19, T1)."""
    backend = opened(url="memory://?transactions=false")

    assert Capability.ROLLUPS | Capability.LEASES == backend.capabilities
    assert not backend.ping(timeout=1).transactions
    assert "memory://?transactions=false" == backend.location
    for read_only in (False, True):
        with pytest.raises(TransactionsUnsupported, match="transactions"):
            backend.begin(read_only=read_only)


def test_ping_and_close() -> None:
    """Memory is always there, and keeps its data when it is closed."""
    backend = opened()
    insert(backend, {"_id": 1})
    backend.close()

    assert backend.ping(timeout=1).transactions
    assert "memory://" == backend.location
    assert [{"_id": 1}] == found(backend)


def test_documents_come_back_as_new_objects() -> None:
    """Changing what was given or found changes nothing that is stored."""
    backend = opened()
    given = {"_id": 1, "tags": ["a"]}
    insert(backend, given)
    given["tags"].append("b")  # type: ignore[attr-defined]
    found(backend)[0]["tags"].append("c")
    found(backend, equal("tags", "a"))[0]["tags"].append("d")

    assert [{"_id": 1, "tags": ["a"]}] == found(backend)


def test_values_are_those_of_bson() -> None:
    """Datetimes come back naive, in UTC and whole milliseconds."""
    backend = opened()
    moment = datetime(2024, 1, 2, 3, 4, 5, 678_999, tzinfo=UTC) + timedelta(hours=1)
    insert(backend, {"_id": moment, "at": moment})

    expected = datetime(2024, 1, 2, 4, 4, 5, 678_000)
    assert [{"_id": expected, "at": expected}] == found(backend)
    assert [{"_id": expected, "at": expected}] == found(backend, equal("_id", moment))


def test_the_id_comes_first() -> None:
    """As on the server, the id is the first key of a stored document."""
    backend = opened()
    insert(backend, {"b": 1, "_id": 1, "a": 2})

    assert ["_id", "b", "a"] == list(found(backend)[0])


@pytest.mark.parametrize(
    ("document", "field"),
    [
        ({"_id": 1, "n": 2**63}, "n"),
        ({"_id": 1, "n": object()}, "n"),
        ({"_id": 1, "a\0b": 1}, "a\0b"),
        ({"_id": 1, "t": "\ud800"}, "t"),
        ({"name": "no id"}, "_id"),
        ({"_id": object()}, "_id"),
        ({"_id": 2**64}, "_id"),
        ({"_id": [1]}, "_id"),
        ({"_id": Regex("a")}, "_id"),
        ({"_id": {"a": {"$b": 1}}}, "_id"),
    ],
)
def test_what_bson_cannot_hold_is_refused(document: Document, field: str) -> None:
    """A value without a form in BSON, or an id that a server refuses, names its key, and nothing is written."""
    backend = opened()

    with pytest.raises(ValidationError) as caught:
        insert(backend, document)
    assert [field] == [problem.field for problem in caught.value.problems]
    assert [] == found(backend)


def nested(levels: int) -> Document:
    inner: Any = "x"
    for level in range(levels - 1):
        inner = [inner] if level % 2 else {"a": inner}
    return {"_id": levels, "deep": inner}


def test_nesting_has_a_limit() -> None:
    """A document of 180 levels is stored, one of 181 is not."""
    backend = opened()
    insert(backend, nested(180))

    with pytest.raises(ValidationError, match="180 levels"):
        insert(backend, nested(181))
    with pytest.raises(ValidationError):
        insert(backend, nested(5000))
    assert 1 == len(found(backend))


def test_size_has_a_limit() -> None:
    """A document of 16 MiB is stored, a byte more is TooLarge with both figures; an update likewise."""
    backend = opened()
    text = "x" * (16 * 1024 * 1024 - 25)
    insert(backend, {"_id": 1, "text": text}, {"_id": 2})

    with pytest.raises(TooLarge) as caught:
        insert(backend, {"_id": 3, "text": text + "x"})
    assert (16_777_217, 16_777_216) == (caught.value.size, caught.value.limit)
    with pytest.raises(TooLarge) as caught:
        update(backend, Update(2, None, {"text": text + "x"}))
    assert (16_777_217, 16_777_216) == (caught.value.size, caught.value.limit)
    assert 2 == backend.count("things", All(()), limit=None, transaction=None, timeout=1)


def test_updates_change_top_level_keys() -> None:
    """New keys follow the old ones in alphabetical order, and the row keeps its place."""
    backend = opened()
    insert(backend, {"_id": 1, "version": 1, "m": 1, "gone": 1}, {"_id": 2, "version": 1})
    result = update(backend, Update(1, 1, {"z": 1, "m": 2, "b": 3, "version": 2}, ("gone", "never")))

    assert WriteResult(0, 1, 0) == result
    assert [1, 2] == [one["_id"] for one in found(backend)]
    assert [("_id", 1), ("version", 2), ("m", 2), ("b", 3), ("z", 1)] == list(found(backend)[0].items())


@pytest.mark.parametrize("key", ["", "a.b", "$inc"])
def test_a_key_to_change_is_never_an_operator(key: str) -> None:
    """A key that a server would read as a path or an operator is refused."""
    backend = opened()
    insert(backend, {"_id": 1})

    with pytest.raises(ValidationError):
        update(backend, Update(1, None, {key: 1}))


def test_replacing_keeps_the_id() -> None:
    """A replaced document has the new keys only; another id, or an operator, is refused."""
    backend = opened()
    insert(backend, {"_id": 1, "old": 1, "version": 4})

    assert WriteResult(0, 1, 0) == update(backend, Replace(1, 4, {"new": 1, "version": 5}))
    assert [{"_id": 1, "new": 1, "version": 5}] == found(backend)
    assert WriteResult(0, 0, 0) == update(backend, Replace(1, 4, {"newer": 1}))
    with pytest.raises(ValidationError, match="never changes"):
        update(backend, Replace(1, 5, {"_id": 2}))
    with pytest.raises(ValidationError, match=r"\$"):
        update(backend, Replace(1, 5, {"$set": 2}))


@pytest.mark.parametrize(
    ("stored", "expected", "met"),
    [(1, 1, 1), (1.0, 1, 1), (1, 2, 0), (True, 1, 0), (None, None, 1), ([2, 1], 1, 1), ([2], 1, 0), ("1", 1, 0)],
)
def test_versions_compare_as_values_do(stored: object, expected: int | None, met: int) -> None:
    """An update meets a document whose version equals the expected one as BSON sees it."""
    backend = opened()
    insert(backend, {"_id": 1, "version": stored})

    assert met == update(backend, Update(1, expected, {"a": 1})).matched


def test_a_missing_version_is_none() -> None:
    """A document of another program, without a version, is met by the version None."""
    backend = opened()
    insert(backend, {"_id": 1})

    assert 0 == update(backend, Update(1, 1, {"a": 1})).matched
    assert 1 == update(backend, Update(1, None, {"a": 1})).matched


def test_unique_keys_are_enforced_at_the_write() -> None:
    """A missing value counts as null; the error names the index, the operation, and what stays applied."""
    backend = opened(BY_NAME)
    insert(backend, {"_id": 1, "name": "a"}, {"_id": 2})

    with pytest.raises(KeyTaken) as caught:
        insert(backend, {"_id": 3, "name": "c"}, {"_id": 4, "name": None}, {"_id": 5, "name": "e"})
    assert (("name",), 1, 1) == (caught.value.keys, caught.value.position, caught.value.done)
    with pytest.raises(KeyTaken) as caught:
        insert(backend, {"_id": 1.0, "name": "d"})
    assert (("_id",), 0, 0) == (caught.value.keys, caught.value.position, caught.value.done)
    assert [1, 2, 3] == [one["_id"] for one in found(backend)]


def test_a_sparse_unique_key_leaves_documents_out() -> None:
    """Without any of its keys a document is not filed; null is a value."""
    backend = opened(IndexDeclaration((("a", 1), ("b", 1)), unique=True, sparse=True))
    insert(backend, {"_id": 1}, {"_id": 2}, {"_id": 3, "a": None}, {"_id": 4, "b": 1})

    with pytest.raises(KeyTaken):
        insert(backend, {"_id": 5, "b": None})


def test_a_unique_key_over_a_list_files_each_item() -> None:
    """No two documents share an item; one may hold it twice; two lists in one index are refused."""
    backend = opened(IndexDeclaration((("tags", 1), ("kind", 1)), unique=True))
    insert(backend, {"_id": 1, "tags": ["a", "a", "b"], "kind": 1}, {"_id": 2, "tags": [], "kind": 1})

    for taken in ("b", ["c", "a"], []):
        with pytest.raises(KeyTaken):
            insert(backend, {"_id": 3, "tags": taken, "kind": 1})
    with pytest.raises(ValidationError, match="different lists"):
        insert(backend, {"_id": 3, "tags": [1], "kind": [1]})


def test_a_freed_value_can_be_taken_in_the_same_plan() -> None:
    """Deletes go before updates, and updates before inserts (U11, T22)."""
    backend = opened(BY_NAME)
    insert(backend, {"_id": 1, "name": "a", "version": 1}, {"_id": 2, "name": "b", "version": 1})
    plan = WritePlan(
        "things",
        "version",
        deletes=[],
        updates=[Update(1, 1, {"name": "c"}), Update(2, 1, {"name": "a"})],
        inserts=[{"_id": 3, "name": "b"}],
    )

    assert WriteResult(0, 2, 1) == backend.write(plan, transaction=None, timeout=1)


def test_prepare_adds_a_unique_key() -> None:
    """An index that was not declared at the start is missing, then enforced; documents that break it refuse it."""
    backend = opened()
    wanted = (CollectionDeclaration("things", (BY_NAME, IndexDeclaration((("other", 1),)))),)
    insert(backend, {"_id": 1, "name": "a"}, {"_id": 2, "name": "a"})

    assert [("things", BY_NAME)] == list(backend.missing(wanted, timeout=1))
    with pytest.raises(ConfigurationError, match="name_1 of things"):
        backend.prepare(wanted, timeout=1)
    update(backend, Update(2, None, {"name": "b"}))
    backend.prepare(wanted, timeout=1)
    backend.prepare(wanted, timeout=1)
    assert [] == list(backend.missing(wanted, timeout=1))
    with pytest.raises(KeyTaken):
        insert(backend, {"_id": 3, "name": "a"})


def test_results_come_in_the_order_of_insertion() -> None:
    """Without an order, and among equals in one, whoever was inserted first comes first; skip and limit cut that."""
    backend = opened()
    ids = [ObjectId() for _ in range(50)]
    insert(backend, *({"_id": one, "n": number % 2} for number, one in enumerate(reversed(ids))))

    in_order = list(reversed(ids))
    assert in_order == [one["_id"] for one in found(backend)]
    assert in_order[3:5] == [one["_id"] for one in found(backend, skip=3, limit=2)]
    for sort in ((SortKey(("n",), True),), (SortKey(("n",), True), SortKey(("m",)))):
        expected = in_order[1::2] + in_order[::2]
        assert expected == [one["_id"] for one in found(backend, sort=sort)]
        assert expected[:30] == [one["_id"] for one in found(backend, sort=sort, limit=30)]
    assert in_order[::2] == [one["_id"] for one in found(backend, sort=(SortKey(("n",)),), limit=25)]


def test_ids_and_unique_keys_find_the_same_as_a_scan() -> None:
    """The short ways to a row give what looking at every row gives."""
    backend = opened(BY_NAME, IndexDeclaration((("a.x", 1), ("a.y", 1)), unique=True))
    insert(
        backend,
        {"_id": 1, "name": "one", "a": [{"x": 1, "y": 9}, {"x": 5, "y": 2}]},
        {"_id": 2, "name": ["two", "zwei"], "a": {"x": 1, "y": 1}},
        {"_id": 3.0, "name": None},
    )
    crossed = All((Compare(("a", "x"), Comparator.EQ, 1), Compare(("a", "y"), Comparator.EQ, 2)))

    cases: list[tuple[list[int], Predicate]] = [
        ([1], equal("_id", 1.0)),
        ([], equal("_id", True)),
        ([3, 1], OneOf(("_id",), (3, 1, 7))),
        ([], All((equal("_id", 1), equal("name", "two")))),
        ([2], equal("name", "zwei")),
        ([2], equal("name", ["two", "zwei"])),
        ([3], equal("name", None)),
        ([], equal("name", "none")),
        ([1], crossed),
    ]
    for expected, predicate in cases:
        assert sorted(expected) == sorted(one["_id"] for one in found(backend, predicate)), predicate
    assert [] == found(backend, equal("_id", 1), skip=1)


@pytest.mark.parametrize(
    "predicate",
    [
        equal("a", Regex("a")),
        equal("a", object()),
        equal("a", 2**64),
        equal("$where", 1),
        Compare((), Comparator.EQ, 1),
        Compare(("a.b",), Comparator.EQ, 1),
        Compare(("a",), Comparator.LT, None),
        Contains(("a",), Regex("a")),
        Text(("$a",), TextTest.STARTS, "a"),
    ],
)
def test_what_cannot_be_compared_is_refused(predicate: Predicate) -> None:
    """A value or key that the twin has no answer for is InvalidQuery, never a guess."""
    with pytest.raises(InvalidQuery):
        found(opened(), predicate)


def test_an_order_that_a_document_has_no_place_in_is_refused() -> None:
    """Two lists have no common order, nor has what is a position in a list and a key of an object in it."""
    backend = opened()
    insert(backend, {"_id": 1, "a": [1, {"0": 2}], "b": [3]})

    for sort in ((SortKey(("a",)), SortKey(("b",))), (SortKey(("a", "0")),), (SortKey(("$a",)),)):
        with pytest.raises(InvalidQuery):
            found(backend, sort=sort)


def test_a_cursor_sees_the_state_at_its_start() -> None:
    """Later writes do not change what a cursor yields; once closed it yields no more."""
    backend = opened()
    insert(backend, {"_id": 1}, {"_id": 2})
    cursor = backend.find("things", Query(), transaction=None, timeout=1)
    documents = iter(cursor)

    assert {"_id": 1} == next(documents)
    insert(backend, {"_id": 3})
    assert [{"_id": 2}] == cursor.to_list()
    cursor.close()
    cursor.close()
    assert [] == list(documents) == cursor.to_list()


def test_counting_stops_at_the_limit() -> None:
    """Count what matches, at most so many."""
    backend = opened()
    insert(backend, *({"_id": number} for number in range(5)))
    some_ids: Predicate = Compare(("_id",), Comparator.GE, 2)

    assert 3 == backend.count("things", some_ids, limit=None, transaction=None, timeout=1)
    assert 2 == backend.count("things", some_ids, limit=2, transaction=None, timeout=1)
    assert 0 == backend.count("nothing", some_ids, limit=2, transaction=None, timeout=1)
