"""What every backend must keep about indexes of text, places and hashes, and of locales: what they cannot hold."""

from collections.abc import Callable
from typing import Any

import pytest
from attrs import define, field

from tristore import (
    ConfigurationError,
    Documents,
    DocumentStore,
    Entity,
    Index,
    Repository,
    UnitOfWork,
    ValidationError,
    open_store,
)


@define(kw_only=True)
class Shop(Entity):
    """Something with a title, tags and a place."""

    title: str = "t"
    language: str | None = None
    count: int = 0
    tags: list[str] = field(factory=list)
    place: dict[str, Any] | None = None
    free: dict[str, Any] = field(factory=dict)


class Shops(Repository[Shop]):
    """Shops."""


class Town(UnitOfWork):
    """A unit over them."""

    shops: Shops


def opened(url: str, *indexes: Index, **options: Any) -> DocumentStore[Town]:
    """A store with indexes."""
    documents = [Documents(Shops, collection="shops", indexes=indexes)]
    return open_store(Town, url=url, documents=documents, **{"prepare": "create", **options})


def point(*position: Any) -> dict[str, Any]:
    """A point in GeoJSON."""
    return {"type": "Point", "coordinates": [*position]}


def shape(kind: str, coordinates: Any) -> dict[str, Any]:
    """A shape in GeoJSON."""
    return {"type": kind, "coordinates": coordinates}


DECLARATIONS: list[tuple[tuple[Index, ...], str]] = [
    ((Index("title", collation={"locale": "xx"}),), "no locale"),
    ((Index("title", collation={"locale": "en_GB"}),), "no locale"),
    ((Index("title", collation={"strength": 2}),), "with its locale"),
    ((Index("title", collation={"locale": "en", "strength": 6}),), "strength"),
    ((Index("title", collation={"locale": "en", "caseFirst": "x"}),), "caseFirst"),
    ((Index("title", collation={"locale": "en", "foo": 1}),), "foo"),
    ((Index("title:text", collation={"locale": "en"}),), "no collation"),
    ((Index("place:2d", collation={"locale": "en"}),), "no collation"),
    ((Index("title:text"), Index("language:text")), "one index of text"),
    ((Index("title:text", default_language="xx"),), "no language"),
    ((Index("title:text", weights={"title": 0}),), "weight"),
    ((Index("title:text", "count", "language:text"),), "side by side"),
    ((Index("title:text", "place:2dsphere"),), "do not go together"),
    ((Index("title:text", "count:hashed"),), "do not go together"),
    ((Index("title:hashed", "count:hashed"),), "only one"),
    ((Index("tags:hashed"),), "no lists"),
    ((Index("title:hashed", "tags"),), "no lists"),
    ((Index("count", "place:2d"),), "comes first"),
    ((Index("count:2dsphere"),), "holds places"),
    ((Index("title:2d"),), "holds places"),
    ((Index("$**", "title"),), "no other"),
    ((Index("$**", sparse=True),), "sparse by itself"),
    ((Index("$**:hashed"),), "not as hashed"),
]
TEXT, SPHERE, FLAT, HASHED = Index("title:text"), Index("place:2dsphere"), Index("free.p:2d"), Index("free.h:hashed")
REFUSED: list[tuple[Index, dict[str, Any], str]] = [
    (TEXT, {"language": "xx"}, "language"),
    (TEXT, {"language": ""}, "language"),
    (Index("free.b.c:text"), {"free": {"b": {"c": "x", "language": 7}}}, "language"),
    (Index("free.b.c:text"), {"free": {"b": [{"c": "x", "language": "xx"}]}}, "language"),
    (Index("$**:text"), {"free": {"d": {"language": "xx"}}}, "language"),
    (Index("title:text", language_override="language"), {"language": "xx"}, "language"),
    (Index("free.k", "title:text"), {"free": {"k": [1, 2]}}, "free.k"),
    (HASHED, {"free": {"h": [1]}}, "free.h"),
    (HASHED, {"free": {"h": []}}, "free.h"),
    (Index("free.a.b:hashed"), {"free": {"a": [{"b": 1}]}}, "free.a.b"),
    *(
        (SPHERE, {"place": place}, "place")
        for place in (
            point(181, 2),
            point(1, 91),
            point(1),
            point("1", 2),
            {"x": 200, "y": 2},
            {"b": 1},
            {"type": "Point"},
            shape("Foo", [1, 2]),
            shape("LineString", [[1, 2]]),
            shape("LineString", [[1, 2], [1, 2]]),
            shape("Polygon", [[[0, 0], [0, 1], [1, 1]]]),
            shape("Polygon", []),
            shape("MultiPoint", []),
        )
    ),
    (FLAT, {"free": {"p": [200, 2]}}, "free.p"),
    (FLAT, {"free": {"p": [1]}}, "free.p"),
    (FLAT, {"free": {"p": ["x", "y"]}}, "free.p"),
    (FLAT, {"free": {"p": point(1, 2)}}, "free.p"),
]
TAKEN: list[tuple[Index, dict[str, Any]]] = [
    (TEXT, {"language": "ENGLISH"}),
    (TEXT, {"free": {"b": {"language": "xx"}}}),
    (Index("title:text", language_override="lang"), {"language": "xx"}),
    (Index("title:text", where=lambda shop: shop.count > 5), {"language": "xx"}),
    (HASHED, {"free": {"h": {"b": [1]}}}),
    *(
        (SPHERE, {"place": place})
        for place in (
            None,
            {},
            {"x": 1, "y": 2},
            point(1, 2, 3),
            shape("LineString", [[1, 2], [3, 4]]),
            shape("Polygon", [[[0, 0], [0, 1], [1, 1], [0, 0]]]),
            shape("MultiPoint", [[1, 2]]),
        )
    ),
    *((FLAT, {"free": {"p": place}}) for place in ([1, 2], [180, 0], [[1, 2], [3, 4]], {"x": 1, "y": 2}, [], {}, 5)),
    (Index("free.p:2d", min=-500, max=500), {"free": {"p": [200, 2]}}),
    (Index("title", collation={"locale": "fr_CA", "strength": 2, "backwards": True}), {}),
    (Index("title", collation={"locale": "de@collation=phonebook"}), {}),
]


class SpecialIndexesContract:
    """Declarations at open, values at the write."""

    @pytest.fixture
    def open_town(self, url: str, request: pytest.FixtureRequest) -> Callable[..., DocumentStore[Town]]:
        """Open a store that is closed after the test."""

        def open_it(*indexes: Index, **options: Any) -> DocumentStore[Town]:
            store = opened(url, *indexes, **options)
            request.addfinalizer(store.close)
            return store

        return open_it

    @pytest.mark.parametrize(("indexes", "reason"), DECLARATIONS)
    def test_what_a_declaration_tells_is_refused_at_open(
        self, open_town: Callable[..., DocumentStore[Town]], indexes: tuple[Index, ...], reason: str
    ) -> None:
        """No server is asked: the error names the index and the reason."""
        with pytest.raises(ConfigurationError, match=reason):
            open_town(*indexes, prepare="off")

    @pytest.mark.parametrize(("index", "values", "named"), REFUSED)
    def test_a_value_that_an_index_cannot_hold(
        self, open_town: Callable[..., DocumentStore[Town]], index: Index, values: dict[str, Any], named: str
    ) -> None:
        """A new entity, an edit and a bulk load are refused with the index and the field, and nothing is stored."""
        store = open_town(index)
        with pytest.raises(ValidationError, match="index") as caught, store.unit_of_work() as town:
            town.shops.add(Shop(**values))
        with store.unit_of_work() as town:
            town.shops.add(Shop())
        with pytest.raises(ValidationError, match="index"), store.unit_of_work() as town:
            (shop,) = town.shops.find()
            for name, value in values.items():
                setattr(shop, name, value)
        with store.bulk() as town:
            result = town.shops.add_many([Shop(**values), Shop()])

        assert named in str(caught.value)
        assert (1, 1) == (result.inserted, len(result.errors))
        with store.reader() as reader:
            assert 2 == reader.shops.count()

    @pytest.mark.parametrize(("index", "values"), TAKEN)
    def test_values_that_it_can_hold(
        self, open_town: Callable[..., DocumentStore[Town]], index: Index, values: dict[str, Any]
    ) -> None:
        """What is missing, null, or of the right form is stored."""
        store = open_town(index)
        with store.unit_of_work() as town:
            town.shops.add(Shop(**values))
        with store.reader() as reader:
            assert 1 == reader.shops.count()

    def test_stored_values_stop_the_preparation(self, open_town: Callable[..., DocumentStore[Town]]) -> None:
        """An index over documents that it cannot hold is not made, and the error says why."""
        store = open_town()
        with store.unit_of_work() as town:
            town.shops.add(Shop(free={"h": [1]}))
        declared = open_town(HASHED, prepare="off").environment.collections

        with pytest.raises(ConfigurationError, match="hashed index holds no lists"):
            store.backend.prepare([one for one in declared if one.name == "shops"], timeout=10.0)


__all__ = ["SpecialIndexesContract"]
