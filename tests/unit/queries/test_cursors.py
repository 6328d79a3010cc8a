"""Cursors of pages: what they hold, and what of them is refused."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote
from uuid import UUID
from zlib import crc32

import pytest
from bson import Code, Decimal128, Int64, MaxKey, ObjectId, Regex, encode
from bson.binary import Binary
from bson.datetime_ms import DatetimeMS
from contracts.queries.samples import SAMPLES, Sample, SampleUnit, number, write
from hypothesis import given, settings
from hypothesis import strategies as st

from tristore import DocumentStore, InvalidQuery, make_converter, one_of, open_store, where
from tristore.adapters.backend import CODEC_OPTIONS, EVERYTHING, Query
from tristore.adapters.documents.mapping.converter import mapping_of
from tristore.adapters.documents.queries.cursors import END, VERSION, Cursors, Place, fingerprint_of
from tristore.adapters.documents.queries.keyset import keyset_of, same_place
from tristore.domain.queries.query import sort_keys

ID = ObjectId("0" * 24)
MAPPING = mapping_of(SAMPLES, make_converter())

scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False)
    | st.text()
    | st.binary()
    | st.uuids()
    | st.builds(ObjectId, st.binary(min_size=12, max_size=12))
    | st.sampled_from([DatetimeMS(-(2**63)), DatetimeMS(2**63 - 1), datetime(1, 1, 1), datetime(2026, 1, 2, 3, 4, 5)])
    | st.decimals(allow_nan=False, allow_infinity=False, min_value=-1000, max_value=1000, places=2).map(Decimal128)
)


def cursors(*sort: str, fingerprint: bytes = b"question") -> Cursors:
    """The cursors of an order."""
    keys = sort_keys(Sample, sort, total=True)
    stored = MAPPING.to_stored(Query(sort=keys)).sort
    return Cursors(keyset_of(Sample, keys, stored), fingerprint)


ANYTHING = cursors("anything")
CURSOR = ANYTHING.write(Place(("x", ID)))


def made_by_hand(content: Any, fingerprint: bytes = b"question", version: int = VERSION) -> str:
    """A cursor whose checksum is right."""
    body = bytes([version]) + fingerprint + encode(content, codec_options=CODEC_OPTIONS)
    return urlsafe_b64encode(body + crc32(body).to_bytes(4, "big")).decode().rstrip("=")


@settings(deadline=None)
@given(value=scalars, id=st.binary(min_size=12, max_size=12).map(ObjectId), inclusive=st.booleans())
def test_places_come_back(value: Any, id: ObjectId, inclusive: bool) -> None:
    """A place goes through its cursor unchanged, and the cursor needs no quoting in a URL."""
    cursor = ANYTHING.write(Place((value, id), inclusive))
    found = ANYTHING.read(cursor)

    assert found.values is not None
    assert same_place((value, id), found.values)
    assert inclusive == found.inclusive
    assert cursor == quote(cursor, safe="")


def test_the_end_comes_back() -> None:
    """The end of an order is a place too."""
    assert END == ANYTHING.read(ANYTHING.write(END))


@settings(deadline=None)
@given(at=st.integers(0, len(CURSOR) - 1), letter=st.characters())
def test_changed_letters_are_refused(at: int, letter: str) -> None:
    """A cursor with any other letter in it is damaged."""
    changed = CURSOR[:at] + letter + CURSOR[at + 1 :]
    if changed == CURSOR:
        return
    with pytest.raises(InvalidQuery, match="cursor"):
        ANYTHING.read(changed)


@settings(deadline=None)
@given(st.text() | st.text("ABCDEFabcdef0123456789-_="))
def test_text_that_is_no_cursor_is_refused(text: str) -> None:
    """Whatever text is given, the answer is InvalidQuery."""
    with pytest.raises(InvalidQuery, match="cursor"):
        ANYTHING.read(text)


@pytest.mark.parametrize("end", range(len(CURSOR)))
def test_parts_of_cursors_are_refused(end: int) -> None:
    """A cursor that was cut is damaged."""
    with pytest.raises(InvalidQuery, match="is damaged"):
        ANYTHING.read(CURSOR[:end])


@pytest.mark.parametrize(
    "value",
    [
        {"$gt": ""},
        {"$where": "1"},
        {},
        [],
        ["x"],
        Regex("^a"),
        Code("1"),
        MaxKey(),
    ],
    ids=repr,
)
def test_operators_are_refused(value: Any) -> None:
    """A cursor that was made by hand holds plain values only, none of which can become an operator."""
    with pytest.raises(InvalidQuery, match="for anything, which never has such a value"):
        ANYTHING.read(made_by_hand({"at": [value, ID], "inclusive": False}))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("number", "1"),
        ("number", True),
        ("score", "1"),
        ("amount", b"1"),
        ("text", 1),
        ("flag", 1),
        ("moment", 5),
        ("raw", "a"),
        ("uid", "a"),
        ("friend", "0" * 24),
        ("place.city", 7),
        ("kind", b"1"),
        ("version", "1"),
    ],
)
def test_values_of_another_type_are_refused(name: str, value: Any) -> None:
    """Each value must be of the type of its field."""
    with pytest.raises(InvalidQuery, match=f"for {name}, which never has such a value"):
        cursors(name).read(made_by_hand({"at": [value, ID], "inclusive": False}))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("number", Int64(1)),
        ("number", 1.0),
        ("score", 1),
        ("amount", Decimal128("1")),
        ("kind", "many"),
        ("kind", 1),
        ("moment", datetime(2026, 1, 1)),
        ("raw", Binary(b"a", 5)),
        ("uid", UUID(int=1)),
        ("text", None),
    ],
)
def test_values_of_the_type_are_accepted(name: str, value: Any) -> None:
    """Every form in which a store may hold a field's value is one."""
    assert cursors(name).read(made_by_hand({"at": [value, ID], "inclusive": False})).values is not None


@pytest.mark.parametrize(
    "content",
    [
        {},
        {"at": [1, ID]},
        {"at": 5, "inclusive": False},
        {"at": [1, ID], "inclusive": 0},
        {"at": [1], "inclusive": False},
        {"at": [1, ID, 2], "inclusive": False},
        {"at": [1, ID], "inclusive": False, "more": 1},
    ],
    ids=repr,
)
def test_other_contents_are_refused(content: Any) -> None:
    """What is not one value for each key of the order is no place."""
    with pytest.raises(InvalidQuery, match="does not hold a place in the order"):
        ANYTHING.read(made_by_hand(content))


def test_contents_that_are_no_bson_are_refused() -> None:
    """A right checksum over something else is no cursor."""
    body = bytes([VERSION]) + b"question" + b"\x05\x00\x00\x00\x01"
    cursor = urlsafe_b64encode(body + crc32(body).to_bytes(4, "big")).decode().rstrip("=")
    with pytest.raises(InvalidQuery, match="does not hold a place"):
        ANYTHING.read(cursor)


def test_other_versions_and_questions_are_refused() -> None:
    """A cursor of another version or question says so."""
    with pytest.raises(InvalidQuery, match="another version of tristore"):
        ANYTHING.read(made_by_hand({"at": [1, ID], "inclusive": False}, version=2))
    with pytest.raises(InvalidQuery, match="another question"):
        ANYTHING.read(made_by_hand({"at": [1, ID], "inclusive": False}, b"another!"))


def test_questions_have_fingerprints() -> None:
    """Collection, entity, order and rule tell questions apart; the order of a set of values does not."""
    keyset, other = cursors("text").keyset, cursors("-text").keyset
    rules = [
        where(Sample, rule).predicate
        for rule in (
            lambda s: one_of(s.text, ["a", "b"]),
            lambda s: one_of(s.text, ["b", "a"]),
            lambda s: one_of(s.text, ["a", "c"]),
            lambda s: s.text == "a",
            lambda s: s.text != "a",
            lambda s: (s.text == "a") & (s.flag == True),  # noqa: E712
            lambda s: (s.text == "a") | (s.flag == True),  # noqa: E712
            lambda s: s.moment == datetime(2026, 1, 1, tzinfo=UTC),
        )
    ]
    found = [fingerprint_of("samples", "Sample", keyset, MAPPING.to_stored_predicate(rule)) for rule in rules]
    found += [
        fingerprint_of("samples", "Sample", keyset, EVERYTHING),
        fingerprint_of("samples", "Sample", other, EVERYTHING),
        fingerprint_of("others", "Sample", keyset, EVERYTHING),
        fingerprint_of("samples", "Other", keyset, EVERYTHING),
    ]

    assert found[0] == found[1]
    assert len(found) - 1 == len(set(found))
    assert {8} == {len(one) for one in found}


def test_cursors_of_one_backend_hold_on_another() -> None:
    """A cursor knows the question, not the store: it survives a restart."""
    stores: list[DocumentStore[SampleUnit]] = [
        open_store(SampleUnit, url="memory://", documents=[SAMPLES]) for _ in range(2)
    ]
    for store in stores:
        write(store, *({"_id": number(n), "text": "abc"[n]} for n in range(3)))
    with stores[0].reader() as reader:
        cursor = reader.samples.page(sort="text", limit=1).next_cursor
    with stores[1].reader() as reader:
        page = reader.samples.page(sort="text", limit=5, after=cursor)

    assert ["b", "c"] == [one.text for one in page]
    assert cursor is not None
    assert VERSION == urlsafe_b64decode(cursor + "==")[0]
