"""Generated queries over all types of values: the in-memory backend and a real mongod find the same, in one order."""

import os
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pymongo import MongoClient
from pymongo.errors import OperationFailure
from sized import sized

from tristore import InvalidQuery, TristoreError
from tristore.adapters.backend import (
    CODEC_OPTIONS,
    Backend,
    BackendOptions,
    CollectionDeclaration,
    Document,
    IndexDeclaration,
    Matches,
    Query,
    SortKey,
    WritePlan,
)
from tristore.adapters.mongo.backend import MongoBackend
from tristore.testing import MemoryBackend, MongoServer

from .generated import DOCUMENTS, PATTERNS, QUERIES, TEXTS

DATABASE = f"queries_{os.getpid()}"
COLLECTIONS = (
    CollectionDeclaration("plain"),
    CollectionDeclaration("indexed", (IndexDeclaration((("a", 1),)), IndexDeclaration((("b", -1),)))),
)
AT_LEAST = 2_000
"""Queries in each run of a test."""

SEVERAL = 20
"""Documents that each query is asked of."""


@pytest.fixture(scope="module")
def server(tristore_mongod: MongoServer) -> Iterator[MongoBackend]:
    backend = MongoBackend.open(tristore_mongod.url_for(DATABASE), BackendOptions("queries", COLLECTIONS))
    backend.prepare(COLLECTIONS, timeout=30)
    yield backend
    backend.close()


@pytest.fixture(scope="module")
def bare(tristore_mongod: MongoServer) -> Iterator[MongoClient[Document]]:
    with MongoClient[Document](tristore_mongod.url) as client:
        yield client
        client.drop_database(DATABASE)


class Twins:
    """The same documents in the server, with and without indexes, and in memory."""

    def __init__(self, server: MongoBackend, bare: MongoClient[Document]) -> None:
        self.server = server
        self.bare = bare
        self.asked = self.telling = 0
        self.memory = MemoryBackend.open("memory://", BackendOptions("queries", COLLECTIONS))

    def hold(self, contents: list[Document]) -> None:
        """Store these documents, and no others."""
        documents = [{"_id": number, **content} for number, content in enumerate(contents)]
        self.memory = MemoryBackend.open("memory://", BackendOptions("queries", COLLECTIONS))
        for declared in COLLECTIONS:
            collection = self.bare[DATABASE].get_collection(declared.name, CODEC_OPTIONS)
            collection.delete_many({})
            collection.insert_many(documents)
            self.memory.write(WritePlan(declared.name, "version", inserts=documents), transaction=None, timeout=5)

    def compare(self, query: Query) -> None:
        """Ask both, each collection once."""
        for declared in COLLECTIONS:
            self.asked += 1
            expected, actual = (found(backend, declared.name, query) for backend in (self.server, self.memory))

            self.telling += 0 < len(expected) < SEVERAL and expected != "refused"

            assert expected == actual, (declared.name, query)


def found(backend: Backend, collection: str, query: Query) -> list[Any] | str:
    """The ids that a backend finds in the order of the query, or that it refuses."""
    try:
        return [one["_id"] for one in backend.find(collection, query, transaction=None, timeout=5)]
    except InvalidQuery:
        return "refused"
    except TristoreError as error:
        if isinstance(error.__cause__, OperationFailure) and error.__cause__.code == 2:
            return "refused"
        raise


def thorough(examples: int) -> settings:
    """Many examples, without a bound on time."""
    return settings(max_examples=examples, deadline=None, suppress_health_check=list(HealthCheck))


@sized(20, soak=120)
def test_generated_queries_find_the_same(server: MongoBackend, bare: MongoClient[Document], examples: int) -> None:
    """Every sort of predicate over documents of all types of values finds the same, in the same order."""
    twins = Twins(server, bare)

    @thorough(examples)
    @given(DOCUMENTS, st.lists(QUERIES, min_size=20, max_size=20))
    def run(contents: list[Document], queries: list[Query]) -> None:
        twins.hold(contents)
        for query in queries:
            twins.compare(query)

    run()

    assert twins.asked >= examples * 36
    assert twins.telling >= examples * 9  # queries that meet all documents, or none, would prove little


@sized(20, soak=120)
def test_generated_patterns_find_the_same(server: MongoBackend, bare: MongoClient[Document], examples: int) -> None:
    """A pattern that is accepted means the same to Python and to the server, with an index on the text and without."""
    twins = Twins(server, bare)

    @thorough(examples)
    @given(st.lists(TEXTS, min_size=SEVERAL, max_size=SEVERAL), st.lists(PATTERNS, min_size=20, max_size=20))
    def run(texts: list[str], patterns: list[Any]) -> None:
        twins.hold([{"a": text} for text in texts])
        for pattern in patterns:
            twins.compare(Query(Matches(("a",), pattern), (SortKey(("_id",)),)))

    run()

    assert twins.asked >= examples * 36
    assert twins.telling >= examples * 9  # queries that meet all documents, or none, would prove little
