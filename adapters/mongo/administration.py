"""Looking after a MongoDB server: thin methods over the driver; what they decide is decided elsewhere."""

import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from pymongo.collection import Collection
from pymongo.errors import OperationFailure

from ...domain.errors import ConfigurationError
from ...domain.queries.query import Query
from ..backend import CollectionDeclaration, Document, ValidatorDeclaration
from ..backend.administration import (
    LOOK_TIMEOUT,
    Administration,
    Duplicates,
    IndexPlan,
    IndexStep,
    IndexUsage,
    Profiling,
    Progress,
    QueryPlan,
    Shape,
    SlowOperation,
    StepKind,
    Violations,
)
from .commands.encoded import commanded
from .commands.errors import Operation
from .commands.masking import raise_masked
from .connection import Connection, collection_in
from .translation.filters import to_filter, to_sort
from .translation.query_shapes import shape_of_filter
from .upkeep.duplicates import duplicates_of
from .upkeep.explain import plan_of as explained_plan
from .upkeep.index_plan import CollectionPlan, plan_of
from .upkeep.index_specs import actual_index
from .upkeep.indexes import create_collection, create_index, validator_options
from .upkeep.profiling import profile, profiling, slow_operations

T = TypeVar("T")

SEARCH_TIMEOUT = 6 * 3600.0
"""Seconds for reading whole collections: for duplicates and for what a validator refuses."""

BUILD_TIMEOUT = 24 * 3600.0
"""Seconds for the build of one index."""

_LOOK_AGAIN = 0.25
_NO_SUCH_INDEX = frozenset({26, 27})
_REFUSED = frozenset({13, 14, 67, 72, 2, 9, 85, 86, 197})
"""Unauthorized, TypeMismatch, CannotCreateIndex, InvalidOptions, BadValue, FailedToParse, conflicts of indexes,
InvalidIndexSpecificationOption."""


class MongoAdministration(Administration):
    """The administration of one database, and of those that a store has beside it."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def plan(
        self, collections: Sequence[CollectionDeclaration], *, drop: Sequence[str] = (), timeout: float = LOOK_TIMEOUT
    ) -> IndexPlan:
        """Compare declared indexes with the actual ones.

        Raises:
            ConfigurationError: if a name in `drop` is that of no undeclared index.
        """
        plans = []
        for declared in collections:
            collection = self._collection(declared.name)
            with self._operation(f"look at the indexes of {declared.name}", timeout):
                options = self._options(declared.name)
                actual = list(collection.list_indexes())
            plans.append(CollectionPlan(declared, actual, options, drop))
        return plan_of(plans, drop)

    def duplicates(self, step: IndexStep, *, examples: int = 3) -> Duplicates | None:
        """Look for documents that keep a step from being done; None if there are none."""
        if step.kind is not StepKind.CREATE or step.index is None or not step.index.unique:
            return None
        with self._operation(f"look for duplicates in {step.collection}", SEARCH_TIMEOUT):
            return duplicates_of(self._collection(step.collection), step.collection, step.index, examples)

    def apply(self, step: IndexStep, *, progress: Progress | None = None) -> None:
        """Carry out a step; one that was carried out already changes nothing.

        Raises:
            ConfigurationError: if the server refuses it, with the reason.
        """
        collection = self._collection(step.collection)
        name = f"{step.kind.value} {step.name} of {step.collection}"
        if step.kind is StepKind.CREATE and step.index is not None:
            self._build(collection, step, name, progress)
            return
        with self._operation(name, LOOK_TIMEOUT):
            try:
                self._change(collection, step)
            except OperationFailure as error:
                if step.kind is StepKind.DROP and error.code in _NO_SUCH_INDEX:
                    return
                self._refuse(name, error)

    def usage(self, collections: Sequence[str]) -> Sequence[IndexUsage]:
        """Return how often each index was used."""
        found = []
        for name in collections:
            with self._operation(f"look at the indexes of {name}", LOOK_TIMEOUT):
                for used in self._collection(name).aggregate([{"$indexStats": {}}]):
                    index = actual_index(name, used["spec"])
                    found.append(IndexUsage(index, int(used["accesses"]["ops"]), used["accesses"]["since"]))
        return found

    def explain(self, collection: str, query: Query) -> QueryPlan:
        """Return how the server would carry out a query."""
        documents = self._collection(collection)
        find: dict[str, Any] = {"find": documents.name, "filter": to_filter(query.predicate)}
        if query.sort:
            find["sort"] = dict(to_sort(query.sort))
        if query.limit:
            find["limit"] = query.limit
        with self._operation(f"explain a query of {collection}", LOOK_TIMEOUT):
            return explained_plan(commanded(documents.database, {"explain": find, "verbosity": "queryPlanner"}))

    def shape(self, operation: str, collection: str, query: Query) -> Shape:
        """Return the shape of a query."""
        return shape_of_filter(operation, collection, to_filter(query.predicate), to_sort(query.sort))

    def validator(self, collection: str) -> ValidatorDeclaration | None:
        """Return the validator of a collection, None if it has none that does anything."""
        with self._operation(f"look at {collection}", LOOK_TIMEOUT):
            options = self._options(collection) or {}
        found = options.get("validator")
        if not found:
            return None
        level, action = options.get("validationLevel", "strict"), options.get("validationAction", "error")
        # one that is not a schema alone differs from every schema
        schema = found["$jsonSchema"] if [*found] == ["$jsonSchema"] else {"": found}
        return ValidatorDeclaration(schema, level, action)

    def violations(self, collection: str, schema: Mapping[str, Any], *, examples: int = 3) -> Violations:
        """Count the stored documents that do not fit a schema."""
        wrong = {"$nor": [{"$jsonSchema": dict(schema)}]}
        documents = self._collection(collection)
        with self._operation(f"check the documents of {collection}", SEARCH_TIMEOUT):
            count = documents.count_documents(wrong)
            some = documents.find(wrong, {"_id": 1}, limit=examples).to_list() if count and examples else []
        return Violations(count, tuple(document["_id"] for document in some))

    def set_validator(self, collection: str, validator: ValidatorDeclaration) -> None:
        """Give a collection a validator; one that is not there is created."""
        documents = self._collection(collection)
        options = validator_options(validator)
        name = f"give {collection} a validator"
        with self._operation(name, LOOK_TIMEOUT):
            try:
                create_collection(documents.database, documents.name, options)
                commanded(documents.database, {"collMod": documents.name, **options})
            except OperationFailure as error:
                self._refuse(name, error)

    def profiling(self) -> Profiling:
        """Return what the profiler notes."""
        return self._of_profiler("look at the profiler", lambda: profiling(self._connection.database))

    def profile(self, threshold: int | None) -> None:
        """Let the profiler note operations from so many milliseconds on; None switches it off."""
        self._of_profiler("switch the profiler", lambda: profile(self._connection.database, threshold))

    def slow_operations(self, *, threshold: int, limit: int) -> list[SlowOperation]:
        """Return the newest operations that the profiler noted and that took so many milliseconds, newest first."""
        return self._of_profiler(
            "read the profiler", lambda: slow_operations(self._connection.database, threshold, limit)
        )

    def _of_profiler(self, name: str, call: Callable[[], T]) -> T:
        with self._operation(name, LOOK_TIMEOUT):
            try:
                return call()
            except OperationFailure as error:
                self._refuse(name, error)
        raise AssertionError("a refusal raises")

    def _change(self, collection: Collection[Document], step: IndexStep) -> None:
        database = collection.database
        match step.kind:
            case StepKind.COLLECTION:
                create_collection(database, collection.name, step.changes)
            case StepKind.HIDE:
                commanded(database, {"collMod": collection.name, "index": {"name": step.name, "hidden": True}})
            case StepKind.DROP:
                collection.drop_index(step.name)
            case StepKind.MODIFY if step.name:
                for name, value in step.changes.items():
                    commanded(database, {"collMod": collection.name, "index": {"name": step.name, name: value}})
            case StepKind.MODIFY:
                commanded(database, {"collMod": collection.name, **step.changes})

    def _build(self, collection: Collection[Document], step: IndexStep, name: str, progress: Progress | None) -> None:
        """Build in a thread, and tell meanwhile how far the server is; broken off here, it goes on there."""
        failed: list[BaseException] = []

        def build() -> None:
            try:
                with self._operation(name, BUILD_TIMEOUT):
                    assert step.index is not None  # noqa: S101 - it was looked at before
                    create_index(collection, step.index, step.name)
            except BaseException as error:  # noqa: BLE001 - it is raised again in the thread that waits
                failed.append(error)

        builder = threading.Thread(target=build, name=f"tristore-{name}", daemon=True)
        builder.start()
        while builder.is_alive():
            builder.join(_LOOK_AGAIN)
            if progress is not None and builder.is_alive():
                self._tell(collection, progress)
        if failed:
            raise failed[0]

    def _tell(self, collection: Collection[Document], progress: Progress) -> None:
        """Ask the server how far it is; who may not ask is told nothing."""
        wanted = {"ns": collection.full_name, "command.createIndexes": collection.name, "progress": {"$exists": True}}
        # what builds has no connection, so it stands among the idle ones
        pipeline: list[Mapping[str, Any]] = [
            {"$currentOp": {"allUsers": True, "idleConnections": True}},
            {"$match": wanted},
        ]
        with self._operation("look at the build", LOOK_TIMEOUT):
            try:
                for operation in self._connection.client.admin.aggregate(pipeline):
                    progress(int(operation["progress"]["done"]), int(operation["progress"]["total"]))
            except OperationFailure as error:
                if error.code not in _REFUSED:
                    raise

    def _refuse(self, name: str, error: OperationFailure) -> None:
        """Say what the server refuses: none of these commands carries values of documents."""
        if error.code not in _REFUSED:
            raise error
        reason = str(error).partition(", full error")[0]
        raise_masked(ConfigurationError(f"{self._connection.place} refuses to {name}: {reason}"), error)

    def _options(self, name: str) -> Mapping[str, Any] | None:
        """The options of a collection, None if there is no such collection."""
        collection = self._collection(name)
        found = list(collection.database.list_collections(filter={"name": collection.name}))
        return found[0].get("options", {}) if found else None

    def _collection(self, name: str) -> Collection[Document]:
        return collection_in(self._connection.database, name)

    def _operation(self, name: str, timeout: float) -> Operation:
        return Operation(name, self._connection.place, self._connection.time_for(timeout))
