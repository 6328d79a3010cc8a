"""Two store objects over the same data, under two names: what one commits, the other's cached reads show."""

from attrs import define

from tristore import Documents, Entity, Repository, UnitOfWork, open_store
from tristore.testing import RedisServer


@define(kw_only=True)
class Book(Entity):
    """What is read."""

    title: str


class BookRepository(Repository[Book]):
    """Books."""


class Library(UnitOfWork):
    """Where they are."""

    books: BookRepository


BOOKS = [Documents(BookRepository, collection="books")]


def test_another_name_sees_what_was_committed(mongo_url: str) -> None:
    """C1, C7: a token guards data, whatever the store is called that writes it."""
    book = Book(title="old")
    with (
        RedisServer() as redis,
        open_store(Library, url=mongo_url, documents=BOOKS, name="one", prepare="create", cache=redis.url) as one,
        open_store(Library, url=mongo_url, documents=BOOKS, name="two", prepare="create", cache=redis.url) as two,
    ):
        with one.unit_of_work() as uow:
            uow.books.add(book)
        with two.reader() as reader:
            before = reader.books.cached(ttl=60).get(book.id).title

        with one.unit_of_work() as uow:
            uow.books.get(book.id).title = "new"

        with two.reader() as reader:
            after = reader.books.cached(ttl=60).get(book.id).title
    assert ("old", "new") == (before, after)
