"""Stores, which open units of work and readers, as services see them."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Any, Concatenate, Generic, ParamSpec, Self, TypeVar, overload

from attrs import field, frozen

from ..entities.events import Event
from ..errors import UnitOfWorkError
from ..plain_functions import check_plain
from .listener import UnitOfWorkListener
from .unit_of_work import NoReader, Reader, UnitOfWork


@frozen
class StoreReport:
    """What `Store.check` found.

    Attributes:
        store: the name of the store.
        url: where it is, without a password.
        ok: whether it can be used.
        details: what was found, or what is wrong and what to do.
        latency: of one ping, in seconds.
    """

    store: str
    url: str
    ok: bool
    details: str
    latency: float | None = None
    missing: tuple[str, ...] = field(default=())


T = TypeVar("T")
P = ParamSpec("P")
EventT = TypeVar("EventT", bound=Event)
UnitT_co = TypeVar("UnitT_co", bound=UnitOfWork[Any], covariant=True)
PlainUnitT = TypeVar("PlainUnitT", bound=UnitOfWork[NoReader])
AnyReaderT = TypeVar("AnyReaderT", bound=Reader)


class Attempt(ABC, Generic[UnitT_co]):
    """One attempt of `Store.attempts`: a context manager around one unit of work."""

    number: int

    @abstractmethod
    def __enter__(self) -> UnitT_co:
        """Begin the unit of work of this attempt."""

    @abstractmethod
    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        """Commit or roll back; swallow a conflict if another attempt follows."""


class Store(ABC, Generic[UnitT_co]):
    """One database: opens units of work and readers. Safe to share between threads.

    A context manager that closes it at its end.
    """

    name: str

    def __enter__(self) -> Self:
        """Begin; connections open at their first use."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the store."""
        self.close()

    @abstractmethod
    def unit_of_work(self) -> UnitT_co:
        """Return a unit of work for a ``with`` block: exactly one attempt, which raises on a conflict."""

    @overload
    def reader(self: "Store[PlainUnitT]", *, snapshot: bool = False) -> PlainUnitT: ...
    @overload
    def reader(self: "Store[UnitOfWork[AnyReaderT]]", *, snapshot: bool = False) -> AnyReaderT: ...
    @abstractmethod
    def reader(self, *, snapshot: bool = False) -> Any:
        """Return a reader for a ``with`` block: no tracking, no transaction.

        Args:
            snapshot: whether all its reads show the store at one moment, that of the first.
        """

    @abstractmethod
    def bulk(self) -> UnitT_co:
        """Return the repositories for a ``with`` block of work on many entities: no transaction, nothing tracked.

        `add_many`, `bulk_update`, `update_where`, `remove_where` and `upsert` write at once, each entity for itself, in
        chunks and with the majority of the servers, whatever the URL says; what cannot be written does not stop the
        others. Reads are those of a reader. Threads may share it.
        """

    @abstractmethod
    def run(
        self,
        fn: Callable[[UnitT_co], T],
        *,
        max_attempts: int | None = None,
        deadline: float = 10.0,
        retry_on: tuple[type[Exception], ...] = (),
        key: str | None = None,
    ) -> T:
        """Call a function with a unit of work and commit; on a conflict or a fail-over, all of it again.

        Every attempt has a fresh unit of work and fresh entities, so the function must do its reading itself, and
        leave what cannot be repeated to after-commit hooks.

        Args:
            fn: what to do; its result is returned.
            max_attempts: how often it may be called; by default the deadline alone decides.
            deadline: seconds for all attempts together.
            retry_on: further errors that are worth another attempt.
            key: names what is done, such as ``"transfer-42"``. It is recorded in the same transaction, and whoever
                runs under it again within 7 days, from any process and after any outcome, gets the first result and
                causes no second effect. The result must be a plain value (text, numbers, lists, dictionaries ...);
                every caller, the first too, gets it as it is stored: a tuple as a list, times in milliseconds.

        Raises:
            RetryExhausted: if conflicts used up the attempts or the time; nothing was applied.
            Unavailable: if no server answered in all the time; nothing was applied.
            CommitUnknown: if the commit of an attempt was sent and its outcome cannot be learnt now; with a key, call
                again, else ask `resolve`.
        """

    @abstractmethod
    def attempts(
        self, *, max_attempts: int | None = None, deadline: float = 10.0, retry_on: tuple[type[Exception], ...] = ()
    ) -> Iterator[Attempt[UnitT_co]]:
        """Yield attempts until one commits, for inline code.

        ::

            for attempt in store.attempts():
                with attempt as uow:
                    ...

        What follows the ``with`` inside the loop runs after failed attempts too: put it behind the loop.
        """

    def transactional(self, fn: Callable[Concatenate[UnitT_co, P], T]) -> Callable[P, T]:
        """Decorate a function whose first parameter is the unit of work: each call is one `run`."""
        check_plain(fn, "transactional", error=UnitOfWorkError)

        def call(*args: P.args, **kwargs: P.kwargs) -> T:
            def attempt(uow: Any) -> T:
                return fn(uow, *args, **kwargs)

            return self.run(attempt)

        return call

    @abstractmethod
    def resolve(self, unit_id: str) -> bool:
        """Tell what became of a unit whose commit raised `CommitUnknown`: True if it was applied, False if not.

        The process that met the error can always ask. Any other one needs the unit's receipt, which is kept for 7 days
        if the store was opened with ``receipts=True`` or the unit had a key.

        Raises:
            CommitUnknown: if the server cannot be asked now, or if no receipt is found and none had to be there.
            DeadlineExceeded: if no receipt is found, and too few members of the replica set confirm that there is none.
            Unavailable: if no server answers.
        """

    @abstractmethod
    def subscribe(self, event: type[EventT], handler: Callable[[EventT], None]) -> None:
        """Call the handler with every recorded event of that class, after the commit of its unit of work."""

    @abstractmethod
    def listen(self, listener: UnitOfWorkListener) -> None:
        """Let a listener watch every unit of work from now on."""

    @abstractmethod
    def open(self) -> None:
        """Connect now instead of at the first use.

        Raises:
            ConfigurationError: if the server cannot do what the store was opened for.
            Unavailable: if no server answers.
        """

    @abstractmethod
    def prepare(self) -> None:
        """Create the declared collections and indexes; what is there already stays. Safe to call at any time.

        Raises:
            ConfigurationError: if an index cannot be created, for instance over duplicates.
        """

    @abstractmethod
    def check(self, *, timeout: float = 5.0) -> StoreReport:
        """Ping, and compare the declared unique keys with the actual ones; never raises for what it finds."""

    @abstractmethod
    def save(self) -> None:
        """Keep what was committed so far, beyond the end of the process: in memory, in the folder of the URL.

        ``memory:///some/folder`` does so too when it is closed; a server does so with every commit.

        Raises:
            ConfigurationError: if the store has no place to keep anything, as ``memory://``.
            Unavailable: if it cannot be kept now; what was kept before still is.
        """

    @abstractmethod
    def close(self) -> None:
        """Release connections. A closed store opens again at the next use."""
