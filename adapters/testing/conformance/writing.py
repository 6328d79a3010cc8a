"""What writing to a backend does, without transactions."""

from datetime import datetime
from typing import Any
from uuid import UUID

import pytest
from bson import Decimal128, Int64, ObjectId, encode

from ....domain.errors import TooLarge, ValidationError
from ...backend import Backend, Delete, KeyTaken, Replace, Update, WriteResult
from ...backend.bson import CODEC_OPTIONS
from .cases import change, ids, read, write
from .offers import OfferedGuarantees

EVERY_TYPE = {
    "_id": ObjectId("0" * 24),
    "none": None,
    "text": "é\0",
    "int": 2**63 - 1,
    "long": Int64(3),
    "float": 1.5,
    "bool": True,
    "date": datetime(1, 1, 1),
    "decimal": Decimal128("1.10"),
    "uuid": UUID(int=7),
    "bytes": b"\0\1",
    "list": [1, [2], {"a": []}],
    "dict": {"b": 1, "a": {"$set": 2}, "a.b": 3},
}


class WritingContract(OfferedGuarantees):
    """Writing: plans, versions, unique keys, values."""

    def test_every_type_comes_back(self, backend: Backend) -> None:
        """A document comes back with its values, their types, and the order of its keys."""
        write(backend, EVERY_TYPE)
        (found,) = read(backend)

        assert encode(EVERY_TYPE, codec_options=CODEC_OPTIONS) == encode(found, codec_options=CODEC_OPTIONS)

    def test_dates_are_cut_to_milliseconds(self, backend: Backend) -> None:
        """A date loses what is finer than a millisecond."""
        write(backend, {"_id": 1, "at": datetime(2026, 1, 1, microsecond=123_999)})

        assert datetime(2026, 1, 1, microsecond=123_000) == read(backend)[0]["at"]

    def test_plan_in_order(self, backend: Backend) -> None:
        """Deletes come before updates and updates before inserts, so that freed unique values can be taken."""
        write(backend, *({"_id": n, "version": 1, "email": f"e{n}"} for n in range(3)), into="people")

        result = write(
            backend,
            {"_id": 9, "version": 1, "email": "e1"},
            deletes=[Delete(0, 1)],
            updates=[change(1, email="e0"), Replace(2, 1, {"_id": 2, "version": 2, "email": "e2", "new": 1})],
            into="people",
        )

        assert WriteResult(deleted=1, matched=2, inserted=1) == result
        assert [
            {"_id": 1, "version": 2, "email": "e0"},
            {"_id": 2, "version": 2, "email": "e2", "new": 1},
            {"_id": 9, "version": 1, "email": "e1"},
        ] == read(backend, of="people")

    def test_empty_plan(self, backend: Backend) -> None:
        """A plan of nothing writes nothing."""
        assert WriteResult(0, 0, 0) == write(backend)

    def test_update_sets_and_unsets(self, backend: Backend) -> None:
        """An update changes what it names, and keeps every other field."""
        write(backend, {"_id": 1, "version": 1, "a": 1, "b": 2, "kept": {"x": 1}})
        write(backend, updates=[Update(1, 1, {"version": 2, "a": [1]}, ("b", "absent"))])

        assert [{"_id": 1, "version": 2, "a": [1], "kept": {"x": 1}}] == read(backend)

    def test_update_that_changes_nothing_matches(self, backend: Backend) -> None:
        """A document counts as matched though the update leaves it as it was."""
        write(backend, {"_id": 1, "version": 1, "a": 1})

        assert WriteResult(0, 1, 0) == write(backend, updates=[Update(1, 1, {"a": 1})])

    def test_versions_that_moved_on(self, backend: Backend) -> None:
        """U12: updates and deletes of other versions, or of nothing, are left out and counted so."""
        write(backend, *({"_id": n, "version": 2} for n in range(4)))

        result = write(
            backend,
            deletes=[Delete(0, 2), Delete(1, 1), Delete(8, 1)],
            updates=[change(2, 2), change(3, 1), change(9, 1), Replace(3, 7, {"_id": 3})],
        )

        assert WriteResult(deleted=1, matched=1, inserted=0) == result
        assert [(1, 2), (2, 3), (3, 2)] == [(found["_id"], found["version"]) for found in read(backend)]

    def test_documents_without_a_version(self, backend: Backend) -> None:
        """U10: version None meets a document whose version is missing or null, and no other."""
        write(backend, {"_id": 1}, {"_id": 2, "version": None}, {"_id": 3, "version": 1}, {"_id": 4})

        result = write(backend, deletes=[Delete(4, None)], updates=[change(n, None, a=1) for n in (1, 2, 3)])

        assert WriteResult(deleted=1, matched=2, inserted=0) == result
        assert [1, 1, None] == [found.get("a") for found in read(backend)]

    @pytest.mark.parametrize("value", [2**63, -(2**63) - 1, "\ud800", object()], ids=["int", "-int", "text", "object"])
    def test_value_that_cannot_be_stored(self, backend: Backend, value: object) -> None:
        """An integer over 64 bits, a lone surrogate and a foreign object are refused, and nothing is written."""
        with pytest.raises(ValidationError):
            write(backend, {"_id": 1, "a": value})

        assert [] == read(backend)

    @pytest.mark.parametrize("value", [2**63 - 1, -(2**63)])
    def test_integers_of_64_bits(self, backend: Backend, value: int) -> None:
        """Integers of up to 64 bits come back as they are."""
        write(backend, {"_id": 1, "a": value})

        assert value == read(backend)[0]["a"]

    def test_document_over_the_limit(self, backend: Backend) -> None:
        """A document over 16 MiB is refused, and nothing is written."""
        with pytest.raises(TooLarge):
            write(backend, {"_id": 1, "a": "x" * 17 * 2**20})

        assert [] == read(backend)

    def test_update_over_the_limit(self, backend: Backend) -> None:
        """A document that an update would make larger than 16 MiB is refused, and stays as it was."""
        write(backend, {"_id": 1, "version": 1, "a": "x" * 9 * 2**20})

        with pytest.raises(TooLarge):
            write(backend, updates=[change(1, b="x" * 9 * 2**20)])

        assert ["_id", "version", "a"] == [*read(backend)[0]]

    def test_taken_id(self, backend: Backend) -> None:
        """An id that exists is a taken key; what the plan did before stays, and what follows is not done."""
        write(backend, {"_id": 1})

        with pytest.raises(KeyTaken) as caught:
            write(backend, {"_id": 2}, {"_id": 1}, {"_id": 3})

        assert (("_id",), 1, 1) == (caught.value.keys, caught.value.position, caught.value.done)
        assert [1, 2] == ids(read(backend))

    def test_position_counts_through_the_plan(self, backend: Backend) -> None:
        """The position of a taken key counts deletes, then updates, then inserts."""
        write(backend, *({"_id": n, "version": 1, "email": f"e{n}"} for n in range(3)), into="people")

        with pytest.raises(KeyTaken) as caught:
            write(
                backend,
                {"_id": 9, "email": "e9"},
                deletes=[Delete(0, 1)],
                updates=[change(1, email="e0"), change(2, email="e0")],
                into="people",
            )

        assert (("email",), 2, 2) == (caught.value.keys, caught.value.position, caught.value.done)
        assert [(1, "e0"), (2, "e2")] == [(found["_id"], found["email"]) for found in read(backend, of="people")]

    @pytest.mark.parametrize(
        ("first", "second", "taken"),
        [
            ({"email": "a"}, {"email": "a"}, ("email",)),
            ({"email": "a"}, {"email": "A"}, None),
            ({"email": 1}, {"email": 1.0}, ("email",)),
            ({"email": 1}, {"email": True}, None),
            ({"email": None}, {}, ("email",)),
            ({}, {}, ("email",)),
            ({"email": ["a", "b"]}, {"email": "b"}, ("email",)),
            ({"email": ["a", "a"]}, {"email": "b"}, None),
            ({"email": []}, {"email": None}, None),
            ({"email": 1}, {"email": 2}, None),
            ({"email": 1, "nick": None}, {"email": 2, "nick": None}, ("nick",)),
            ({"email": 1, "nick": None}, {"email": 2}, None),
            ({"email": 1, "nick": "n"}, {"email": 2, "nick": "n"}, ("nick",)),
            ({"email": 1, "team": 1, "seat": 1}, {"email": 2, "team": 1, "seat": 1}, ("team", "seat")),
            ({"email": 1, "team": 1, "seat": 1}, {"email": 2, "team": 1, "seat": 2}, None),
            ({"email": 1, "team": 1}, {"email": 2, "team": 1, "seat": None}, ("team", "seat")),
        ],
    )
    def test_unique_keys(
        self, backend: Backend, first: dict[str, Any], second: dict[str, Any], taken: tuple[str, ...] | None
    ) -> None:
        """Missing and null are one value of a unique key, numbers compare by value, sparse keys skip missing ones."""
        write(backend, {"_id": 1, **first}, into="people")
        try:
            write(backend, {"_id": 2, **second}, into="people")
            found = None
        except KeyTaken as error:
            found = error.keys

        assert taken == found

    def test_unique_values_cannot_be_swapped(self, backend: Backend) -> None:
        """Unique keys are checked at each operation, not at the end of a plan."""
        write(backend, *({"_id": n, "version": 1, "email": f"e{n}"} for n in range(2)), into="people")

        with pytest.raises(KeyTaken):
            write(backend, updates=[change(0, email="e1"), change(1, email="e0")], into="people")

    def test_deleted_id_can_be_inserted_again(self, backend: Backend) -> None:
        """One plan may delete a document and insert another under its id."""
        write(backend, {"_id": 1, "version": 1})
        write(backend, {"_id": 1, "version": 1, "new": True}, deletes=[Delete(1, 1)])

        assert [{"_id": 1, "version": 1, "new": True}] == read(backend)
