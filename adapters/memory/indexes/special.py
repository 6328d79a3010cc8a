"""What indexes of text, of places and of hashes refuse of a document, as a server does."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

from ....domain.rules.predicates import Path
from ...backend import Document, IndexDeclaration
from ...backend.checks.special_indexes import EVERY_FIELD, FLAT, HASHED, LANGUAGES, SPHERE, TEXT
from ..bson.paths import leads_to_list, values_at
from .places import fault_of_flat, fault_of_sphere

Refusal = Callable[[Document], str]
"""Says why a document cannot be in an index; empty if it can."""

_OVERRIDE = "language"


def refusals_of(index: IndexDeclaration) -> list[tuple[str, Refusal]]:
    """Return, for each key of an index that refuses some documents, its name and what it refuses."""
    kinds = {direction for _, direction in index.keys}
    found: list[tuple[str, Refusal]] = []
    for name, direction in index.keys:
        path = tuple(name.split("."))
        if direction == SPHERE:
            found.append((name, _each(path, fault_of_sphere)))
        elif direction == FLAT:
            bounds = {"least": index.options.get("min", -180), "most": index.options.get("max", 180)}
            found.append((name, _each(path, partial(fault_of_flat, **bounds))))
        elif HASHED in kinds:
            found.append((name, _no_list(path, "a hashed index holds no lists")))
        elif TEXT in kinds and direction != TEXT:
            found.append((name, _no_list(path, "beside text it holds no lists")))
    if TEXT in kinds:
        override = index.options.get("language_override", _OVERRIDE)
        texts = [tuple(name.split(".")) for name, direction in index.keys if direction == TEXT]
        found.append((override, lambda document: _language_fault(document, texts, override)))
    return found


def _each(path: Path, fault: Callable[[Any], str]) -> Refusal:
    def refusal(document: Document) -> str:
        return next(filter(None, map(fault, values_at(document, path, items=False))), "")

    return refusal


def _no_list(path: Path, message: str) -> Refusal:
    return lambda document: message if leads_to_list(document, path) else ""


def _language_fault(document: Document, texts: Sequence[Path], override: str) -> str:
    for holder in _holders(document, texts):
        if override not in holder:
            continue
        language = holder[override]
        if not isinstance(language, str):
            return "is the language of the text, and must be text"
        if language.lower() not in LANGUAGES:
            return f"is the language of the text, and MongoDB knows {', '.join(sorted(LANGUAGES))}"
    return ""


def _holders(value: Any, texts: Sequence[Path]) -> Iterator[Document]:
    """Yield the documents in which a language may stand: those on the way to the text."""
    if isinstance(value, list):
        for item in value:
            yield from _holders(item, texts)
    elif isinstance(value, dict):
        yield value
        for key, item in value.items():
            below = [path if path[0] == EVERY_FIELD else path[1:] for path in texts if path[0] in {key, EVERY_FIELD}]
            if below := [path for path in below if path]:
                yield from _holders(item, below)
