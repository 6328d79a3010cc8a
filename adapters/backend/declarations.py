"""What a collection should be: its indexes, its validator, its form."""

from collections.abc import Mapping
from typing import Any

from attrs import field, frozen

from ...domain.rules.predicates import Predicate


@frozen
class IndexDeclaration:
    """An index that a collection should have.

    Attributes:
        keys: dotted document keys in order, with 1 or -1, or the kind of another index as MongoDB names it.
        unique: whether no two documents may have the same values.
        sparse: whether documents without any of the keys are left out.
        expire_after: seconds after the date in the key's field after which a document may be removed; None keeps it.
        partial: which documents it holds, None for all; every backend can take comparisons, `OneOf` and `IsNone`
            that are combined with `All` and `AnyOf`.
        options: what else MongoDB lets an index have, by its names; a backend may leave them out of account where they
            change no answer.
    """

    keys: tuple[tuple[str, int | str], ...]
    unique: bool = False
    sparse: bool = False
    expire_after: int | None = None
    partial: Predicate | None = field(default=None, hash=False)  # its values need not be hashable
    options: Mapping[str, Any] = field(factory=dict, hash=False)

    @property
    def name(self) -> str:
        """The name of the index: a given one, or keys and directions, as MongoDB makes it."""
        given: str | None = self.options.get("name")
        return given or "_".join(f"{key}_{direction}" for key, direction in self.keys)

    @property
    def in_order(self) -> bool:
        """Whether it files documents in the order of its keys' values, for anybody who asks."""
        others = {"collation", "wildcardProjection", "hidden"} & self.options.keys()
        return not others and all(
            isinstance(direction, int) and not key.endswith("$**") for key, direction in self.keys
        )


@frozen
class ValidatorDeclaration:
    """How a server should check what is written to a collection.

    Attributes:
        schema: a ``$jsonSchema``.
        level: ``strict``, ``moderate`` or ``off``.
        action: ``error`` or ``warn``.
    """

    schema: Mapping[str, Any] = field(hash=False)
    level: str = "strict"
    action: str = "error"


@frozen
class TimeSeriesDeclaration:
    """That a collection is a time series.

    Attributes:
        time: the key of the time.
        meta: the key that tells series apart.
        granularity: ``seconds``, ``minutes`` or ``hours``.
        expire_after: seconds after its time after which a document may be removed; None keeps it.
    """

    time: str
    meta: str | None = None
    granularity: str = "seconds"
    expire_after: int | None = None


@frozen
class CollectionDeclaration:
    """A collection with the indexes that it should have.

    Attributes:
        name: its name; ``database/collection`` for one in another database of the same server, here and in every
            other place where a backend is given a collection.
        indexes: the indexes.
        authoritative: whether its documents decide what happens: outside transactions they are read from the primary
            as a majority has them, and written to a majority, whatever the URL says of reads and writes.
        validator: how a server checks what is written, None for not at all.
        time_series: how a server packs its documents by time, None for not at all.
    """

    name: str
    indexes: tuple[IndexDeclaration, ...] = ()
    authoritative: bool = False
    validator: ValidatorDeclaration | None = None
    time_series: TimeSeriesDeclaration | None = None
