"""What the driver cannot decode: a document that another program stored breaks only itself, and is named."""

import os
import struct
from collections.abc import Iterator
from typing import Any

import pytest
from bson import encode
from bson.binary import Binary
from bson.raw_bson import RawBSONDocument
from pymongo import MongoClient

from tristore import ValidationError
from tristore.adapters.backend import EVERYTHING, Backend, BackendOptions, Comparator, Compare, Query, backend_for
from tristore.testing import MongoServer

DATABASE = f"unreadable_{os.getpid()}"


def _text_that_is_not_utf8() -> RawBSONDocument:
    inner = encode({"name": "????"}).replace(b"????", b"\xff\xfe\xfd\xfc")
    body = encode({"_id": 7})[4:-1] + b"\x03in\0" + inner
    return RawBSONDocument(struct.pack("<i", len(body) + 5) + body + b"\0")


POISON: list[tuple[Any, str]] = [
    ({"_id": 7, "token": Binary(b"abc", 4)}, "token"),
    ({"_id": 7, "list": [1, {"deep": Binary(b"", 4)}]}, "list.1.deep"),
    (_text_that_is_not_utf8(), "in.name"),
]


@pytest.fixture
def backend(tristore_mongod: MongoServer, raw: MongoClient[dict[str, Any]]) -> Iterator[Backend]:
    """A backend on a database of its own."""
    url = tristore_mongod.url_for(DATABASE)
    backend = backend_for(url).open(url, BackendOptions("unreadable", ()))
    yield backend
    backend.close()
    raw.drop_database(DATABASE)


@pytest.mark.parametrize(("document", "path"), POISON)
@pytest.mark.parametrize("in_transaction", [False, True])
def test_the_document_and_the_field_are_named(
    backend: Backend,
    raw: MongoClient[dict[str, Any]],
    document: Any,
    path: str,
    in_transaction: bool,
) -> None:
    """A find that meets one document that cannot be decoded says which, and where; all others can be read."""
    raw[DATABASE]["things"].insert_many([{"_id": number} for number in range(5)])
    raw[DATABASE]["things"].insert_one(document)
    transaction = backend.begin() if in_transaction else None
    with pytest.raises(ValidationError):
        [*backend.find("things", Query(), transaction=transaction, timeout=5.0)]
    with pytest.raises(ValidationError) as caught:
        backend.find("things", Query(), transaction=transaction, timeout=5.0).to_list()
    others = Query(Compare(("_id",), Comparator.LT, 7))

    assert ([path], "things", 7) == (
        [problem.field for problem in caught.value.problems],
        caught.value.entity,
        caught.value.document_id,
    )
    assert 5 == len(backend.find("things", others, transaction=transaction, timeout=5.0).to_list())
    if transaction is not None:
        backend.abort(transaction)


def test_values_that_cannot_be_decoded(backend: Backend, raw: MongoClient[dict[str, Any]]) -> None:
    """Where there are values and no documents, the error says that a stored value is the reason."""
    raw[DATABASE]["things"].insert_one({"_id": 7, "token": Binary(b"abc", 4)})
    with pytest.raises(ValidationError, match="a stored value cannot be read"):
        backend.distinct("things", ("token",), EVERYTHING, transaction=None, timeout=5.0)
