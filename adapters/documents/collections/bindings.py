"""A unit of work names ports, `Documents` declare how they are stored: here the two are matched and checked."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from inspect import isabstract
from typing import Any, get_type_hints

from attrs import field, frozen
from cattrs import Converter

from ....domain.entities.plain_values import is_text
from ....domain.errors import ConfigurationError
from ....domain.plain_functions import check_plain
from ....domain.repository.bulk_repository import BulkRepository
from ....domain.repository.hooks import HOOKS, Hooks
from ....domain.repository.read_repository import ReadRepository
from ....domain.repository.repository import Repository
from ....domain.unit_of_work.unit_of_work import UnitOfWork
from ...backend import Backend, Capability
from ..declarations.documents import Documents
from ..mapping.converter import mapping_of
from ..mapping.entity_mapping import EntityMapping
from .unique_keys import UniqueKeys

_DATABASE = re.compile(r"[A-Za-z0-9_-]{1,63}")
_COLLECTION = re.compile(r"(?!system\.|tristore_)[^$./\0]+(\.[^$./\0]+)*")
"""What MongoDB accepts (https://www.mongodb.com/docs/manual/reference/limits), without tristore's own collections."""


@frozen(eq=False)
class Binding:
    """One repository of a unit: its name there, its class, its documents and their mapping.

    Attributes:
        name: the name in the unit.
        repository: the class that is made for a unit.
        documents: the declaration.
        mapping: entities to documents and back.
        collection: the name of the collection, behind that of its database where that is another one.
        unique: the unique keys of the repository, in the words of the document.
        saves, removes, commits: whether the repository has hooks of its own for these.
    """

    name: str
    repository: type[Repository[Any, Any]]
    documents: Documents
    mapping: EntityMapping
    collection: str = field(init=False)
    unique: UniqueKeys = field(init=False)
    saves: bool = field(init=False)
    removes: bool = field(init=False)
    commits: bool = field(init=False)

    @collection.default
    def _collection(self) -> str:
        database = self.documents.database
        return self.documents.collection if database is None else f"{database}/{self.documents.collection}"

    @unique.default
    def _unique(self) -> UniqueKeys:
        return UniqueKeys(self.repository.unique, self.mapping)

    @saves.default
    def _saves(self) -> bool:
        return self.repository.before_save is not Hooks.before_save

    @removes.default
    def _removes(self) -> bool:
        return self.repository.before_remove is not Hooks.before_remove

    @commits.default
    def _commits(self) -> bool:
        return self.repository.after_commit is not Hooks.after_commit


def bindings_of(
    unit: type[UnitOfWork[Any]], documents: Sequence[Documents], converter: Converter
) -> dict[str, Binding]:
    """Match the repositories that a unit names with the declared documents, and map their entities.

    Raises:
        ConfigurationError: if a port has no documents, hides a rule of the framework, or cannot be mapped.
    """
    if not (isinstance(unit, type) and issubclass(unit, UnitOfWork)):
        raise ConfigurationError(f"a unit of work is a subclass of UnitOfWork, not {_shown(unit)}")
    if isinstance(documents, Documents) or not isinstance(documents, Sequence):
        wrong = type(documents).__name__
        raise ConfigurationError(f"documents takes a list of Documents, not {wrong}: write documents=[...]")
    for declared in documents:
        _refuse_wrong_declaration(declared)
    _refuse_repeated_collections(documents)
    local = {found.repository.__name__: found.repository for found in documents}
    try:
        hints = get_type_hints(unit, localns=local)
    except NameError as error:
        raise ConfigurationError(f"an annotation of {unit.__name__} cannot be resolved: {error}") from None
    named = {
        name: hint
        for name, hint in hints.items()
        if isinstance(hint, type) and issubclass(hint, ReadRepository) and not name.startswith("_")
    }
    mappings: dict[int, EntityMapping] = {}

    def mapping(declared: Documents) -> EntityMapping:
        """One for each declaration: a unit may give two names to it, such as a repository's and its query port's."""
        if id(declared) not in mappings:
            _refuse_hidden_rules(declared.repository)
            mappings[id(declared)] = mapping_of(declared, converter)
            _refuse_wrong_keys(declared, mappings[id(declared)])
        return mappings[id(declared)]

    return {name: _binding(unit, name, port, documents, mapping) for name, port in named.items()}


def by_collection(bindings: Mapping[str, Binding]) -> dict[str, Binding]:
    """Return one binding for each collection, by its name: the first that the unit gives a name to."""
    found: dict[str, Binding] = {}
    for binding in bindings.values():
        found.setdefault(binding.collection, binding)
    return found


def _binding(
    unit: type[Any],
    name: str,
    port: type[ReadRepository[Any, Any]],
    documents: Sequence[Documents],
    mapping: Callable[[Documents], EntityMapping],
) -> Binding:
    matching = [found for found in documents if issubclass(found.repository, port)]
    if len(matching) != 1:
        found = "no Documents declare" if not matching else "several Documents declare"
        raise ConfigurationError(f"{unit.__name__}.{name}: {found} a repository that is a {port.__name__}")
    repository = matching[0].repository
    for hook, takes in HOOKS.items():
        check_plain(getattr(repository, hook), f"{repository.__name__}.{hook}", takes=takes + 1)  # and itself
    return Binding(name, repository, matching[0], mapping(matching[0]))


_RULES = (Repository, ReadRepository, BulkRepository)
_PRIMITIVES = frozenset(name for cls in _RULES for name in vars(cls) if not name.startswith("__")) - {
    "unique",
    "entity",
    "_abc_impl",
}


def _refuse_hidden_rules(repository: type[Repository[Any, Any]]) -> None:
    """A port adds queries; one that replaces `get` or `add` would hide the rules that stand there."""
    for cls in repository.__mro__:
        if cls in {*_RULES, object}:
            continue
        hidden = sorted(_PRIMITIVES & set(vars(cls)))
        if hidden:
            raise ConfigurationError(
                f"{cls.__name__} overrides {', '.join(hidden)} of Repository: give the query a name of its own"
            )
    if isabstract(repository):
        missing = ", ".join(sorted(getattr(repository, "__abstractmethods__", ())))
        raise ConfigurationError(
            f"{repository.__name__} leaves {missing} abstract: name a subclass that has them in Documents"
        )


def _refuse_wrong_keys(documents: Documents, mapping: EntityMapping) -> None:
    """Keys of one's own name attributes that exist, and no two attributes share one."""
    unknown = sorted(set(documents.keys) - (set(mapping.by_name) - {"id"}))
    if unknown:
        raise ConfigurationError(
            f"the keys of {documents.collection} name {', '.join(unknown)}: {mapping.name} has none"
        )
    keys = [mapping.schema_version_key, mapping.schema_compatible_key, *(field.key for field in mapping.fields)]
    wrong = sorted({key for key in keys if keys.count(key) > 1 or not key or key.startswith("$") or "." in key})
    if wrong:
        raise ConfigurationError(
            f"two fields of {mapping.name} share the document key {wrong[0]!r} of {documents.collection}, "
            "or it is no key"
        )


def _refuse_wrong_declaration(declared: object) -> None:
    """A declaration names a repository that names an entity, and a collection that can have that name."""
    if not isinstance(declared, Documents):
        raise ConfigurationError(
            f"documents takes Documents, not {_shown(declared)}: write Documents(YourRepository, collection=...)"
        )
    repository: object = declared.repository
    if not (isinstance(repository, type) and issubclass(repository, Repository)):
        raise ConfigurationError(f"Documents takes a repository class, not {_shown(repository)}")
    name = repository.__name__
    if not hasattr(repository, "entity"):
        raise ConfigurationError(f"{name} names no entity: write class {name}(Repository[YourEntity])")
    if declared.database is not None and not _DATABASE.fullmatch(declared.database):
        raise ConfigurationError(
            f"{declared.database!r} cannot be the name of a database: use up to 63 letters, digits, '_' and '-'"
        )
    if not is_text(declared.collection) or not _COLLECTION.fullmatch(declared.collection):
        raise ConfigurationError(
            f"{declared.collection!r} cannot be the name of a collection: use text without '$', '/' and NUL, with "
            "single dots inside, that begins neither with 'system.' nor with 'tristore_'"
        )


def _refuse_repeated_collections(documents: Sequence[Documents]) -> None:
    names = [f"{found.database or ''}/{found.collection}" for found in documents]
    for name in names:
        if names.count(name) > 1:
            raise ConfigurationError(f"the collection {name.strip('/')!r} is declared more than once")


def refuse_unmet_needs(bindings: Iterable[Binding], backend: Backend) -> None:
    """Refuse repositories that need what the backend of the store cannot do.

    Raises:
        ConfigurationError: naming the repository, what it needs, and what to do.
    """
    for binding in bindings:
        repository = binding.repository
        lacking = getattr(repository, "needs", Capability.NONE) & ~backend.capabilities
        if lacking:
            raise ConfigurationError(
                f"{repository.__name__} needs {lacking.name}, which {backend.location} does not have: open the store "
                "on a backend that has it, such as mongodb://, or declare Documents with the plain port, or with a "
                "subclass of it that does without"
            )


def _shown(value: object) -> str:
    return value.__name__ if isinstance(value, type) else repr(value)
