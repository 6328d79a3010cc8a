"""The half of a repository that writes many entities with one call."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import reduce
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, Generic

from ..bulk_result import BulkResult
from ..entities.bounds import Comparator
from ..entities.entity import Entity, EntityT
from ..entities.schema import schema_of
from ..errors import InvalidQuery
from ..rules.conditions import both, either
from ..rules.evaluation import holds
from ..rules.operands import comparable
from ..rules.predicates import Compare, Path, Predicate, dotted
from ..rules.specification import Where
from .gateway import Gateway
from .hooks import Hooks
from .modifications import modification_of
from .unique import Unique

_NOTHING: Mapping[str, object] = MappingProxyType({})


class BulkRepository(Generic[EntityT]):
    """Calls that write many entities; each writes at once, what is pending of the collection first."""

    if TYPE_CHECKING:
        entity: ClassVar[type[Entity[Any]]]
        unique: ClassVar[tuple[Unique, ...]]
        _gateway: Gateway[EntityT, Any]

        def _predicate(self, rule: Where[EntityT]) -> Predicate: ...

        def _own(self, entity: EntityT) -> EntityT: ...

    def add_many(self, entities: Iterable[EntityT], *, max_errors: int | None = None) -> BulkResult[EntityT]:
        """Store many new entities now.

        In a unit of work all of them join it, and the first error is raised. In `Store.bulk` they are read and written
        in chunks, so that a generator of any length needs constant memory; what cannot be written is collected, and
        the others go on.

        Args:
            entities: new ones, none of which was stored before.
            max_errors: in `Store.bulk`, after how many errors to stop. Each is kept with its entity until the end, so
                without a bound the memory grows with the errors.

        Raises:
            InvalidQuery: for an entity of another class, and outside a unit of work for one with recorded events that
                the store publishes, because they are published in the transaction of their entity.
            DuplicateKey: in a unit of work; in `Store.bulk` it is among the errors.
            Unavailable: if no server answers; `result` says what was written before.
        """
        return self._gateway.add_many(self._all_own(entities), _checked_most(max_errors))

    def bulk_update(self, entities: Iterable[EntityT], *, max_errors: int | None = None) -> BulkResult[EntityT]:
        """Save many entities that were loaded and edited elsewhere: each takes one step of its version.

        One that moved on since it was loaded is a `VersionConflict`: raised in a unit of work, where it names all that
        did so; among the errors in `Store.bulk`, where the others are written.

        Args:
            entities: as a reader, a unit of work or a `stream()` gave them.
            max_errors: see `add_many`.

        Raises:
            InvalidQuery: as `add_many` does.
            VersionConflict: in a unit of work.
            Unavailable: if no server answers; `result` says what was written before.
        """
        return self._gateway.bulk_update(self._all_own(entities), _checked_most(max_errors))

    def update_where(
        self,
        rule: Where[EntityT],
        *,
        set: Mapping[str, object] = _NOTHING,  # noqa: A002 - the word that says it
        increment: Mapping[str, object] = _NOTHING,
    ) -> BulkResult[EntityT]:
        """Change every entity that obeys a rule, in one command and without loading any.

        Each document is changed atomically, and only while it obeys the rule: ``update_where(lambda a: (a.id == id) &
        (a.balance >= 10), increment={"balance": -10})`` takes 10 if they are there, and `matched` says whether. Every
        entity that was met takes a step of its version and gets a new `updated_at`. In a unit of work the
        objects that it has loaded are brought up to date.

        Args:
            rule: which, as in `find`; None for all.
            set: new values by attribute names, dotted for a part of a nested value; None takes an optional field away.
                They go through the converters and validators of their fields. An entity without the nested value is
                not met.
            increment: what is added to numbers. The bounds that the validators of a number give (`attrs.validators.ge`
                and the like, `whole`, `at_least`) join the rule: an entity that would be pushed out of them is not met.

        Raises:
            InvalidQuery: if rule or changes cannot be asked, and if the repository has a `before_save` or an
                `after_commit` of its own, or a number another rule, which this would bypass.
            ValidationError: if a value breaks the rules of its field, or a stored value cannot be incremented.
            DuplicateKey: if a unique value is taken; outside a transaction some entities may be changed already.
        """
        self._refuse_bypassed("update_where", "before_save", "after_commit")
        modification = modification_of(self.entity, set, increment)
        return self._gateway.update_where(both(self._predicate(rule), modification.guard), modification)

    def remove_where(self, rule: Where[EntityT]) -> BulkResult[EntityT]:
        """Remove every entity that obeys a rule, in one command and without loading any; None for all.

        Raises:
            InvalidQuery: if the rule cannot be asked, and if the repository has a `before_remove` of its own, which
                this would bypass.
        """
        self._refuse_bypassed("remove_where", "before_remove")
        return self._gateway.remove_where(self._predicate(rule))

    def upsert(self, entity: EntityT, *, by: str | Sequence[str]) -> EntityT:
        """Store a new entity, or give its values to the one that is stored under the same unique key.

        Of a key with a rule (``Unique(..., where=)``) only the entities count that meet it: the others are not looked
        at, and are not changed.

        The stored one keeps its id and `created_at`, takes over every other field, the recorded events and a step of
        its version, also where nothing differs. Two callers at once are safe: one of them stores, the other updates.

        Args:
            entity: a new one, never stored before.
            by: the fields of a unique key of this repository, or ``"id"``.

        Returns:
            The entity that is stored: the given one if it is new, else another object with the id of the stored one.

        Raises:
            InvalidQuery: if these fields are no unique key, one of them is None, or the key has a rule that the entity
                does not meet.
            DuplicateKey: if another unique value is taken.
            WriteConflict: in a unit of work, if another caller was faster; `Store.run` repeats it.
        """
        return self._gateway.upsert(self._own(entity), self._same_key(entity, by))

    def _all_own(self, entities: Iterable[EntityT]) -> Iterator[EntityT]:
        if isinstance(entities, Mapping) or not isinstance(entities, Iterable):
            raise InvalidQuery(f"a list, a generator or the like of entities is needed, not {type(entities).__name__}")
        return map(self._own, entities)

    def _refuse_bypassed(self, call: str, *hooks: str) -> None:
        """A call that loads no entity can run no hook for it."""
        for hook in hooks:
            if getattr(type(self), hook) is not getattr(Hooks, hook):
                raise InvalidQuery(
                    f"{call} would bypass {type(self).__name__}.{hook}, which needs each entity: load them, and "
                    "change or remove them in a unit of work"
                )

    def _same_key(self, entity: EntityT, by: str | Sequence[str]) -> Predicate:
        """Return what the stored entity obeys that has the same values in a unique key."""
        if not isinstance(by, str | list | tuple) or not all(isinstance(name, str) for name in by):
            raise InvalidQuery(f"by takes the names of a unique key, not {type(by).__name__}")
        names = (by,) if isinstance(by, str) else tuple(by)
        keys = [("id",), *(key.fields for key in self.unique)]
        asked = [key for key in (Unique("id"), *self.unique) if sorted(names) == sorted(key.fields)]
        if not asked:
            known = ", ".join(" + ".join(key) for key in keys)
            raise InvalidQuery(
                f"{self.entity.__name__} has no unique key {' + '.join(map(str, names))}; it has {known}"
            )
        paths = [tuple(name.split(".")) for name in names]
        parts = (Compare(path, Comparator.EQ, _key_value(self.entity, entity, path)) for path in paths)
        same = self._held_by(entity, asked, names)
        for part in parts:
            same = both(same, part)
        return same

    def _held_by(self, entity: EntityT, keys: Sequence[Unique], names: Sequence[str]) -> Predicate:
        """Return what all obey that one of the keys holds together with the entity."""
        everybody = self._predicate(None)
        rules = [everybody if key.where is None else self._predicate(key.where) for key in keys]
        met = [rule for rule in rules if holds(rule, entity)]
        if not met:
            raise InvalidQuery(
                f"this {self.entity.__name__} does not meet the rule of the unique key {' + '.join(names)}, which "
                "tells only those apart that do: add() it"
            )
        return everybody if everybody in met else reduce(either, met)


def _checked_most(max_errors: int | None) -> int | None:
    if max_errors is not None and (isinstance(max_errors, bool) or not isinstance(max_errors, int) or max_errors < 1):
        raise InvalidQuery(f"max_errors must be a whole number of at least 1, not {max_errors!r}")
    return max_errors


def _key_value(cls: type[Entity[Any]], entity: Any, path: Path) -> object:
    """Return a value of a unique key in the form in which it is compared.

    Raises:
        InvalidQuery: if it is None, so that it tells nobody apart.
    """
    schema, found = schema_of(cls), entity
    for name in path[:-1]:
        found = getattr(found, name, None)
        schema = schema_of(schema.field_of(name).type.python)
    value = getattr(found, path[-1], None)
    if value is None:
        raise InvalidQuery(f"{dotted(path)} is None, so it does not tell which {cls.__name__} is meant")
    return value if path == ("id",) else comparable(schema.field_of(path[-1]).type, value, path)
