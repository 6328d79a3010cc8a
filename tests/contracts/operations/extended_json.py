"""Documents of every BSON type, for what is written as Extended JSON and read again."""

import math
from datetime import datetime

from bson import DBRef, Decimal128, Int64, MaxKey, MinKey, ObjectId, Regex, Timestamp
from bson.binary import Binary
from bson.code import Code
from bson.datetime_ms import DatetimeMS
from hypothesis import strategies as st

from tristore.adapters.backend import Document

KEYS = st.text(st.characters(exclude_characters="$.\0", exclude_categories=["Cs"]), min_size=1, max_size=8).map(
    lambda key: f"x{key}"
)
"""Keys that no entity of the tests has."""

DATES = st.datetimes(datetime(1, 1, 1), datetime(9999, 12, 31)).map(
    lambda date: date.replace(microsecond=date.microsecond // 1000 * 1000)
)

SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**63), 2**63 - 1),
    st.integers(-(2**63), 2**63 - 1).map(Int64),
    st.floats(allow_nan=False),
    st.just(math.nan),  # as everywhere, its sign and payload are not kept
    st.text(st.characters(exclude_categories=["Cs"]), max_size=8),
    DATES,
    st.integers(-(2**62), 2**62).map(DatetimeMS),
    st.binary(max_size=8),
    st.builds(Binary, st.binary(max_size=8), st.sampled_from([1, 5, 6, 7, 128, 255])),
    st.binary(min_size=16, max_size=16).map(lambda data: Binary(data, 3)),
    st.uuids(),
    st.binary(min_size=12, max_size=12).map(ObjectId),
    st.decimals(allow_nan=False, places=3, min_value=-(10**20), max_value=10**20).map(Decimal128),
    st.sampled_from([MinKey(), MaxKey(), Timestamp(1, 2), Regex("^a.b", "im"), Code("x"), DBRef("c", 1)]),
    st.sampled_from([Decimal128("Infinity"), Decimal128("1E+6144"), Decimal128("-0.000"), Code("x", {"a": 1})]),
)


def documents() -> st.SearchStrategy[Document]:
    """Documents with values of every type, nested."""
    values = st.recursive(
        SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3), max_leaves=6
    )
    return st.dictionaries(KEYS, values, max_size=5)
