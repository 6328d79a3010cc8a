"""What a backend does with many documents at once."""

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from bson import Decimal128, Int64

from ....domain.entities.bounds import Comparator
from ....domain.errors import DeadlineExceeded, ValidationError, WriteConflict
from ....domain.rules.predicates import EVERYTHING, Compare, Predicate
from ...backend import Backend, Delete, KeyTaken, ManyResult, Modify, ModifyResult, Replace, WritePlan
from .cases import TIMEOUT, change, commit, ids, open_transaction, read, write
from .offers import OfferedGuarantees


def many(backend: Backend, plan: WritePlan) -> ManyResult:
    """Carry out a plan in no order."""
    return backend.write_many(plan, timeout=TIMEOUT)


def modify(backend: Backend, how: Modify, predicate: Predicate = EVERYTHING, **options: Any) -> ModifyResult:
    """Change all that match."""
    given = {"transaction": None, "timeout": TIMEOUT, **options}
    return backend.update_where(given.pop("of", "things"), predicate, how, **given)


def above(value: int) -> Predicate:
    """More than that at n."""
    return Compare(("n",), Comparator.GT, value)


class ManyContract(OfferedGuarantees):
    """`write_many`, `update_where`, `remove_where`."""

    def test_one_refused_operation_stops_no_other(self, backend: Backend) -> None:
        """Errors come by position, each of its class; everything else of the plan is carried out."""
        write(backend, {"_id": 1, "version": 1, "email": "a"}, {"_id": 2, "version": 1, "email": "b"}, into="people")
        deep: dict[str, Any] = {}
        inner = deep
        for _ in range(190):
            inner["x"] = inner = {}
        plan = WritePlan(
            "people",
            "version",
            inserts=[
                {"_id": 3, "email": "c"},
                {"_id": 4, "email": "a"},
                {"_id": 5, "deep": deep},
                {"_id": 1, "email": "z"},
                {"_id": 6, "email": "d"},
            ],
        )
        result = many(backend, plan)

        assert (2, [1, 2, 3]) == (result.inserted, sorted(result.errors))
        taken = {number: error.keys for number, error in result.errors.items() if isinstance(error, KeyTaken)}
        assert {1: ("email",), 3: ("_id",)} == taken
        assert isinstance(result.errors[2], ValidationError)
        assert [1, 2, 3, 6] == ids(read(backend, of="people"))

    def test_mixed_plans_in_no_order(self, backend: Backend) -> None:
        """Versions are asked for, and what was met is counted by sort."""
        write(backend, *({"_id": n, "version": 1} for n in range(4)))
        plan = WritePlan(
            "things",
            "version",
            [Delete(0, 1), Delete(1, 7)],
            [change(2, 1, a=1), change(3, 7, a=1), Replace(3, 1, {"_id": 3, "version": 2})],
            [{"_id": 9}],
        )

        assert ManyResult(1, 2, 1) == many(backend, plan)
        assert [1, 2, 3, 9] == ids(read(backend))

    def test_all_that_match_change(self, backend: Backend) -> None:
        """Keys are set, taken away and added to, dotted ones inside values that are made where they are missing."""
        write(backend, {"_id": 1, "n": 1}, {"_id": 2, "n": 5, "old": 1, "in": {"a": 1, "b": 2}}, {"_id": 3, "n": 6})
        result = modify(
            backend, Modify({"in.c": 3, "new": True}, ("old", "in.b", "no.such"), {"n": 10, "z": 1}), above(1)
        )

        assert ModifyResult(2, 2) == result
        assert [
            {"_id": 1, "n": 1},
            {"_id": 2, "n": 15, "in": {"a": 1, "c": 3}, "new": True, "z": 1},
            {"_id": 3, "n": 16, "in": {"c": 3}, "new": True, "z": 1},
        ] == read(backend)
        assert ["_id", "n", "in", "new", "z"] == list(read(backend)[2])

    def test_what_changes_nothing_is_matched(self, backend: Backend) -> None:
        """A document that is left as it was counts as matched and not as modified."""
        write(backend, {"_id": 1, "n": 1}, {"_id": 2, "n": 2})

        assert ModifyResult(2, 1) == modify(backend, Modify({"n": 1}))
        assert ModifyResult(2, 0) == modify(backend, Modify({}, ("absent",), {"n": 0}))
        assert ModifyResult(0, 0) == modify(backend, Modify({"n": 1}), above(9))

    @pytest.mark.parametrize(
        ("found", "how"),
        [
            ("x", Modify({}, (), {"n": 1})),
            (None, Modify({}, (), {"n": 1})),
            (True, Modify({}, (), {"n": 1})),
            ([1], Modify({}, (), {"n": 1})),
            (2**63 - 1, Modify({}, (), {"n": 1})),
            (Int64(-(2**63)), Modify({}, (), {"n": -1})),
            ("x", Modify({"n.part": 1})),
            (None, Modify({"n.part": 1})),
            ([{"a": 1}], Modify({"n.part": 1})),
            (5, Modify({}, (), {"n.part": 1})),
        ],
    )
    def test_stored_values_that_cannot_be_changed_so(self, backend: Backend, found: Any, how: Modify) -> None:
        """It is a ValidationError, and the document stays as it is."""
        write(backend, {"_id": 1, "n": found})
        with pytest.raises(ValidationError):
            modify(backend, how)

        assert [{"_id": 1, "n": found}] == read(backend)

    def test_unset_of_a_part_that_is_not_there(self, backend: Backend) -> None:
        """Taking away a part of what is no value with parts changes nothing."""
        write(backend, {"_id": 1, "n": "x"}, {"_id": 2, "n": [1]}, {"_id": 3})

        assert ModifyResult(3, 0) == modify(backend, Modify({}, ("n.part",)))

    def test_a_unique_key_that_is_taken(self, backend: Backend) -> None:
        """KeyTaken names the keys; without a transaction those that were changed before it stay changed."""
        write(backend, *({"_id": n, "email": f"e{n}", "nick": f"n{n}"} for n in range(3)), into="people")
        with pytest.raises(KeyTaken) as error:
            modify(backend, Modify({"email": "same"}), of="people")

        assert ("email",) == error.value.keys
        assert 1 == sum(found["email"] == "same" for found in read(backend, of="people"))

    def test_freed_unique_values_can_be_taken(self, backend: Backend) -> None:
        """Unique keys follow what is changed and removed."""
        write(backend, {"_id": 1, "email": "a"}, {"_id": 2, "email": "b"}, into="people")
        modify(backend, Modify({"email": "c"}), Compare(("_id",), Comparator.EQ, 1), of="people")
        removed = backend.remove_where(
            "people", Compare(("email",), Comparator.EQ, "b"), transaction=None, timeout=TIMEOUT
        )
        write(backend, {"_id": 3, "email": "a"}, {"_id": 4, "email": "b"}, into="people")

        assert (1, [1, 3, 4]) == (removed, ids(read(backend, of="people")))

    def test_all_that_match_go(self, backend: Backend) -> None:
        """remove_where says how many."""
        write(backend, *({"_id": n, "n": n} for n in range(5)))

        assert 3 == backend.remove_where("things", above(1), transaction=None, timeout=TIMEOUT)
        assert 0 == backend.remove_where("things", above(1), transaction=None, timeout=TIMEOUT)
        assert [0, 1] == ids(read(backend))

    def test_inside_a_transaction(self, transactional: Backend) -> None:
        """It sees the transaction's own writes, is seen by nobody else, and ends with it."""
        write(transactional, {"_id": 1, "n": 1})
        with open_transaction(transactional) as transaction:
            write(transactional, {"_id": 2, "n": 1}, transaction=transaction)
            changed = modify(transactional, Modify({}, (), {"n": 1}), transaction=transaction)
            removed = transactional.remove_where("things", above(1), transaction=transaction, timeout=TIMEOUT)
            outside = read(transactional)
        with open_transaction(transactional) as transaction:
            modify(transactional, Modify({}, (), {"n": 5}), transaction=transaction)
            commit(transactional, transaction)

        assert (ModifyResult(2, 2), 2, [{"_id": 1, "n": 1}]) == (changed, removed, outside)
        assert [{"_id": 1, "n": 6}] == read(transactional)

    @pytest.mark.parametrize("removes", [False, True])
    def test_first_updater_wins_over_a_change_of_all(self, transactional: Backend, removes: bool) -> None:
        """What another writer changed since the snapshot is a WriteConflict at once, and ends the transaction."""
        write(transactional, {"_id": 1, "n": 1})
        with open_transaction(transactional) as transaction:
            read(transactional, transaction=transaction)
            modify(transactional, Modify({"n": 2}))
            with pytest.raises(WriteConflict):
                if removes:
                    transactional.remove_where("things", EVERYTHING, transaction=transaction, timeout=TIMEOUT)
                else:
                    modify(transactional, Modify({"n": 3}), transaction=transaction)
            with pytest.raises(WriteConflict):
                read(transactional, transaction=transaction)

        assert [{"_id": 1, "n": 2}] == read(transactional)

    def test_plain_changes_wait_and_look_again(self, transactional: Backend) -> None:
        """A document that an open transaction has written is waited for, and changed only if it still matches."""
        write(transactional, {"_id": 1, "n": 1}, {"_id": 2, "n": 2})
        with ThreadPoolExecutor(1) as pool:
            with open_transaction(transactional) as transaction:
                modify(transactional, Modify({"n": 0}), Compare(("_id",), Comparator.EQ, 2), transaction=transaction)
                with pytest.raises(DeadlineExceeded):
                    modify(transactional, Modify({"n": 9}), above(1), timeout=0.2)
                waiting = pool.submit(modify, transactional, Modify({}, (), {"n": 10}), above(0))
                threading.Event().wait(0.1)
                assert not waiting.done()
                commit(transactional, transaction)
            result = waiting.result(TIMEOUT)

        assert ModifyResult(1, 1) == result
        assert [{"_id": 1, "n": 11}, {"_id": 2, "n": 0}] == read(transactional)

    @pytest.mark.parametrize(
        ("found", "by", "expected"),
        [
            (5, 2, 7),
            (2**31 - 1, 1, Int64(2**31)),
            (Int64(5), -2, Int64(3)),
            (5, 0.5, 5.5),
            (0.1, 0.2, 0.1 + 0.2),
            (Decimal128("1.10"), Decimal128("0.2"), Decimal128("1.30")),
            (Decimal128("1.10"), 1, Decimal128("2.10")),
        ],
    )
    def test_types_of_sums(self, backend: Backend, found: Any, by: Any, expected: Any) -> None:
        """A sum has the wider type of the two; a missing number counts as 0."""
        write(backend, {"_id": 1, "n": found}, {"_id": 2})
        modify(backend, Modify({}, (), {"n": by}))
        one, two = read(backend)

        assert (repr(expected), type(expected)) == (repr(one["n"]), type(one["n"]))
        assert by == two["n"]
