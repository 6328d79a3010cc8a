"""Several documents by their ids through a cache: those that are not kept are loaded together."""

from collections.abc import Iterable, Sequence
from typing import Any

from dogpile.cache.api import NO_VALUE, CantDeserializeException

from ..backend import Document
from ..cache import DocumentReads
from .breaker import CacheDown
from .keys import name_of
from .looks import NOT_ENCODABLE, TOO_LARGE_TO_KEEP, Load, Looks, checked
from .payloads import TOO_LARGE, unpack

_ID = "_id"
_METHOD = "get_many"


class Several:
    """One read of several documents; each has the entry that a read of it alone has, and is loaded once at most.

    Args:
        direct: asks the backend.
        looks: into the cache.
        ids: the stored ids.
    """

    def __init__(self, direct: DocumentReads, looks: Looks, ids: Sequence[Any]) -> None:
        self._direct = direct
        self._looks = looks
        self._ids = ids
        self._id_of: dict[str, Any] = {}
        self._found: dict[str, list[Document]] = {}

    def read(self) -> list[Document]:
        """Return the documents that there are."""
        looks = self._looks
        if reason := looks.reason_against:
            return looks.bypassing(_METHOD, reason, self._past_the_cache)
        try:
            names = {name_of(id): id for id in self._ids}
            everything, *tokens = looks.tokens(*map(looks.scope.entity, names))
        except NOT_ENCODABLE:
            return looks.bypassing(_METHOD, "not encodable", self._past_the_cache)
        except CacheDown:
            looks.count(_METHOD, "error")
            return self._past_the_cache()
        keyed = zip(names.items(), tokens, strict=True)
        self._id_of = {looks.key("e", (everything, token), name): id for (name, id), token in keyed}
        loading = Load(self._load, lambda values: [looks.packed(value) for value in values])
        payloads = self._payloads(loading)
        if loading.done:
            self._take(loading)
        self._unpack((key, payload) for key, payload in payloads.items() if key not in self._found)
        left = [id for key, id in self._id_of.items() if key not in self._found]
        documents = [document for found in self._found.values() for document in found]
        return documents + self._direct.many(left) if left else documents

    def _past_the_cache(self) -> list[Document]:
        return self._direct.many(self._ids)

    def _load(self, *keys: str) -> list[list[Document]]:
        found = self._direct.many([self._id_of[key] for key in keys])
        by_name = {name_of(document[_ID]): document for document in found}
        named = [name_of(self._id_of[key]) for key in keys]
        return [[by_name[name]] if name in by_name else [] for name in named]

    def _payloads(self, loading: Load) -> dict[str, bytes]:
        """Return what is kept, after the load of what was not; what cannot be had is not there."""
        region, keys = self._looks.region, [*self._id_of]

        def create(*missing: str) -> list[bytes]:
            # whoever held the locks meanwhile may have loaded some, and dogpile does not look again
            kept = dict(zip(missing, region.get_multi(missing), strict=True))  # type: ignore[no-untyped-call]
            if wanted := [key for key, payload in kept.items() if payload is NO_VALUE]:
                kept.update(zip(wanted, loading(*wanted), strict=True))
            return [kept[key] for key in missing]

        try:
            return dict(zip(keys, region.get_or_create_multi(keys, create), strict=True))
        except Exception as error:
            if error is loading.error:
                self._looks.count(_METHOD, "load error")
                raise
            self._looks.broken(_METHOD, keys, error)
            return {}

    def _take(self, loading: Load) -> None:
        """Take what was loaded, and count it."""
        self._found.update(zip(loading.asked, loading.value, strict=True))
        large = [*(loading.kept or ())].count(TOO_LARGE)
        self._looks.count(_METHOD, "load", loading.seconds)
        self._looks.count(_METHOD, "miss", number=len(loading.asked) - large)
        self._looks.count(_METHOD, "bypass", number=large, reason=TOO_LARGE_TO_KEEP)

    def _unpack(self, payloads: Iterable[tuple[str, bytes]]) -> None:
        """Take what was kept, and count it; what cannot be read is dropped, what was too large was never kept."""
        large, hits, broken = 0, 0, []
        for key, payload in payloads:
            if payload == TOO_LARGE:
                large += 1
                continue
            try:
                self._found[key] = checked(unpack(payload), list)
                hits += 1
            except CantDeserializeException:
                broken.append(key)
        self._looks.count(_METHOD, "hit", number=hits)
        self._looks.count(_METHOD, "bypass", number=large, reason=TOO_LARGE_TO_KEEP)
        if broken:
            self._looks.broken(_METHOD, broken, CantDeserializeException())


__all__ = ["Several"]
