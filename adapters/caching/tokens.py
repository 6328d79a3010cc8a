"""Tokens: random values that are part of every key, and that every commit replaces by fresh ones.

A reader reads the tokens before it loads. If a commit replaces one meanwhile, what the reader stores lies under a key
that nobody asks for any more. Tokens are never counted, so one that was lost comes back as another one, which costs a
miss and revives nothing; and a write of a token is never sent again with the same value.
"""

import re
import secrets
from collections.abc import Iterable, Sequence
from typing import Any

from dogpile.cache import CacheRegion
from dogpile.cache.api import NO_VALUE, CantDeserializeException

_TOKEN = re.compile(r"[0-9a-f]{16}")


def fresh() -> str:
    """Return a token that nobody has: 64 random bits."""
    return secrets.token_hex(8)


def dump_token(token: str) -> bytes:
    """Return a token as it is stored."""
    return token.encode()


def load_token(data: bytes) -> str:
    """Return a stored token.

    Raises:
        CantDeserializeException: if it is none, which counts as a lost one.
    """
    token = bytes(data).decode("ascii", "replace")
    if _TOKEN.fullmatch(token) is None:
        raise CantDeserializeException
    return token


class Tokens:
    """The tokens of one cache, in a region of their own."""

    def __init__(self, region: CacheRegion) -> None:
        self._region = region

    def read(self, names: Sequence[str]) -> list[str]:
        """Return the tokens of these names; one that is not there is made.

        Raises:
            CacheDown: if the cache does not answer.
        """
        found: list[Any] = self._region.get_multi(names, ignore_expiration=True)  # type: ignore[no-untyped-call]
        if NO_VALUE not in found:
            return found
        made = {name: fresh() for name, token in zip(names, found, strict=True) if token is NO_VALUE}
        self._region.set_multi(made)
        return [made.get(name, token) for name, token in zip(names, found, strict=True)]

    def replace(self, names: Iterable[str]) -> None:
        """Give these names fresh tokens, in one round trip.

        Raises:
            CacheDown: if the cache does not answer; they may have been replaced all the same.
        """
        replaced = {name: fresh() for name in names}
        if replaced:
            self._region.set_multi(replaced)


__all__ = ["Tokens", "dump_token", "load_token"]
