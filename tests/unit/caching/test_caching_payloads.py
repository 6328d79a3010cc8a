"""What is kept in a cache: BSON, never a pickle, and nothing that was planted."""

import os
import pickle
import zlib
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from bson import Decimal128, Int64, ObjectId
from dogpile.cache.api import CantDeserializeException
from hypothesis import given
from hypothesis import strategies as st

import tristore.adapters.caching as package
from tristore.adapters.caching.payloads import MAX_BYTES, TOO_LARGE, pack, unpack

SCALARS: st.SearchStrategy[Any] = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(allow_nan=False),
    st.text(st.characters(blacklist_categories=["Cs"])),
    st.binary(),
    st.datetimes(datetime(1970, 1, 1), datetime(9999, 1, 1)).map(lambda d: d.replace(microsecond=0)),
    st.binary(min_size=12, max_size=12).map(ObjectId),
    st.uuids(),
    st.integers(-(10**20), 10**20).map(lambda n: Decimal128(Decimal(n))),
)
KEYS = st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\0"))
VALUES = st.recursive(SCALARS, lambda v: st.lists(v, max_size=4) | st.dictionaries(KEYS, v, max_size=4), max_leaves=20)


@given(VALUES, st.booleans())
def test_values_come_back(value: Any, compress: bool) -> None:
    """C2: what BSON holds comes back as it was, compressed or not."""
    assert value == unpack(pack(value, compress=compress))


def test_plain_and_compressed_side_by_side() -> None:
    """C21: entries of both forms can be read, and compression makes repetitive ones small."""
    value = [{"text": "the same again " * 500}]
    plain, compressed = pack(value), pack(value, compress=True)

    assert value == unpack(plain) == unpack(compressed)
    assert len(compressed) * 20 < len(plain)


def test_small_values_are_not_compressed() -> None:
    """C21: below 1 KiB it would cost time and save nothing."""
    assert pack(["a" * 900], compress=True) == pack(["a" * 900])


def test_large_values_are_not_kept() -> None:
    """C7: a result above 1 MiB is marked instead."""
    assert TOO_LARGE == pack(["a" * MAX_BYTES])
    assert TOO_LARGE != pack(["a" * MAX_BYTES], compress=True)


class Planted:
    """Runs a command when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, (f"touch {self._path}",)


def test_a_planted_pickle_runs_nothing(tmp_path: Path) -> None:
    """C2: it is a miss."""
    target = tmp_path / "ran"
    with pytest.raises(CantDeserializeException):
        unpack(pickle.dumps(Planted(target)))

    assert not target.exists()


@pytest.mark.parametrize(
    "garbage",
    [
        b"",
        b"\0",
        b"\1",
        b"\3abc",
        b"\0" + b"x" * 100,
        b"\1" + zlib.compress(b"no bson"),
        b"\1" + zlib.compress(b"\0" * (65 * 1024 * 1024)),
        TOO_LARGE,
        None,
        "text",
        5,
    ],
    ids=lambda value: f"{value!r:.16}",
)
def test_garbage_is_a_miss(garbage: object) -> None:
    """C16: whatever is found under a key, it is either a payload or a miss."""
    with pytest.raises(CantDeserializeException):
        unpack(garbage)


def test_types_are_kept_apart() -> None:
    """1, 1.0, a 64-bit 1 and a UUID come back as what they were."""
    id = UUID(int=5)

    assert [int, float, Int64, UUID] == [type(value) for value in unpack(pack([1, 1.0, Int64(1), id]))]


def test_the_sources_load_no_pickle() -> None:
    """C2: nothing in the cache imports what could load one; what is planted is tried in the contracts."""
    sources = [path.read_text() for path in Path(package.__path__[0]).rglob("*.py")]

    assert len(sources) > 15
    assert not [text for text in sources if f"import {pickle.__name__}" in text]
