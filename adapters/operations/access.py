"""From a store to what looks after its server."""

from typing import Any

from ...domain.errors import ConfigurationError
from ...domain.unit_of_work.store import Store
from ..backend.administration import Administration
from ..documents.context.store_context import Environment
from ..documents.store import DocumentStore


def environment_of(store: Store[Any]) -> Environment:
    """Return a store from the inside.

    Raises:
        ConfigurationError: if `open_store` did not make it.
    """
    if not isinstance(store, DocumentStore):
        raise ConfigurationError(f"a {type(store).__name__} has no backend: pass a store that open_store made")
    return store.environment


def administration_of(store: Store[Any]) -> Administration:
    """Return what looks after the server of a store.

    Raises:
        ConfigurationError: if the store has no server, as one in memory.
    """
    backend = environment_of(store).backend
    administration = backend.administration()
    if administration is None:
        raise ConfigurationError(
            f"store {store.name}: {backend.location} has no server to look after: open the store on mongodb://"
        )
    return administration
