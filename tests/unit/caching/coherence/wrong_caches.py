"""Caches with one wrong rule each: what the machine over cached reads must find."""

from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Any

from dogpile.cache import CacheRegion
from dogpile.cache.api import NO_VALUE

from tristore.adapters.caching.port import CachedCollection, DocumentReads, Written
from tristore.adapters.caching.reads.tokens import Tokens, fresh
from tristore.adapters.caching.regions.breaker import CacheDown
from tristore.adapters.caching.store_cache import StoreCache
from tristore.domain.repository.caching import LONGEST_TTL, CacheOptions


class WrongCache(StoreCache):
    """A cache with one wrong rule, which its docstring tells."""


class _Loaded:
    """Reads whose answer is there already."""

    def __init__(self, answer: Any) -> None:
        self._answer = answer

    def __getattr__(self, name: str) -> Callable[..., Any]:
        return lambda *_: self._answer


class _LoadsFirst:
    """Asks the store, and looks at the tokens then."""

    def __init__(self, direct: DocumentReads, through: Callable[[Any], DocumentReads]) -> None:
        self._direct = direct
        self._through = through

    def __getattr__(self, name: str) -> Callable[..., Any]:
        def ask(*arguments: Any) -> Any:
            found = getattr(self._direct, name)(*arguments)
            return getattr(self._through(_Loaded(found)), name)(*arguments)

        return ask


class TokensReadAfterTheLoad(WrongCache):
    """Results are kept under the tokens that are there when the load is over."""

    def through(
        self, reads: DocumentReads, collection: CachedCollection, options: CacheOptions, reason_against: str = ""
    ) -> DocumentReads:
        right = super().through
        through: Any = _LoadsFirst(reads, lambda loaded: right(loaded, collection, options, reason_against))
        return through  # type: ignore[no-any-return]


class _Resent(Tokens):
    def replace(self, names: Iterable[str]) -> None:
        replaced = {name: fresh() for name in names}
        if replaced:
            try:
                self._region.set_multi(replaced)
            except CacheDown:
                self._region.set_multi(replaced)


class TokensAreSentAgain(WrongCache):
    """A write of tokens that was not answered is sent once more, as it was."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.tokens = _Resent(self._regions.tokens)


class _Counters(Tokens):
    def read(self, names: Sequence[str]) -> list[str]:
        found: list[Any] = self._region.get_multi(names, ignore_expiration=True)  # type: ignore[no-untyped-call]
        return [f"{0:016x}" if token is NO_VALUE else token for token in found]

    def replace(self, names: Iterable[str]) -> None:
        wanted = [*names]
        if wanted:
            now = zip(wanted, self.read(wanted), strict=True)
            self._region.set_multi({name: f"{int(token, 16) + 1:016x}" for name, token in now})


class TokensAreCounted(WrongCache):
    """Tokens are numbers, and one that was lost begins at 0 again."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.tokens = _Counters(self._regions.tokens)


class FailuresAreForgotten(WrongCache):
    """A process whose invalidation failed goes on reading through the cache."""

    def _fail(self, written: Written, error: CacheDown) -> None:
        super()._fail(written, error)
        self._debts.settle(self._debts.owed())


class QueriesAreForgotten(WrongCache):
    """A commit invalidates the entities that it wrote, and nothing else."""

    def _names(self, collection: str, ids: Collection[Any] | None) -> Iterable[str]:
        return [name for name in super()._names(collection, ids) if not name.endswith("|q")]


class EntitiesAreForgotten(WrongCache):
    """A commit invalidates the queries, and no entity."""

    def _names(self, collection: str, ids: Collection[Any] | None) -> Iterable[str]:
        return [name for name in super()._names(collection, ids) if "|e|" not in name]


class SwitchedOffIsDeaf(WrongCache):
    """What is written while the cache is switched off is not invalidated."""

    def invalidate(self, written: Written) -> None:
        if self.reason_against("") != "switched off":
            super().invalidate(written)


class EntriesLiveTooLong(WrongCache):
    """Whatever time to live a read asks for, its result is kept for a day."""

    def region(self, ttl: float) -> CacheRegion:
        return super().region(LONGEST_TTL)


WRONG_CACHES = WrongCache.__subclasses__()

__all__ = ["WRONG_CACHES", "WrongCache"]
