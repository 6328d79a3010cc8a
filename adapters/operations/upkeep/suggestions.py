"""Which index a query would need, and which indexes are of no use."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from attrs import frozen

from ...backend.administration import ActualIndex, IndexUsage, Shape

MOST_INDEXES = 12
"""How many indexes of one collection are too many unless told otherwise: each is written with every document. A server
refuses above 64 (https://www.mongodb.com/docs/manual/reference/limits)."""

WATCHED = timedelta(days=1)
"""For how long the uses of an index are counted before it is called unused: what runs once a day has run by then."""

Keys = tuple[tuple[str, int], ...]


@frozen
class Advice:
    """What is better done about the indexes of a collection.

    Attributes:
        kind: ``unused``, ``redundant``, ``too many`` or ``scan``.
        collection: where.
        subject: the index or the query that it is about.
        reason: why, and what to do.
    """

    kind: str
    collection: str
    subject: str
    reason: str


def suggested(shape: Shape) -> Keys:
    """Return the keys of an index that would serve a query; none if nothing would help.

    First what is compared with one value, then the order, then what is compared otherwise: the ESR rule
    (https://www.mongodb.com/docs/manual/tutorial/equality-sort-range-rule). The id alone needs no index.
    """
    keys: dict[str, int] = dict.fromkeys(shape.equal, 1)
    for key, direction in (*shape.order, *((key, 1) for key in shape.ranged)):
        keys.setdefault(key, direction)
    found = tuple(keys.items())
    return () if found and found[0][0] == "_id" else found


def shown_keys(keys: Sequence[tuple[str, object]]) -> str:
    """Keys as they are declared: ``status, -createdAt``."""
    return ", ".join(
        f"-{key}" if direction == -1 else key if direction == 1 else f"{key}:{direction}" for key, direction in keys
    )


def advice_on(
    usage: Sequence[IndexUsage], now: datetime, *, most: int = MOST_INDEXES, watched: timedelta = WATCHED
) -> list[Advice]:
    """Return what is better done about the indexes of one collection.

    Args:
        usage: all of its indexes.
        now: the time at which they were looked at.
        most: how many of them are not too many.
        watched: for how long the uses of an index must be counted before it is called unused.
    """
    indexes = [used.index for used in usage]
    return [*_unused(usage, now - watched, now), *_redundant(indexes), *_too_many(indexes, most)]


def _unused(usage: Sequence[IndexUsage], latest: datetime, now: datetime) -> Iterator[Advice]:
    for used in usage:
        index = used.index
        if (
            used.since > latest
            or used.uses
            or index.name == "_id_"
            or {"unique", "expireAfterSeconds"} & index.options.keys()
        ):
            continue  # what is unique or expires has work to do that is not counted
        days = (now - used.since).total_seconds() / 86_400
        yield Advice(
            "unused",
            index.collection,
            index.name,
            f"no use since {used.since:%Y-%m-%d %H:%M} UTC ({days:.1f} days)",
        )


def _redundant(indexes: Sequence[ActualIndex]) -> Iterator[Advice]:
    for index in indexes:
        if not index.plain or index.hidden or index.name == "_id_":
            continue
        longer = next((other for other in indexes if _covers(other, index)), None)
        if longer is not None:
            yield Advice(
                "redundant",
                index.collection,
                index.name,
                f"{longer.name} begins with the same keys, and serves every query that this one serves",
            )


def _covers(other: ActualIndex, index: ActualIndex) -> bool:
    """Whether another index holds every document, in an order that begins with the one of this index."""
    limited = {"sparse", "partialFilterExpression", "collation", "hidden"} & other.options.keys()
    if other.name == index.name or limited or len(other.keys) <= len(index.keys):
        return False
    begin = other.keys[: len(index.keys)]
    return begin == index.keys or begin == _reversed(index.keys)


def _reversed(keys: tuple[tuple[str, object], ...]) -> tuple[tuple[str, object], ...]:
    """An order that is read from its end."""
    return tuple((key, -direction if isinstance(direction, int | float) else direction) for key, direction in keys)


def _too_many(indexes: Sequence[ActualIndex], most: int) -> Iterator[Advice]:
    if len(indexes) > most:
        yield Advice(
            "too many",
            indexes[0].collection,
            f"{len(indexes)} indexes",
            f"more than {most}: every write keeps each of them; see which are unused or redundant",
        )
