"""Tokens: random, replaced and never revived."""

import random
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from dogpile.cache import CacheRegion, make_region
from dogpile.cache.api import CantDeserializeException
from dogpile.cache.proxy import ProxyBackend

from tristore.adapters.caching.payloads import dump_token, load_token
from tristore.adapters.caching.reads.tokens import Tokens, fresh
from tristore.adapters.caching.regions.breaker import Breaker, CacheDown, Guarded


def region(*wrap: ProxyBackend, entries: int = 1_000) -> CacheRegion:
    """A region for tokens."""
    return make_region().configure("tristore.bounded", arguments={"max_entries": entries}, wrap=wrap)


def test_tokens_stay_until_they_are_replaced() -> None:
    """C3: reading makes what is missing and changes nothing that is there."""
    tokens = Tokens(region())
    first = tokens.read(["a", "b"])
    again = tokens.read(["b", "a"])
    tokens.replace(["a"])
    after = tokens.read(["a", "b"])

    assert first == again[::-1]
    assert first[1] == after[1]
    assert first[0] != after[0]


@pytest.mark.parametrize("scheme", ["random", "counting"])
def test_evicted_tokens_revive_nothing(scheme: str) -> None:
    """C3, C4: where tokens get lost no read is stale; generations that are counted are the control."""
    chance = random.Random(5)
    place = region(entries=8)
    tokens = Tokens(place)
    kept: dict[str, int] = {}
    truth = dict.fromkeys(map(str, range(32)), 0)
    stale = 0

    def token_of(name: str) -> str:
        return tokens.read([name])[0] if scheme == "random" else str(place.get_or_create(name, lambda: 0))

    def invalidate(name: str) -> None:
        if scheme == "random":
            tokens.replace([name])
        else:
            place.set(name, place.get_or_create(name, lambda: 0) + 1)

    for _ in range(4_000):
        name = str(chance.randrange(32))
        if chance.random() < 0.3:
            truth[name] += 1
            invalidate(name)
        else:
            key = f"{name}|{token_of(name)}"
            stale += kept.setdefault(key, truth[name]) != truth[name]

    assert (stale == 0) == (scheme == "random"), stale


class LosesAnswers(ProxyBackend):
    """Carries a write out, loses the answer, and lets something happen meanwhile."""

    def __init__(self, meanwhile: Callable[[], object]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.meanwhile: Callable[[], object] | None = meanwhile

    def set_multi(self, mapping: Mapping[str, Any]) -> None:
        """Write."""
        self.proxied.set_multi(mapping)
        if self.meanwhile is not None:
            meanwhile, self.meanwhile = self.meanwhile, None
            meanwhile()
            raise ConnectionError("the answer was lost")


def test_a_token_is_never_sent_twice() -> None:
    """C4: after a lost answer the next try brings another token, so what was stored in between stays dead."""
    seen: list[str] = []
    losing = LosesAnswers(lambda: seen.extend(Tokens(place).read(["a"])))
    place = region(Guarded(Breaker()), losing)
    tokens = Tokens(place)

    with pytest.raises(CacheDown):
        tokens.replace(["a"])
    tokens.replace(["a"])

    assert 1 == len(seen)
    assert tokens.read(["a"]) != seen


@pytest.mark.parametrize("garbage", [b"", b"0", b"g" * 16, b"0" * 17, b"\xff" * 16])
def test_a_planted_token_is_a_lost_one(garbage: bytes) -> None:
    """C3: what is no token is made anew."""
    with pytest.raises(CantDeserializeException):
        load_token(garbage)
    assert (token := fresh()) == load_token(dump_token(token))
