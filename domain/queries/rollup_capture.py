"""Capture of a rollup: ``by`` and ``values``, checked against the entity and against the view that the rows become."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, TypeVar, cast

import attrs

from ..entities.scalars import Kind
from ..entities.schema import FieldType, Schema, schema_of
from ..errors import ConfigurationError, InvalidQuery
from ..rules.capture import EntityStandIn
from ..rules.predicates import Path, Predicate, dotted
from .aggregates import BucketStandIn, FigureStandIn, results_of, single
from .query import SORT_BOUND, Sort, SortKey
from .rollups import Figure, Function, GroupKey, Rollup

EntityT = TypeVar("EntityT")

Words = Callable[[EntityT], Mapping[str, object]] | None
"""What a repository accepts as ``by`` and ``values``: a lambda over the entity that gives a dictionary."""

_COUNTS = frozenset({Function.COUNT, Function.DISTINCT_COUNT})
_ALWAYS_THERE = _COUNTS | {Function.TOTAL}


def captured_rollup(
    entity: type[EntityT], view: type[Any], predicate: Predicate, *, by: Words[EntityT], values: Words[EntityT]
) -> Rollup:
    """Capture what is grouped and worked out, and check that the rows make a view.

    Raises:
        InvalidQuery: for what cannot be asked of the entity, a name that the view does not have, a field of the view
            that is not named, and a type that does not fit.
    """
    schema = _view_schema(view)
    keys = tuple(_key(schema, name, value) for name, value in _asked("by", by, entity).items())
    figures = tuple(_figure(schema, name, value) for name, value in _asked("values", values, entity).items())
    _check_names(schema, [key.name for key in keys], [figure.name for figure in figures])
    for key in keys:
        _check_key(schema, key, entity)
    for figure in figures:
        _check_figure(schema, figure, entity, grouped=bool(keys))
    return Rollup(keys, figures, predicate)


def rollup_sort(view: type[Any], sort: Sort) -> tuple[SortKey, ...]:
    """Read an order such as ``("-views", "day")`` over the fields of a view.

    Raises:
        InvalidQuery: for a name that the view does not have or that stands there twice, and for too many of them.
    """
    if not isinstance(sort, str | list | tuple) or not all(isinstance(part, str) for part in sort):
        raise InvalidQuery(f"sort takes a name of a field of {view.__name__}, or a list or tuple of them")
    parts = [part for part in ((sort,) if isinstance(sort, str) else sort) if part != ""]
    names = [_view_schema(view).field_of(part.removeprefix("-")).name for part in parts]
    if len(set(names)) < len(names) or len(names) > SORT_BOUND:
        raise InvalidQuery(f"an order names each field once, and at most {SORT_BOUND} of them")
    return tuple(SortKey((name,), part.startswith("-")) for name, part in zip(names, parts, strict=True))


def _view_schema(view: type[Any]) -> Schema:
    if not (isinstance(view, type) and attrs.has(view)):
        shown = view.__name__ if isinstance(view, type) else type(view).__name__
        raise InvalidQuery(f"the rows of a rollup become objects of an attrs class, and {shown} is none: use @frozen")
    try:
        return schema_of(view)
    except ConfigurationError as error:
        raise InvalidQuery(str(error)) from error


def _asked(word: str, rule: Words[EntityT], entity: type[EntityT]) -> Mapping[str, object]:
    if rule is None:
        return {}
    if not callable(rule) or isinstance(rule, type):
        raise InvalidQuery(f"{word} takes a lambda over the entity that gives a dictionary")
    found = _ask(word, rule, cast("EntityT", EntityStandIn(schema_of(entity))))
    if not isinstance(found, Mapping) or not all(isinstance(name, str) for name in found):
        raise InvalidQuery(f"{word} gives a dictionary of names and fields, not {type(found).__name__}")
    return found


def _ask(word: str, rule: Callable[[EntityT], Mapping[str, object]], stand_in: EntityT) -> object:
    try:
        return rule(stand_in)
    except TypeError as error:
        if error.__traceback__ is None or error.__traceback__.tb_next is not None:
            raise  # not by the call itself, but by what the lambda does
        raise InvalidQuery(f"{word} takes a lambda with one parameter, the entity") from error


def _key(schema: Schema, name: str, value: object) -> GroupKey:
    schema.field_of(name)
    if isinstance(value, FigureStandIn):
        raise InvalidQuery(f"{name} is a figure of a group: {value.function.value}() stands in values, not in by")
    if isinstance(value, BucketStandIn):
        return GroupKey(name, value.field.path, value.bucket)
    return GroupKey(name, single(value, "by").path)


def _figure(schema: Schema, name: str, value: object) -> Figure:
    schema.field_of(name)
    if not isinstance(value, FigureStandIn):
        raise InvalidQuery(
            f"{name} is no figure of a group: write count(), total(), average(), smallest(), largest() or "
            "distinct_count(), or name it in by"
        )
    return Figure(name, value.function, value.field.path if value.field is not None else ())


def _check_names(schema: Schema, keys: list[str], figures: list[str]) -> None:
    """Each field that the view's constructor takes is named once."""
    twice = [name for name in keys if name in figures]
    if twice:
        raise InvalidQuery(
            f"{twice[0]} stands in by and in values: give each field of {schema.cls.__name__} one meaning"
        )
    named = {*keys, *figures}
    wanted = [name for name, field in schema.fields.items() if field.attribute.init]
    left_out = [name for name in wanted if name not in named]
    if left_out or not named:
        raise InvalidQuery(f"neither by nor values names {', '.join(left_out) or 'anything'} of {schema.cls.__name__}")


def _check_key(schema: Schema, key: GroupKey, entity: type[Any]) -> None:
    source, optional = _source(entity, key.path)
    if key.bucket is not None:
        _expect(schema, key.name, (datetime,))
    else:
        _expect_same(schema, key.name, source)
    _expect_optional(schema, key.name, optional, f"{dotted(key.path)} may be None, which is a group of its own")


def _check_figure(schema: Schema, figure: Figure, entity: type[Any], *, grouped: bool) -> None:
    if figure.function in _COUNTS:
        if figure.path:
            _source(entity, figure.path)
        _expect(schema, figure.name, (int,))
        return
    source, optional = _source(entity, figure.path)
    if figure.function in {Function.TOTAL, Function.AVERAGE}:
        _expect(schema, figure.name, results_of(source, figure.function))
    else:
        _expect_same(schema, figure.name, source)
    if figure.function not in _ALWAYS_THERE:
        why = f"{dotted(figure.path)} may be None" if grouped else "without by there may be nothing"
        _expect_optional(
            schema, figure.name, optional or not grouped, f"{why}, and so {figure.function.value}() is None"
        )


def _source(entity: type[Any], path: Path) -> tuple[FieldType, bool]:
    """What the entity declares at a path, and whether nothing may be there."""
    declared = FieldType(Kind.NESTED, entity)
    optional = False
    for name in path:
        if declared.kind is Kind.SEQUENCE:
            raise InvalidQuery(f"{dotted(path)} leads into a list: a rollup takes fields that hold one value")
        if declared.kind is Kind.NESTED:
            declared = schema_of(declared.python).field_of(name).type
        else:
            declared, optional = declared.item or declared, True
        optional = optional or declared.optional
    return declared, optional


def _expect(schema: Schema, name: str, classes: tuple[type[Any], ...]) -> None:
    found = schema.fields[name].type
    if found.python not in classes and found.kind is not Kind.FREE:
        words = " or ".join(cls.__name__ for cls in classes)
        raise InvalidQuery(f"{schema.cls.__name__}.{name} is {found}, and its values are {words}")


def _expect_same(schema: Schema, name: str, source: FieldType) -> None:
    """A view declares what the entity does; what has no type there may have any here."""
    found = schema.fields[name].type
    if source.kind is Kind.FREE or found.kind is Kind.FREE:
        return
    if (found.kind, found.python, found.annotation) != (source.kind, source.python, source.annotation):
        raise InvalidQuery(f"{schema.cls.__name__}.{name} is {found}, and its values are {source}")


def _expect_optional(schema: Schema, name: str, optional: bool, why: str) -> None:
    found = schema.fields[name].type
    if optional and not found.optional:
        raise InvalidQuery(f"{schema.cls.__name__}.{name} must be {found} | None: {why}")
