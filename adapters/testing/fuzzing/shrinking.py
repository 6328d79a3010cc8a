"""Making a history with a difference shorter: fewer steps, fewer values in each; what Hypothesis had no time for."""

from collections.abc import Callable, Iterator
from typing import Any

import attrs

from ....domain.rules.predicates import All, AnyOf, Not
from ....domain.rules.specification import Specification, where
from .steps import Add, Ask, End, History, Step

StillDiffers = Callable[[History], bool]


def shortened(history: History, still_differs: StillDiffers) -> History:
    """Return a history of which no step can be left out or made plainer without losing the difference.

    Args:
        history: one with a difference.
        still_differs: tells it of a candidate; once it says no to everything, what was reached is returned.
    """
    while True:
        before = history
        history = _fewer_steps(history, still_differs)
        history = _plainer_steps(history, still_differs)
        if history is before:
            return history


def _fewer_steps(history: History, still_differs: StillDiffers) -> History:
    """Leave out halves, quarters, ... single steps, the last ones first."""
    size = len(history)
    while size:
        end = len(history)
        while end > 0:
            candidate = [*history[: max(0, end - size)], *history[end:]]
            if candidate and still_differs(candidate):
                history = candidate
            end -= size
        size //= 2
    return history


def _plainer_steps(history: History, still_differs: StillDiffers) -> History:
    for number in range(len(history)):
        plainer = _plainer(history[number])
        while (step := next(plainer, None)) is not None:
            candidate = [*history[:number], step, *history[number + 1 :]]
            if still_differs(candidate):
                history = candidate
                plainer = _plainer(step)
    return history


def _plainer(step: Step) -> Iterator[Step]:
    """Yield the step with one thing less."""
    if isinstance(step, Add):
        for name, attribute in attrs.fields_dict(type(step.entity)).items():
            if attribute.init and name != "id" and attribute.default is not attrs.NOTHING:
                yield from _without(step, name)
    if isinstance(step, End) and step.milliseconds:
        yield attrs.evolve(step, milliseconds=0)
    if isinstance(step, Ask):
        for name, value in step.named.items():
            if name == "sort":
                yield from (
                    attrs.evolve(step, named={**step.named, name: (*value[:place], *value[place + 1 :])})
                    for place in range(len(value) - 1)
                )
            elif step.method == "find" or name == "version":
                yield attrs.evolve(step, named={key: kept for key, kept in step.named.items() if key != name})
        for place, value in enumerate(step.positional):
            if isinstance(value, Specification):
                yield from (
                    attrs.evolve(step, positional=(*step.positional[:place], rule, *step.positional[place + 1 :]))
                    for rule in _parts(value)
                )


def _without(step: Add, name: str) -> Iterator[Step]:
    """The entity with the default of one field, where that is another value."""
    cls = type(step.entity)
    given = {
        attribute.alias: getattr(step.entity, attribute.name)
        for attribute in attrs.fields(cls)
        if attribute.init and attribute.name != name
    }
    plainer = cls(**given)
    if getattr(plainer, name) != getattr(step.entity, name):
        yield attrs.evolve(step, entity=plainer)


def _parts(rule: Specification[Any]) -> Iterator[Specification[Any]]:
    """The rule without a rule, its parts, and what stands behind a not."""
    if rule.predicate != All(()):
        yield where(rule.entity)
    match rule.predicate:
        case All(parts) | AnyOf(parts):
            yield from (Specification(rule.entity, part) for part in parts)
        case Not(part):
            yield Specification(rule.entity, part)
