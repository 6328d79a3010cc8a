"""Whether plans and changes can be carried out, as far as that can be told without looking at what is stored."""

from itertools import pairwise
from typing import Any

from bson.decimal128 import Decimal128

from ....domain.errors import TooLarge, TristoreError, ValidationError
from ..bson import same_in_bson
from ..write_plan import Delete, Document, KeyTaken, ManyResult, Modify, Replace, Update, WritePlan
from .document_size import check_size
from .given_values import check_changed_key, check_changed_path, check_document, check_id, check_value

_NUMBERS = (int, float, Decimal128)

Operation = Delete | Update | Replace | Document


def check_operation(operation: Operation) -> None:
    """Refuse an operation that no store can carry out.

    Raises:
        ValidationError: with the key of what is wrong.
        TooLarge: if a document is above `MAX_DOCUMENT_BYTES`.
    """
    if isinstance(operation, dict):
        check_document(operation)
        check_size(operation)
        return
    check_id(operation.id)
    if isinstance(operation, Update):
        for key in operation.unset:
            check_changed_key(key)
            if key in operation.set:
                raise ValidationError.of(key, "is to be set and taken away at once")
        for key, value in operation.set.items():
            check_changed_key(key)
            check_value(value, key)
    elif isinstance(operation, Replace):
        _check_replacement(operation)


def check_plan(plan: WritePlan) -> None:
    """Refuse a plan with an operation that no store can carry out, before anything of it is done.

    Raises:
        ValidationError: with the key of what is wrong.
        TooLarge: if a document is above `MAX_DOCUMENT_BYTES`.
    """
    for operations in (plan.deletes, plan.updates, plan.inserts):
        for operation in operations:
            check_operation(operation)


def sound_part(plan: WritePlan) -> tuple[WritePlan, list[int], dict[int, KeyTaken | TristoreError]]:
    """Split a plan that is carried out in no order.

    Returns:
        What can be carried out of it, the positions of that in the plan, and the refusals of the rest by position. Of a
        plan that is sound as a whole, the plan itself, and no positions.
    """
    refused: dict[int, KeyTaken | TristoreError] = {}
    operations: list[Any] = [*plan.deletes, *plan.updates, *plan.inserts]
    for position, operation in enumerate(operations):
        try:
            check_operation(operation)
        except (ValidationError, TooLarge) as error:
            refused[position] = error
    if not refused:
        return plan, [], refused
    kept = [position for position in range(len(operations)) if position not in refused]
    inserts_at = len(plan.deletes) + len(plan.updates)
    part = WritePlan(
        plan.collection,
        plan.version_key,
        [operations[position] for position in kept if position < len(plan.deletes)],
        [operations[position] for position in kept if len(plan.deletes) <= position < inserts_at],
        [operations[position] for position in kept if position >= inserts_at],
    )
    return part, kept, refused


def with_refused(result: ManyResult, kept: list[int], refused: dict[int, KeyTaken | TristoreError]) -> ManyResult:
    """Return the result of the sound part of a plan as that of the plan."""
    if not refused:
        return result
    errors = {**refused, **{kept[position]: error for position, error in result.errors.items()}}
    return ManyResult(result.deleted, result.matched, result.inserted, errors)


def check_modify(change: Modify) -> None:
    """Refuse a change that no document can undergo.

    Raises:
        ValidationError: with the key of what is wrong.
    """
    if not (change.set or change.unset or change.increment):
        raise ValidationError.of("", "a change sets, takes away or increments something")
    keys = [*change.set, *change.unset, *change.increment]
    paths = sorted(check_changed_path(key) for key in keys)
    for before, after in pairwise(paths):
        if after[: len(before)] == before:
            raise ValidationError.of(".".join(after), f"is to be changed twice: {'.'.join(before)} is changed too")
    for key, value in change.set.items():
        check_value(value, key)
    for key, by in change.increment.items():
        if isinstance(by, bool) or not isinstance(by, _NUMBERS):
            raise ValidationError.of(key, f"can be incremented by a number, not by a {type(by).__name__}")
        check_value(by, key)


def _check_replacement(replace: Replace) -> None:
    document = replace.document
    if any(isinstance(key, str) and key[:1] == "$" for key in document):
        raise ValidationError.of("", "a document that replaces another has no keys with '$'")
    check_value(document, "")
    check_size(document)
    if "_id" in document and not same_in_bson(document["_id"], replace.id):
        raise ValidationError.of("_id", "the id of a document never changes")
