"""What a repository may say of caching, without knowing a cache."""

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec, Protocol, Self, TypeVar

from attrs import frozen

from ..entities.events import Event
from ..errors import InvalidQuery

P = ParamSpec("P")
T = TypeVar("T")

DEFAULT_TTL = 300.0
"""Seconds that a result is kept unless its reader says otherwise."""

LONGEST_TTL = 24 * 60 * 60
"""The most seconds that a result may be kept: as long as what guards it."""

_LONGEST_KEY = 200
_NUMBERS = frozenset({int, float})


@frozen(kw_only=True)
class CacheOptions:
    """How a read wants to be cached.

    Attributes:
        ttl: seconds that its result may be kept, above 0 and at most `LONGEST_TTL`.
        key: a name for its results, to find them by in a shared cache; two different questions never share a result.
        compress: whether larger results are compressed.
    """

    ttl: float = DEFAULT_TTL
    key: str | None = None
    compress: bool = False

    def __attrs_post_init__(self) -> None:
        ttl, key = self.ttl, self.key
        if type(ttl) not in _NUMBERS or not 0 < ttl <= LONGEST_TTL:  # which NaN is not either
            raise InvalidQuery(f"ttl is a number of seconds above 0 and at most {LONGEST_TTL:,}, not {ttl!r}")
        if key is not None and not (isinstance(key, str) and 0 < len(key) <= _LONGEST_KEY):
            raise InvalidQuery(f"the key of a cached read is text of 1 to {_LONGEST_KEY} characters, or None")
        if not isinstance(self.compress, bool):
            raise InvalidQuery(f"compress is True or False, not {type(self.compress).__name__}")


@frozen(kw_only=True)
class CacheInvalidated(Event):
    """A unit of work was committed, and what is cached of these collections is out of date.

    Attributes:
        collections: by the names that the store knows them by.
    """

    collections: tuple[str, ...]


class _Cachable(Protocol):
    """A repository."""

    def cached_by_default(self, options: CacheOptions) -> Self:
        """Return the repository with these options, unless its reader has chosen others."""


RepositoryT = TypeVar("RepositoryT", bound=_Cachable)


def cacheable(
    *, ttl: float = DEFAULT_TTL, compress: bool = False
) -> Callable[[Callable[Concatenate[RepositoryT, P], T]], Callable[Concatenate[RepositoryT, P], T]]:
    """Mark a named query of a repository as worth caching: readers get its result from the cache where there is one.

    ::

        @cacheable(ttl=60)
        def active(self) -> Sequence[User]:
            return self.find(lambda u: u.is_active)

    What a reader says itself, ``users.cached(ttl=5).active()``, goes before. Units of work always ask the store.

    Args:
        ttl: seconds that a result may be kept.
        compress: whether larger results are compressed.

    Raises:
        InvalidQuery: if the time is none.
    """
    options = CacheOptions(ttl=ttl, compress=compress)

    def mark(query: Callable[Concatenate[RepositoryT, P], T]) -> Callable[Concatenate[RepositoryT, P], T]:
        @wraps(query)
        def ask(repository: RepositoryT, /, *args: P.args, **kwargs: P.kwargs) -> T:
            return query(repository.cached_by_default(options), *args, **kwargs)

        return ask

    return mark
