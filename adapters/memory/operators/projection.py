"""Reading some keys of a document, as MongoDB's projections do."""

from collections.abc import Callable, Sequence
from typing import Any

from ....domain.rules.predicates import Path
from ...backend import Document
from ...backend.checks.given_values import check_sort_path

_ID = "_id"

Tree = dict[str, "Tree | None"]
"""The keys to keep; None keeps all that is below."""


def projection(select: Sequence[Path]) -> Callable[[Document], Document]:
    """Return the function that leaves of a document its id and the selected paths.

    Raises:
        InvalidQuery: if a key cannot be that of a document.
    """
    tree: Tree = {_ID: None}
    for path in select:
        check_sort_path(path)
        branch = tree
        for name in path[:-1]:
            branch = _below(branch, name)
        branch[path[-1]] = None
    return lambda document: _kept(document, tree)


def _below(branch: Tree, name: str) -> Tree:
    found = branch.get(name)
    if found is None:
        found = branch[name] = {}
    return found


def _kept(document: Document, tree: Tree) -> Document:
    """The id first, as in every document; the other keys in the document's order."""
    kept: Document = {}
    for name, value in document.items():
        if name not in tree:
            continue
        below = tree[name]
        if below is None:
            kept[name] = value
        elif isinstance(value, dict):
            kept[name] = _kept(value, below)
        elif isinstance(value, list):
            kept[name] = _items(value, below)
    return kept


def _items(values: list[Any], tree: Tree) -> list[Any]:
    """Of a list on the way the objects are kept, and the lists of them; plain values are left out."""
    return [
        _kept(value, tree) if isinstance(value, dict) else _items(value, tree)
        for value in values
        if isinstance(value, dict | list)
    ]
