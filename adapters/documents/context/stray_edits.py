"""Edits that nobody will write: of an entity that a reader loaded, or that outlived its unit of work.

Whether a store looks for them is said when it is opened. The class of a watched entity then gets a `__setattr__` that
remembers where a loose entity was edited. What joins a unit of work, or is given to a call that writes it, is loose no
more; what was edited and never joined is warned of when the object goes, at the line of the edit. Edits inside lists,
dictionaries and nested values are not seen. Where no store looks, no class is changed.
"""

import os
import sys
import threading
import warnings
import weakref
from collections.abc import Callable, Iterable
from functools import wraps
from typing import Any, Literal

from attrs import define, field

from ....domain.entities.entity import MANAGED, Entity
from ....domain.errors import StrayEdit, StrayEditWarning

Policy = Literal["warn", "raise", "ignore"]

_WATCHED = "__tristore_watched__"


def policy_of(given: Policy | None) -> Policy:
    """Return the policy that a store was told; without one it warns in tests and in development."""
    if given is not None:
        return given
    return "warn" if "PYTEST_VERSION" in os.environ or os.environ.get("TRISTORE_DEV") == "1" else "ignore"


@define(eq=False)
class _Edit:
    """The first edit of a loose entity."""

    name: str
    field: str
    file: str
    line: int


@define(eq=False)
class _Loose:
    """An entity that belongs to no unit; `edits` outlives it until it is warned of."""

    fields: frozenset[str]
    policy: Policy
    why: str
    goodbye: "weakref.finalize[..., Any] | None" = None
    edits: list[_Edit] = field(factory=list)


_loose: dict[int, _Loose] = {}
_patching = threading.Lock()


def let_loose(entities: Iterable[Entity[Any]], fields: frozenset[str], policy: Policy, why: str) -> None:
    """Watch entities that belong to no unit of work.

    Args:
        entities: which.
        fields: the names of what is stored of them.
        policy: what happens at an edit.
        why: they belong to none, for the message.
    """
    for entity in entities:
        taken_up(entity)
        _watch(type(entity))
        loose = _Loose(fields - MANAGED, policy, why)
        key = id(entity)
        loose.goodbye = weakref.finalize(entity, _gone, key, loose)
        _loose[key] = loose


def taken_up(entity: Entity[Any]) -> None:
    """Forget an entity that somebody is going to write, with its edits."""
    loose = _loose.pop(id(entity), None) if _loose else None
    if loose is not None and loose.goodbye is not None:
        loose.goodbye.detach()


def _gone(key: int, loose: _Loose) -> None:
    """Warn of what is lost with an entity."""
    _loose.pop(key, None)
    for edit in loose.edits:
        message = (
            f"{edit.name}: this edit of {edit.field} was never written, for {loose.why}: load the entity in a unit of "
            "work, or attach() it"
        )
        warnings.warn_explicit(message, StrayEditWarning, edit.file, edit.line)


def _watch(cls: type[Any]) -> None:
    """Let a class tell of edits; once."""
    if _WATCHED in vars(cls):
        return
    with _patching:
        if _WATCHED in vars(cls):
            return
        plain: Callable[[Any, str, Any], None] = getattr(cls, "__setattr__")  # noqa: B009 - unbound

        @wraps(plain)
        def setattr_(self: Any, name: str, value: Any) -> None:
            loose = _loose.get(id(self))
            if loose is not None and name in loose.fields:
                _edited(self, name, loose)
            plain(self, name, value)

        setattr(cls, "__setattr__", setattr_)  # noqa: B010 - as attrs does
        setattr(cls, _WATCHED, True)


def _edited(entity: Any, name: str, loose: _Loose) -> None:
    frame = sys._getframe(2)
    who = f"{type(entity).__name__} {entity.id}"
    if loose.policy == "raise":
        raise StrayEdit(
            f"{who}: nobody would write this edit of {name} ({frame.f_code.co_filename}:{frame.f_lineno}), for "
            f"{loose.why}: load the entity in a unit of work, or attach() it first"
        )
    if not any(edit.field == name for edit in loose.edits):
        loose.edits.append(_Edit(who, name, frame.f_code.co_filename, frame.f_lineno))
