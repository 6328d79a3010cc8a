"""The indexes of a collection, declared over the attributes of its entities."""

from collections.abc import Mapping
from datetime import timedelta
from difflib import get_close_matches
from typing import Any

from attrs import field, frozen

from ....domain.errors import ConfigurationError
from ....domain.rules.specification import Where

INDEX_OPTIONS = frozenset(
    {
        "2dsphereIndexVersion",
        "bits",
        "collation",
        "default_language",
        "hidden",
        "language_override",
        "max",
        "min",
        "name",
        "storageEngine",
        "textIndexVersion",
        "weights",
        "wildcardProjection",
    }
)
"""What an index may have beside what has a word of its own here, as MongoDB names it
(https://www.mongodb.com/docs/manual/reference/command/createIndexes)."""

KINDS = frozenset({"text", "hashed", "2d", "2dsphere"})
"""What stands behind a field's name and a colon where it is not indexed in order."""


@frozen(init=False)
class Index:
    """An index over attributes: names in order of weight, dotted for nested ones, ``-`` for descending.

    Another kind of index stands behind a colon, as MongoDB names it: ``"title:text"``, ``"place:2dsphere"``. ``"$**"``,
    alone or behind a path (``"metadata.$**"``), means every field there is. Unique keys are declared by the repository
    (`Unique`), because they are a rule of the domain.

    What no server makes an index of is refused when the store is opened. An in-memory store reads through indexes that
    are in order, refuses the values that one of text, places or hashes cannot hold, and lets nothing expire.

    Attributes:
        fields: the names.
        sparse: leave out entities that have none of the fields.
        where: a rule: only entities that meet it are in the index; the same rules as for `Unique`.
        expire_after: how long after the time in its one field the server removes a document, in whole seconds up to
            2,147,483,647; a document without that time stays. The server looks once a minute, by its own clock.
        options: whatever else MongoDB lets an index have, by its names: ``collation``, ``hidden``, ``weights``. Fields
            that they name are keys of the document.

    Raises:
        ConfigurationError: for an option that no index has.
    """

    fields: tuple[str, ...]
    sparse: bool = False
    where: Where[Any] | None = None
    expire_after: timedelta | None = None
    options: Mapping[str, Any] = field(factory=dict)

    def __init__(
        self,
        *fields: str,
        sparse: bool = False,
        where: Where[Any] | None = None,
        expire_after: timedelta | None = None,
        **options: Any,
    ) -> None:
        for name in options:
            if name not in INDEX_OPTIONS:
                raise ConfigurationError(f"an index on {', '.join(fields)} has no option {name!r}{_advice(name)}")
        self.__attrs_init__(fields, sparse, where, expire_after, options)

    def expiring(self, after: timedelta | None) -> "Index":
        """Return the same index with another expiry, None for none."""
        return Index(*self.fields, sparse=self.sparse, where=self.where, expire_after=after, **self.options)


def _advice(name: str) -> str:
    if name == "unique":
        return ": name the key in the repository's unique = (Unique(...),)"
    close = get_close_matches(name, ["sparse", "where", "expire_after", *INDEX_OPTIONS], n=1)
    return f": did you mean {close[0]!r}?" if close else f": MongoDB has {', '.join(sorted(INDEX_OPTIONS))}"
