"""Tokens: random values that are part of every key, and that every commit replaces by fresh ones.

A reader reads the tokens before it loads. If a commit replaces one meanwhile, what the reader stores lies under a key
that nobody asks for any more. Tokens are never counted, so one that was lost comes back as another one, which costs a
miss and revives nothing; and a write of a token is never sent again with the same value.
"""

import secrets
import threading
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from typing import Any

from dogpile.cache import CacheRegion
from dogpile.cache.api import NO_VALUE

from ..regions.bounded import BoundedMemory
from ..regions.breaker import CacheDown

_LOCKS = 64
"""So many groups of names can be made at one time."""

_MOST_SEEN = 50_000
"""So many names are remembered with the tokens that were last seen of them."""


def fresh() -> str:
    """Return a token that nobody has: 64 random bits."""
    return secrets.token_hex(8)


class Tokens:
    """The tokens of one cache, in a region of their own.

    Args:
        region: theirs.
        near: the memory behind it, if it is in this process: a look there costs a fifth of one through the region.
    """

    def __init__(self, region: CacheRegion, near: BoundedMemory | None = None) -> None:
        self._region = region
        self._near = near
        self._making = [threading.Lock() for _ in range(_LOCKS)]
        self._seen = BoundedMemory(_MOST_SEEN)

    def read(self, names: Sequence[str]) -> list[str]:
        """Return the tokens of these names; one that is not there, or cannot be read, is made.

        Raises:
            CacheDown: if the cache does not answer.
        """
        if self._near is not None:
            tokens = [self._near.payload(name) for name in names]
            if NO_VALUE not in tokens:
                return tokens
        return self._complete(names, self._look(names))

    def read_with(self, names: Sequence[str], key: Callable[[Sequence[str]], str]) -> tuple[str, Any]:
        """Return the key that the tokens of these names make, and what a look for both at once finds there.

        That is one round trip if the tokens are those that were last seen; if not, the entry is still to be looked for,
        and NO_VALUE is returned for it, as where there is none.

        Raises:
            CacheDown: if the cache does not answer.
        """
        seen = [self._seen.get(name) for name in names]
        if NO_VALUE in seen:
            return key(self.read(names)), NO_VALUE
        there = key(seen)
        found = self._look([*names, there])
        kept = found.pop(there)
        now = key(self._complete(names, found))
        return now, kept if now == there and isinstance(kept, bytes) else NO_VALUE

    def _complete(self, names: Sequence[str], found: dict[str, Any]) -> list[str]:
        """Make the tokens that are not there."""
        missing = [name for name in names if not isinstance(found[name], str)]
        if missing:
            # one thread makes them: with tokens of their own, those who come together would each load
            with ExitStack() as held:
                for number in sorted({hash(name) % _LOCKS for name in missing}):
                    held.enter_context(self._making[number])
                found.update(self._look(missing))
                made = {name: fresh() for name in missing if not isinstance(found[name], str)}
                if made:
                    self._region.set_multi(made)
                    found.update(made)
        if self._near is None:
            for name in names:
                self._seen.put(name, found[name], None)
        return [found[name] for name in names]

    def _look(self, names: Sequence[str]) -> dict[str, Any]:
        try:
            tokens: list[Any] = self._region.get_multi(names, ignore_expiration=True)  # type: ignore[no-untyped-call]
        except CacheDown:
            raise
        except Exception:  # noqa: BLE001 - whatever dogpile makes of what somebody has planted there
            tokens = [NO_VALUE] * len(names)
        return dict(zip(names, tokens, strict=True))

    def replace(self, names: Iterable[str]) -> None:
        """Give these names fresh tokens, in one round trip.

        Raises:
            CacheDown: if the cache does not answer; they may have been replaced all the same.
        """
        replaced = {name: fresh() for name in names}
        if replaced:
            self._region.set_multi(replaced)
