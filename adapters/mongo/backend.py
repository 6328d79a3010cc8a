"""The backend on a MongoDB server: thin methods over the driver."""

import time
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, Self, cast

from pymongo.client_session import ClientSession
from pymongo.errors import OperationFailure
from pymongo.read_concern import ReadConcern

from ...domain.errors import ValidationError
from ...domain.queries.query import Query
from ...domain.queries.rollups import Rollup
from ...domain.rules.predicates import Path, Predicate
from ..backend import (
    Backend,
    BackendOptions,
    Capability,
    CollectionDeclaration,
    Cursor,
    Document,
    IndexDeclaration,
    LeaseState,
    ManyResult,
    Modify,
    ModifyResult,
    ServerInfo,
    ServerState,
    Transaction,
    Watch,
    WritePlan,
    WriteResult,
)
from ..backend.bson import RAW_OPTIONS
from ..backend.checks.given_plans import check_modify, check_plan, sound_part, with_refused
from .administration import MongoAdministration
from .commands import leases
from .commands.bulk_writes import carry_out_many, modify, remove
from .commands.change_stream import MongoWatch
from .commands.cursor import MongoCursor
from .commands.errors import Operation, no_transactions
from .commands.masking import raise_masked
from .commands.transactions import MongoTransaction
from .commands.unreadable import unreadable_among
from .commands.writes import carry_out
from .connection import Connection
from .topology import state_of
from .translation.filters import to_filter, to_sort
from .translation.pipelines import Pipeline, checked, refusal_of, rows_of, to_pipeline
from .translation.projections import to_distinct, to_projection
from .upkeep import indexes

_ONE_BATCH = 1_002
"""Up to so many documents are asked for in one batch instead of the server's 101 at first."""

_PORTION = 250
"""Documents in each batch where their number is not limited: the server's own batches are of 16 MiB, whatever these
take once they are decoded."""

_SHORTEST_LIFE = 1.0
"""Seconds: a server cannot be told to end transactions that are younger."""


class MongoBackend(Backend):
    """One database of a MongoDB replica set, sharded cluster, or standalone server."""

    capabilities = (
        Capability.TRANSACTIONS
        | Capability.SNAPSHOT_READS
        | Capability.ROLLUPS
        | Capability.PIPELINES
        | Capability.CHANGE_STREAMS
        | Capability.LEASES
    )

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    @classmethod
    def open(cls, url: str, options: BackendOptions) -> Self:
        """Read the URL; connect later.

        Raises:
            ConfigurationError: if the URL or a setting is wrong.
        """
        return cls(Connection(url, options))

    @property
    def location(self) -> str:
        """The URL without user, password and options."""
        return self._connection.location

    @property
    def data_id(self) -> str:
        """The name of the database: processes may write their servers in different ways."""
        return self._connection.database_name

    @property
    def incoherence(self) -> str:
        """Say why a read could be older than a commit: by the URL it may come from a secondary, or be torn."""
        return self._connection.incoherence

    def watch(self, *, timeout: float) -> Watch:
        """Tell what is written from now on, by whomever.

        Raises:
            ConfigurationError: if the server is a standalone one.
            Unavailable: if no server answers.
        """
        return MongoWatch(self._connection, self._connection.databases, timeout)

    def begin(self, *, read_only: bool = False) -> Transaction:
        """Return a transaction, or a snapshot for reading; nothing is sent before its first operation.

        Raises:
            TransactionsUnsupported: if the server is known to have none; if not, its first operation says so.
        """
        client = self._connection.client
        servers = client.topology_description.server_descriptions().values()
        if any(server.server_type_name == "Standalone" for server in servers):
            raise no_transactions(self._connection.place)
        return MongoTransaction(client.start_session(snapshot=read_only), read_only=read_only)

    def commit(self, transaction: Transaction, *, timeout: float) -> None:
        """Commit and end the transaction.

        Raises:
            WriteConflict: if it was definitely not committed; another attempt may succeed.
            CommitUnknown: if it was sent and nobody knows.
        """
        _own(transaction).commit(self._operation("commit", timeout, transaction))

    def settle(self, transaction: Transaction, *, timeout: float) -> None:
        """Learn the outcome of a commit that raised `CommitUnknown`; returns if it was committed.

        Raises:
            WriteConflict: if it definitely was not committed.
            CommitUnknown: if the server cannot be asked now.
        """
        seconds = self._connection.time_for(timeout)
        # whatever its age: here it matters only that it was not committed
        operation = Operation("settle a commit", self._connection.place, seconds, in_transaction=True)
        _own(transaction).settle(operation)

    def confirm(self, collection: str, *, timeout: float) -> None:
        """Wait until a majority of the members has all that was written to a collection so far.

        Raises:
            DeadlineExceeded: if that takes too long.
            Unavailable: if the server does not answer.
        """
        documents = self._connection.collection(collection).with_options(read_concern=ReadConcern("linearizable"))
        with self._operation(f"confirm what was written to {collection}", timeout, None):
            documents.find_one({"_id": None})

    def abort(self, transaction: Transaction) -> None:
        """Discard and end the transaction or snapshot, within 2 s of its own; never raises."""
        _own(transaction).end()

    def find(self, collection: str, query: Query, *, transaction: Transaction | None, timeout: float) -> Cursor:
        """Return the documents that a query meets; asked for when they are read."""
        limit = query.limit or 0
        documents = self._connection.collection(collection)
        asked: dict[str, Any] = {
            "filter": to_filter(query.predicate),
            "projection": to_projection(query.select),
            "sort": to_sort(query.sort) or None,
            "skip": query.skip,
            # Negative: the server keeps no cursor. One document always fits into one batch.
            "limit": -1 if limit == 1 else limit,
            "batch_size": limit if 1 < limit <= _ONE_BATCH else _PORTION if limit == 0 else 0,
            "session": _session(transaction),
        }

        def name_unreadable() -> ValidationError | None:
            return unreadable_among(collection, documents.with_options(RAW_OPTIONS).find(**asked))

        operation = self._operation(f"find in {collection}", timeout, transaction)
        sort = [key for key, _ in asked["sort"] or ()]
        return MongoCursor(documents.find(**asked), operation, sort, name_unreadable)

    def count(
        self,
        collection: str,
        predicate: Predicate,
        *,
        limit: int | None,
        transaction: Transaction | None,
        timeout: float,
    ) -> int:
        """Count the documents that match, up to the limit."""
        documents, session = self._connection.collection(collection), _session(transaction)
        bound = {} if limit is None else {"limit": limit}
        with self._operation(f"count in {collection}", timeout, transaction):
            if limit == 1:
                return len(documents.find(to_filter(predicate), {"_id": 1}, limit=-1, session=session).to_list())
            return documents.count_documents(to_filter(predicate), session, **bound)

    def distinct(
        self, collection: str, path: Path, predicate: Predicate, *, transaction: Transaction | None, timeout: float
    ) -> list[Any]:
        """Return the different values at a path; the server sorts them."""
        documents, session = self._connection.collection(collection), _session(transaction)
        with self._operation(f"distinct in {collection}", timeout, transaction):
            found = documents.aggregate(to_distinct(path, predicate), session).to_list()
            return [document["_id"] for document in found if document["_id"] is not None]

    def rollup(
        self, collection: str, rollup: Rollup, *, transaction: Transaction | None, timeout: float
    ) -> list[Document]:
        """Let the server group and work out.

        Raises:
            ValidationError: if a value in a bucket is no date.
            InvalidQuery: if the server does not know a time zone.
        """
        pipeline = to_pipeline(rollup)
        with self._operation(f"rollup of {collection}", timeout, transaction):
            try:
                found = self._aggregated(collection, pipeline, transaction)
            except OperationFailure as error:
                refusal = refusal_of(rollup, error)
                if refusal is None:
                    raise
                raise_masked(refusal, error)
        return rows_of(rollup, found)

    def aggregate(
        self, collection: str, pipeline: Sequence[Mapping[str, Any]], *, transaction: Transaction | None, timeout: float
    ) -> list[Document]:
        """Carry out a pipeline that only reads.

        Raises:
            InvalidQuery: if it would write, or run JavaScript.
        """
        stages = checked(pipeline)
        with self._operation(f"aggregate {collection}", timeout, transaction):
            return self._aggregated(collection, stages, transaction)

    def _aggregated(self, collection: str, pipeline: Pipeline, transaction: Transaction | None) -> list[Document]:
        documents = self._connection.collection(collection)
        found = documents.aggregate(pipeline, _session(transaction), batchSize=_ONE_BATCH, allowDiskUse=True)
        return found.to_list()

    def write(self, plan: WritePlan, *, transaction: Transaction | None, timeout: float) -> WriteResult:
        """Carry out a plan. In a transaction it is all or nothing; without one it stops at the first error.

        Raises:
            KeyTaken: if a unique key has the values already.
            WriteConflict: if another writer changed a document since the snapshot.
            TooLarge: if a document is above `MAX_DOCUMENT_BYTES`.
        """
        check_plan(plan)
        with self._writing(f"write to {plan.collection}", plan.collection, timeout, transaction):
            return carry_out(self._connection.collection(plan.collection), plan, _session(transaction))

    def write_many(self, plan: WritePlan, *, timeout: float) -> ManyResult:
        """Carry out the operations of a plan in no order, outside transactions, and go on after one that is refused."""
        part, kept, refused = sound_part(plan)
        if refused and not kept:
            return with_refused(ManyResult(0, 0, 0), kept, refused)
        operation = self._writing(f"write to {plan.collection}", plan.collection, timeout, None)
        with operation:
            result = carry_out_many(self._connection.collection(plan.collection), part, operation)
        return with_refused(result, kept, refused)

    def update_where(
        self,
        collection: str,
        predicate: Predicate,
        change: Modify,
        *,
        transaction: Transaction | None,
        timeout: float,
    ) -> ModifyResult:
        """Change every document that matches.

        Raises:
            KeyTaken: if a unique key has the values already.
            WriteConflict: if another writer changed a document since the snapshot.
            ValidationError: if a stored value cannot be changed so.
        """
        check_modify(change)
        filter_, documents = to_filter(predicate), self._connection.collection(collection)
        with self._writing(f"update in {collection}", collection, timeout, transaction, modifies=True):
            return modify(documents, filter_, change, _session(transaction))

    def remove_where(
        self, collection: str, predicate: Predicate, *, transaction: Transaction | None, timeout: float
    ) -> int:
        """Remove every document that matches; return how many.

        Raises:
            WriteConflict: if another writer changed a document since the snapshot.
        """
        filter_, documents = to_filter(predicate), self._connection.collection(collection)
        with self._operation(f"remove from {collection}", timeout, transaction):
            return remove(documents, filter_, _session(transaction))

    def claim_lease(self, collection: str, id: str, *, owner: str, seconds: float, timeout: float) -> LeaseState:
        """Take a lease that nobody has, or that has ended; the server's clock decides."""
        with self._operation(f"claim {id} in {collection}", timeout, None):
            return leases.claim(self._connection.collection(collection), id, owner, seconds)

    def renew_lease(self, collection: str, id: str, *, owner: str, fence: int, seconds: float, timeout: float) -> bool:
        """Let a lease last longer, or give it back."""
        with self._operation(f"renew {id} in {collection}", timeout, None):
            return leases.renew(self._connection.collection(collection), id, owner, fence, seconds)

    def prepare(self, collections: Sequence[CollectionDeclaration], *, timeout: float) -> None:
        """Create collections and indexes outside transactions; what is there stays.

        Raises:
            ConfigurationError: if an index cannot be created.
        """
        with self._operation("prepare", timeout, None):
            indexes.prepare(self._connection.database, collections)

    def missing(
        self, collections: Sequence[CollectionDeclaration], *, timeout: float
    ) -> Sequence[tuple[str, IndexDeclaration]]:
        """Return the declared unique indexes that do not exist, each with its collection."""
        with self._operation("look for indexes", timeout, None):
            return indexes.missing(self._connection.database, collections)

    def ping(self, *, timeout: float) -> ServerInfo:
        """Ask the server whether it is there.

        Raises:
            Unavailable: if it does not answer, with what was tried and what to do.
        """
        admin = self._connection.client.admin
        with self._operation("ping", timeout, None):
            version = admin.command("buildInfo")["version"]
            started = time.perf_counter()
            hello = admin.command("hello")
            latency = time.perf_counter() - started
        set_name, router = hello.get("setName"), hello.get("msg") == "isdbgrid"
        topology = f"replica set {set_name}" if set_name else "sharded cluster" if router else "standalone"
        return ServerInfo(f"MongoDB {version}, {topology}", latency, transactions=topology != "standalone")

    def administration(self) -> MongoAdministration:
        """Return what looks after the server."""
        return MongoAdministration(self._connection)

    def state(self, *, timeout: float) -> ServerState:
        """Ping, and tell what the driver knows of members and connections.

        Raises:
            Unavailable: if no server answers.
        """
        return state_of(self._connection.client, self.ping(timeout=timeout))

    def close(self) -> None:
        """Release connections; the next operation connects again."""
        self._connection.close()

    def _writing(
        self, name: str, collection: str, timeout: float, transaction: Transaction | None, *, modifies: bool = False
    ) -> Operation:
        """An operation that an index of the collection may refuse."""
        operation = self._operation(name, timeout, transaction, modifies=modifies)
        operation.indexes = self._connection.indexes.get(collection, ())
        return operation

    def _operation(
        self, name: str, timeout: float, transaction: Transaction | None, *, modifies: bool = False
    ) -> Operation:
        seconds, place = self._connection.time_for(timeout), self._connection.place
        if transaction is None:
            return Operation(name, place, seconds, modifies=modifies)
        _own(transaction).age()
        outlived = partial(self._outlived, transaction)
        return Operation(name, place, seconds, in_transaction=True, modifies=modifies, outlived=outlived)

    def _outlived(self, transaction: Transaction) -> float | None:
        """Return the seconds that the server lets a transaction live, if this one has lived as long."""
        age = _own(transaction).age()
        if age < _SHORTEST_LIFE:
            return None
        lifetime = self._connection.transaction_lifetime()
        return lifetime if age >= lifetime else None


def _own(transaction: Transaction) -> MongoTransaction:
    return cast(MongoTransaction, transaction)


def _session(transaction: Transaction | None) -> ClientSession | None:
    return None if transaction is None else _own(transaction).session
