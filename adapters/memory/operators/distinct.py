"""The different values of a key, as an aggregation of MongoDB gives them."""

from collections.abc import Iterable, Sequence
from typing import Any

from ....domain.rules.predicates import Path
from ...backend.checks.given_values import check_sort_path
from ..bson.rows import Row
from ..bson.value_order import EMPTY, MISSING, Key, order_key, stored_key


def distinct_values(rows: Iterable[Row], path: Path) -> list[Any]:
    """Return each value at a path once, in MongoDB's order: of a list its items, and nothing for null.

    Raises:
        InvalidQuery: if a key cannot be that of a document.
    """
    check_sort_path(path)
    found: dict[Key, Any] = {}
    for row in rows:
        value = _reached(row.document, path)
        for item in value if isinstance(value, list) else (value,):
            if item is not None and item is not MISSING:
                found.setdefault(stored_key(item), item)
    return sorted(found.values(), key=_order)


def _reached(value: Any, path: Sequence[str]) -> Any:
    """What a path leads to; through a list, the list of what it leads to in each object of it."""
    if not path:
        return value
    if isinstance(value, list):
        reached = (_reached(item, path) for item in value if isinstance(item, dict))
        return [item for item in reached if item is not MISSING]
    return _reached(value.get(path[0], MISSING), path[1:]) if isinstance(value, dict) else MISSING


def _order(value: Any) -> Any:
    """A list, which only a list of lists gives, stands where its least item does."""
    if isinstance(value, list):
        return min(map(order_key, value), default=order_key(EMPTY))
    return order_key(value)
