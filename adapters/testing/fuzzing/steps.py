"""The steps of a history: each can be done to a store, and written as the Python that does it."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from copy import deepcopy
from itertools import islice
from typing import Any, Literal

from attrs import field, frozen

from ....domain.entities.entity import Entity
from ....domain.queries.query import FIND_BOUND
from .python_source.source import Source

UNITS = ("a", "b")
"""The slots of the two units of work, which may be open at the same time."""

SNAPSHOT, READER = "snapshot", "reader"
"""The slots of a reader that shows one moment as long as it is open, and of readers for one step each."""


@frozen
class Step(ABC):
    """One thing that a history does.

    Attributes:
        slot: in which unit of work or reader.
    """

    slot: str


@frozen
class RepositoryStep(Step):
    """A step that calls a repository.

    Attributes:
        repository: the name that the unit of work gives it.
    """

    repository: str

    @abstractmethod
    def act(self, repository: Any) -> Any:
        """Do it; return the answer."""

    @abstractmethod
    def code(self, repository: str, source: Source) -> tuple[list[str], str]:
        """Return statements, and the expression of the answer."""


@frozen
class Add(RepositoryStep):
    """Add an entity."""

    entity: Entity[Any]

    def act(self, repository: Any) -> None:
        """Add a copy, for a unit changes what it is given."""
        repository.add(deepcopy(self.entity))

    def code(self, repository: str, source: Source) -> tuple[list[str], str]:
        """One call."""
        return [], source.call(f"{repository}.add", [self.entity])


@frozen
class Remove(RepositoryStep):
    """Load an entity and remove it."""

    id: Any

    def act(self, repository: Any) -> None:
        """Remove."""
        repository.remove(repository.get(self.id))

    def code(self, repository: str, source: Source) -> tuple[list[str], str]:
        """One call inside another."""
        return [], f"{repository}.remove({source.call(f'{repository}.get', [self.id])})"


@frozen
class Edit(RepositoryStep):
    """Load an entity and change one field, a list or dictionary in place.

    Attributes:
        id: of the entity.
        name: of the field.
        value: what it is to be.
    """

    id: Any
    name: str
    value: Any

    def act(self, repository: Any) -> Any:
        """Change it and return the entity."""
        found = repository.get(self.id)
        current, value = getattr(found, self.name), deepcopy(self.value)
        if isinstance(current, list) and isinstance(value, list):
            current[:] = value
        elif isinstance(current, dict) and isinstance(value, dict):
            current.clear()
            current.update(value)
        else:
            setattr(found, self.name, value)
        return found

    def code(self, repository: str, source: Source) -> tuple[list[str], str]:
        """Load, change, show."""
        target, value = f"found.{self.name}", source.of(self.value)
        change = [f"{target} = {value}"]
        if isinstance(self.value, list):
            change = [f"{target}[:] = {value}"]
        elif isinstance(self.value, dict):
            change = [f"{target}.clear()", f"{target}.update({value})"]
        return [f"found = {source.call(f'{repository}.get', [self.id])}", *change], "found"


@frozen
class Ask(RepositoryStep):
    """Call a method of a repository that answers: a read, or a named query.

    Attributes:
        method: its name.
        positional: the arguments without a name.
        named: the arguments with one.
    """

    method: str
    positional: tuple[Any, ...] = ()
    named: Mapping[str, Any] = field(factory=dict)

    def act(self, repository: Any) -> Any:
        """Ask; what comes one by one is collected."""
        found = getattr(repository, self.method)(*self.positional, **deepcopy(dict(self.named)))
        return list(islice(found, FIND_BOUND)) if isinstance(found, Iterator) else found

    def code(self, repository: str, source: Source) -> tuple[list[str], str]:
        """One call."""
        call = source.call(f"{repository}.{self.method}", self.positional, self.named)
        return [], f"list({call})" if self.method == "stream" else call


@frozen
class End(Step):
    """Flush, commit or roll back a unit of work, or close a reader.

    Attributes:
        how: which of them; nothing happens to what is not open.
        milliseconds: by which the clock moves on before.
    """

    how: Literal["flush", "commit", "rollback", "close"]
    milliseconds: int = 0


@frozen
class Stored(Step):
    """Look at the stored documents of a collection, below the repositories."""

    collection: str

    def code(self, source: Source) -> str:
        """The expression of the answer."""
        query = source.uses("tristore.domain.queries.query", "Query")
        return f'store.backend.find("{self.collection}", {query}(), transaction=None, timeout=5.0).to_list()'


History = list[Step]
