"""Random chains of schema steps, documents of every version of them, and rules about their fields."""

import ast
from typing import Any

import hypothesis.strategies as st
from attrs import define, frozen
from bson import ObjectId

from tristore import (
    ConfigurationError,
    Convert,
    Default,
    Documents,
    DocumentStore,
    Drop,
    Entity,
    Rename,
    Repository,
    SchemaStep,
    Transform,
    UnitOfWork,
    open_store,
)
from tristore.adapters.backend import (
    All,
    AnyItem,
    AnyOf,
    Comparator,
    Compare,
    Contains,
    Exists,
    IsNone,
    Not,
    OneOf,
    Predicate,
    Query,
    Size,
    SortKey,
    Text,
    TextTest,
    WritePlan,
)
from tristore.errors import StepFailed

COLLECTION = "things"
KEYS = ("a", "b", "c", "d", "d.x", "d.y", "e.x.y")
PATHS = [tuple(key.split(".")) for key in (*KEYS, "a.x", "e", "e.x", "a.0")]


@define(kw_only=True)
class Thing(Entity):
    """Something with fields of no declared type."""

    a: Any = None
    b: Any = None
    c: Any = None
    d: Any = None
    e: Any = None


class ThingRepository(Repository[Thing]):
    """Things."""


class ThingUnitOfWork(UnitOfWork):
    """Writing things."""

    things: ThingRepository


ThingStore = DocumentStore[ThingUnitOfWork]


@frozen
class Case:
    """A chain, and documents of its versions, none of which a step fails for."""

    steps: tuple[SchemaStep, ...]
    documents: tuple[dict[str, Any], ...]

    def declared(self, upto: int | None = None, **options: Any) -> Documents:
        """The declaration, as the code of a version has it; by default of the last one."""
        steps = self.steps[:upto]
        return Documents(ThingRepository, collection=COLLECTION, schema_version=len(steps) + 1, steps=steps, **options)


def quoted(value: object) -> str:
    """Text that tells the value."""
    return repr(value)


def unquoted(text: object) -> list[Any]:
    """The only value that became this text."""
    try:
        value = ast.literal_eval(str(text))
    except (ValueError, SyntaxError):
        return []
    return [value] if isinstance(text, str) and repr(value) == text and value is not None else []


def swapped(document: dict[str, Any]) -> dict[str, Any]:
    """Exchange two keys."""
    a, b = document.pop("a", "no a"), document.pop("b", "no b")
    return {**document, "a": b, "b": a}


_scalars = st.sampled_from([0, 1, 2, -5, True, False, "", "x", "x1", "y", None])
_values = _scalars | st.lists(_scalars, max_size=2) | st.dictionaries(st.sampled_from("xy"), _scalars, max_size=2)
_keys = st.sampled_from(KEYS)


def _made(build: Any) -> st.SearchStrategy[Any]:
    """What can be declared of what was drawn."""

    def attempt(arguments: tuple[Any, ...]) -> Any:
        try:
            return build(*arguments)
        except ConfigurationError:
            return None

    return st.tuples(_keys, _keys).map(attempt).filter(lambda change: change is not None)


_changes: st.SearchStrategy[Rename | Default | Drop | Convert] = st.one_of(
    _made(Rename),
    st.builds(Default, _keys, _values),
    st.builds(Drop, _keys),
    st.builds(Convert, _keys, st.just(quoted), st.just(unquoted)),
)
_functions = st.just(Transform(swapped, ("a", "b")))


@st.composite
def cases(draw: st.DrawFn, *, functions: bool = True) -> Case:
    """Draw a chain of up to five steps, and documents of any of its versions."""
    change = _changes | _functions if functions else _changes
    changes = draw(st.lists(st.lists(change, max_size=3), min_size=1, max_size=5))
    steps = tuple(SchemaStep(version, *some) for version, some in enumerate(changes, 2))
    drawn = draw(
        st.lists(
            st.tuples(st.integers(1, len(steps) + 1), st.dictionaries(st.sampled_from("abcde"), _values)),
            min_size=1,
            max_size=8,
        )
    )
    documents = [
        {
            "_id": ObjectId(f"{number:024x}"),
            "version": 1,
            **content,
            **({"schemaVersion": version} if version > 1 else {}),
        }
        for number, (version, content) in enumerate(drawn)
    ]
    case = Case(steps, ())
    chain = (
        open_store(ThingUnitOfWork, url="memory://", documents=[case.declared()])
        .environment.bindings["things"]
        .mapping.chain
    )
    return Case(steps, tuple(document for document in documents if _can_be_migrated(chain, document)))


def _can_be_migrated(chain: Any, document: dict[str, Any]) -> bool:
    try:
        chain.upgrade(dict(document))
    except StepFailed:
        return False
    return True


_leaves: st.SearchStrategy[Predicate] = st.one_of(
    st.builds(Compare, st.sampled_from(PATHS), st.sampled_from(Comparator), _scalars.filter(lambda v: v is not None)),
    st.builds(IsNone, st.sampled_from(PATHS)),
    st.builds(Exists, st.sampled_from(PATHS)),
    st.builds(OneOf, st.sampled_from(PATHS), st.lists(_scalars, max_size=2).map(tuple)),
    st.builds(Contains, st.sampled_from(PATHS), _scalars.filter(lambda v: v is not None)),
    st.builds(Size, st.sampled_from(PATHS), st.integers(0, 1), st.integers(1, 2)),
    st.builds(Text, st.sampled_from(PATHS), st.sampled_from(TextTest), st.sampled_from(["", "x", "1"])),
    st.builds(AnyItem, st.sampled_from(PATHS), st.builds(Compare, st.just(()), st.just(Comparator.EQ), st.just("x"))),
)
predicates: st.SearchStrategy[Predicate] = st.recursive(
    _leaves,
    lambda parts: st.one_of(
        st.builds(Not, parts),
        st.builds(All, st.lists(parts, max_size=2).map(tuple)),
        st.builds(AnyOf, st.lists(parts, max_size=2).map(tuple)),
    ),
    max_leaves=3,
)


def insert(store: ThingStore, documents: tuple[dict[str, Any], ...]) -> None:
    """Store documents as they are."""
    store.backend.write(WritePlan(COLLECTION, "version", inserts=list(documents)), transaction=None, timeout=30)


def stored(store: ThingStore, predicate: Predicate | None = None) -> list[dict[str, Any]]:
    """Documents as they are, by id; by default all."""
    query = Query(sort=(SortKey(("_id",)),)) if predicate is None else Query(predicate, (SortKey(("_id",)),))
    return store.backend.find(COLLECTION, query, transaction=None, timeout=30).to_list()


def without_version(documents: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Documents without how often they were written."""
    return [{key: value for key, value in one.items() if key not in {"version", "updatedAt"}} for one in documents]
