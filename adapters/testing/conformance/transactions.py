"""What transactions and snapshots of a backend promise."""

import threading
import time

import pytest

from ....domain.errors import DeadlineExceeded, TooLarge, TransactionsUnsupported, WriteConflict
from ....domain.rules.predicates import EVERYTHING
from ...backend import Backend, Capability, CollectionDeclaration, Delete, KeyTaken, Update
from .cases import TIMEOUT, change, commit, ids, open_transaction, read, write
from .offers import OfferedGuarantees


class TransactionContract(OfferedGuarantees):
    """Transactions: isolation, conflicts, ends."""

    @pytest.fixture
    def one(self, transactional: Backend) -> Backend:
        """The backend with one document in each collection."""
        return self._with_one(transactional)

    def _with_one(self, backend: Backend) -> Backend:
        write(backend, {"_id": 1, "version": 1, "n": 0})
        write(backend, {"_id": 1, "version": 1, "email": "e1"}, into="people")
        return backend

    @pytest.mark.parametrize("read_only", [False, True])
    def test_offered_or_refused(self, backend: Backend, read_only: bool) -> None:
        """What is not offered is refused as unsupported, at the latest at the first operation."""
        capability = Capability.SNAPSHOT_READS if read_only else Capability.TRANSACTIONS
        try:
            with open_transaction(backend, read_only=read_only) as transaction:
                read(backend, transaction=transaction)
            offered = True
        except TransactionsUnsupported:
            offered = False

        assert (capability in self.capabilities) == offered

    def test_commit_shows_everything_at_once(self, one: Backend) -> None:
        """Nobody sees a transaction before its commit; it sees its own writes."""
        with open_transaction(one) as transaction:
            write(one, {"_id": 2}, updates=[change(1, n=5)], transaction=transaction)
            write(one, {"_id": 2, "email": "e2"}, into="people", transaction=transaction)
            inside = read(one, transaction=transaction)
            outside = read(one)
            commit(one, transaction)

        assert [{"_id": 1, "version": 2, "n": 5}, {"_id": 2}] == inside == read(one)
        assert [{"_id": 1, "version": 1, "n": 0}] == outside
        assert [1, 2] == ids(read(one, of="people"))

    def test_abort_discards(self, one: Backend) -> None:
        """An aborted transaction leaves nothing, and aborting again does nothing."""
        with open_transaction(one) as transaction:
            write(one, {"_id": 2}, deletes=[Delete(1, 1)], transaction=transaction)
            one.abort(transaction)

        assert [1] == ids(read(one))

    def test_empty_transaction(self, one: Backend) -> None:
        """A transaction in which nothing happened can be committed."""
        with open_transaction(one) as transaction:
            commit(one, transaction)

    def test_snapshot_is_taken_at_the_first_operation(self, one: Backend) -> None:
        """U2: what others commit before the first operation is seen, and what they commit later is not."""
        self._check_snapshot(one, read_only=False)

    def test_snapshot_for_reading(self, snapshots: Backend) -> None:
        """A snapshot for reading shows what was committed before its first operation, and nothing later."""
        self._check_snapshot(self._with_one(snapshots), read_only=True)

    def _check_snapshot(self, one: Backend, *, read_only: bool) -> None:
        with open_transaction(one, read_only=read_only) as transaction:
            write(one, {"_id": 2})
            before = ids(read(one, transaction=transaction))
            write(one, {"_id": 3}, deletes=[Delete(1, 1)])
            write(one, {"_id": 3, "email": "e3"}, into="people")
            after = ids(read(one, transaction=transaction))
            people = one.count("people", EVERYTHING, limit=None, transaction=transaction, timeout=TIMEOUT)

        assert ([1, 2], [1, 2], 1) == (before, after, people)

    @pytest.mark.parametrize("made_by", ["a write", "a preparation"])
    @pytest.mark.parametrize("use", ["read", "write"])
    def test_a_collection_that_came_after_the_snapshot(self, one: Backend, made_by: str, use: str) -> None:
        """A snapshot has no view of a collection that came into being after it: to use it is a conflict."""
        name = f"late_{made_by[2:]}_{use}"
        with open_transaction(one) as transaction:
            read(one, transaction=transaction)
            if made_by == "a write":
                write(one, {"_id": 1}, into=name)
            else:
                one.prepare([CollectionDeclaration(name)], timeout=TIMEOUT)
            with pytest.raises(WriteConflict):
                if use == "read":
                    read(one, of=name, transaction=transaction)
                else:
                    write(one, {"_id": 2}, into=name, transaction=transaction)
            with pytest.raises(WriteConflict):
                commit(one, transaction)

    def test_a_collection_that_a_snapshot_for_reading_has_no_view_of(self, snapshots: Backend) -> None:
        """Nor has a snapshot for reading."""
        self._with_one(snapshots)
        with open_transaction(snapshots, read_only=True) as transaction:
            read(snapshots, transaction=transaction)
            write(snapshots, {"_id": 1}, into="late_for_readers")
            with pytest.raises(WriteConflict):
                read(snapshots, of="late_for_readers", transaction=transaction)

    def test_a_transaction_makes_a_collection(self, one: Backend) -> None:
        """One that nobody made meanwhile is made by the write of a transaction."""
        with open_transaction(one) as transaction:
            read(one, transaction=transaction)
            write(one, {"_id": 1}, into="made_inside", transaction=transaction)
            commit(one, transaction)

        assert [1] == ids(read(one, of="made_inside"))

    def test_first_updater_wins(self, one: Backend) -> None:
        """U4: of two transactions that write one document the second is refused at its write."""
        with open_transaction(one) as first, open_transaction(one) as second:
            read(one, transaction=first)
            read(one, transaction=second)
            write(one, updates=[change(1, n=1)], transaction=first)
            with pytest.raises(WriteConflict):
                write(one, updates=[change(1, n=2)], transaction=second)
            commit(one, first)

        assert 1 == read(one)[0]["n"]

    @pytest.mark.parametrize("mine", ["update", "delete"])
    @pytest.mark.parametrize("theirs", ["update", "delete"])
    def test_change_inside_the_snapshot(self, one: Backend, mine: str, theirs: str) -> None:
        """U12: writing a document that another writer changed or removed since the snapshot is a conflict."""
        plans = {"update": {"updates": [change(1, n=1)]}, "delete": {"deletes": [Delete(1, 1)]}}
        with open_transaction(one) as transaction:
            read(one, transaction=transaction)
            write(one, **plans[theirs])  # type: ignore[arg-type]
            with pytest.raises(WriteConflict):
                write(one, transaction=transaction, **plans[mine])  # type: ignore[arg-type]

    def test_update_without_effect_takes_no_part(self, one: Backend) -> None:
        """T5: an update to the values that are there is no write, so it conflicts with nobody."""
        with open_transaction(one) as transaction:
            read(one, transaction=transaction)
            write(one, updates=[change(1, n=9)])
            result = write(one, updates=[Update(1, 1, {"n": 0})], transaction=transaction)
            commit(one, transaction)

        assert (1, 9) == (result.matched, read(one)[0]["n"])

    def test_version_that_moved_on_before_the_snapshot(self, one: Backend) -> None:
        """U12: a version that was old already is counted, not a conflict."""
        write(one, updates=[change(1, n=1)])
        with open_transaction(one) as transaction:
            result = write(one, updates=[change(1, n=2)], transaction=transaction)
            commit(one, transaction)

        assert (0, 1) == (result.matched, read(one)[0]["n"])

    def test_id_of_an_open_transaction(self, one: Backend) -> None:
        """Inserting the id that another open transaction inserted is a conflict."""
        with open_transaction(one) as first, open_transaction(one) as second:
            write(one, {"_id": 2}, transaction=first)
            with pytest.raises(WriteConflict):
                write(one, {"_id": 2}, transaction=second)

    def test_unique_value_of_an_open_transaction(self, one: Backend) -> None:
        """Taking the unique value that another open transaction took is a conflict."""
        with open_transaction(one) as first, open_transaction(one) as second:
            write(one, {"_id": 2, "email": "same"}, into="people", transaction=first)
            with pytest.raises(WriteConflict):
                write(one, {"_id": 3, "email": "same"}, into="people", transaction=second)

    def test_unique_value_taken_before_the_snapshot(self, one: Backend) -> None:
        """A unique value that is taken is a taken key, with nothing done, and the transaction is over."""
        with open_transaction(one) as transaction:
            with pytest.raises(KeyTaken) as caught:
                write(one, {"_id": 2, "email": "e2"}, {"_id": 3, "email": "e1"}, into="people", transaction=transaction)
            with pytest.raises(WriteConflict):
                read(one, transaction=transaction)

        assert (("email",), 1, 0) == (caught.value.keys, caught.value.position, caught.value.done)
        assert [1] == ids(read(one, of="people"))

    def test_single_insert_of_a_taken_value(self, one: Backend) -> None:
        """A plan of one operation names the taken key and position 0."""
        with open_transaction(one) as transaction, pytest.raises(KeyTaken) as caught:
            write(one, {"_id": 1}, transaction=transaction)

        assert (("_id",), 0, 0) == (caught.value.keys, caught.value.position, caught.value.done)

    def test_unique_value_freed_and_taken(self, one: Backend) -> None:
        """T22: a transaction may take the unique value that it has freed, and roll back to what was."""
        with open_transaction(one) as transaction:
            write(one, deletes=[Delete(1, 1)], into="people", transaction=transaction)
            write(one, {"_id": 2, "email": "e1"}, into="people", transaction=transaction)
            commit(one, transaction)

        assert [2] == ids(read(one, of="people"))

    def test_dead_after_a_conflict(self, one: Backend) -> None:
        """T2: after a conflict the transaction accepts nothing, and its commit leaves nothing."""
        with open_transaction(one) as transaction:
            write(one, {"_id": 7}, transaction=transaction)
            read(one, of="people", transaction=transaction)
            write(one, updates=[change(1, email="new")], into="people")
            with pytest.raises(WriteConflict):
                write(one, updates=[change(1, email="mine")], into="people", transaction=transaction)
            with pytest.raises(WriteConflict):
                read(one, transaction=transaction)
            with pytest.raises(WriteConflict):
                commit(one, transaction)

        assert [1] == ids(read(one))

    def test_too_large_in_a_transaction(self, one: Backend) -> None:
        """A document over 16 MiB is refused inside a transaction too."""
        with open_transaction(one) as transaction, pytest.raises(TooLarge):
            write(one, {"_id": 2, "a": "x" * 17 * 2**20}, transaction=transaction)

    def test_write_skew(self, one: Backend) -> None:
        """T5: two transactions that each read what the other writes both commit; `lock` is there for that."""
        with open_transaction(one) as first, open_transaction(one) as second:
            for transaction in (first, second):
                read(one, transaction=transaction)
                read(one, of="people", transaction=transaction)
            write(one, updates=[change(1, n=1)], transaction=first)
            write(one, updates=[change(1, n=1)], into="people", transaction=second)
            commit(one, first)
            commit(one, second)

        assert (1, 1) == (read(one)[0]["n"], read(one, of="people")[0]["n"])

    @pytest.mark.parametrize(("end", "matched", "n"), [("commit", 0, 1), ("abort", 1, 2)])
    def test_plain_write_waits_for_a_transaction(self, one: Backend, end: str, matched: int, n: int) -> None:
        """T16: a write outside transactions waits for an open one that wrote the document, then meets what is there."""
        with open_transaction(one) as transaction:
            write(one, updates=[change(1, n=1)], transaction=transaction)
            started = time.monotonic()
            later = threading.Timer(0.3, commit if end == "commit" else type(one).abort, (one, transaction))
            later.start()
            result = write(one, updates=[change(1, n=2)])
            waited = time.monotonic() - started
            later.join()

        assert (matched, n) == (result.matched, read(one)[0]["n"])
        assert waited >= 0.25

    def test_plain_write_waits_only_so_long(self, one: Backend) -> None:
        """T16: a write that waits for a transaction gives up when its time is over."""
        with open_transaction(one) as transaction:
            write(one, updates=[change(1, n=1)], transaction=transaction)
            with pytest.raises(DeadlineExceeded):
                write(one, updates=[change(1, n=2)], timeout=0.3)
