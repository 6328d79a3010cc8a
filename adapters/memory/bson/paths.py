"""What stands at a dotted path of a decoded document, lists on the way included."""

from collections.abc import Iterator, Sequence
from typing import Any, cast

from bson.dbref import DBRef

from ....domain.errors import InvalidQuery
from ....domain.rules.predicates import Path, dotted
from .value_order import EMPTY, MISSING


def check_path(path: Path) -> None:
    """Refuse what cannot be a key of a document.

    Raises:
        InvalidQuery: with the key.
    """
    key = dotted(path)
    if not key or key[0] == "$" or "\0" in key or any("." in name for name in path):
        raise InvalidQuery(f"{key!r} cannot be the key of a document")


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

    Most documents have one. A list on the way gives one for each item, EMPTY if it has none.

    Raises:
        InvalidQuery: if two paths lead through different lists, or a path numbers an item.
    """
    if all(len(path) == 1 for path in paths) and type(document) is dict:
        row = tuple(document.get(name, MISSING) for (name,) in paths)
        if not any(type(value) is list for value in row):
            return [row]
    found: list[object] = []
    lists: dict[int, tuple[int, Path]] = {}
    for position, path in enumerate(paths):
        value, depth = _until_list(document, path)
        if type(value) is list:
            lists[position] = (depth, path)
        found.append(value)
    return [tuple(found)] if not lists else list(_unwound(found, lists))


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


def _unwound(found: list[object], lists: dict[int, tuple[int, Path]]) -> Iterator[tuple[object, ...]]:
    if len({path[:depth] for depth, path in lists.values()}) > 1:
        names = " and ".join(dotted(path) for _, path in lists.values())
        raise InvalidQuery(f"{names} lead through different lists, which have no common order")
    rest = {position: path[depth:] for position, (depth, path) in lists.items()}
    items = cast("list[object]", found[next(iter(lists))])
    numbers = {str(number) for number in range(len(items))}
    for path in rest.values():
        if path and path[0] in numbers:
            raise InvalidQuery(f"an order cannot number the items of a list: {dotted(path)}")
    inner = {position: path for position, path in rest.items() if path}
    for item in items or [EMPTY]:
        row = list(found)
        for position in rest:
            row[position] = item
        below = item if isinstance(item, dict | DBRef) else {}
        for values in key_rows(below, list(inner.values())):
            for position, value in zip(inner, values, strict=True):
                row[position] = value
            yield tuple(row)
