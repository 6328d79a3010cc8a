"""How far a transfer is, and which repository it is about."""

from collections.abc import Callable
from typing import Any

from attrs import frozen

from ....domain.errors import ConfigurationError
from ...documents.collections.bindings import Binding
from ...documents.store import DocumentStore


@frozen
class Step:
    """How far a transfer is.

    Attributes:
        count: lines that were read, or documents that were written, in all.
        share: of the whole, from 0 to 1; None where the whole is not known.
        rejected: lines that were refused.
    """

    count: int
    share: float | None
    rejected: int = 0


Progress = Callable[[Step], None]
"""Is told of each step, some thousand documents each."""


def binding_of(store: DocumentStore[Any], repository: str) -> Binding:
    """Return the repository of a store by the name that its unit of work gives it.

    Raises:
        ConfigurationError: if it has none of that name, with those that it has.
    """
    bindings = store.environment.bindings
    if repository not in bindings:
        names = ", ".join(bindings) or "none"
        raise ConfigurationError(f"the store {store.name} has no repository {repository!r}; it has {names}")
    return bindings[repository]


def no_progress(step: Step) -> None:
    """Tell nobody."""
