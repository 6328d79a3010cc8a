"""Flushing: hooks first, then all plans, then one write for each collection in registration order."""

from collections.abc import Sequence
from typing import Any, Protocol

from .....domain.errors import TristoreError, UnitOfWorkError
from .....domain.plain_functions import call_plain
from .....domain.repository.hooks import Change
from .....domain.unit_of_work.listener import UnitOfWorkListener
from .....domain.unit_of_work.unit_of_work import UnitOfWork
from ..identity_map import Pending, Record, State, TrackedCollection
from ..transaction_scope import TransactionScope
from .change_set import PlannedWrites

_ROUNDS = 100
"""How many rounds of hooks that cause each other are taken for work; more are a loop."""


class Writer(Protocol):
    """What a flush needs of its unit of work."""

    @property
    def owner(self) -> UnitOfWork[Any]:
        """The unit as the hooks know it."""

    @property
    def stored_now(self) -> Any:
        """The time of the unit, as it is stored."""

    @property
    def collections(self) -> Sequence[TrackedCollection]:
        """The collections that the unit has touched, in registration order."""

    def check_size(self, documents: int) -> None:
        """Refuse a unit that writes too many documents."""

    @property
    def scope(self) -> TransactionScope:
        """Its transaction."""


class Flusher:
    """Writes the pending changes of a unit of work, which it is handed at each call and does not keep.

    Attributes:
        documents: how many documents were written.
    """

    __slots__ = ("_applied", "_hooked", "_in_hook", "_level", "_listeners", "_transactional", "documents")

    def __init__(self, listeners: Sequence[UnitOfWorkListener], *, transactional: bool) -> None:
        self._listeners = listeners
        self._transactional = transactional
        self._level = 0
        self._hooked: set[int] = set()
        self._in_hook: set[int] = set()
        self._applied: list[str] = []
        self.documents = 0

    def flush_all(self, writer: Writer, *, final: bool = False) -> bool:
        """Write what is pending everywhere, also in collections that a hook is the first to use.

        Args:
            writer: the unit of work.
            final: whether nothing follows but the commit.

        Returns:
            Whether there was anything.
        """
        found = False
        known: Sequence[TrackedCollection] = ()
        while len(known) != len(tracked := writer.collections):
            known = tracked
            found = self.flush(writer, tracked, final=final) or found
        return found

    def flush(self, writer: Writer, chosen: Sequence[TrackedCollection], *, final: bool = False) -> bool:
        """Write what is pending in these collections; tell whether there was anything.

        A query inside a hook comes here again, so that it sees what is pending; only the entity whose hook
        is running is left out, for it is not ready.
        """
        pending = self._pending(chosen)
        if not pending:
            return False
        outermost = self._level == 0
        self._level += 1
        try:
            if outermost:
                for listener in self._listeners:
                    call_plain("before_flush of a listener", listener.before_flush, writer.owner)
            if self._run_hooks(writer.owner, chosen) or self._listeners:
                final = False  # what a hook is the first to use needs another round
                pending = self._pending(chosen)
            now = writer.stored_now
            planned = [
                PlannedWrites(tracked, found, now, transactional=self._transactional) for tracked, found in pending
            ]
            self._carry_out(writer, planned, final=final)
        finally:
            self._level -= 1
            if outermost:
                self._hooked.clear()
        if outermost:
            for listener in self._listeners:
                call_plain("after_flush of a listener", listener.after_flush, writer.owner)
        return True

    def _carry_out(self, writer: Writer, planned: Sequence[PlannedWrites], *, final: bool) -> None:
        writer.check_size(self.documents + sum(writes.size for writes in planned))
        for writes in planned:
            try:
                writes.carry_out(writer.scope.write, writer.scope.read)
            except BaseException as error:
                if not self._transactional:
                    self._say_what_was_applied(error)
                writer.scope.fail(error)
                raise
            self.documents += writes.size
            writes.settle(final=final)
            if not self._transactional:
                self._applied += writes.lines()

    def _say_what_was_applied(self, error: BaseException) -> None:
        """Without transactions a failing unit keeps what was written before."""
        if isinstance(error, TristoreError):
            applied = (*self._applied, *getattr(error, "applied", ()))
            error.applied = applied  # type: ignore[attr-defined]
            if applied:
                error.add_note(f"without transactions, these stay applied: {', '.join(applied)}")

    def _run_hooks(self, owner: UnitOfWork[Any], chosen: Sequence[TrackedCollection]) -> bool:
        """Run the hooks once for each pending entity, until they cause nothing new; tell whether there were any."""
        found = False
        for _ in range(_ROUNDS):
            news = [(one, record) for one in chosen for record in _due(one) if id(record) not in self._hooked]
            if not news:
                return found
            found = True
            for tracked, record in news:
                if id(record) not in self._hooked:  # a query in a hook before may have come to it already
                    self._run_hook(owner, tracked, record)
        raise UnitOfWorkError("the hooks of the repositories cause each other without end")

    def _run_hook(self, owner: UnitOfWork[Any], tracked: TrackedCollection, record: Record) -> None:
        self._hooked.add(id(record))
        self._in_hook.add(id(record))
        try:
            _call_hook(owner, tracked, record)
        finally:
            self._in_hook.discard(id(record))

    def _pending(self, chosen: Sequence[TrackedCollection]) -> list[tuple[TrackedCollection, Pending]]:
        found = [(tracked, pending) for tracked in chosen if tracked.records and (pending := tracked.pending())]
        if not self._in_hook:
            return found
        ready = [(tracked, pending.without(self._in_hook)) for tracked, pending in found]
        return [(tracked, pending) for tracked, pending in ready if pending]


def _call_hook(owner: UnitOfWork[Any], tracked: TrackedCollection, record: Record) -> None:
    repository = getattr(owner, tracked.binding.name)
    mapping = tracked.mapping
    if record.state is State.REMOVED:
        call_plain("a hook", repository.before_remove, record.entity, owner)
    elif record.state is State.ADDED:
        call_plain(
            "a hook", repository.before_save, record.entity, Change(frozenset(mapping.by_name), is_new=True), owner
        )
    elif record.state is State.STORED:
        fields = frozenset(mapping.changed_fields(record.entity, record.snapshot))
        call_plain("a hook", repository.before_save, record.entity, Change(fields, is_new=False), owner)


def _due(tracked: TrackedCollection) -> list[Record]:
    """The pending entities for which the repository has a hook."""
    binding = tracked.binding
    if not (binding.removes or binding.saves):
        return []
    pending = tracked.pending()
    removed = pending.removed if binding.removes else []
    saved = [*pending.changed, *pending.added] if binding.saves else []
    return [*removed, *saved]
