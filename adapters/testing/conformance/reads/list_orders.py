"""Orders that lead through lists."""

import pytest

from .....domain.errors import InvalidQuery
from .....domain.queries.query import SortKey
from .....domain.rules.predicates import EVERYTHING
from ....backend import Backend, Document
from ..cases import ids, read, write
from ..offers import OfferedGuarantees

LISTS: list[Document] = [
    {"_id": 1, "m": {"a": [3, 1], "b": [1, 2]}},
    {"_id": 2, "m": {"a": [2, 9]}},
    {"_id": 3, "m": {"a": {"0": 1}}},
    {"_id": 4},
    {"_id": 5, "m": {"a": []}},
    {"_id": 6, "m": {"a": [[1, 7], 0]}},
    {"_id": 7, "m": {"a": [{"x": 5}, {"x": 4}]}},
]


class ListOrdersContract(OfferedGuarantees):
    """Orders: positions in lists, and several lists."""

    @pytest.mark.parametrize(
        ("path", "descending", "expected"),
        [
            (("m", "a", "0"), False, [4, 5, 3, 2, 1, 7, 6]),
            (("m", "a", "0"), True, [6, 7, 1, 2, 3, 4, 5]),
            (("m", "a", "1"), False, [3, 4, 5, 6, 1, 2, 7]),
            (("m", "a", "00"), False, [1, 2, 3, 4, 5, 6, 7]),
            (("m", "a", "0", "x"), False, [1, 2, 3, 4, 5, 6, 7]),
            (("m", "a", "x"), True, [7, 1, 2, 3, 4, 5, 6]),
            (("m", "a"), False, [5, 4, 6, 1, 2, 3, 7]),
        ],
    )
    def test_a_position_in_a_list(
        self, backend: Backend, path: tuple[str, ...], descending: bool, expected: list[int]
    ) -> None:
        """A number in the path of an order means the item at that place; else the least or largest item counts."""
        write(backend, *LISTS)

        assert expected == ids(read(backend, EVERYTHING, SortKey(path, descending), SortKey(("_id",))))

    @pytest.mark.parametrize(
        ("document", "paths"),
        [
            ({"_id": 1, "a": [1], "b": [2]}, [("a",), ("b",)]),
            ({"_id": 1, "a": [], "b": []}, [("a",), ("b",)]),
            ({"_id": 1, "a": [{"0": 5}]}, [("a", "0")]),
        ],
    )
    def test_documents_without_a_place(
        self, backend: Backend, document: Document, paths: list[tuple[str, ...]]
    ) -> None:
        """Two lists have no common order, nor has a number that is a position and a key at once: it is refused."""
        write(backend, document, {"_id": 2})

        with pytest.raises(InvalidQuery):
            read(backend, EVERYTHING, *map(SortKey, paths))
