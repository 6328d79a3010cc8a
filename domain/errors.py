"""Every error that tristore raises, under one root.

::

    TristoreError
    |-- ConfigurationError          a wrong setting, declaration or URL; a database that was not prepared
    |-- ValidationError             an entity, or a stored document, that breaks its own rules
    |-- NotFound                    no entity with that id
    |-- DuplicateKey                another entity already has that unique value
    |-- Conflict                    retryable: run the whole function again
    |   `-- WriteConflict           another writer changed the same data inside this snapshot
    |-- VersionConflict             the entity moved on since the caller saw it; never retried
    |-- RetryExhausted              every attempt that was allowed met a conflict
    |-- TooManyResults              a find without a limit met more than 1,000 entities
    |-- TooLarge                    a document above 16 MiB, or more changes than one unit may make
    |-- InvalidQuery                a specification, sort or page that cannot be asked
    |-- Unavailable                 no server answers; nothing was applied
    |-- DeadlineExceeded            the time allowed was over
    |   `-- UnitTooLong             a unit of work was open for longer than it may be; never retried
    |-- CommitUnknown               the commit was sent and its outcome cannot be learnt now
    |-- TransactionsUnsupported     a standalone server, where a transaction was required
    |-- UnitOfWorkError             a unit of work used in a way that it does not allow
    |   |-- UnitOfWorkClosed
    |   |-- UnitOfWorkFailed
    |   |-- ConcurrentUse
    |   |-- NestedUnitOfWork
    |   |-- CrossStore
    |   `-- StrayEdit               an edit of an entity that belongs to no unit of work
    |-- MigrationError              stored documents and the versions that the code knows do not fit
    |   |-- UnreadableVersion       a document from the future, or older than the declared steps begin
    |   |-- StepFailed              a step cannot be carried out on a document
    |   |-- StepChanged             a recorded step is not what it was
    |   |-- MigrationRunning        another runner has the lease
    |   `-- LeaseLost               another runner has taken over
    `-- DomainError                 a rule of the business: the root of your own

Each carries its facts as attributes, says what to do, and keeps the driver's error as its cause.
"""

from collections.abc import Sequence
from typing import Any, Self

from .bulk_result import BulkResult

_NAMED_IDS = 20
"""How many ids a message names; the attributes have them all."""


class TristoreError(Exception):
    """The root: catch it to catch everything that tristore raises.

    Attributes:
        result: what a call of `Store.bulk` had done before this error ended it; None everywhere else.
    """

    result: BulkResult[Any] | None = None

    def __reduce__(self) -> tuple[Any, ...]:
        """Let copies and pickles keep the facts: Python would call the constructor with the message."""
        return _rebuilt, (type(self), self.args), vars(self)


def _rebuilt(cls: type[TristoreError], args: tuple[object, ...]) -> TristoreError:
    return cls.__new__(cls, *args)


class ConfigurationError(TristoreError):
    """A wrong setting, declaration or URL, or a database whose declared unique keys are missing."""


class Problem:
    """One thing that is wrong with one field; part of a `ValidationError`."""

    __slots__ = ("field", "message")

    def __init__(self, field: str, message: str) -> None:
        self.field = field
        self.message = message

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Problem) and (self.field, self.message) == (other.field, other.message)

    def __hash__(self) -> int:
        return hash((self.field, self.message))

    def __repr__(self) -> str:
        return f"Problem({self.field!r}, {self.message!r})"

    def __str__(self) -> str:
        return f"{self.field}: {self.message}" if self.field else self.message


class ValidationError(TristoreError, ValueError):
    """An entity, or a stored document, that breaks its own rules.

    Attributes:
        entity: the name of the entity, empty where a lone value was checked.
        problems: every field that is wrong, in the order of the fields.
        document_id: the id of the stored document, where one was being loaded.
    """

    def __init__(self, problems: Sequence[Problem], *, entity: str = "", document_id: object = None) -> None:
        self.problems = tuple(problems)
        self.entity = entity
        self.document_id = document_id
        subject = entity or "value"
        if document_id is not None:
            subject = f"stored {subject} {document_id}"
        super().__init__(f"{subject} is not valid: " + "; ".join(map(str, self.problems)))

    @classmethod
    def of(cls, field: str, message: str) -> Self:
        """Say what is wrong with one field."""
        return cls((Problem(field, message),))


class NotFound(TristoreError, LookupError):
    """No entity with that id, or with one of several.

    Attributes:
        entity: the name of the entity.
        id: what was asked for; of several, the first that is missing.
        ids: every id that is missing.
    """

    def __init__(self, entity: str, id: object, *others: object) -> None:
        self.entity = entity
        self.id = id
        self.ids = (id, *others)
        named = ", ".join(map(repr, self.ids[:_NAMED_IDS]))
        more = f" and {len(self.ids) - _NAMED_IDS} more" if len(self.ids) > _NAMED_IDS else ""
        super().__init__(f"no {entity} with id {named}{more}")


class Applied:
    """Mixed into errors after which a store without transactions may have kept a part of the unit.

    Attributes:
        applied: what was written before the error, one line for each operation; empty where nothing was.
    """

    applied: tuple[str, ...] = ()


class DuplicateKey(TristoreError, Applied):
    """Another entity already has that unique value.

    Attributes:
        entity: the name of the entity.
        fields: the fields of the unique key, never their values.
        id: the id of the entity that was refused, where the store names it.
    """

    def __init__(self, entity: str, fields: Sequence[str], id: object = None) -> None:
        self.entity = entity
        self.fields = tuple(fields)
        self.id = id
        super().__init__(
            f"another {entity} already has this {' + '.join(self.fields) or 'unique value'}: "
            "choose another value, or load and change the one that has it"
        )


class Conflict(TristoreError):
    """Another unit of work was faster: run the whole function again, as `Store.run` does."""


class WriteConflict(Conflict):
    """Another writer changed the same data inside this unit's snapshot; nothing was applied."""

    def __init__(self, message: str = "") -> None:
        super().__init__(
            message or "another writer changed the same data: run the whole unit of work again, as Store.run does"
        )


class Stale:
    """One entity that moved on: part of a `VersionConflict`."""

    __slots__ = ("actual", "entity", "expected", "id")

    def __init__(self, entity: str, id: object, expected: int, actual: int | None) -> None:
        self.entity = entity
        self.id = id
        self.expected = expected
        self.actual = actual

    def __repr__(self) -> str:
        return f"Stale({self.entity!r}, {self.id!r}, expected={self.expected}, actual={self.actual})"

    def __str__(self) -> str:
        now = "was removed" if self.actual is None else f"is at version {self.actual}"
        return f"{self.entity} {self.id} {now}, expected version {self.expected}"


class VersionConflict(TristoreError, Applied):
    """The entity moved on since the caller saw it. Never retried: load it again and decide anew.

    Attributes:
        stale: every entity concerned, with the version expected and the one found (None: removed).
    """

    def __init__(self, stale: Sequence[Stale]) -> None:
        self.stale = tuple(stale)
        super().__init__("; ".join(map(str, self.stale)) + ": load it again and decide anew")


class RetryExhausted(TristoreError):
    """Every attempt that was allowed met a conflict; nothing was applied. The last conflict is the cause.

    Attributes:
        attempts: how many were made.
        last: the error of the last one.
    """

    def __init__(self, attempts: int, last: BaseException, why: str) -> None:
        self.attempts = attempts
        self.last = last
        super().__init__(f"gave up after {attempts} attempts ({why}); nothing was applied; last: {last}")


class TooManyResults(TristoreError):
    """A find without a limit met more entities than it may return, or a rollup more groups.

    Attributes:
        entity: the name of the entity, or of the rollup's view.
        bound: the most that is returned without a limit.
    """

    def __init__(
        self, entity: str, bound: int, *, advice: str = "pass a limit, use page(), or stream() them all"
    ) -> None:
        self.entity = entity
        self.bound = bound
        super().__init__(f"more than {bound:,} {entity} entities match: {advice}")


class TooLarge(TristoreError):
    """A document above the 16 MiB that a store accepts, or more changes in one unit than a limit or a server allows.

    Attributes:
        size: what was measured, None where only the server knows it.
        limit: the most that is accepted.
    """

    def __init__(self, message: str, *, size: int | None = None, limit: int | None = None) -> None:
        self.size = size
        self.limit = limit
        super().__init__(message)


class InvalidQuery(TristoreError):
    """A specification, sort, limit or page that cannot be asked, found before any server is."""


class Unavailable(TristoreError):
    """No server answers within the time allowed; nothing was applied."""


class DeadlineExceeded(TristoreError):
    """The time allowed for an operation, or for the whole of a run, was over; nothing was applied."""


class UnitTooLong(DeadlineExceeded):
    """A unit of work was open for longer than the server, or its store, lets one be; nothing was applied.

    It is never retried: the next attempt would take as long.
    """


class CommitUnknown(TristoreError):
    """The commit was sent and no answer came: it may have been applied.

    Attributes:
        unit_id: the id of the unit of work.
    """

    def __init__(self, unit_id: str) -> None:
        self.unit_id = unit_id
        super().__init__(
            f"unit of work {unit_id}: the commit was sent and its outcome is unknown; "
            f"ask store.resolve({unit_id!r}), or repeat it only under a key: store.run(fn, key=...)"
        )


class TransactionsUnsupported(TristoreError):
    """The server has no transactions, and this store requires them."""


class UnitOfWorkError(TristoreError):
    """A unit of work used in a way that it does not allow."""


class UnitOfWorkClosed(UnitOfWorkError):
    """The unit of work has ended, or has not begun: open a new one."""


class UnitOfWorkFailed(UnitOfWorkError):
    """The unit met an error before and accepts nothing but a rollback. The first error is the cause."""


class ConcurrentUse(UnitOfWorkError):
    """A second call while one ran: a unit of work serves one call at a time."""


class NestedUnitOfWork(UnitOfWorkError):
    """A unit of work of a store inside an active one of the same store: pass the outer one along."""


class CrossStore(UnitOfWorkError):
    """An entity or repository of one store handed to another."""


class StrayEdit(UnitOfWorkError):
    """An edit of an entity that belongs to no unit of work, in a store opened with ``stray_edits="raise"``."""


class MigrationError(TristoreError):
    """The root of what goes wrong between stored documents and the schema versions that the code knows."""


class UnreadableVersion(MigrationError):
    """A stored document of a schema version that this code cannot read; nothing was changed.

    Attributes:
        collection: where it is stored.
        document_id: its id.
        version: the schema version that it has, as it is stored.
        current: the one that this code writes.
    """

    def __init__(self, collection: str, document_id: object, version: object, current: int, why: str) -> None:
        self.collection = collection
        self.document_id = document_id
        self.version = version
        self.current = current
        super().__init__(
            f"document {document_id} of {collection} has schema version {version!r}, and this code has {current}: {why}"
        )


class StepFailed(MigrationError):
    """A step cannot be carried out on a document, which stays as it is. The error of a function is the cause.

    Attributes:
        collection: where it is stored.
        document_id: its id.
        version: the schema version that the step leads to.
        step: what the step does.
    """

    def __init__(self, collection: str, document_id: object, version: int, step: str, why: str) -> None:
        self.collection = collection
        self.document_id = document_id
        self.version = version
        self.step = step
        super().__init__(
            f"document {document_id} of {collection} cannot be brought to schema version {version}: {step}: {why}; "
            "it stays as it is: mend the document or the step"
        )


class StepChanged(MigrationError):
    """A step that was carried out is declared with another checksum: what the database has is not what the code says.

    Attributes:
        name: of the step.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        super().__init__(
            f"the step {name} was carried out with another content than it has now: leave it as it was, and declare "
            "what is new as a step of another name"
        )


class MigrationRunning(MigrationError):
    """Another runner works on this store.

    Attributes:
        owner: host, process and number of the other one.
        seconds: after which its lease ends, unless it renews it.
    """

    def __init__(self, store: str, owner: str, seconds: float) -> None:
        self.owner = owner
        self.seconds = seconds
        super().__init__(
            f"store {store} is being migrated by {owner}: wait for it; if that process is dead, its lease ends within "
            f"{max(seconds, 0.0):.0f} s"
        )


class LeaseLost(MigrationError):
    """Another runner has taken over, or may have: this one stops, and what it wrote until then stays."""

    def __init__(self, store: str) -> None:
        super().__init__(
            f"the lease on store {store} is lost to another runner, or could not be renewed in time: nothing is lost, "
            "run it again"
        )


class DomainError(TristoreError):
    """A rule of the business was broken; subclass it for your own."""


class DurabilityWarning(UserWarning):
    """A write or commit was applied, but too few members of the replica set confirmed it in time."""


class LargeDocumentWarning(UserWarning):
    """A document above 1 MiB: it costs every read, and the limit of 16 MiB comes closer."""


class LargeUnitWarning(UserWarning):
    """A unit of work with more than 1,000 changed entities, or open for more than 30 s: others wait or conflict."""


class StrayEditWarning(UserWarning):
    """An entity that belongs to no unit of work was edited, and has gone without being written."""


__all__ = [
    "Applied",
    "CommitUnknown",
    "ConcurrentUse",
    "ConfigurationError",
    "Conflict",
    "CrossStore",
    "DeadlineExceeded",
    "DomainError",
    "DuplicateKey",
    "DurabilityWarning",
    "InvalidQuery",
    "LargeDocumentWarning",
    "LargeUnitWarning",
    "LeaseLost",
    "MigrationError",
    "MigrationRunning",
    "NestedUnitOfWork",
    "NotFound",
    "Problem",
    "RetryExhausted",
    "Stale",
    "StepChanged",
    "StepFailed",
    "StrayEdit",
    "StrayEditWarning",
    "TooLarge",
    "TooManyResults",
    "TransactionsUnsupported",
    "TristoreError",
    "Unavailable",
    "UnitOfWorkClosed",
    "UnitOfWorkError",
    "UnitOfWorkFailed",
    "UnitTooLong",
    "UnreadableVersion",
    "ValidationError",
    "VersionConflict",
    "WriteConflict",
]
