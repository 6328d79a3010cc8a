"""What stands at a dotted path of a decoded document, lists on the way included."""

import re
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from bson.dbref import DBRef

from ....domain.errors import InvalidQuery
from ....domain.rules.predicates import Path, dotted
from .value_order import EMPTY, MISSING

_POSITION = re.compile("0|[1-9][0-9]{0,8}")


def values_at(document: object, path: Path, *, items: bool = True) -> Iterator[object]:
    """Yield what a comparison meets: each value that the path leads to, and before it the items of a list there.

    Where an object on the way lacks the key, that is MISSING. An item that the path itself numbers is not taken apart.

    Args:
        document: the decoded document.
        path: its keys, from the document inwards.
        items: whether the items of a list at the end count.
    """
    found = document
    for depth, name in enumerate(path):
        if type(found) is list:
            yield from _through(found, path[depth:], items)
            return
        found = fields_of(found).get(name, MISSING)
    if items and type(found) is list:
        yield from found
    yield found


def _through(elements: list[object], path: Path, items: bool) -> Iterator[object]:
    """Follow the path into the objects of a list, and into the item that it numbers."""
    for position, element in enumerate(elements):
        if isinstance(element, dict | DBRef):
            yield from values_at(element, path, items=items)
        if path[0] == str(position):
            if len(path) == 1:
                yield element
            elif isinstance(element, dict | DBRef | list):
                yield from values_at(element, path[1:], items=items)


def fields_of(value: object) -> dict[str, Any]:
    """The fields of an object; of anything else, none."""
    if type(value) is dict:
        return value
    return dict(value.as_doc()) if isinstance(value, DBRef) else {}


def key_rows(document: object, paths: Sequence[Path]) -> list[tuple[object, ...]]:
    """Return the rows of values under which an index or an order files a document, as MongoDB does.

    Most documents have one. A list on the way gives one for each item, EMPTY if it has none. A name that is the
    position of an item in a list means that item.

    Raises:
        InvalidQuery: if two paths lead through different lists, or a name is both a position in a list and a key of an
            object in it.
    """
    if all(len(path) == 1 for path in paths) and type(document) is dict:
        row = tuple(document.get(name, MISSING) for (name,) in paths)
        if not any(type(value) is list for value in row):
            return [row]
    return [*_rows(document, [_Step(path, MISSING) for path in paths])]


def leads_to_list(document: object, path: Path) -> bool:
    """Tell whether there is a list at a path or on the way."""
    return type(_until_list(document, path)[0]) is list


def _until_list(document: object, path: Path) -> tuple[object, int]:
    found = document
    for depth, name in enumerate(path):
        if type(found) is list:
            return found, depth
        found = fields_of(found).get(name, MISSING)
    return found, len(path)


class _Step(NamedTuple):
    """How far one path has been followed.

    Attributes:
        rest: what is left of it.
        found: the value, once nothing is left.
        item: what the rest leads to from the item that it numbers in the list that was passed last, if there is one.
    """

    rest: Path
    found: object
    item: "tuple[object, Path, bool] | None" = None


def _rows(document: object, steps: list[_Step]) -> Iterator[tuple[object, ...]]:
    """Follow all paths to the next list, and on through each of its items."""
    here: list[object] | None = None
    through: set[int] = set()
    whole = False
    for position, step in enumerate(steps):
        if not step.rest:
            continue
        value, rest, in_list = _next(document, step)
        if type(value) is list:
            if here is not None and value is not here:
                raise InvalidQuery(
                    f"paths lead through different lists, which have no common order: {dotted(step.rest)}"
                )
            here, whole = value, whole or in_list
            through.add(position)
        steps[position] = _Step(rest, value)
    if here is None:
        yield tuple(step.found for step in steps)
        return
    for position, step in enumerate(steps):
        if position in through and step.rest:
            steps[position] = step._replace(item=_numbered(here, step.rest))
    for item in here or [EMPTY]:
        reached: object = here if whole and here else item
        below = [
            step._replace(found=reached) if position in through and not step.rest else step
            for position, step in enumerate(steps)
        ]
        yield from _rows(item if isinstance(item, dict | DBRef) else {}, below)


def _next(document: object, step: _Step) -> tuple[object, Path, bool]:
    """The value up to the next list, the rest of the path there, and whether that list is an item of another one."""
    has_key = step.rest[0] in fields_of(document)
    if step.item is not None:
        if has_key:
            raise InvalidQuery(f"{step.rest[0]!r} is a position in a list and a key of an object in it")
        return step.item
    if not has_key:
        return MISSING, (), False
    value, depth = _until_list(document, step.rest)
    return value, step.rest[depth:], False


def _numbered(items: list[object], path: Path) -> tuple[object, Path, bool] | None:
    """What a path leads to that begins with the position of an item; None if there is no such item."""
    name = path[0]
    if not _POSITION.fullmatch(name) or int(name) >= len(items):
        return None
    item = items[int(name)]
    value, depth = _until_list(item, path[1:])
    return value, path[1 + depth :], type(item) is list
