"""Where stores look for edits that nobody will write, if they are not told."""

import os
import subprocess
import sys

import pytest

DEFAULT = """
from attrs import define
from tristore import Documents, Entity, Repository, UnitOfWork, open_store
@define(kw_only=True)
class Book(Entity):
    title: str
class Books(Repository[Book]): pass
class Shelf(UnitOfWork):
    books: Books
plain = Book.__setattr__
store = open_store(Shelf, url="memory://", documents=[Documents(Books, collection="books")])
book = Book(title="a")
store.run(lambda uow: uow.books.add(book))
book.title = "b"
print(plain is Book.__setattr__)
"""


@pytest.mark.parametrize(
    ("name", "value", "untouched"),
    [("TRISTORE_DEV", "1", "False"), ("PYTEST_VERSION", "8", "False"), ("X", "1", "True")],
)
def test_where_it_warns_by_default(name: str, value: str, untouched: str) -> None:
    """In tests and in development; elsewhere no class is changed. The end of the process is late enough."""
    kept = {key: text for key, text in os.environ.items() if key not in {"PYTEST_VERSION", "TRISTORE_DEV"}}
    done = subprocess.run(
        [sys.executable, "-c", DEFAULT], env={**kept, name: value}, capture_output=True, text=True, check=True
    )

    assert untouched == done.stdout.strip()
    assert ("StrayEditWarning" in done.stderr) is (untouched == "False")
