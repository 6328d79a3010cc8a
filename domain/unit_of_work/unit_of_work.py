"""Units of work and readers, as services see them."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, Any, Generic, Self

from typing_extensions import TypeVar

from ..entities.entity import Entity
from ..entities.events import Event
from ..repository.read_repository import ReadRepository


class Session(ABC):
    """What a unit of work or a reader asks of the adapter behind it."""

    id: str

    @abstractmethod
    def repository(self, name: str) -> ReadRepository[Any, Any] | None:
        """Return the repository that the unit names so, None if it names none."""

    @abstractmethod
    def enter(self, owner: "Reader") -> None:
        """The block of the unit begins."""

    @abstractmethod
    def leave(self, error: BaseException | None) -> None:
        """The block ends: commit without an error, roll back with one."""

    @abstractmethod
    def flush(self) -> None:
        """Write the pending changes."""

    @abstractmethod
    def commit(self) -> None:
        """Flush and commit."""

    @abstractmethod
    def rollback(self) -> None:
        """Discard everything."""

    @abstractmethod
    def lock(self, entity: Entity[Any]) -> None:
        """Let the commit fail if another unit changes the entity meanwhile."""

    @abstractmethod
    def publish(self, event: Event, about: Entity[Any] | None) -> None:
        """Remember an event for the outbox."""

    @abstractmethod
    def call_after_commit(self, callback: Callable[[], None]) -> None:
        """Remember a callback for after the commit."""


class Reader:
    """A view of a store for reading: no tracking, no transaction.

    A subclass names its repositories by their reading ports; they are made at the first use::

        class BillingReader(Reader):
            invoices: InvoiceQueries
    """

    def __init__(self, session: Session) -> None:
        self._session = session

    def __enter__(self) -> Self:
        """Begin."""
        self._session.enter(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End; release what was held."""
        self._session.leave(error)

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> ReadRepository[Any, Any]:
            repository = None if name.startswith("_") else self._session.repository(name)
            if repository is None:
                raise AttributeError(f"{type(self).__name__} has no repository {name!r}")
            self.__dict__[name] = repository
            return repository


class NoReader(Reader):
    """Says that a unit of work names no reader of its own; its readers then have its own type."""


ReaderT = TypeVar("ReaderT", bound=Reader, default=NoReader)


class UnitOfWork(Reader, Generic[ReaderT]):
    """All that changes together: one transaction of one store.

    A subclass names its repositories by their ports::

        class BillingUnitOfWork(UnitOfWork):
            invoices: InvoiceRepository

    Leaving the block commits; an exception rolls back. Entities that were loaded or added are tracked, and
    what changed of them is written at the flush. A unit serves one call at a time.

    With a type argument, ``UnitOfWork[BillingReader]``, the store's readers are of that type, which knows no
    writes; without one they look like the unit itself and refuse writes when they are called.
    """

    @property
    def id(self) -> str:
        """The id of this attempt, for logs."""
        return self._session.id

    def flush(self) -> None:
        """Write the pending changes now, inside the transaction; queries do so by themselves.

        Raises:
            DuplicateKey: if a unique value is taken.
            VersionConflict: if an attached entity moved on.
            WriteConflict: if another writer was faster.
        """
        self._session.flush()

    def commit(self) -> None:
        """Flush, commit and close. Leaving the block does so by itself."""
        self._session.commit()

    def rollback(self) -> None:
        """Discard everything and close."""
        self._session.rollback()

    def lock(self, entity: Entity[Any]) -> None:
        """Guard a decision that rests on an entity which is only read: its version takes a step with the commit.

        Two units that each read what the other changes would otherwise both commit (write skew).
        """
        self._session.lock(entity)

    def publish(self, event: Event, about: Entity[Any] | None = None) -> None:
        """Write an event to the outbox with the commit, for a relay to deliver; subscribers hear of it as well.

        Events that entities record travel by themselves, if the store publishes their class.

        Args:
            event: of a class that the store was opened to publish.
            about: an entity of this unit: the event keeps its place among those about it, and its version
                takes a step with the commit. Without one it has no order.

        Raises:
            UnitOfWorkError: if the store does not publish the class.
            CrossStore: if the entity does not belong to this unit.
        """
        self._session.publish(event, about)

    def after_commit(self, callback: Callable[[], None]) -> None:
        """Call back once, after the commit; an error there is logged and changes nothing."""
        self._session.call_after_commit(callback)
