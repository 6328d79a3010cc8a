"""What is to be fuzzed: how its stores are opened by URL, and how a reader would write that."""

import inspect
from collections.abc import Callable, Iterator, Mapping
from importlib import import_module
from types import ModuleType
from typing import Any

from attrs import field, frozen

from ...domain.errors import ConfigurationError
from ...domain.repository.read_repository import ReadRepository
from ...domain.unit_of_work.store import Store
from ...domain.unit_of_work.unit_of_work import UnitOfWork
from ..documents.declarations.documents import Documents
from ..documents.store import open_store

OpenStore = Callable[[str], Store[Any]]
"""Opens a store at a URL."""


@frozen
class Opening:
    """A way to open stores that may be fuzzed.

    Attributes:
        name: what to call it.
        open: opens a store at a URL.
        code: the expression for it, in which ``url`` is the URL.
        imports: the names that the expression needs, by module.
    """

    name: str
    open: OpenStore
    code: str
    imports: Mapping[str, tuple[str, ...]] = field(factory=dict)


def opening_of(open_store: OpenStore) -> Opening:
    """Describe a callable; where a reader cannot import it, its name stands for it.

    Raises:
        ConfigurationError: if it is none.
    """
    if not callable(open_store):
        raise ConfigurationError(f"what opens a store is a callable that takes a URL, not {open_store!r}")
    name = getattr(open_store, "__qualname__", "")
    module = getattr(open_store, "__module__", "")
    if name.isidentifier():
        return Opening(name, open_store, f"{name}(url)", {module: (name,)})
    return Opening("a store", open_store, "open_it(url)  # what was given to be fuzzed")


def find_openings(target: str) -> list[Opening]:
    """Return what a target names.

    Args:
        target: ``package.module:callable`` for a callable that takes a URL and returns a store, or ``package.module``
            for a module that holds units of work and the `Documents` of their repositories, alone or in lists.

    Raises:
        ConfigurationError: if there is no such module or callable, or no unit of work in it with all its documents.
    """
    module_name, colon, name = target.partition(":")
    module = imported_module(module_name)
    if not colon:
        return _declared_in(module)
    found = getattr(module, name, None)
    if not callable(found):
        raise ConfigurationError(f"{module_name} has no callable {name!r} that takes a URL and returns a store")
    return [Opening(name, found, f"{name}(url)", {module_name: (name,)})]


def imported_module(name: str) -> ModuleType:
    """Return the module of a name.

    Raises:
        ConfigurationError: if there is none.
    """
    try:
        return import_module(name)
    except ModuleNotFoundError as error:
        if error.name is None or not (name == error.name or name.startswith(f"{error.name}.")):
            raise
        raise ConfigurationError(
            f"there is no module {error.name!r}: name one as package.module or package.module:callable"
        ) from None
    except ValueError as error:
        raise ConfigurationError(f"{name!r} is not the name of a module: {error}") from None


def _declared_in(module: ModuleType) -> list[Opening]:
    openings = [
        _opening(module, name, unit, documents)
        for name, unit in inspect.getmembers(module, _is_unit)
        if (documents := _documents_of(module, unit))
    ]
    if not openings:
        raise ConfigurationError(
            f"{module.__name__} holds no unit of work together with the Documents of all its repositories: import them "
            f"there, or name a callable that takes a URL and returns a store, {module.__name__}:open_my_store"
        )
    return openings


def _is_unit(value: object) -> bool:
    return isinstance(value, type) and issubclass(value, UnitOfWork) and value is not UnitOfWork and bool(_ports(value))


def _ports(unit: type[UnitOfWork[Any]]) -> list[type[ReadRepository[Any, Any]]]:
    hints = inspect.get_annotations(unit, eval_str=True)
    return [hint for hint in hints.values() if isinstance(hint, type) and issubclass(hint, ReadRepository)]


def _documents_of(module: ModuleType, unit: type[UnitOfWork[Any]]) -> dict[str, list[Documents]]:
    """The documents of a unit's repositories by the names that hold them; empty if one is missing."""
    found: dict[str, list[Documents]] = {}
    missing = set(_ports(unit))
    for name, held in _held(module):
        wanted = [one for one in held if any(issubclass(one.repository, port) for port in missing)]
        if wanted:
            found[name] = held
            missing = {port for port in missing if not any(issubclass(one.repository, port) for one in held)}
    return {} if missing else found


def _held(module: ModuleType) -> Iterator[tuple[str, list[Documents]]]:
    """The names of a module that hold documents, those of many before those of one."""
    held = {
        name: [value] if isinstance(value, Documents) else list(value)
        for name, value in vars(module).items()
        if isinstance(value, Documents)
        or (isinstance(value, list | tuple) and value and all(isinstance(one, Documents) for one in value))
    }
    yield from sorted(held.items(), key=lambda found: -len(found[1]))


def _opening(
    module: ModuleType, name: str, unit: type[UnitOfWork[Any]], documents: Mapping[str, list[Documents]]
) -> Opening:
    declared = [one for held in documents.values() for one in held]
    written = ", ".join(held if documents[held] == [getattr(module, held)] else f"*{held}" for held in documents)
    code = f"open_store({name}, url=url, documents=[{written}])"
    imports = {"tristore": ("open_store",), module.__name__: (name, *documents)}
    return Opening(name, lambda url: open_store(unit, url=url, documents=declared), code, imports)
