"""The stores that a command looks after: the three of tristore, or those of a user's own module."""

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

import click
from attrs import frozen

from ...domain.errors import ConfigurationError
from ..documents.store import DocumentStore
from ..settings import Settings
from ..stores import open_stores
from ..testing.openings import find_openings
from ..upkeep.access import administration_of
from .options import store_urls

AnyStore = DocumentStore[Any]


@frozen
class Chosen:
    """What the options of a command say about its stores.

    Attributes:
        core, analytics, systemlogs: URLs before those of the settings.
        names: of the stores that are wanted; empty for all.
        target: a module, or a callable that takes a URL and returns a store.
        url: where the stores of the target are.
    """

    core: str | None
    analytics: str | None
    systemlogs: str | None
    names: tuple[str, ...]
    target: str | None
    url: str | None


def stores_of_a_server(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options that choose stores, as one argument `chosen`."""

    def wrapped(**options: Any) -> Any:
        words = ("core", "analytics", "systemlogs", "names", "target", "url")
        return command(chosen=Chosen(*(options.pop(word) for word in words)), **options)

    wrapped.__doc__, wrapped.__name__ = command.__doc__, command.__name__
    wrapped.__dict__.update(command.__dict__)
    options = (
        click.option("--store", "names", multiple=True, metavar="NAME", help="Only this store; may be repeated."),
        click.option(
            "--target", metavar="MODULE[:CALLABLE]", help="Stores of your own, as `tristore fuzz` finds them."
        ),
        click.option("--url", metavar="URL", help="Where the store of the target is."),
    )
    found: Callable[..., Any] = wrapped
    for option in reversed(options):
        found = option(found)
    return store_urls(found)


@contextmanager
def opened(chosen: Chosen) -> Iterator[Sequence[AnyStore]]:
    """Open the chosen stores for a ``with`` block; what is in memory is left out, with a line on standard error.

    Raises:
        ConfigurationError: if no store is left, or one is named that there is not.
    """
    with ExitStack() as stack:
        stores = _own(chosen) if chosen.target is not None else _three(chosen)
        for store in stores:
            stack.callback(store.close)
        unknown = sorted(set(chosen.names) - {store.name for store in stores})
        if unknown:
            raise ConfigurationError(
                f"there is no store {', '.join(unknown)}: there are {', '.join(store.name for store in stores)}"
            )
        wanted = [store for store in stores if not chosen.names or store.name in chosen.names]
        served = [store for store in wanted if _has_a_server(store)]
        without = ", ".join(f"{store.name} ({store.backend.location})" for store in wanted if store not in served)
        if not served:
            raise ConfigurationError(
                f"no store has a server to look after: {without}; this command needs one, so set TRISTORE_CORE_URL or "
                "give --core mongodb://host/database"
            )
        if without:
            click.echo(f"Left out, for there is no server to look after: {without}.", err=True)
        yield served


def _has_a_server(store: AnyStore) -> bool:
    try:
        administration_of(store)
    except ConfigurationError:
        return False
    return True


def _three(chosen: Chosen) -> list[AnyStore]:
    if chosen.url is not None:
        raise ConfigurationError("--url says where the store of a --target is: give both")
    settings = Settings.from_environment().with_urls(
        core=chosen.core, analytics=chosen.analytics, systemlogs=chosen.systemlogs
    )
    return [store for store in open_stores(settings) if isinstance(store, DocumentStore)]


def _own(chosen: Chosen) -> list[AnyStore]:
    if chosen.url is None:
        raise ConfigurationError("a --target needs a --url: where its store is")
    sys.path.insert(0, os.getcwd())  # as `python -m` does: what is looked after need not be installed
    stores = [opening.open(chosen.url) for opening in find_openings(str(chosen.target))]
    wrong = [type(store).__name__ for store in stores if not isinstance(store, DocumentStore)]
    if wrong:
        raise ConfigurationError(f"{chosen.target} opens a {wrong[0]}, and no store that open_store made")
    return [store for store in stores if isinstance(store, DocumentStore)]


__all__ = ["Chosen", "opened", "stores_of_a_server"]
