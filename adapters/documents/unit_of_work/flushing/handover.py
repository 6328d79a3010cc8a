"""Unique values that one edited entity of a flush gives up and another one takes: the giver is written first.

Where entities pass values round in a circle no order will do. One of them is then taken out of the collection, and put
back behind the others, which only a transaction may do.
"""

from collections.abc import Sequence
from typing import NamedTuple

from attrs import frozen

from .....domain.errors import UnitOfWorkError
from ....backend import Replace, Update
from ...collections.unique_keys import Occupied, UniqueKeys
from ..identity_map import Record, TrackedCollection


@frozen
class Edit:
    """A changed entity, and what writes it."""

    record: Record
    operation: Update | Replace


class Order(NamedTuple):
    """Edits in an order in which no unique value is taken before it was given up.

    Attributes:
        in_place: those that are written one after the other.
        taken_out: those that must give up their values before all others, and are put back behind them.
    """

    in_place: Sequence[Edit]
    taken_out: Sequence[Edit] = ()


def in_order(edits: Sequence[Edit], tracked: TrackedCollection) -> Order:
    """Put the givers before the takers; all else keeps its order."""
    unique = tracked.binding.unique
    handing = [number for number, edit in enumerate(edits) if _hands_over(edit, unique)]
    if len(handing) < 2:
        return Order(edits)
    givers = _givers(handing, edits, tracked)
    if not givers:
        return Order(edits)
    order, taken_out = _sorted(len(edits), givers)
    return Order([edits[number] for number in order], [edits[number] for number in taken_out])


def refuse_circle(order: Order, tracked: TrackedCollection) -> None:
    """Refuse what only a transaction can do.

    Raises:
        UnitOfWorkError: if values go round in a circle, with what to do.
    """
    if order.taken_out:
        mapping = tracked.mapping
        ids = ", ".join(str(edit.record.entity.id) for edit in order.taken_out)
        raise UnitOfWorkError(
            f"{mapping.name} {ids} takes a unique value of another {mapping.name}, and that one, or one behind it, "
            "takes its value in turn: without transactions give it a value that nobody has, flush(), and then the "
            "one it is to have"
        )


def _hands_over(edit: Edit, unique: UniqueKeys) -> bool:
    """Tell whether an edit can give up a unique value, or take one."""
    operation = edit.operation
    if isinstance(operation, Replace):
        return unique.are_touched(operation.document)
    return unique.are_touched(operation.set) or unique.are_touched(operation.unset)


def _givers(handing: Sequence[int], edits: Sequence[Edit], tracked: TrackedCollection) -> dict[int, set[int]]:
    """Return for each edit that takes values of others the numbers of those."""
    mapping, unique = tracked.mapping, tracked.binding.unique
    owners: dict[Occupied, int] = {}
    taken: dict[int, frozenset[Occupied]] = {}
    for number in handing:
        record = edits[number].record
        before = mapping.before(record.entity, record.snapshot)
        old = unique.occupied(mapping.load(dict(before)), before)
        new = unique.occupied(record.entity, mapping.dump(record.entity))
        owners.update(dict.fromkeys(old - new, number))
        taken[number] = new - old
    found = {number: {owners[value] for value in values if value in owners} for number, values in taken.items()}
    return {number: givers for number, givers in found.items() if givers}


def _sorted(count: int, givers: dict[int, set[int]]) -> tuple[list[int], list[int]]:
    """Return numbers with each behind its givers, and those without which that is possible."""
    order: list[int] = []
    taken_out: list[int] = []
    done: set[int] = set()
    for start in range(count):
        way = {start: None}  # from a taker to a giver of it that was not written yet
        while way:
            number = next(reversed(way))
            waiting = givers.get(number, set()) - done
            if number in done or not waiting:
                if number not in done:
                    order.append(number)
                    done.add(number)
                way.popitem()
                continue
            giver = min(waiting)
            if giver in way:  # a circle: this one gives up all that it has before the others are written
                taken_out.append(giver)
                done.add(giver)
            else:
                way[giver] = None
    return order, taken_out
