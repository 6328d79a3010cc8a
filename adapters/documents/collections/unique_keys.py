"""Which values an entity occupies in the unique keys of its repository, as a store would tell it of the document."""

from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from itertools import product
from typing import Any

from attrs import frozen
from bson import Decimal128, encode

from ....domain.entities.entity import Entity
from ....domain.repository.unique import Unique
from ....domain.rules.evaluation import holds
from ....domain.rules.predicates import Predicate, paths_of
from ....domain.rules.specification import specification_of
from ...backend import Document
from ...backend.bson import CODEC_OPTIONS
from ..mapping.entity_mapping import EntityMapping

Occupied = tuple[int, tuple[Any, ...]]
"""The number of a key, and values in it that nobody else may have."""


@frozen
class _Key:
    paths: tuple[tuple[str, ...], ...]
    sparse: bool
    rule: Predicate | None


class UniqueKeys:
    """The unique keys of one repository; read at their first use, when the declarations are known to be right."""

    def __init__(self, unique: Sequence[Unique], mapping: EntityMapping) -> None:
        self._declared = unique
        self._mapping = mapping

    @cached_property
    def _keys(self) -> list[_Key]:
        mapping = self._mapping
        return [
            _Key(
                tuple(tuple(mapping.stored_key(name).split(".")) for name in declared.fields),
                declared.sparse,
                None if declared.where is None else specification_of(mapping.cls, declared.where).predicate,
            )
            for declared in self._declared
        ]

    @cached_property
    def _roots(self) -> frozenset[str]:
        """The document keys on which they depend; an edit that touches none of them hands nothing over."""
        by_name = self._mapping.by_name
        of_rules = [path for key in self._keys if key.rule is not None for path in paths_of(key.rule)]
        own = [path[0] for key in self._keys for path in key.paths]
        return frozenset((*own, *(by_name[path[0]].key for path in of_rules)))

    def are_touched(self, keys: Iterable[str]) -> bool:
        """Tell whether a change of these document keys can give up a value, or take one."""
        return not self._roots.isdisjoint(keys)

    def occupied(self, entity: Entity[Any], document: Document) -> frozenset[Occupied]:
        """Return what an entity occupies.

        Args:
            entity: as it is.
            document: the same as it is stored.
        """
        return frozenset(self._occupied(entity, document))

    def _occupied(self, entity: Entity[Any], document: Document) -> Iterator[Occupied]:
        for number, key in enumerate(self._keys):
            if key.rule is not None and not holds(key.rule, entity):
                continue
            values = [[*_found(document, path)] for path in key.paths]
            if key.sparse and not any(values):
                continue
            for combination in product(*(found or [None] for found in values)):
                yield number, tuple(map(_comparable, combination))


def _found(value: Any, path: tuple[str, ...]) -> Iterator[Any]:
    """What stands at a path; of a list, each item."""
    if type(value) is list:
        for item in value:
            yield from _found(item, path) if path else (item,)
    elif not path:
        yield value
    elif type(value) is dict and path[0] in value:
        yield from _found(value[path[0]], path[1:])


def _comparable(value: Any) -> Any:
    """A value that equals another one where a unique key holds them for equal."""
    if isinstance(value, Decimal128):
        value = value.to_decimal()
    if isinstance(value, dict | list):
        return encode({"": value}, False, CODEC_OPTIONS)
    if value != value:  # noqa: PLR0124 - NaN differs from itself
        return "NaN"
    return isinstance(value, bool), value
