"""What migrations report: plain values, for the command line and for code."""

from collections.abc import Mapping
from datetime import datetime

from attrs import field, frozen

SHOWN = 20
"""How many documents a report names; its counts have them all."""


@frozen
class Census:
    """How many documents of each schema version a collection holds.

    Attributes:
        versions: counts by version, from old to new; documents without a version count with the one that is declared
            for them.
        unreadable: counts by versions that cannot be read, as they are stored: from the future and not marked
            compatible, older than the steps begin, or none at all.
        older: how many documents are of an older version than the current one, and can be migrated.
    """

    versions: Mapping[int, int]
    unreadable: Mapping[str, int]
    older: int

    @property
    def total(self) -> int:
        """How many documents there are."""
        return sum(self.versions.values()) + sum(self.unreadable.values())


@frozen
class DocumentProblem:
    """One document that could not be migrated or verified.

    Attributes:
        document_id: its id.
        why: what is wrong.
    """

    document_id: object
    why: str


@frozen
class CollectionStatus:
    """Where the schema migration of one collection stands.

    Attributes:
        collection: its name.
        current: the schema version that the code writes.
        census: its documents by version.
        complete: whether a runner has recorded that all are of the current version.
        position: the id up to which a run that did not end has come; None if there is none.
        changed_at: when a runner wrote this last.
    """

    collection: str
    current: int
    census: Census
    complete: bool
    position: object = None
    changed_at: datetime | None = None


@frozen
class StepStatus:
    """Where a named step stands.

    Attributes:
        name: its name.
        description: what it does.
        outcome: ``pending``, ``running``, ``done``, ``failed``, ``changed`` (it was done with another checksum) or
            ``undeclared`` (it was recorded, and the code does not have it any more).
        checksum: that of the code, or of the record where the code has none.
        started_at, ended_at: of the last time.
        details: what it returned, or the error.
    """

    name: str
    description: str
    outcome: str
    checksum: str
    started_at: datetime | None = None
    ended_at: datetime | None = None
    details: str = ""


@frozen
class Status:
    """Where a store stands.

    Attributes:
        store: its name.
        collections: in registration order.
        steps: the named ones, in their order.
        runner: who has the lease, None if nobody.
    """

    store: str
    collections: tuple[CollectionStatus, ...]
    steps: tuple[StepStatus, ...]
    runner: str | None = None

    @property
    def is_complete(self) -> bool:
        """Whether nothing is left to do."""
        return all(not one.census.older and not one.census.unreadable for one in self.collections) and all(
            step.outcome in {"done", "undeclared"} for step in self.steps
        )


@frozen
class SampleDiff:
    """What a dry run makes of one document.

    Attributes:
        document_id: its id.
        version: the schema version that it has.
        lines: what goes (``-``) and what comes (``+``), by top-level keys; secrets are hidden.
        problem: why it cannot be migrated, empty if it can.
    """

    document_id: object
    version: int
    lines: tuple[str, ...]
    problem: str = ""


@frozen
class CollectionPlan:
    """What a run would do to one collection.

    Attributes:
        collection: its name.
        current: the schema version to which documents are brought.
        census: its documents by version.
        steps: what each step does, by the version that it leads to; those that old documents need.
        samples: some documents before and after.
    """

    collection: str
    current: int
    census: Census
    steps: Mapping[int, str]
    samples: tuple[SampleDiff, ...]


@frozen
class Plan:
    """What a run would do.

    Attributes:
        store: its name.
        collections: those with something to do, or documents that cannot be read.
        steps: the named steps that would be carried out.
    """

    store: str
    collections: tuple[CollectionPlan, ...]
    steps: tuple[StepStatus, ...]


@frozen
class CollectionRun:
    """What a run did to one collection.

    Attributes:
        collection: its name.
        migrated: how many documents it wrote.
        retried: how often a document was read again because another writer was faster.
        failed: how many documents could not be migrated; they stay as they were.
        problems: the first of these.
        left: how many documents of older versions are stored at the end.
        seconds: how long it took.
        unreadable: counts by versions that cannot be read, as in `Census`.
    """

    collection: str
    migrated: int
    retried: int
    failed: int
    problems: tuple[DocumentProblem, ...]
    left: int
    seconds: float
    unreadable: Mapping[str, int] = field(factory=dict)

    @property
    def ok(self) -> bool:
        """Whether every document is done."""
        return not (self.left or self.failed or self.unreadable)


@frozen
class RunReport:
    """What a run did.

    Attributes:
        store: its name.
        collections: those that it worked on.
        steps: the named steps that it carried out.
    """

    store: str
    collections: tuple[CollectionRun, ...]
    steps: tuple[StepStatus, ...]

    @property
    def ok(self) -> bool:
        """Whether nothing failed and nothing is left."""
        return all(one.ok for one in self.collections) and all(step.outcome == "done" for step in self.steps)


@frozen
class Verification:
    """Whether the documents of a collection are what the code expects.

    Attributes:
        collection: its name.
        census: its documents by version.
        read: how many documents were read and built as entities.
        failed: how many of them are not valid.
        problems: the first of these.
    """

    collection: str
    census: Census
    read: int
    failed: int
    problems: tuple[DocumentProblem, ...] = field(default=())

    @property
    def ok(self) -> bool:
        """Whether all documents are of the current version or a compatible one, and valid."""
        return not (self.census.older or self.census.unreadable or self.failed)


@frozen
class Progress:
    """How far the work on one collection has come.

    Attributes:
        collection: its name.
        done: documents so far.
        total: documents in all, as counted at the beginning.
        failed: documents that could not be done.
    """

    collection: str
    done: int
    total: int
    failed: int = 0
