"""Declared indexes in MongoDB's words, and in which options an actual one differs."""

from collections.abc import Mapping
from typing import Any

from ...backend import IndexDeclaration
from ...backend.administration import ActualIndex
from ..commands.encoded import in_bson
from ..translation.filters import to_filter

Spec = Mapping[str, Any]
"""An index as ``listIndexes`` tells of it."""

SIGNATURE = frozenset({"unique", "sparse", "partialFilterExpression", "collation", "wildcardProjection"})
"""Options in which two indexes over the same keys may differ and stand side by side
(https://www.mongodb.com/docs/manual/core/indexes/index-types/index-compound)."""

_TEXT, _FLAT = "text", "2d"
_PARTIAL = "partialFilterExpression"
_UNDECLARED = frozenset({_PARTIAL, "expireAfterSeconds", "collation", "wildcardProjection", "prepareUnique"})
"""What changes the work of an index although nobody declared it, and has no default."""

_DEFAULTS: Mapping[str, Any] = {"unique": False, "sparse": False, "hidden": False}
_DEFAULTS_OF_KINDS: Mapping[str, Mapping[str, Any]] = {
    _TEXT: {"default_language": "english", "language_override": "language"},
    _FLAT: {"bits": 26, "min": -180, "max": 180},
}
_COLLATION: Mapping[str, Any] = {
    "strength": 3,
    "caseLevel": False,
    "caseFirst": "off",
    "numericOrdering": False,
    "alternate": "non-ignorable",
    "maxVariable": "punct",
    "normalization": False,
    "backwards": False,
}
_NORMALIZING = (
    *("as", "bn", "el", "fa", "fa_AF", "gu", "he", "hi", "ig", "km", "kn", "kok"),
    *("mr", "my", "or", "pa", "ps", "si", "ta", "te", "vi", "yi", "yo"),
)
_COLLATIONS_OF: Mapping[str, Mapping[str, Any]] = {
    "da": {"caseFirst": "upper"},
    "mt": {"caseFirst": "upper"},
    "fr_CA": {"backwards": True},
    "th": {"alternate": "shifted", "normalization": True},
    **{locale: {"normalization": True} for locale in _NORMALIZING},
}
"""What locales take otherwise, as MongoDB 6.0 lists it."""

_IDENTITY = frozenset({"v", "key", "name", "ns"})


def options_of(index: IndexDeclaration) -> dict[str, Any]:
    """The options with which an index is created, without its name."""
    options: dict[str, Any] = {name: True for name in ("unique", "sparse") if getattr(index, name)}
    if index.expire_after is not None:
        options["expireAfterSeconds"] = index.expire_after
    if index.partial is not None:
        options[_PARTIAL] = in_bson(to_filter(index.partial))
    return options | {name: value for name, value in index.options.items() if name != "name"}


def has_keys_of(have: Spec, index: IndexDeclaration) -> bool:
    """Tell whether an actual index is over the same keys in the same order."""
    return tuple(have["key"].items()) == _listed_keys(index)


def differences(have: Spec, index: IndexDeclaration) -> dict[str, tuple[Any, Any]]:
    """Return the options that differ, by MongoDB's names: what there is, and what was declared."""
    kinds = {direction for _, direction in index.keys}
    defaults = dict(_DEFAULTS)
    for kind in kinds & _DEFAULTS_OF_KINDS.keys():
        defaults |= _DEFAULTS_OF_KINDS[str(kind)]
    wants, has = _complete(options_of(index), defaults), _complete(have, defaults)
    if _TEXT in kinds:
        wants["weights"] = _weights(index)
    found: dict[str, tuple[Any, Any]] = {}
    for name in sorted(wants.keys() | _UNDECLARED & has.keys()):
        actual, declared = has.get(name), wants.get(name)
        if _bytes(actual) != _bytes(declared) if name == _PARTIAL else actual != declared:
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


def _complete(options: Mapping[str, Any], defaults: Mapping[str, Any]) -> dict[str, Any]:
    """Options with what a server takes for granted, in the same form whether they were declared or listed."""
    found = {**defaults, **options}
    collation = found.pop("collation", None)
    if collation is not None and (locale := str(collation.get("locale"))) != "simple":
        of_locale = _COLLATIONS_OF.get(locale.partition("@")[0], {})
        found["collation"] = {**_COLLATION, **of_locale, **collation}
        found["collation"].pop("version", None)  # the server's own
    return found


def _weights(index: IndexDeclaration) -> dict[str, Any]:
    return {**{key: 1 for key, direction in index.keys if direction == _TEXT}, **index.options.get("weights", {})}


def _bytes(rule: Any) -> bytes:
    """The form in which rules compare: with the types of their values."""
    return bytes(in_bson({"": rule}).raw)
