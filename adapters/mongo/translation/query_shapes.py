"""The shape of what is asked: filters and commands without their values, and the keys that an index would need."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from attrs import frozen

from ...backend.administration import Shape

Filter = Mapping[str, Any]

_EQUAL = frozenset({"$eq", "$in"})
_COMPARED = frozenset({"$gt", "$gte", "$lt", "$lte", "$regex", "$ne", "$nin", "$exists", "$type", "$not", "$mod"})
_LONGEST = 300
"""Characters of a shape's text; a longer one is cut."""


@frozen
class _Asked:
    """The keys of a filter that must all hold."""

    equal: tuple[str, ...]
    ranged: tuple[str, ...]


def shape_of_filter(
    operation: str, collection: str, filter_: Filter, order: Sequence[tuple[str, Any]] = (), more: str = ""
) -> Shape:
    """Return the shape of a filter and an order.

    Args:
        operation: what is done.
        collection: where.
        filter_: in MongoDB's words.
        order: keys with directions.
        more: what else belongs to the text.
    """
    asked = _asked(filter_)
    keys = tuple(
        (key, 1 if direction in (1, 1.0) else -1) for key, direction in order if isinstance(direction, int | float)
    )
    text = masked_text(filter_)
    if keys:
        text += f" sort {{{', '.join(f'{key}: {direction}' for key, direction in keys)}}}"
    return Shape(operation, collection, _cut(text + more), asked.equal, asked.ranged, keys)


def shape_of_command(operation: str, collection: str, command: Mapping[str, Any]) -> Shape:
    """Return the shape of a command as the profiler or the driver has it."""
    if "$truncated" in command:
        return Shape(operation, collection, "(too long for the profiler)")
    if isinstance(command.get("pipeline"), Sequence):
        return _shape_of_pipeline(collection, command["pipeline"])
    for word in ("updates", "deletes"):
        if isinstance(command.get(word), Sequence) and command[word]:
            first = command[word][0]
            return shape_of_filter(operation, collection, first.get("q", {}), more=_written(first))
    filter_: Filter = next(
        (command[word] for word in ("filter", "query", "q") if isinstance(command.get(word), Mapping)), {}
    )
    order = command.get("sort")
    more = _written(command)
    if "key" in command:
        more += f" distinct {command['key']}"
    return shape_of_filter(
        operation, collection, filter_, tuple(order.items()) if isinstance(order, Mapping) else (), more
    )


def masked_text(value: Any) -> str:
    """A value in JSON's form with ``?`` for what is no document: keys and operators stay."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key}: {masked_text(part)}" for key, part in value.items()) + "}"
    if isinstance(value, list | tuple) and value and all(isinstance(part, Mapping) for part in value):
        return "[" + ", ".join(dict.fromkeys(masked_text(part) for part in value)) + "]"
    return "?"


def _written(command: Mapping[str, Any]) -> str:
    """What an update does, as far as its keys tell."""
    change = command.get("u", command.get("update"))
    if not isinstance(change, Mapping):
        return ""
    operators = [key for key in change if key.startswith("$")]
    return f" with {', '.join(operators)}" if operators else " with a document"


def _shape_of_pipeline(collection: str, pipeline: Sequence[Any]) -> Shape:
    stages = [stage for stage in pipeline if isinstance(stage, Mapping) and stage]
    filter_: Filter = {}
    order: tuple[tuple[str, Any], ...] = ()
    for stage in stages:
        (name, body), *_ = stage.items()
        if name == "$match" and isinstance(body, Mapping):
            filter_ = {**filter_, **body} if not filter_.keys() & body.keys() else {"$and": [filter_, body]}
        elif name == "$sort" and isinstance(body, Mapping):
            order = tuple(body.items())
        else:
            break
    rest = [name for stage in stages for name in stage if name not in {"$match", "$sort"}]
    return shape_of_filter("aggregate", collection, filter_, order, f" then {', '.join(rest)}" if rest else "")


def _asked(filter_: Filter) -> _Asked:
    """What every match must obey; what only one branch of an ``$or`` asks is left out."""
    equal: dict[str, None] = {}
    ranged: dict[str, None] = {}
    for key, test in _leaves(filter_):
        operators = set(test) if isinstance(test, Mapping) and any(name.startswith("$") for name in test) else None
        if operators is None or operators & _EQUAL:
            equal[key] = None
        elif operators & _COMPARED:
            ranged[key] = None
    return _Asked(tuple(equal), tuple(key for key in ranged if key not in equal))


def _leaves(filter_: Filter) -> Iterator[tuple[str, Any]]:
    for key, test in filter_.items():
        if key == "$and" and isinstance(test, list | tuple):
            for part in test:
                if isinstance(part, Mapping):
                    yield from _leaves(part)
        elif not key.startswith("$"):
            yield key, test


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}\u2026"
