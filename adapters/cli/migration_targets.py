"""What a command of a user's own application works on: named as ``package.module:name``."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any

from ...domain.errors import ConfigurationError
from ..documents.store import DocumentStore
from ..migrations import Migrations
from ..settings import Settings
from ..stores import Stores, open_stores


@contextmanager
def migrations_of(settings: Settings, app: str | None) -> Iterator[list[Migrations]]:
    """Give the migrations of an application's stores, or of tristore's own three; the stores are closed at the end.

    Args:
        settings: where the three stores are.
        app: names what the application has, None for the three stores.

    Raises:
        ConfigurationError: if there is no such thing.
    """
    found = [Migrations(store) for store in open_stores(settings)] if app is None else _named(app)
    try:
        yield found
    finally:
        for migrations in found:
            migrations.store.close()


def _named(app: str) -> list[Migrations]:
    sys.path.insert(0, os.getcwd())  # as `python -m` does: the application need not be installed
    module_name, colon, name = app.partition(":")
    try:
        module = import_module(module_name) if colon and module_name else None
    except ModuleNotFoundError as error:
        if error.name is None or not (module_name == error.name or module_name.startswith(f"{error.name}.")):
            raise
        raise ConfigurationError(f"--app {app}: there is no module {error.name!r}") from None
    missing = object()
    value: Any = missing if module is None else getattr(module, name, missing)
    if value is missing:
        raise ConfigurationError(
            f"--app {app}: name what holds the migrations as package.module:name, where name is a Migrations, a store, "
            "a list of them, or a function without parameters that returns one of these"
        )
    if callable(value) and not isinstance(value, type):
        value = value()
    parts = list(value) if isinstance(value, list | tuple | Stores) else [value]
    return [_migrations(app, part) for part in parts]


def _migrations(app: str, value: object) -> Migrations:
    if isinstance(value, Migrations):
        return value
    if isinstance(value, DocumentStore):
        return Migrations(value)
    raise ConfigurationError(f"--app {app} gives {type(value).__name__}, which is neither a Migrations nor a store")


__all__ = ["migrations_of"]
