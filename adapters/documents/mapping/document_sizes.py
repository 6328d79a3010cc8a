"""How large a document is: a warning above 1 MiB, an error above what a store accepts."""

import warnings
from collections.abc import Callable, Iterable
from typing import Any

from bson import encode

from ....domain.entities.entity import Entity
from ....domain.entities.scalars import Kind
from ....domain.errors import LargeDocumentWarning, TooLarge
from ...backend import MAX_DOCUMENT_BYTES, Document
from ...backend.bson import CODEC_OPTIONS
from ..values.codecs import STORED
from .code_generation import compiled
from .mapped_field import MappedField

WARNING_BYTES = 1024 * 1024
SUSPICIOUS = 200_000
"""The weight from which on a document is measured."""
_CONTAINERS = frozenset({Kind.DICT, Kind.SEQUENCE, Kind.NESTED})


def suspicion(name: str, fields: Iterable[MappedField]) -> Callable[[Document], bool]:
    """Generate, for the whole documents of a class, whether one may be so large that it needs `check_size`."""
    lines = ["get = document.get", f"return {_sum_of(fields)} >= {SUSPICIOUS}"]
    return compiled("may_be_large(document)", lines, {"roughly": _roughly}, name)


def weigher(name: str, fields: Iterable[MappedField]) -> Callable[[Document], int]:
    """Generate how much a whole document of a class weighs: its characters, bytes and items, roughly."""
    lines = ["get = document.get", f"return {_sum_of(fields)}"]
    return compiled("weight(document)", lines, {"roughly": _roughly}, name)


def _sum_of(fields: Iterable[MappedField]) -> str:
    parts = ["0"]
    for field in fields:
        value = f"get({field.key!r}, '')" if field.type.optional else f"document[{field.key!r}]"
        stored = STORED.get(field.type.kind)
        if stored is not None and stored.weighs:
            parts.append(f"len({value})")
        elif field.type.kind in _CONTAINERS:
            parts.append(f"roughly({value})")
        elif stored is None and field.type.kind is not Kind.ENUM:
            parts.append(f"roughly(({value},))")
    return " + ".join(parts)


def check_size(name: str, entity: Entity[Any], document: Document) -> None:
    """Warn of a document above 1 MiB, refuse one above `MAX_DOCUMENT_BYTES`.

    Raises:
        TooLarge: with the size and the limit.
    """
    # Text needs at most four bytes a character, so only what may be large is encoded to be measured.
    if _roughly(document) < SUSPICIOUS:
        return
    size = len(encode(document, False, CODEC_OPTIONS))
    if size > MAX_DOCUMENT_BYTES:
        raise TooLarge(
            f"{name} {entity.id} takes {size:,} bytes and a document at most {MAX_DOCUMENT_BYTES:,}: "
            "keep large parts elsewhere, or split it",
            size=size,
            limit=MAX_DOCUMENT_BYTES,
        )
    if size > WARNING_BYTES:
        warnings.warn(f"{name} {entity.id} takes {size:,} bytes", LargeDocumentWarning, stacklevel=2)


def _roughly(value: Any) -> int:
    """Characters, bytes and items of a value, all levels; small numbers, dates and the like count nothing."""
    total = 8 * len(value)
    for item in value.values() if value.__class__ is dict else value:
        kind = item.__class__
        if kind is str or kind is bytes:
            total += len(item)
        elif kind is dict or kind is list:
            total += _roughly(item)
    return total
