"""Declared indexes in MongoDB's words, and in which options an actual one differs."""

from collections.abc import Mapping
from typing import Any

from bson import encode

from ..administration import ActualIndex
from ..backend import Document, IndexDeclaration
from ..bson_values import CODEC_OPTIONS
from .filters import to_filter

Spec = Mapping[str, Any]
"""An index as ``listIndexes`` tells of it."""

SIGNATURE = frozenset({"unique", "sparse", "partialFilterExpression", "collation", "wildcardProjection"})
"""Options in which two indexes over the same keys may differ and stand side by side
(https://www.mongodb.com/docs/manual/core/indexes/index-types/index-compound)."""

_TEXT = "text"
_TEXT_DEFAULTS: Mapping[str, Any] = {"default_language": "english", "language_override": "language"}
_COUNTS_UNDECLARED = frozenset({"collation", "wildcardProjection", "hidden"})
"""What changes the work of an index although nobody declared it."""

_IDENTITY = frozenset({"v", "key", "name", "ns"})


def options_of(index: IndexDeclaration) -> dict[str, Any]:
    """The options with which an index is created, without its name."""
    options: dict[str, Any] = {name: True for name in ("unique", "sparse") if getattr(index, name)}
    if index.expire_after is not None:
        options["expireAfterSeconds"] = index.expire_after
    if index.partial is not None:
        options["partialFilterExpression"] = to_filter(index.partial)
    return options | {name: value for name, value in index.options.items() if name != "name"}


def has_keys_of(have: Spec, index: IndexDeclaration) -> bool:
    """Tell whether an actual index is over the same keys in the same order."""
    return tuple(have["key"].items()) == _listed_keys(index)


def differences(have: Spec, index: IndexDeclaration) -> dict[str, tuple[Any, Any]]:
    """Return the options that differ, by MongoDB's names: what there is, and what was declared."""
    wanted = options_of(index)
    found: dict[str, tuple[Any, Any]] = {}
    for name in ("unique", "sparse"):
        if bool(have.get(name)) != bool(wanted.get(name)):
            found[name] = (bool(have.get(name)), bool(wanted.get(name)))
    for name in ("expireAfterSeconds", "partialFilterExpression"):
        if _bytes(have.get(name)) != _bytes(wanted.get(name)):
            found[name] = (have.get(name), wanted.get(name))
    defaults = {"hidden": False}
    if _is_text(index):
        defaults = {**defaults, **_TEXT_DEFAULTS}
        wanted["weights"] = _weights(index)
    for name in (index.options.keys() | defaults.keys() | (_COUNTS_UNDECLARED & have.keys()) | wanted.keys()) - {
        "name",
        *found,
        *("unique", "sparse", "expireAfterSeconds", "partialFilterExpression"),
    }:
        actual, declared = have.get(name, defaults.get(name)), wanted.get(name, defaults.get(name))
        if not _agree(actual, declared):
            found[name] = (actual, declared)
    return found


def actual_index(collection: str, have: Spec) -> ActualIndex:
    """An actual index for the eyes of others."""
    options = {name: value for name, value in have.items() if name not in _IDENTITY}
    return ActualIndex(collection, have["name"], tuple(have["key"].items()), options)


def _listed_keys(index: IndexDeclaration) -> tuple[tuple[str, int | str], ...]:
    """The keys as the server lists them: those of text, wherever they stand, as one pair of its own."""
    keys: list[tuple[str, int | str]] = []
    for key, direction in index.keys:
        if direction != _TEXT:
            keys.append((key, direction))
        elif ("_fts", _TEXT) not in keys:
            keys += [("_fts", _TEXT), ("_ftsx", 1)]
    return tuple(keys)


def _is_text(index: IndexDeclaration) -> bool:
    return any(direction == _TEXT for _, direction in index.keys)


def _weights(index: IndexDeclaration) -> dict[str, Any]:
    return {**{key: 1 for key, direction in index.keys if direction == _TEXT}, **index.options.get("weights", {})}


def _agree(actual: Any, declared: Any) -> bool:
    """Tell whether a server has what was declared; it adds to a document what it takes for granted."""
    if isinstance(declared, Mapping) and isinstance(actual, Mapping):
        return all(key in actual and _agree(actual[key], value) for key, value in declared.items())
    return bool(actual == declared)


def _bytes(rule: Any) -> bytes:
    """The form in which rules compare: with the types of their values, except that numbers of seconds have none."""
    if isinstance(rule, int | float):
        rule = float(rule)
    return encode({"": rule}, codec_options=CODEC_OPTIONS)


__all__ = ["SIGNATURE", "Document", "Spec", "actual_index", "differences", "has_keys_of", "options_of"]
