"""Collections with a unique index of each kind, for the contract of indexes."""

from typing import Any

from tristore.adapters.backend import (
    All,
    AnyOf,
    CollectionDeclaration,
    Comparator,
    Compare,
    IndexDeclaration,
    IsNone,
    OneOf,
)

Case = tuple[str, dict[str, Any], dict[str, Any], tuple[str, ...] | None]


def unique(*keys: str, **options: Any) -> IndexDeclaration:
    """A unique index, its keys upwards."""
    return IndexDeclaration(tuple((key, 1) for key in keys), unique=True, **options)


def is_(name: str, value: object) -> Compare:
    """An equality."""
    return Compare((name,), Comparator.EQ, value)


OPEN = is_("state", "open")
LARGE_AND_OPEN = All((OPEN, Compare(("size",), Comparator.GT, 10)))
LARGE_OR_LOST = AnyOf((Compare(("size",), Comparator.GE, 10), All((OneOf(("state",), ("lost", None)), is_("size", 1)))))

KEYS = (
    CollectionDeclaration("compound", (unique("team", "seat"),)),
    CollectionDeclaration("sparse", (unique("team", "seat", sparse=True),)),
    CollectionDeclaration("multikey", (unique("tags"),)),
    CollectionDeclaration("nested", (unique("items.sku"),)),
    CollectionDeclaration("pairs", (unique("owner", "tags"),)),
    CollectionDeclaration("partial", (unique("email", partial=OPEN),)),
    CollectionDeclaration("large", (unique("team", "seat", partial=LARGE_AND_OPEN),)),
    CollectionDeclaration("either", (unique("email", partial=LARGE_OR_LOST),)),
    CollectionDeclaration("unset", (unique("email", partial=IsNone(("gone",))),)),
    CollectionDeclaration("plain", (IndexDeclaration((("a", 1), ("b", -1))),)),
)

EMAIL, SEAT, TAGS, SKU, PAIR = ("email",), ("team", "seat"), ("tags",), ("items.sku",), ("owner", "tags")

CASES: tuple[Case, ...] = (
    ("compound", {"team": 1, "seat": 1}, {"team": 1, "seat": 1.0}, SEAT),
    ("compound", {"team": 1, "seat": 1}, {"team": 1, "seat": 2}, None),
    ("compound", {"team": 1}, {"team": 1, "seat": None}, SEAT),
    ("compound", {}, {}, SEAT),
    ("sparse", {}, {}, None),
    ("sparse", {"team": 1}, {"team": 1}, SEAT),
    ("sparse", {"team": None}, {"team": None}, SEAT),
    ("sparse", {"team": None}, {"seat": None}, SEAT),
    ("multikey", {"tags": ["a", "b"]}, {"tags": ["b", "c"]}, TAGS),
    ("multikey", {"tags": ["a", "a"]}, {"tags": ["b"]}, None),
    ("multikey", {"tags": []}, {"tags": []}, TAGS),
    ("multikey", {"tags": []}, {}, None),
    ("multikey", {"tags": [None]}, {}, TAGS),
    ("multikey", {"tags": [["a"]]}, {"tags": ["a"]}, None),
    ("multikey", {"tags": "a"}, {"tags": ["a"]}, TAGS),
    ("nested", {"items": [{"sku": 1}, {"sku": 2}]}, {"items": [{"sku": 2}]}, SKU),
    ("nested", {"items": [{"sku": 1}, {"sku": 1}]}, {"items": {"sku": 2}}, None),
    ("nested", {"items": {"sku": 1}}, {"items": [{"sku": 1}]}, SKU),
    ("nested", {"items": [{}]}, {"items": {}}, SKU),
    ("nested", {"items": [1]}, {}, SKU),
    ("nested", {"items": [{"sku": [1, 2]}]}, {"items": {"sku": 2}}, SKU),
    ("pairs", {"owner": 1, "tags": ["a", "b"]}, {"owner": 1, "tags": "b"}, PAIR),
    ("pairs", {"owner": 1, "tags": ["a", "b"]}, {"owner": 2, "tags": ["a", "b"]}, None),
    ("pairs", {"owner": [1, 2], "tags": "a"}, {"owner": 2, "tags": ["a"]}, PAIR),
    ("partial", {"email": "a", "state": "open"}, {"email": "a", "state": "open"}, EMAIL),
    ("partial", {"email": "a", "state": "open"}, {"email": "a", "state": "shut"}, None),
    ("partial", {"email": "a", "state": "shut"}, {"email": "a", "state": "shut"}, None),
    ("partial", {"email": "a", "state": ["open", "x"]}, {"email": "a", "state": "open"}, EMAIL),
    ("partial", {"state": "open"}, {"state": "open", "email": None}, EMAIL),
    ("large", {"team": 1, "state": "open", "size": 11}, {"team": 1, "state": "open", "size": 12.5}, SEAT),
    ("large", {"team": 1, "state": "open", "size": 11}, {"team": 1, "state": "open", "size": 10}, None),
    ("large", {"team": 1, "state": "open", "size": "x"}, {"team": 1, "state": "open", "size": "x"}, None),
    ("either", {"email": "a", "size": 10}, {"email": "a", "size": 1, "state": "lost"}, EMAIL),
    ("either", {"email": "a", "size": 10}, {"email": "a", "size": 1}, EMAIL),
    ("either", {"email": "a", "size": 10}, {"email": "a", "size": 1, "state": "open"}, None),
    ("unset", {"email": "a"}, {"email": "a", "gone": None}, EMAIL),
    ("unset", {"email": "a"}, {"email": "a", "gone": 1}, None),
)
"""A collection, two documents, and the key that the second one finds taken."""
