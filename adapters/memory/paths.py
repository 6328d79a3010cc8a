"""What stands at a dotted path of a decoded document, lists on the way included."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from bson.dbref import DBRef

from ...domain.errors import InvalidQuery
from ...domain.predicates import Path, dotted
from .values import EMPTY, MISSING


def values_at(document: object, path: Path) -> Iterator[object]:
    """Yield what a comparison meets: each value, each item of a list there, and the list itself."""
    for found in reached(document, path):
        if type(found) is list:
            yield from found
        yield found


def reached(document: object, path: Path) -> Iterator[object]:
    """Yield each value that the path leads to; MISSING where an object on the way lacks the key."""
    found = document
    for depth, name in enumerate(path):
        if type(found) is list:
            yield from _through(found, path[depth:])
            return
        found = _fields(found).get(name, MISSING)
    yield found


def _through(items: list[object], path: Path) -> Iterator[object]:
    """Follow the path into the objects of a list, and into the item that it numbers."""
    for position, item in enumerate(items):
        if type(item) is dict or type(item) is DBRef:
            yield from reached(item, path)
        if path[0] == str(position):
            yield from reached(item, path[1:])


def _fields(value: object) -> dict[str, Any]:
    if type(value) is dict:
        return value
    return dict(value.as_doc()) if isinstance(value, DBRef) else {}


def key_rows(document: object, paths: Sequence[Path]) -> list[tuple[object, ...]]:
    """Return the rows of values under which an index or an order files a document, as MongoDB does.

    Most documents have one. A list on the way gives one for each item, EMPTY if it has none.

    Raises:
        InvalidQuery: if two paths lead through different lists, or a path numbers an item.
    """
    found: list[object] = []
    lists: dict[int, tuple[int, Path]] = {}
    for position, path in enumerate(paths):
        value, depth = _until_list(document, path)
        if type(value) is list:
            lists[position] = (depth, path)
        found.append(value)
    return [tuple(found)] if not lists else list(_unwound(found, lists))


def _until_list(document: object, path: Path) -> tuple[object, int]:
    found = document
    for depth, name in enumerate(path):
        if type(found) is list:
            return found, depth
        found = _fields(found).get(name, MISSING)
    return found, len(path)


def _unwound(found: list[object], lists: dict[int, tuple[int, Path]]) -> Iterator[tuple[object, ...]]:
    if len({path[:depth] for depth, path in lists.values()}) > 1:
        names = " and ".join(dotted(path) for _, path in lists.values())
        raise InvalidQuery(f"{names} lead through different lists, which have no common order")
    rest = {position: path[depth:] for position, (depth, path) in lists.items()}
    for path in rest.values():
        if path and path[0].isdigit():
            raise InvalidQuery(f"an order or index cannot number the items of a list: {dotted(path)}")
    items: Iterable[object] = found[next(iter(lists))] or [EMPTY]  # type: ignore[assignment]
    inner = {position: path for position, path in rest.items() if path}
    for item in items:
        row = list(found)
        for position in rest:
            row[position] = item
        below = item if type(item) is dict else {}
        for values in key_rows(below, list(inner.values())):
            for position, value in zip(inner, values, strict=True):
                row[position] = value
            yield tuple(row)
