"""Bringing the validators of a server to what entities ask: what is stored already is checked first."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from attrs import evolve, frozen

from ....domain.errors import ConfigurationError
from ....domain.unit_of_work.store import Store
from ...backend import ValidatorDeclaration
from ...backend.administration import Violations
from ...documents.collections.json_schema import json_schema_of
from ...documents.declarations.documents import Validation, ValidationAction, ValidationLevel
from ..access import administration_of, environment_of


@frozen
class ValidatorDiff:
    """What separates the validator of a collection from what its entity asks.

    Attributes:
        store: the store's name.
        collection: where.
        wanted: what the entity asks.
        actual: what the server has; None if nothing.
        violations: the stored documents that the wanted one would refuse.
    """

    store: str
    collection: str
    wanted: ValidatorDeclaration
    actual: ValidatorDeclaration | None
    violations: Violations

    @property
    def changes(self) -> tuple[str, ...]:
        """What is different, in words."""
        if self.actual is None:
            return ("no validator",)
        return tuple(_changes(self.actual, self.wanted))

    @property
    def drift(self) -> bool:
        """Whether anything is different."""
        return bool(self.changes)

    @property
    def blocks(self) -> bool:
        """Whether stored documents could no longer be changed with the wanted validator."""
        wanted = self.wanted
        return self.violations.count > 0 and (wanted.level, wanted.action) == ("strict", "error")


def diff_validators(
    store: Store[Any], *, level: ValidationLevel | None = None, action: ValidationAction | None = None
) -> Sequence[ValidatorDiff]:
    """Compare the validators that the entities of a store ask for with those of its server; nothing is changed.

    Every collection of a repository is read as a whole, to count what the validator would refuse.

    Args:
        store: one that `open_store` or `open_stores` made, on a server.
        level: before that of `Documents.validation`, which is ``strict`` where nothing is declared.
        action: before that of `Documents.validation`, which is ``error`` where nothing is declared.

    Raises:
        ConfigurationError: if the store has no server, or level or action is none.
    """
    administration = administration_of(store)
    found = []
    for binding in environment_of(store).by_collection.values():
        if binding.documents.time_series is not None:
            continue  # a server checks no time series
        declared = binding.documents.validation or Validation()
        declared = evolve(declared, level=level or declared.level, action=action or declared.action)
        wanted = ValidatorDeclaration(json_schema_of(binding.mapping), declared.level, declared.action)
        actual = administration.validator(binding.collection)
        violations = administration.violations(binding.collection, wanted.schema)
        found.append(ValidatorDiff(store.name, binding.collection, wanted, actual, violations))
    return found


def sync_validators(
    store: Store[Any], diffs: Sequence[ValidatorDiff], *, accept_violations: bool = False
) -> Sequence[ValidatorDiff]:
    """Give the collections of a store the validators that differ.

    Args:
        store: the store that the diffs are of.
        diffs: from `diff_validators`.
        accept_violations: whether to do so although stored documents break a strict validator: such a document can
            then only be changed into one that fits.

    Returns:
        Those that were carried out.

    Raises:
        ConfigurationError: before anything is changed, if stored documents break a strict validator.
    """
    waiting = [one for one in diffs if one.drift]
    blocking = [one for one in waiting if one.blocks]
    if blocking and not accept_violations:
        where = ", ".join(f"{one.collection} ({one.violations.count:,})" for one in blocking)
        raise ConfigurationError(
            f"store {store.name}: nothing was changed, because stored documents break the validator of {where}: mend "
            "them, take the level moderate or the action warn, or accept the violations"
        )
    administration = administration_of(store)
    for one in waiting:
        administration.set_validator(one.collection, one.wanted)
    return waiting


def _changes(actual: ValidatorDeclaration, wanted: ValidatorDeclaration) -> Iterator[str]:
    if actual.level != wanted.level:
        yield f"level is {actual.level}, not {wanted.level}"
    if actual.action != wanted.action:
        yield f"action is {actual.action}, not {wanted.action}"
    if actual.schema != wanted.schema:
        yield from tuple(_differences(actual.schema, wanted.schema)) or ("another rule",)


def _differences(actual: Mapping[str, Any], wanted: Mapping[str, Any]) -> Iterator[str]:
    """What two schemas say differently of fields."""
    has, wants = actual.get("properties"), wanted.get("properties")
    if not isinstance(has, dict) or not isinstance(wants, dict):
        return
    for words, keys in (
        ("missing", wants.keys() - has.keys()),
        ("not declared", has.keys() - wants.keys()),
        ("different", {key for key in has.keys() & wants.keys() if has[key] != wants[key]}),
    ):
        if keys:
            yield f"{words}: {', '.join(sorted(keys))}"
    if actual.get("required") != wanted.get("required"):
        yield "other required fields"
