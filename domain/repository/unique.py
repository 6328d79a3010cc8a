"""Unique keys, as a repository declares them."""

from typing import Any

from attrs import frozen

from ..rules.specification import Where


@frozen(init=False)
class Unique:
    """A unique key of a repository: no two of its entities have the same values in these fields.

    Attributes:
        fields: the attribute names.
        sparse: leave out entities that have none of the fields. Otherwise a missing value counts as None, and
            only one entity may have it.
        where: a rule: only entities that meet it are held to the key. It may compare with ``==``, ``<``, ``<=``,
            ``>``, ``>=``, `one_of` and `is_none`, combined with ``&`` and ``|``; not together with `sparse`.
    """

    fields: tuple[str, ...]
    sparse: bool = False
    where: Where[Any] | None = None

    def __init__(self, *fields: str, sparse: bool = False, where: Where[Any] | None = None) -> None:
        self.__attrs_init__(fields, sparse, where)
