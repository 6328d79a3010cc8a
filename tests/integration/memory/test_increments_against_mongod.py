"""Changes of all that match, in memory and on a real mongod: the same sums, types, keys, refusals."""

import os
from typing import Any

import pytest
from bson import encode
from bson.decimal128 import Decimal128
from bson.int64 import Int64
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from pymongo import MongoClient
from sized import sized

from tristore import ValidationError
from tristore.adapters.backend import (
    CODEC_OPTIONS,
    EVERYTHING,
    Backend,
    BackendOptions,
    CollectionDeclaration,
    Modify,
    Query,
    WritePlan,
    backend_for,
)
from tristore.testing import MemoryBackend, MongoServer

THINGS = (CollectionDeclaration("things"),)
INTEGERS = st.integers(-3, 3) | st.sampled_from([2**31 - 1, -(2**31), 2**31, 2**53 + 1, 2**63 - 1, -(2**63)])
FLOATS = st.floats(width=64) | st.sampled_from([0.0, -0.0, 0.1, 1.5, 1e300, 5e-324, 2.0**53])
DECIMALS = st.sampled_from(
    [
        *("0", "-0", "0.00", "1", "1.50", "-3", "0.1", "1E+3", "1E-6176", "NaN", "Infinity", "-Infinity"),
        *("9.999999999999999999999999999999999E+6144", "1234567890123456789012345678901234", "0E+10", "1E+40"),
    ]
).map(Decimal128)
NUMBERS = INTEGERS | INTEGERS.map(Int64) | FLOATS | DECIMALS
OTHERS = st.sampled_from([None, "x", True, [], [1], {}, {"a": 1}])
DOCUMENTS = st.fixed_dictionaries({}, optional={"a": NUMBERS | OTHERS, "b": NUMBERS, "n": OTHERS | NUMBERS})
KEYS = st.sampled_from(["a", "b", "c", "n.x", "n.y", "m.x.y"])
CHANGES = st.builds(
    lambda increment, values, unset: Modify(
        {key: value for key, value in values.items() if key not in increment},
        [key for key in unset if key not in increment and key not in values],
        increment,
    ),
    st.dictionaries(KEYS, NUMBERS, max_size=3),
    st.dictionaries(KEYS, NUMBERS | OTHERS, max_size=2),
    st.lists(KEYS, max_size=2, unique=True),
)


@pytest.fixture(scope="module")
def mongo(tristore_mongod: MongoServer) -> Any:
    """A backend on a database of this module's own."""
    name = f"increments_{os.getpid()}"
    backend = backend_for(tristore_mongod.url_for(name)).open(
        tristore_mongod.url_for(name), BackendOptions("increments", THINGS)
    )
    backend.prepare(THINGS, timeout=30)
    yield backend
    backend.close()
    with MongoClient[dict[str, Any]](tristore_mongod.url) as client:
        client.drop_database(name)


def outcome(backend: Backend, document: dict[str, Any], change: Modify) -> tuple[Any, str, bytes]:
    """What is answered, and the document that is stored afterwards, to be read and to be compared."""
    backend.remove_where("things", EVERYTHING, transaction=None, timeout=5)
    backend.write(WritePlan("things", "version", inserts=[{"_id": 1, **document}]), transaction=None, timeout=5)
    answer: Any
    try:
        answer = backend.update_where("things", EVERYTHING, change, transaction=None, timeout=5)
    except ValidationError:
        answer = ValidationError
    (found,) = backend.find("things", Query(), transaction=None, timeout=5).to_list()
    return answer, repr(found), encode(found, codec_options=CODEC_OPTIONS)


@sized(300, soak=1_500)
def test_changes_are_those_of_the_server(mongo: Backend, examples: int) -> None:
    """U21: sums with their types and digits, made and refused paths, the order of keys: byte for byte the same."""

    @settings(max_examples=examples, deadline=None, suppress_health_check=list(HealthCheck))
    @given(document=DOCUMENTS, change=CHANGES)
    def law(document: dict[str, Any], change: Modify) -> None:
        assume(change.set or change.unset or change.increment)
        memory = MemoryBackend.open("memory://", BackendOptions("increments", THINGS))

        assert outcome(mongo, document, change) == outcome(memory, document, change)

    law()
