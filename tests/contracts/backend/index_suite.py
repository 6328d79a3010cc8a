"""What declared indexes do on every backend: which documents they refuse, alone and against open transactions."""

from typing import Any

import pytest

from tristore import ConfigurationError, ValidationError
from tristore.adapters.backend import Backend, CollectionDeclaration, Delete, IndexDeclaration, KeyTaken, Update
from tristore.errors import WriteConflict

from .index_cases import CASES, EMAIL, KEYS, OPEN, is_, unique
from .port_calls import TIMEOUT, change, ids, open_transaction, read, write

TAKEN = [(name, first, second) for name, first, second, keys in CASES if keys]


class IndexContract:
    """Sparse, partial, compound and multikey indexes, at the level of documents."""

    @pytest.fixture
    def backend(self) -> Backend:
        """The backend under test, prepared with `KEYS` and empty."""
        raise NotImplementedError

    @pytest.mark.parametrize(("name", "first", "second", "taken"), CASES)
    def test_which_documents_are_refused(
        self, backend: Backend, name: str, first: dict[str, Any], second: dict[str, Any], taken: tuple[str, ...] | None
    ) -> None:
        """A unique index refuses a document exactly if one of its keys is filed already."""
        write(backend, {"_id": 1, **first}, into=name)
        try:
            write(backend, {"_id": 2, **second}, into=name)
            found = None
        except KeyTaken as error:
            found = error.keys

        assert taken == found

    @pytest.mark.parametrize(("name", "first", "second"), TAKEN)
    def test_a_key_of_an_open_transaction(
        self, backend: Backend, name: str, first: dict[str, Any], second: dict[str, Any]
    ) -> None:
        """A key that an open transaction has filed is a conflict for another one; after its abort it is free."""
        with open_transaction(backend) as one, open_transaction(backend) as other:
            write(backend, {"_id": 1, **first}, into=name, transaction=one)
            with pytest.raises(WriteConflict):
                write(backend, {"_id": 2, **second}, into=name, transaction=other)
            backend.abort(one)
        write(backend, {"_id": 2, **second}, into=name)

        assert [2] == ids(read(backend, of=name))

    @pytest.mark.parametrize(("name", "first", "second"), TAKEN)
    def test_a_key_that_was_committed_after_the_snapshot(
        self, backend: Backend, name: str, first: dict[str, Any], second: dict[str, Any]
    ) -> None:
        """A key that another writer filed since the snapshot is a conflict, though nobody sees it inside."""
        with open_transaction(backend) as transaction:
            read(backend, of=name, transaction=transaction)
            write(backend, {"_id": 1, **first}, into=name)
            with pytest.raises(WriteConflict):
                write(backend, {"_id": 2, **second}, into=name, transaction=transaction)

        assert [1] == ids(read(backend, of=name))

    def test_a_change_that_enters_a_partial_index(self, backend: Backend) -> None:
        """A document is held to a partial key from the change on that makes it meet the rule."""
        write(backend, {"_id": 1, "version": 1, "email": "a", "state": "open"}, into="partial")
        write(backend, {"_id": 2, "version": 1, "email": "a", "state": "shut"}, into="partial")
        with pytest.raises(KeyTaken) as caught:
            write(backend, updates=[change(2, state="open")], into="partial")
        write(backend, updates=[change(1, state="shut")], into="partial")
        write(backend, updates=[change(2, state="open")], into="partial")

        assert EMAIL == caught.value.keys
        assert ["shut", "open"] == [found["state"] for found in read(backend, of="partial")]

    def test_a_key_that_leaves_a_partial_index(self, backend: Backend) -> None:
        """A transaction may take the key that it has freed by a change of the rule's field alone."""
        write(backend, {"_id": 1, "version": 1, "email": "a", "state": "open"}, into="partial")
        with open_transaction(backend) as transaction:
            write(
                backend,
                {"_id": 2, "email": "a", "state": "open"},
                updates=[Update(1, 1, {"version": 2}, ("state",))],
                into="partial",
                transaction=transaction,
            )
            backend.commit(transaction, timeout=TIMEOUT)

        assert [1, 2] == ids(read(backend, of="partial"))

    def test_items_that_leave_a_list(self, backend: Backend) -> None:
        """An item that was taken out of a list is free; the others stay taken."""
        write(backend, {"_id": 1, "version": 1, "tags": ["a", "b"]}, into="multikey")
        write(backend, updates=[change(1, tags=["b", "c"])], into="multikey")
        write(backend, {"_id": 2, "tags": ["a"]}, into="multikey")
        for taken in ("b", "c"):
            with pytest.raises(KeyTaken):
                write(backend, {"_id": 3, "tags": taken}, into="multikey")
        write(backend, {"_id": 3, "tags": "c"}, deletes=[Delete(1, 2)], into="multikey")

        assert [2, 3] == ids(read(backend, of="multikey"))

    @pytest.mark.parametrize("name", ["pairs", "plain"])
    def test_two_lists_in_one_index(self, backend: Backend, name: str) -> None:
        """A document with two lists has no place in an index over both, unique or not, and is refused."""
        keys = {"pairs": ("owner", "tags"), "plain": ("a", "b")}[name]
        write(backend, {"_id": 1, "version": 1, keys[0]: [1], keys[1]: 2}, into=name)
        with pytest.raises(ValidationError):
            write(backend, {"_id": 2, keys[0]: [1], keys[1]: [1]}, into=name)
        with pytest.raises(ValidationError):
            write(backend, updates=[Update(1, 1, {keys[1]: [2]})], into=name)

        assert [(1, 1)] == [(found["_id"], found["version"]) for found in read(backend, of=name)]

    def test_another_rule_is_another_index(self, backend: Backend) -> None:
        """An index with another rule, or with none, is missing, and cannot be made beside the one that is there."""
        for partial in (is_("state", "shut"), is_("state", 1), None):
            wanted = [CollectionDeclaration("partial", (unique("email", partial=partial),))]

            assert [("partial", wanted[0].indexes[0])] == list(backend.missing(wanted, timeout=TIMEOUT))
            with pytest.raises(ConfigurationError, match=r"email.* exists with other options"):
                backend.prepare(wanted, timeout=TIMEOUT)
        same = CollectionDeclaration("partial", (unique("email", partial=OPEN),))
        backend.prepare([same], timeout=TIMEOUT)

        assert [] == list(backend.missing([*KEYS, same], timeout=TIMEOUT))

    def test_duplicates_outside_a_rule(self, backend: Backend) -> None:
        """A partial key can be prepared over documents that repeat values outside its rule, not inside."""
        for name, state in (("fits", "shut"), ("breaks", "open")):
            write(backend, {"_id": 1, "n": 5, "state": state}, {"_id": 2, "n": 5, "state": state}, into=name)
        index = unique("n", partial=OPEN)
        backend.prepare([CollectionDeclaration("fits", (index,))], timeout=TIMEOUT)
        with pytest.raises(ConfigurationError, match=r"breaks.* n\b"):
            backend.prepare([CollectionDeclaration("breaks", (index,))], timeout=TIMEOUT)
        with pytest.raises(KeyTaken):
            write(backend, {"_id": 3, "n": 6, "state": "open"}, {"_id": 4, "n": 6, "state": "open"}, into="fits")

    def test_lists_cannot_enter_an_index_later(self, backend: Backend) -> None:
        """An index over two keys cannot be prepared while a document has lists in both."""
        write(backend, {"_id": 1, "a": [1], "b": [2]}, into="lists")
        index = IndexDeclaration((("a", 1), ("b", 1)))

        with pytest.raises(ConfigurationError, match=r"lists"):
            backend.prepare([CollectionDeclaration("lists", (index,))], timeout=TIMEOUT)
