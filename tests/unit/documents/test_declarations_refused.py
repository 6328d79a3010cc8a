"""Stores that are declared wrongly: refused when they are opened, with what to write instead."""

from typing import Any

import pytest
from attrs import define

from tristore import (
    ConfigurationError,
    Documents,
    Entity,
    Index,
    Repository,
    Unique,
    UnitOfWork,
    open_store,
)


@define(kw_only=True)
class Stamp(Entity):
    """Something to keep."""

    motif: str = ""


class StampRepository(Repository[Stamp]):
    """Stamps."""


class Untyped(Repository):  # type: ignore[type-arg]
    """A repository that does not say of what."""


class OfText(Repository[str]):  # type: ignore[type-var]
    """A repository of what is no entity."""


class Album(UnitOfWork):
    """Stamps."""

    stamps: StampRepository


class UntypedAlbum(UnitOfWork):
    """Stamps of no class."""

    stamps: Untyped


STAMPS = Documents(StampRepository, collection="stamps")
NAN = float("nan")


def open_with(unit: Any = Album, **options: Any) -> object:
    """Open a store of stamps, with what is wrong."""
    return open_store(unit, **{"url": "memory://", "documents": [STAMPS], **options})


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"url": None}, "url must be text, not NoneType"),
        ({"url": b"memory://"}, "url must be text, not bytes"),
        ({"documents": STAMPS}, r"documents takes a list of Documents, not Documents: write documents=\[...\]"),
        ({"documents": None}, "documents takes a list of Documents, not NoneType"),
        ({"documents": [StampRepository]}, r"documents takes Documents, not StampRepository: .*collection="),
        ({"documents": [STAMPS, 5]}, "documents takes Documents, not 5"),
        ({"documents": [Documents(Untyped, collection="x")]}, r"Untyped names no entity: write class Untyped\(Rep"),
        ({"documents": [Documents(OfText, collection="x")]}, "OfText names no entity"),
        ({"documents": [Documents(Repository, collection="x")]}, "Repository names no entity"),
        ({"documents": [Documents(Stamp, collection="x")]}, "Documents takes a repository class, not Stamp"),  # type: ignore[arg-type]
        ({"documents": [Documents(5, collection="x")]}, "Documents takes a repository class, not 5"),  # type: ignore[arg-type]
        ({"unit": UntypedAlbum, "documents": [Documents(Untyped, collection="x")]}, "Untyped names no entity"),
        ({"unit": Stamp}, "a unit of work is a subclass of UnitOfWork, not Stamp"),
        ({"unit": None}, "a unit of work is a subclass of UnitOfWork, not None"),
        ({"unit": "Album"}, "a unit of work is a subclass of UnitOfWork, not 'Album'"),
        ({"operation_timeout": "10"}, "operation_timeout must be more than 0 seconds, not '10'"),
        ({"operation_timeout": None}, "operation_timeout must be more than 0 seconds"),
        ({"operation_timeout": NAN}, "operation_timeout must be more than 0 seconds"),
        ({"operation_timeout": 0}, "operation_timeout must be more than 0 seconds"),
        ({"max_changes": "5"}, "max_changes must be more than 0"),
        ({"max_seconds": NAN}, "max_seconds must be more than 0"),
    ],
)
def test_a_wrong_argument_is_named(options: dict[str, Any], words: str) -> None:
    """A wrong class, kind or number is one ConfigurationError, before anything is opened."""
    with pytest.raises(ConfigurationError, match=words):
        open_with(**options)


@pytest.mark.parametrize(
    "name", ["$x", "a$b", "system.x", "", ".x", "x.", "a..b", "a\0b", "tristore_units", "tristore_x", "\ud800", 5, None]
)
def test_a_name_that_no_collection_can_have(name: Any) -> None:
    """Names that MongoDB refuses or keeps, and those of tristore's own collections, are refused."""
    with pytest.raises(ConfigurationError, match="cannot be the name of a collection"):
        open_with(documents=[Documents(StampRepository, collection=name)])


@pytest.mark.parametrize("name", ["stamps", "stamps.old", "ticket stamps", "tristore", "systematic"])
def test_a_name_that_a_collection_can_have(name: str) -> None:
    """Everything else may be one."""
    assert open_with(documents=[Documents(StampRepository, collection=name)])


@pytest.mark.parametrize(
    ("indexes", "words"),
    [
        ([Unique("motif")], r"made with Index\(...\), not Unique\(.*; a unique key is named in the repository"),
        (["motif"], r"made with Index\(...\), not 'motif'"),
        (Index("motif"), r"must be a list of Index\(...\), not Index"),
    ],
)
def test_indexes_that_are_none(indexes: Any, words: str) -> None:
    """What is no index is refused where it is declared."""
    with pytest.raises(ConfigurationError, match=words):
        Documents(StampRepository, collection="stamps", indexes=indexes)


def test_two_declarations_of_one_collection() -> None:
    """A collection belongs to one repository."""
    with pytest.raises(ConfigurationError, match="'stamps' is declared more than once"):
        open_with(documents=[STAMPS, STAMPS])
