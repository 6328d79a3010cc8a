"""Rollups in the words of documents, and their rows as objects of a view."""

from typing import Any, TypeVar

from attrs import evolve

from ....domain.entities.schema import schema_of
from ....domain.errors import Problem, ValidationError
from ....domain.queries.rollups import Function, Rollup
from ....domain.rules.predicates import Path
from ...backend import Document
from ..mapping.entity_mapping import EntityMapping

ViewT = TypeVar("ViewT")

_EXACT = 2.0**53
"""Below this a double holds every whole number (IEEE 754, binary64)."""

_NOTHING = {Function.COUNT: 0, Function.TOTAL: 0, Function.DISTINCT_COUNT: 0}


def to_stored_rollup(mapping: EntityMapping, rollup: Rollup) -> Rollup:
    """Rewrite a rollup's paths and values into those of the document."""

    def stored(path: Path) -> Path:
        return mapping.stored_path(path, "added up") if path else ()

    return evolve(
        rollup,
        keys=tuple(evolve(key, path=stored(key.path)) for key in rollup.keys),
        figures=tuple(evolve(figure, path=stored(figure.path)) for figure in rollup.figures),
        predicate=mapping.to_stored_predicate(rollup.predicate),
    )


def rows_of(mapping: EntityMapping, rollup: Rollup, view: type[ViewT], found: list[Document]) -> list[ViewT]:
    """Build an object of the view from each row.

    Raises:
        ValidationError: if a row does not fit, naming every field that is wrong.
    """
    if not found and not rollup.keys:
        found = [{figure.name: _NOTHING.get(figure.function) for figure in rollup.figures}]
    problems = _problems(rollup, view, found)
    if problems:
        raise ValidationError(problems, entity=view.__name__)
    return mapping.rows(view).load_all(found)


def _problems(rollup: Rollup, view: type[Any], found: list[Document]) -> list[Problem]:
    """What the loader would let pass: a total that is not exact, and a default in the place of what is missing."""
    fields = schema_of(view).fields
    totals = [figure.name for figure in rollup.figures if figure.function is Function.TOTAL]
    rows = {name: scalar for name in totals if (scalar := fields[name].type.scalar) is not None and scalar.is_exact}
    needed = [name for name in found[0] if not fields[name].type.optional] if found else []
    inexact = "does not fit the 64 bits in which stores add up"
    floats = f": make it a float in {view.__name__}"
    missing = f"is missing in stored documents: let it be None in {view.__name__}"
    return [
        *(
            Problem(name, inexact + (floats if float in scalar.totals else ""))
            for name, scalar in rows.items()
            if any(_is_inexact(row[name]) for row in found)
        ),
        *(Problem(name, missing) for name in needed if any(row[name] is None for row in found)),
    ]


def _is_inexact(value: object) -> bool:
    return isinstance(value, float) and not -_EXACT < value < _EXACT
