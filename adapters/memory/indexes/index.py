"""Declared indexes: under which keys they file a document."""

from collections.abc import Sequence

from ....domain.errors import InvalidQuery, ValidationError
from ....domain.rules.predicates import Path, paths_of
from ...backend import Document, IndexDeclaration
from ..bson.paths import key_rows, leads_to_list
from ..bson.value_order import MISSING, Key, order_key, stored_key
from ..operators.matching import matcher
from .special import refusals_of

NO_LISTS: frozenset[int] = frozenset()

_ALONE = frozenset({str, int})
"""Types of values that have one key, themselves."""


class Index:
    """A declared index.

    Attributes:
        declaration: as it was declared.
        names: its document keys, dotted.
        paths: its document keys.
        roots: the top-level keys that it depends on.
        numbered: whether a key may number an item of a list: such an index is not read through.
    """

    __slots__ = ("_flat", "_holds", "_name", "_refusals", "declaration", "names", "numbered", "paths", "roots")

    def __init__(self, declaration: IndexDeclaration) -> None:
        self.declaration = declaration
        self.names = tuple(name for name, _ in declaration.keys)
        self.paths: tuple[Path, ...] = tuple(tuple(name.split(".")) for name in self.names)
        self.numbered = any(name.isdigit() for path in self.paths for name in path[1:])
        self._flat = all(len(path) == 1 for path in self.paths)
        partial = declaration.partial
        self._name = self.names[0] if self._flat and len(self.names) == 1 and partial is None else None
        self._holds = None if partial is None else matcher(partial)
        self._refusals = refusals_of(declaration)
        depends = self.paths if partial is None else (*self.paths, *paths_of(partial))
        self.roots = frozenset(path[0] for path in depends)

    @property
    def refuses_values(self) -> bool:
        """Whether it holds only values of some sort: text of a language, places, what can be hashed."""
        return bool(self._refusals)

    def check_values(self, document: Document) -> None:
        """Refuse a document with a value that the index cannot hold.

        Raises:
            ValidationError: with the key.
        """
        if self._holds is not None and not self._holds(document):
            return
        for name, refusal in self._refusals:
            if reason := refusal(document):
                raise ValidationError.of(name, f"{reason} (index {self.declaration.name})")

    @property
    def holds_what_matches(self) -> bool:
        """Whether a document that equals given values in all keys is filed under just these values."""
        return not self.numbered and len({path[0] for path in self.paths}) == len(self.paths)

    def keys_of(self, document: Document) -> frozenset[Key]:
        """Return the values under which a unique index files a document: several if there is a list, or none.

        Raises:
            ValidationError: if the document cannot be filed.
        """
        if self._name is not None and type(value := document.get(self._name)) in _ALONE:
            return frozenset(((value,),))
        return frozenset(tuple(map(stored_key, row)) for row in self._rows(document))

    def keys_left_out(self, document: Document) -> frozenset[Key]:
        """Return the values under which a partial index would file a document that it does not hold."""
        if self._holds is None or self._holds(document):
            return frozenset()
        try:
            return frozenset(tuple(map(stored_key, row)) for row in key_rows(document, self.paths))
        except InvalidQuery:  # it could not be filed either
            return frozenset()

    def order_of(self, document: Document) -> tuple[set[tuple[Key, ...]], frozenset[int]]:
        """Return the keys by which a document has its places in order, and which of them lead to a list."""
        keys = {tuple([order_key(value) for value in row]) for row in self._rows(document)}
        if self._flat and not any(type(document.get(path[0])) is list for path in self.paths):
            return keys, NO_LISTS
        lists = (position for position, path in enumerate(self.paths) if leads_to_list(document, path))
        return keys, frozenset(lists)

    def check(self, document: Document) -> None:
        """Refuse a document that cannot be filed.

        Raises:
            ValidationError: if two keys lead through different lists.
        """
        self._rows(document)

    def _rows(self, document: Document) -> Sequence[tuple[object, ...]]:
        if self._holds is not None and not self._holds(document):
            return ()
        try:
            rows = key_rows(document, self.paths)
        except InvalidQuery as error:
            raise ValidationError.of(", ".join(self.names), str(error)) from error
        if self.declaration.sparse:
            return [row for row in rows if any(value is not MISSING for value in row)]
        return rows


class IndexSet:
    """The indexes of a collection, and what each is good for.

    Attributes:
        all: in the order of their declaration.
        unique: those that refuse a second document.
        ordered: those that are kept in order.
        special: those that hold only values of some sort.
        checked: the others that some documents have no place in.
        by_path: the unique indexes over one key, by it, as a number in `unique`.
        roots: the top-level keys that a write must look at.
        unique_roots: those that a unique index depends on.
    """

    __slots__ = ("all", "by_path", "checked", "ordered", "roots", "special", "unique", "unique_roots")

    def __init__(self, indexes: Sequence[Index] = ()) -> None:
        self.all = tuple(indexes)
        self.unique = tuple(index for index in indexes if index.declaration.unique)
        self.ordered = tuple(index for index in indexes if not index.numbered and index.declaration.in_order)
        self.checked = tuple(index for index in self.ordered if len(index.paths) > 1 and not index.declaration.unique)
        self.special = tuple(index for index in indexes if index.refuses_values)
        self.unique_roots = frozenset(root for index in self.unique for root in index.roots)
        self.roots = self.unique_roots.union(*(index.roots for index in self.checked))
        self.by_path = {
            index.paths[0]: number
            for number, index in enumerate(self.unique)
            if len(index.paths) == 1 and not index.numbered and index.declaration.partial is None
        }


NO_INDEXES = IndexSet()
