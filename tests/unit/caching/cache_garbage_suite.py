"""What is planted in a cache, or breaks there, on every backend: a miss, never an answer, and nothing is run."""

import pickle
from pathlib import Path
from typing import Any

import pytest
from contracts.caching.caching_base import (
    BrokenCacheContract,
    ThingStore,
    bypasses,
    number_of,
    observed,
    outcomes,
    read,
)
from contracts.caching.misbehaving import Misbehaving, planted

from tristore.adapters.caching.payloads import pack

from .cache_failures_suite import ASKED


class CacheGarbageContract(BrokenCacheContract):
    """C2, C3 and C16."""

    @pytest.mark.parametrize("name", ASKED)
    def test_garbage_that_cannot_be_deleted(self, store: ThingStore, broken: Misbehaving, name: str) -> None:
        """C16: what cannot be read is loaded, also where the cache refuses to drop it."""
        read(store, ASKED[name])
        for key in planted(broken.data):
            broken.data.put(key, b'{"ct": 99999999999, "v": 2}|\0garbage')
        broken.failing.add("delete data")
        with observed(store) as asked:
            answer = read(store, ASKED[name])

        assert (3 if name == "count" else 1) == answer
        assert 1 == sum(asked.values())
        assert [1] == outcomes(store, "error")

    @pytest.mark.parametrize(
        "garbage", [b"", b"|", b"{}|", b"[]|", b"null|", b"text", b'{"ct": "x", "v": 2}|', b"\xff"]
    )
    @pytest.mark.parametrize("name", ["get", "get_many", "find"])
    def test_garbage_is_dropped(self, store: ThingStore, broken: Misbehaving, name: str, garbage: bytes) -> None:
        """C16: whatever stands under a key, the answer is right; the next one is kept again, and then found."""
        read(store, ASKED[name])
        for key in planted(broken.data):
            broken.data.put(key, garbage)
        answers = [read(store, ASKED[name]) for _ in range(2)]
        with observed(store) as asked:
            answers.append(read(store, ASKED[name]))

        assert [1, 1, 1] == answers
        assert {} == asked

    @pytest.mark.parametrize("garbage", [b"", b"{}|" + b"0" * 16, b"[]", b"text", b'{"ct": 1, "v": 2}|zzz', b"\xff|"])
    def test_a_planted_token_is_replaced(self, store: ThingStore, broken: Misbehaving, garbage: bytes) -> None:
        """C3, C16: what is no token is a lost one: the read is right, and the next one is a hit."""
        number_of(store, 1)
        for key in planted(broken.tokens):
            broken.tokens.put(key, garbage)
        assert 1 == number_of(store, 1)
        with observed(store) as asked:
            assert 1 == number_of(store, 1)

        assert {} == asked
        assert {} == bypasses(store.cache_stats())

    @pytest.mark.parametrize("value", [5, "text", None, {"number": 99}])
    def test_planted_values_of_another_kind(self, store: ThingStore, broken: Misbehaving, value: Any) -> None:
        """C16: a payload that no read of this kind can have kept is a miss, not an answer."""
        for ask in (ASKED["get"], ASKED["get_many"], ASKED["find"]):
            read(store, ask)
            for key in planted(broken.data):
                broken.data.put(key, b'{"ct": 99999999999, "v": 2}|' + pack(value))
            assert 1 == read(store, ask)

    def test_a_planted_pickle_runs_nothing(self, store: ThingStore, broken: Misbehaving, tmp_path: Path) -> None:
        """C2: with and without the head of an entry it is a miss."""
        target = tmp_path / "ran"
        payload = pickle.dumps(Planted(target))
        for head in (b"", b'{"ct": 99999999999, "v": 2}|', b'{"ct": 99999999999, "v": 2}|\0'):
            number_of(store, 1)
            for key in [*planted(broken.data), *planted(broken.tokens)]:
                broken.shelf_of(key).put(key, head + payload)
            assert 1 == number_of(store, 1)

        assert not target.exists()

    def test_several_of_which_some_are_garbage(self, store: ThingStore, broken: Misbehaving) -> None:
        """C16: get_many loads what cannot be read together with nothing else, and keeps the rest as hits."""
        read(store, lambda t: t.get_many([1, 2, 3]))
        first, *_ = planted(broken.data)
        broken.data.put(first, b'{"ct": 99999999999, "v": 2}|\0garbage')
        with observed(store) as asked:
            assert [1, 2, 3] == [one.number for one in read(store, lambda t: t.get_many([1, 2, 3]))]

        assert {"find things": 1} == asked
        assert [2, 1] == outcomes(store, "hit", "error", method="get_many")


class Planted:
    """Makes a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self._path,)
