"""An entity with a field of every sort that an order can go by, and documents of it that other programs might write."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from enum import Enum
from typing import Any, NewType
from uuid import UUID

import pytest
from attrs import define, field, frozen
from bson import Decimal128, ObjectId

from tristore import Documents, DocumentStore, Entity, Id, Repository, UnitOfWork, open_store
from tristore.adapters.backend import Delete, Document, Query, WritePlan
from tristore.fields import SECRET

SampleId = NewType("SampleId", Id)
NOW = datetime(2026, 1, 31, 12, 0, tzinfo=UTC)


class Mixed(Enum):
    """Members that are stored as numbers, and one as text."""

    ONE = 1
    TWO = 2
    MANY = "many"


@define
class Place:
    """A nested value."""

    city: str | None = None


@define(kw_only=True)
class Sample(Entity[SampleId]):
    """A field of every sort."""

    number: int | None = None
    score: float | None = None
    amount: Decimal | None = None
    text: str | None = None
    flag: bool | None = None
    moment: datetime | None = None
    raw: bytes | None = None
    uid: UUID | None = None
    kind: Mixed | None = None
    friend: SampleId | None = None
    place: Place | None = None
    anything: Any = None
    data: dict[str, Any] = field(factory=dict)
    password: str | None = field(default=None, repr=False, metadata=SECRET)


class SampleRepository(Repository[Sample, SampleId]):
    """The samples."""


class SampleUnit(UnitOfWork):
    """The samples."""

    samples: SampleRepository


@frozen
class SampleView:
    """Two fields of a sample: neither all that is sorted by, nor the id."""

    text: str | None
    place: Place | None


@frozen
class Identified:
    """The id alone."""

    id: SampleId


SAMPLES = Documents(SampleRepository, collection="samples")
SampleStore = DocumentStore[SampleUnit]

STORED: dict[str, Sequence[Any]] = {
    "number": (0, 1, 1, 2, 2**62, -5),
    "score": (0.0, -0.0, 1.5, float("nan"), float("-inf"), float("inf"), 2),
    "amount": (Decimal128("1"), Decimal128("1.0"), Decimal128("NaN"), Decimal128("-7.25")),
    "text": ("", "a", "a", "b", "$gt", "É"),
    "flag": (True, False),
    "moment": tuple((NOW + timedelta(milliseconds=n)).replace(tzinfo=None) for n in range(3)),
    "raw": (b"", b"a", b"b", b"aa"),
    "uid": (UUID(int=1), UUID(int=2**127)),
    "kind": (1, 2, "many"),
    "friend": (ObjectId("0" * 24), ObjectId("f" * 24)),
    "place": ({}, {"city": None}, {"city": "Oslo"}, {"city": "Rome"}),
}
"""The values that documents of samples have, beside null and none at all."""

ANYTHING: Sequence[Any] = tuple({str((type(one), one)): one for values in STORED.values() for one in values}.values())
"""A value of every type, for fields that declare none; dictionaries among them."""

PLAIN: Sequence[Any] = tuple(value for value in ANYTHING if not isinstance(value, dict))


class SamplesContract:
    """The store of samples, empty."""

    @pytest.fixture
    def store(self, url: str) -> Iterator[SampleStore]:
        """The store."""
        store = open_store(SampleUnit, url=url, documents=[SAMPLES], prepare="create")
        clear(store)
        yield store
        store.close()


def write(store: SampleStore, *documents: Document) -> None:
    """Store documents as they are."""
    store.backend.write(WritePlan("samples", "version", inserts=documents), transaction=None, timeout=5.0)


def delete(store: SampleStore, *ids: ObjectId) -> None:
    """Remove documents that have no version."""
    plan = WritePlan("samples", "version", deletes=[Delete(one, None) for one in ids])
    store.backend.write(plan, transaction=None, timeout=5.0)


def clear(store: SampleStore) -> None:
    """Remove every document."""
    found = store.backend.find("samples", Query(), transaction=None, timeout=5.0).to_list()
    deletes = [Delete(one["_id"], one.get("version")) for one in found]
    store.backend.write(WritePlan("samples", "version", deletes=deletes), transaction=None, timeout=5.0)


def number(id: int) -> ObjectId:
    """An id that sorts by a number."""
    return ObjectId(id.to_bytes(12, "big"))
