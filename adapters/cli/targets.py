"""Which repository a command is about: one of the three stores, or one of a store of the user's own."""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import click

from ...domain.errors import ConfigurationError
from ..documents.store import DocumentStore
from ..settings import Settings
from ..stores import open_stores
from ..testing.openings import find_openings

_STORES = ("core", "analytics", "systemlogs")


def own_store(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options --store and --url, for stores of the user's own."""
    text = "Where the store of --store is."
    command = click.option("--url", metavar="URL", help=text)(command)
    text = "A store of your own: package.module:callable, which takes a URL, or package.module."
    return click.option("--store", "own", metavar="STORE", help=text)(command)


@contextmanager
def opened(
    target: str, settings: Settings, own: str | None, url: str | None
) -> Iterator[tuple[DocumentStore[Any], str]]:
    """Open the store of a target, and close it; give it with the name of the repository.

    Args:
        target: ``store.repository`` for one of the three stores, or ``repository`` with a store of the user's own.
        settings: where the three stores are.
        own: names a store of the user's own, as `find_openings` takes it.
        url: where that is.

    Raises:
        ConfigurationError: if it names no store.
    """
    if own is not None:
        with _own(own, url) as store:
            yield store, target
        return
    name, dot, repository = target.partition(".")
    if name not in _STORES or not dot:
        raise ConfigurationError(
            f"{target!r} names no repository: write store.repository, such as core.users, for core, analytics or "
            "systemlogs; for a store of your own give --store and --url"
        )
    if url is not None:
        raise ConfigurationError(f"--url belongs to --store; where {name} is, --{name} says")
    with open_stores(settings) as stores:
        found = getattr(stores, name)
        assert isinstance(found, DocumentStore)  # noqa: S101 - as open_stores makes them
        yield found, repository


@contextmanager
def _own(own: str, url: str | None) -> Iterator[DocumentStore[Any]]:
    if url is None:
        raise ConfigurationError("--store needs --url, which says where the store is")
    sys.path.insert(0, os.getcwd())  # as `python -m` does: the user's module need not be installed
    openings = find_openings(own)
    if len(openings) > 1:
        names = ", ".join(opening.name for opening in openings)
        raise ConfigurationError(f"{own} holds several stores ({names}): name a callable that opens one, {own}:open_it")
    store = openings[0].open(url)
    if not isinstance(store, DocumentStore):
        raise ConfigurationError(
            f"{own} opened a {type(store).__name__}, and must open a store: return open_store(...)"
        )
    try:
        yield store
    finally:
        store.close()


__all__ = ["opened", "own_store"]
