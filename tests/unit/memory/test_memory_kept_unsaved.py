"""``memory:///some/folder``: a document that its files cannot hold keeps no other one from being saved."""

from pathlib import Path
from typing import Any

import pytest

from tristore import ConfigurationError, ValidationError
from tristore.adapters.backend import BackendOptions, Delete, Query, WritePlan
from tristore.testing import MemoryBackend

UNSAVABLE: dict[str, Any] = {"_id": 7, "a": {"$numberLong": "5"}}
"""A document that Extended JSON would give back as another one."""


def opened(folder: Path) -> MemoryBackend:
    """A backend that keeps its data in a folder."""
    return MemoryBackend.open(f"memory://{folder}", BackendOptions("kept", ()))


def write(backend: MemoryBackend, collection: str, *documents: dict[str, Any]) -> None:
    """Store documents."""
    backend.write(WritePlan(collection, "version", inserts=documents), transaction=None, timeout=1.0)


def read(backend: MemoryBackend, collection: str) -> list[dict[str, Any]]:
    """All documents of a collection."""
    return backend.find(collection, Query(), transaction=None, timeout=1.0).to_list()


def test_a_close_saves_all_others_and_names_it(tmp_path: Path) -> None:
    """The error has collection, id and key; the folder is free, and holds all that can be saved."""
    backend = opened(tmp_path)
    write(backend, "things", {"_id": 1}, UNSAVABLE, {"_id": 2})
    write(backend, "others", {"_id": 3})
    with pytest.raises(ValidationError, match="all other documents are saved") as caught:
        backend.close()
    backend.close()
    after = opened(tmp_path)

    assert ("things", 7) == (caught.value.entity, caught.value.document_id)
    assert "$numberLong" == caught.value.problems[0].field
    assert ([{"_id": 1}, {"_id": 2}], [{"_id": 3}]) == (read(after, "things"), read(after, "others"))
    after.close()


def test_a_save_says_so_until_it_can_be_saved(tmp_path: Path) -> None:
    """A second save without changes names it again; once the document is gone, nothing is left to say."""
    backend = opened(tmp_path)
    write(backend, "things", {"_id": 1}, UNSAVABLE)
    for _ in range(2):
        with pytest.raises(ValidationError, match="stored things 7"):
            backend.save()
    assert 2 == len(read(backend, "things"))
    backend.write(WritePlan("things", "version", deletes=[Delete(7, None)]), transaction=None, timeout=1.0)
    backend.save()
    backend.close()


def test_a_poisoned_file_is_named_at_the_first_use(tmp_path: Path) -> None:
    """A line that could never be read again is an error with file and line, not one of each later read."""
    line = b'{"_id":2,"x":{"$binary":{"base64":"YWJj","subType":"04"}}}\n'
    (tmp_path / "things.jsonl").write_bytes(b'{"_id":1}\n' + line)
    with pytest.raises(ConfigurationError, match=r"things\.jsonl, line 2: .*UUID"):
        read(opened(tmp_path), "things")
