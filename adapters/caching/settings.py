"""What a store is told about its cache."""

from collections.abc import Mapping
from typing import Any

from attrs import field, frozen

from ..backend.urls import without_password
from .switch import is_switched_on


@frozen(kw_only=True)
class CacheSettings:
    """Where the cache of a store is, and how it behaves.

    Attributes:
        url: ``memory://`` (in this process, bounded; ``?max_entries=10000&max_bytes=67108864``), ``redis://host:6379/0``,
            ``null://`` (none), or the name of any dogpile.cache backend as scheme, ``dogpile.cache.dbm://?filename=...``.
        prefix: names the application and its environment; caches with different ones share nothing.
        enabled: whether reads are looked up and stored; commits invalidate in any case. By default what the variable
            ``TRISTORE_CACHE`` says, on or off.
        strict: whether a commit leaves an outbox record of its invalidation, so that a relay makes good what a crash
            between the two left out.
        watch: whether a change stream tells of writes by other programs.
        arguments: for the dogpile backend, in addition to those of the URL.
    """

    url: str = field(default="memory://", repr=without_password)
    prefix: str = "tristore"
    enabled: bool = field(factory=is_switched_on)
    strict: bool = False
    watch: bool = False
    arguments: Mapping[str, Any] = field(factory=dict, repr=False)
