"""Documents and queries of every sort, generated: the values are few, so that they meet each other often."""

from collections.abc import Callable
from datetime import datetime
from typing import Any
from uuid import UUID

from bson.binary import Binary
from bson.decimal128 import Decimal128
from bson.objectid import ObjectId
from bson.regex import Regex
from hypothesis import strategies as st

from tristore import InvalidQuery
from tristore.adapters.backend import (
    All,
    AnyItem,
    AnyOf,
    Comparator,
    Compare,
    Contains,
    Document,
    Exists,
    IsNone,
    Matches,
    Not,
    OneOf,
    Path,
    Predicate,
    Query,
    Size,
    SortKey,
    Text,
    TextTest,
)
from tristore.domain.rules.patterns import Pattern, in_any_case, pattern_of

Predicates = st.SearchStrategy[Predicate]

SCALARS: st.SearchStrategy[Any] = st.sampled_from(
    [
        *(0, 1, -1, 2, 2**53, 2**53 + 1, 2**63 - 1, True, False),
        *(0.0, -0.0, 1.0, 0.1, -1.5, 2.0**53, 2.0**63, float("nan"), float("inf")),
        *map(Decimal128, ["0", "-0", "1.00", "0.1", "NaN", "Infinity", "2.5", "0.1000000000000000055511151231257827"]),
        *("", "a", "ab", "A", "a\n", "\0", "é", "É", "\U0001f600", "a.b", "$a", "1"),
        *(b"", b"a", b"ab", Binary(b"a", 5), UUID(int=0), UUID(int=2**100), b"\0" * 16),
        *(ObjectId("0" * 24), ObjectId("f" * 24)),
        *(datetime(1970, 1, 1), datetime(2024, 5, 6, 7, 8, 9, 123000)),
    ]
)
NAMES = st.sampled_from(["a", "b", "0", "1"])
VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=2),
    max_leaves=6,
)
NUMBERS = st.sampled_from([0, 1, 2, 1.0, -0.0, Decimal128("1"), Decimal128("2.5"), float("nan")])
STORED = st.one_of(
    VALUES,
    st.lists(NUMBERS | SCALARS, max_size=4),
    st.lists(st.lists(NUMBERS, max_size=2), max_size=3),
    st.lists(st.dictionaries(NAMES, NUMBERS | VALUES, max_size=2), max_size=3),
    st.just(Regex("^a")),
)
DOCUMENTS: st.SearchStrategy[list[Document]] = st.lists(
    st.dictionaries(st.sampled_from(["a", "b"]), STORED, max_size=2), min_size=20, max_size=20
)

ATOMS = st.sampled_from(
    [
        *("a", "b", "A", "k", "é", "É", "1", " ", "_", r"\.", r"\$", r"\n", r"\\", r"\x00", ".", r"\d", r"\D", r"\w"),
        *(r"\W", r"\s", r"\S", "[ab]", "[^a]", "[a-z]", r"[^\w\n]", r"[\D1]", "[à-é]", "[^À-É]", r"[\]\-^]"),
        *("^", "$", r"\A", r"\Z", r"\b", r"\B", "(?i:a)", "(?m:^)", "(?s:.)", "(?m:$)", "(?-i:k)"),
    ]
)
QUANTIFIERS = st.sampled_from(["", "", "", "*", "+", "?", "{2}", "{0,1}", "{1,}", "*?", "+?", "??"])
SOURCES = st.builds(
    str.__add__,
    st.sampled_from(["", "", "(?i)", "(?m)", "(?s)", "(?im)", "^", "^"]),
    st.recursive(
        st.builds(lambda atom, times: f"(?:{atom}){times}", ATOMS, QUANTIFIERS) | ATOMS,
        lambda inner: (
            st.lists(inner, min_size=1, max_size=3).map("".join)
            | st.lists(inner, min_size=2, max_size=3).map(lambda parts: f"(?:{'|'.join(parts)})")
        ),
        max_leaves=5,
    ),
)


def accepted(source: str) -> Pattern | None:
    """The pattern, if it is one that can be asked."""
    try:
        return pattern_of(source)
    except InvalidQuery:
        return None


PARTS = st.sampled_from(["a", "b", "\n", "a.", "é", "É", "$", "\\", "K", "ß"])
PATTERNS: st.SearchStrategy[Pattern] = st.one_of(
    SOURCES.map(accepted).filter(lambda found: found is not None),
    PARTS.map(in_any_case),
)
TEXTS = st.text("abAkK\u212aéÉß_1\u0663 .$\\\n\r\0\x0b\u2028\U0001f600", max_size=5)


def leaves(paths: st.SearchStrategy[Path], inner: Callable[[st.SearchStrategy[Path]], Predicates]) -> Predicates:
    """Every sort of leaf; what is asked of items is made by `inner`."""
    operands = (VALUES | NUMBERS).filter(lambda value: value is not None)
    return st.one_of(
        st.builds(Compare, paths, st.sampled_from(Comparator), operands),
        st.builds(Compare, paths, st.sampled_from([Comparator.EQ, Comparator.NE]), st.none()),
        st.builds(IsNone, paths),
        st.builds(OneOf, paths, st.lists(VALUES, max_size=3).map(tuple)),
        st.builds(Contains, paths, VALUES | NUMBERS),
        st.builds(Text, paths, st.sampled_from(TextTest), PARTS),
        st.builds(Matches, paths, PATTERNS),
        st.builds(Exists, paths),
        st.builds(lambda path, sizes: Size(path, *sizes), paths, SIZES),
        st.builds(AnyItem, paths, inner(st.just(()))),
        st.builds(AnyItem, paths, inner(WITHIN)),
    )


def joined(parts: Predicates) -> Predicates:
    """And, or, not, in any depth."""
    return st.recursive(
        parts,
        lambda inner: (
            st.builds(All, st.lists(inner, max_size=3).map(tuple))
            | st.builds(AnyOf, st.lists(inner, max_size=3).map(tuple))
            | st.builds(Not, inner)
        ),
        max_leaves=4,
    )


SIZES = st.one_of(st.just((0, None)), st.integers(0, 3).map(lambda n: (n, n)), st.integers(0, 3).map(lambda n: (0, n)))
PATHS = st.sampled_from(
    [("a",), ("a",), ("b",), ("a", "b"), ("a", "0"), ("a", "1"), ("a", "0", "b"), ("a", "b", "0"), ("a", "0", "0")]
)
WITHIN: st.SearchStrategy[Path] = st.sampled_from([("a",), ("b",), ("0",), ("a", "b"), ("a", "0")])
INNERMOST = st.builds(Compare, st.just(()), st.sampled_from(Comparator), NUMBERS | SCALARS)
PREDICATES = joined(leaves(PATHS, lambda paths: joined(leaves(paths, lambda _: joined(INNERMOST)))))
SORTS = st.lists(
    st.builds(SortKey, st.sampled_from([("a",), ("b",), ("a", "b"), ("b", "a")]), st.booleans()),
    max_size=2,
    unique_by=lambda key: key.path,
)
QUERIES = st.builds(
    lambda predicate, sort, skip, limit: Query(predicate, (*sort, SortKey(("_id",))), skip, limit),
    PREDICATES,
    SORTS,
    st.sampled_from([0, 0, 0, 2]),
    st.sampled_from([None, None, None, 3]),
)
