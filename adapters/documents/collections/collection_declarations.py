"""What a repository's declaration means for its collection, in its words: indexes, validator, time series."""

from collections.abc import Iterator
from datetime import timedelta

from ....domain.entities.scalars import Kind
from ....domain.entities.schema import FieldType, no_field, schema_of
from ....domain.errors import ConfigurationError, InvalidQuery
from ....domain.repository.unique import Unique
from ....domain.rules.predicates import Predicate
from ...backend import (
    CollectionDeclaration,
    IndexDeclaration,
    TimeSeriesDeclaration,
    ValidatorDeclaration,
)
from ...backend.checks.special_indexes import EVERY_FIELD, FLAT, HASHED, SPHERE, check_special
from ..declarations.indexes import KINDS, Index
from ..mapping.entity_mapping import EntityMapping
from ..values.codecs import LONGEST_EXPIRY, STORED
from .bindings import Binding
from .json_schema import json_schema_of
from .partial_indexes import partial_of

_EVERYTHING = EVERY_FIELD
_PLACES = frozenset({Kind.NESTED, Kind.SEQUENCE, Kind.DICT, Kind.FREE, Kind.OTHER})
"""Kinds of fields whose values may be places."""


def declaration_of(binding: Binding) -> CollectionDeclaration:
    """Return the collection of a repository with its unique keys and indexes, in the words of the document.

    Raises:
        ConfigurationError: if an index names a field that the entity does not have, or has a rule that none can have.
    """
    validation = binding.documents.validation
    validator = None
    if validation is not None:
        validator = ValidatorDeclaration(json_schema_of(binding.mapping), validation.level, validation.action)
    indexes = (*_unique_keys(binding), *_plain_indexes(binding))
    _check_kinds(binding)
    check_special(binding.collection, indexes)
    return CollectionDeclaration(
        binding.collection, indexes, validator=validator, time_series=_time_series_of(binding, indexes)
    )


def _check_kinds(binding: Binding) -> None:
    """Refuse kinds of indexes that no value of a field can be in."""
    for index in binding.documents.indexes:
        hashed = any(name.endswith(f":{HASHED}") for name in index.fields)
        for name in index.fields:
            plain, _, kind = name.removeprefix("-").partition(":")
            if EVERY_FIELD in plain:
                continue
            declared = _type_of(binding.mapping, plain)
            what = f"an index of {binding.collection}: {plain} is {declared}"
            if hashed and declared.kind is Kind.SEQUENCE:
                raise ConfigurationError(f"{what}, and a hashed index holds no lists")
            if kind in {FLAT, SPHERE} and declared.kind not in _PLACES:
                raise ConfigurationError(f"{what}, and an index of kind {kind} holds places: GeoJSON, or two numbers")


def _unique_keys(binding: Binding) -> Iterator[IndexDeclaration]:
    for key in binding.repository.unique:
        keys = tuple((_stored_key(binding, name), 1) for name in key.fields)
        yield IndexDeclaration(keys, unique=True, sparse=key.sparse, partial=_partial_of(key, binding))


def _plain_indexes(binding: Binding) -> Iterator[IndexDeclaration]:
    for index in binding.documents.indexes:
        yield IndexDeclaration(
            tuple(_key(binding, name) for name in index.fields),
            sparse=index.sparse,
            expire_after=_expiry_of(index, binding),
            partial=_partial_of(index, binding),
            options=index.options,
        )


def _partial_of(declared: Unique | Index, binding: Binding) -> Predicate | None:
    return partial_of(declared, binding.mapping)


def _key(binding: Binding, name: str) -> tuple[str, int | str]:
    """One key of an index: ``-`` for descending, or a kind behind a colon."""
    plain, colon, kind = name.partition(":")
    if not colon:
        return _stored_key(binding, name.removeprefix("-")), -1 if name.startswith("-") else 1
    if kind not in KINDS:
        raise ConfigurationError(
            f"an index of {binding.collection}: {name!r} has no kind of index behind the colon: write one of "
            f"{', '.join(sorted(KINDS))}"
        )
    return _stored_key(binding, plain), kind


def _stored_key(binding: Binding, name: str) -> str:
    if name == _EVERYTHING:
        return name
    inside = name.endswith(f".{_EVERYTHING}")
    try:
        key = binding.mapping.stored_key(name.removesuffix(f".{_EVERYTHING}"))
    except InvalidQuery as error:
        raise ConfigurationError(f"an index of {binding.collection}: {error}") from None
    return f"{key}.{_EVERYTHING}" if inside else key


def _expiry_of(index: Index, binding: Binding) -> int | None:
    """The seconds after which documents go."""
    if index.expire_after is None:
        return None
    what = f"the index on {', '.join(index.fields)} of {binding.collection}"
    if len(index.fields) != 1:
        raise ConfigurationError(f"{what} lets documents expire: that needs one field, which holds the time")
    (name,) = index.fields
    if not _is_time(_type_of(binding.mapping, name.removeprefix("-"))):
        raise ConfigurationError(f"{what} lets documents expire, but {name} holds no datetime")
    return seconds_of(index.expire_after, what)


def seconds_of(expiry: timedelta, what: str) -> int:
    """Return an expiry in seconds.

    Raises:
        ConfigurationError: if it is not a whole number of seconds that a server can count.
    """
    seconds = expiry.total_seconds()
    if not 0 <= seconds <= LONGEST_EXPIRY or seconds != int(seconds):
        raise ConfigurationError(
            f"{what} lets documents expire after whole seconds, from 0 to {LONGEST_EXPIRY:,}, not after {expiry}"
        )
    return int(seconds)


def _is_time(declared: FieldType) -> bool:
    """Whether a server can tell by the values of a type how old something is."""
    stored = STORED.get(declared.kind)
    return stored is not None and stored.aliases == ("date",)


def _type_of(mapping: EntityMapping, name: str) -> FieldType:
    """The declared type at a dotted attribute name, which is known to lead somewhere."""
    first, *rest = name.split(".")
    declared = schema_of(mapping.cls).field_of(first).type
    for part in rest:
        if declared.kind is not Kind.NESTED:
            break
        declared = schema_of(declared.python).field_of(part).type
    return declared


def _time_series_of(binding: Binding, indexes: tuple[IndexDeclaration, ...]) -> TimeSeriesDeclaration | None:
    declared = binding.documents.time_series
    if declared is None:
        return None
    what = f"the time series {binding.collection}"
    time = binding.mapping.by_name.get(declared.time)
    if time is None or not _is_time(time.type) or time.type.optional:
        raise ConfigurationError(f"{what} needs a field with its time: {declared.time!r} is no required datetime")
    if declared.meta is not None and declared.meta not in binding.mapping.by_name:
        raise ConfigurationError(f"{what}: {no_field(binding.mapping.name, declared.meta, binding.mapping.by_name)}")
    refused = [index.name for index in indexes if index.unique or index.sparse or index.expire_after is not None]
    if refused or binding.documents.validation is not None:
        raise ConfigurationError(
            f"{what} can have no {', '.join(refused) or 'validation'}: MongoDB keeps neither unique nor sparse nor "
            "expiring indexes nor validators there; let it expire with TimeSeries(expire_after=...)"
        )
    return TimeSeriesDeclaration(
        time=time.key,
        meta=None if declared.meta is None else binding.mapping.by_name[declared.meta].key,
        granularity=declared.granularity,
        expire_after=None if declared.expire_after is None else seconds_of(declared.expire_after, what),
    )
