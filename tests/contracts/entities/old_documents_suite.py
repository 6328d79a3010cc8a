"""Documents that other programs or older code left, and lists with one of them among others."""

from collections.abc import Iterator
from typing import Any

import pytest
from attrs import define, field, frozen
from bson import ObjectId

from tristore import (
    Documents,
    DocumentStore,
    Entity,
    Repository,
    UnitOfWork,
    ValidationError,
    make_converter,
    open_store,
)
from tristore.adapters.backend import Document, WritePlan


class Tag:
    """A type of the user's own."""

    def __init__(self, name: str) -> None:
        self.name = name


class TagError(Exception):
    """What its hook raises."""


def _tag(given: Any, _: object) -> Tag:
    if not isinstance(given, str):
        raise TagError("no tag")
    return Tag(given)


@define
class Part:
    """A nested value whose default is made from another one of its values."""

    name: str
    label: str = field()

    @label.default
    def _label(self) -> str:
        return self.name.upper()


@define(kw_only=True)
class Note(Entity):
    """Values whose defaults are made from others."""

    title: str
    slug: str = field()
    words: list[str] = field()
    mark: int = field(init=False)
    tags: list[str] = field(factory=list)
    part: Part | None = None
    tag: Tag | None = None
    share: int = field()

    @slug.default
    def _slug(self) -> str:
        return self.title.lower()

    @words.default
    def _words(self) -> list[str]:
        return self.slug.split()

    @mark.default
    def _mark(self) -> int:
        return len(self.words)

    @share.default
    def _share(self) -> int:
        return {"odd": 1}[self.title] if self.title.startswith("odd") else 0


class NoteRepository(Repository[Note]):
    """The notes."""


class NoteUnitOfWork(UnitOfWork):
    """The store."""

    notes: NoteRepository


@frozen
class NoteView:
    """A part of a note."""

    slug: str
    tags: list[str]


class OldDocumentsContract:
    """The rules, whatever backend is behind the store."""

    @pytest.fixture
    def store(self, url: str) -> Iterator[DocumentStore[NoteUnitOfWork]]:
        """A store of notes."""
        converter = make_converter()
        converter.register_structure_hook(Tag, _tag)
        converter.register_unstructure_hook(Tag, lambda tag: tag.name)
        declared = [Documents(NoteRepository, collection="notes")]
        store = open_store(NoteUnitOfWork, url=url, documents=declared, prepare="create", converter=converter)
        with store.bulk() as bulk:
            bulk.notes.remove_where(None)
        yield store
        store.close()

    def put(self, store: DocumentStore[NoteUnitOfWork], *documents: Document) -> None:
        """Store documents as another program would."""
        given = [{"_id": ObjectId(), **document} for document in documents]
        store.backend.write(WritePlan("notes", "version", inserts=given), transaction=None, timeout=5)

    def test_a_missing_default_is_made_from_the_entity(self, store: DocumentStore[NoteUnitOfWork]) -> None:
        """Alone, in a list, in a unit, in a nested value: as the class makes it, also where null is stored."""
        self.put(
            store,
            {"title": "A b", "part": {"name": "x"}},
            {"title": "C", "slug": None, "words": ["own"], "tags": None},
            {"title": "D", "slug": "d", "words": ["d"], "mark": 7, "tags": ["t"], "share": 5},
        )
        expected = [("a b", ["a", "b"], 2, [], 0), ("c", ["own"], 1, [], 0), ("d", ["d"], 7, ["t"], 5)]

        with store.reader() as reader:
            read = reader.notes.find(sort="title")
            assert expected == [(n.slug, n.words, n.mark, n.tags, n.share) for n in read]
            assert Part("x", "X") == read[0].part
            assert [expected[0][0]] == [note.slug for note in reader.notes.stream(lambda n: n.title == "A b")]
        with store.unit_of_work() as uow:
            tracked = uow.notes.find(sort="title")
            assert expected == [(n.slug, n.words, n.mark, n.tags, n.share) for n in tracked]
            tracked[0].title = "E"
        with store.reader() as reader:
            assert "e" == reader.notes.find(lambda n: n.title == "E")[0].slug

    def test_a_view_has_the_default_that_the_entity_makes(self, store: DocumentStore[NoteUnitOfWork]) -> None:
        """Although the view itself lacks the field that it is made from."""
        self.put(store, {"title": "A b"}, {"title": "C", "slug": "own", "tags": ["t"]})

        with store.reader() as reader:
            found = reader.notes.find(sort="title", select=NoteView)

        assert [NoteView("a b", []), NoteView("own", ["t"])] == list(found)

    @pytest.mark.parametrize(
        ("document", "named"),
        [
            ({"title": 3}, "title: must be text"),
            ({"title": "odd one"}, "KeyError: odd one"),
            ({"title": "x", "tag": 3}, "tag: cannot be loaded as Tag: no tag"),
            ({"title": "x", "part": {"label": "y"}}, "part.name: is missing"),
        ],
    )
    def test_what_cannot_be_loaded_is_named(
        self, store: DocumentStore[NoteUnitOfWork], document: Document, named: str
    ) -> None:
        """Whatever the class, a default or a hook raises, the error names the document and the field."""
        id = ObjectId()
        self.put(store, {"title": "good"}, {"_id": id, **document})

        for opened in (store.reader, store.unit_of_work):
            with pytest.raises(ValidationError, match=rf"stored Note {id} is not valid: {named}"), opened() as repos:
                repos.notes.find(sort="-title")
