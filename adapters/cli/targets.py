"""What a command works on: tristore's three stores, or those of an application of the user's own."""

import inspect
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from functools import wraps
from typing import Any

import click
from attrs import frozen

from ...domain.errors import ConfigurationError
from ..documents.store import DocumentStore
from ..operations.access import environment_of
from ..operations.migrations import Migrations
from ..operations.openings import find_openings, imported_module
from ..three_stores.settings import STORES, Settings
from ..three_stores.stores import Stores, open_stores
from .options import store_urls

AnyStore = DocumentStore[Any]
Found = AnyStore | Migrations


@frozen
class Chosen:
    """What the options of a command say about its stores.

    Attributes:
        urls: where the three stores are, by name, before what the settings say.
        app: names the stores of an application; None for the three.
        url: where the store of the application is.
        names: of the stores that are wanted; empty for all.
    """

    urls: Mapping[str, str | None]
    app: str | None
    url: str | None
    names: tuple[str, ...] = ()

    @property
    def settings(self) -> Settings:
        """Where the three stores are."""
        return Settings.from_environment().with_urls(**self.urls)


def of_one_store(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options that say where stores are, as one argument `chosen`."""

    @wraps(command)
    def wrapped(*, app: str | None, url: str | None, store: tuple[str, ...] = (), **options: Any) -> Any:
        urls = {name: options.pop(name) for name in STORES}
        return command(chosen=Chosen(urls, app, url, store), **options)

    found = click.option("--url", metavar="URL", help="Where the store of the application is.")(wrapped)
    text = "Stores of your own, as package.module or package.module:name.  [default: the three of tristore]"
    return store_urls(click.option("--app", metavar="APP", help=text)(found))


def of_stores(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options of `of_one_store`, and one to pick among the stores."""
    text = "Only this store; may be repeated.  [default: all]"
    return click.option("--store", multiple=True, metavar="NAME", help=text)(of_one_store(command))


@contextmanager
def _opened(chosen: Chosen) -> Iterator[list[Found]]:
    with ExitStack() as stack:
        found = _three(chosen) if chosen.app is None else _own(chosen.app, chosen.url)
        for one in found:
            stack.callback(_store_of(one).close)
        names = [_store_of(one).name for one in found]
        unknown = [name for name in chosen.names if name not in names]
        if unknown:
            raise ConfigurationError(f"there is no store {', '.join(unknown)}: there are {', '.join(names)}")
        yield [one for one in found if not chosen.names or _store_of(one).name in chosen.names]


@contextmanager
def opened_stores(chosen: Chosen) -> Iterator[Sequence[AnyStore]]:
    """Open the chosen stores for a ``with`` block.

    Raises:
        ConfigurationError: if there is no such application, or no such store in it.
    """
    with _opened(chosen) as found:
        yield [_store_of(one) for one in found]


@contextmanager
def opened_migrations(chosen: Chosen) -> Iterator[Sequence[Migrations]]:
    """Open the chosen stores, each with its named steps.

    Raises:
        ConfigurationError: as `opened_stores`, and if a backend cannot be migrated.
    """
    with _opened(chosen) as found:
        yield [one if isinstance(one, Migrations) else Migrations(one) for one in found]


@contextmanager
def opened_servers(chosen: Chosen) -> Iterator[Sequence[AnyStore]]:
    """Open the chosen stores that have a server; what is in memory is left out, with a line on standard error.

    Raises:
        ConfigurationError: as `opened_stores`, and if no store is left.
    """
    with opened_stores(chosen) as wanted:
        served = [store for store in wanted if store.backend.administration() is not None]
        without = ", ".join(f"{store.name} ({store.backend.location})" for store in wanted if store not in served)
        if not served:
            raise ConfigurationError(
                f"no store has a server to look after: {without}; this command needs one, so {_where(chosen, wanted)}"
            )
        if without:
            click.echo(f"Left out, for there is no server to look after: {without}.", err=True)
        yield served


@contextmanager
def opened_repository(target: str, chosen: Chosen) -> Iterator[tuple[AnyStore, str]]:
    """Open the store of a repository, and give it with the repository's name.

    Args:
        target: ``store.repository``, or ``repository`` where the application has one store.
        chosen: says where the stores are.

    Raises:
        ConfigurationError: as `opened_stores`, and if the target names no store.
    """
    with opened_stores(chosen) as found:
        stores = {store.name: store for store in found}
        name, dot, repository = target.rpartition(".")
        if not dot and len(stores) == 1:
            [name] = stores
        if name not in stores:
            raise ConfigurationError(
                f"{target!r} names no repository: write store.repository, such as {_example(found)}, for the stores "
                f"{', '.join(stores)}" + ("; for a store of your own give --app" if chosen.app is None else "")
            )
        yield stores[name], repository


def _where(chosen: Chosen, stores: Sequence[AnyStore]) -> str:
    """How the stores that were asked for are given a server."""
    if chosen.app is None:
        name = stores[0].name
        return f"set TRISTORE_{name.upper()}_URL or give --{name} mongodb://host/database"
    if chosen.url is None:
        return f"let {chosen.app} open its stores at mongodb://host/database"
    return f"give --app {chosen.app} --url mongodb://host/database"


def _example(stores: Sequence[AnyStore]) -> str:
    """A repository that there is."""
    return f"{stores[0].name}.{next(iter(environment_of(stores[0]).bindings))}"


def _store_of(found: Found) -> AnyStore:
    return found.store if isinstance(found, Migrations) else found


def _three(chosen: Chosen) -> list[Found]:
    if chosen.url is not None:
        raise ConfigurationError("--url says where the store of an --app is; where core is, --core says")
    return [_found("the settings", store) for store in open_stores(chosen.settings)]


def _own(app: str, url: str | None) -> list[Found]:
    sys.path.insert(0, os.getcwd())  # as `python -m` does: the application need not be installed
    module_name, colon, name = app.partition(":")
    if not colon:
        if url is None:
            raise ConfigurationError(f"--app {app} needs --url, which says where its store is")
        return [_found(f"--app {app}", opening.open(url)) for opening in find_openings(app)]
    missing = object()
    value: Any = getattr(imported_module(module_name), name, missing)
    if value is missing:
        raise ConfigurationError(
            f"--app {app}: {module_name} has no {name!r}; it may be a store, a Migrations, a list of them, or a "
            "function that returns one of these, which may take a URL"
        )
    if callable(value) and not isinstance(value, type):
        value = _called(app, value, url)
    elif url is not None:
        raise ConfigurationError(f"--app {app} is no function that takes a URL: leave --url out")
    parts = list(value) if isinstance(value, list | tuple | Stores) else [value]
    return [_found(f"--app {app}", part) for part in parts]


def _called(app: str, function: Callable[..., Any], url: str | None) -> Any:
    arguments = () if url is None else (url,)
    try:
        inspect.signature(function).bind(*arguments)
    except TypeError as error:
        advice = "give --url, which says where its store is" if url is None else "leave --url out"
        raise ConfigurationError(f"--app {app} cannot be called ({error}): {advice}") from None
    return function(*arguments)


def _found(where: str, value: object) -> Found:
    if isinstance(value, DocumentStore | Migrations):
        return value
    raise ConfigurationError(
        f"{where} gives {type(value).__name__!r}, which is neither a Migrations nor a store that open_store made"
    )
