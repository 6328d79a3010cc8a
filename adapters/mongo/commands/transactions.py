"""Transactions and snapshots: how they begin, commit and end."""

import _thread
import logging
import time
from contextlib import suppress

import pymongo
from pymongo.client_session import ClientSession
from pymongo.errors import PyMongoError
from pymongo.read_concern import ReadConcern
from pymongo.read_preferences import ReadPreference
from pymongo.write_concern import WriteConcern

from ....domain.errors import CommitUnknown, DeadlineExceeded, Unavailable, WriteConflict
from ...backend.durability import warn_of_durability
from .errors import DURABILITY_UNCONFIRMED, UNKNOWN_COMMIT, Operation, code_of
from .masking import masked

_SNAPSHOT = ReadConcern("snapshot")
_MAJORITY = WriteConcern("majority")

_FRESH = 2.0
"""Seconds for what must be sent though the caller's time is over: an abort, or a commit once more."""

_RESENDS = 2

_LOGGER = logging.getLogger("tristore.mongo")


class MongoTransaction:
    """A session with a transaction, or one that reads a snapshot.

    Nothing is sent before the first operation. If it is dropped without commit or abort, its session is ended
    all the same: an open transaction would keep its documents locked until the server's own limit.
    """

    __slots__ = ("_began", "_committed", "_ended", "read_only", "session")

    def __init__(self, session: ClientSession, *, read_only: bool) -> None:
        self._ended = False
        self._committed = False
        self._began: float | None = None
        self.session = session
        self.read_only = read_only
        if not read_only:
            session.start_transaction(_SNAPSHOT, _MAJORITY, ReadPreference.PRIMARY)

    def age(self) -> float:
        """Return the seconds since this was first asked: before its first operation."""
        if self._began is None:
            self._began = time.monotonic()
        return time.monotonic() - self._began

    def commit(self, operation: Operation) -> None:
        """Commit, and end; while the outcome is unknown, stay open for `settle`.

        Raises:
            CommitUnknown: if it was sent, also once more, and nobody knows its outcome.
        """
        try:
            if not self.read_only:
                _commit(self.session, operation)
        except CommitUnknown:
            raise
        except BaseException as error:
            # the driver takes a commit that failed for the end, and sends no abort: what is open keeps its documents
            _kill(self.session)
            if isinstance(error, Exception):  # after an interrupt the outcome is for `settle` to find out
                self.end()
            raise
        self._committed = True
        self.end()

    def settle(self, operation: Operation) -> None:
        """Learn the outcome of a commit: once the session was killed it was either committed before, or never will be.

        The server answers a repeated commit of a committed transaction like the first one, and of any other with
        NoSuchTransaction (251).

        Raises:
            WriteConflict: if it was not committed.
            CommitUnknown: if the server cannot be asked now.
        """
        if self._committed:  # an interrupt came just behind the commit
            self.end()
            return
        unknown = self.session.session_id["id"].hex()
        if not _kill(self.session):
            raise CommitUnknown(unknown)
        try:
            left = _send_commit(self.session, operation)
        except (Unavailable, DeadlineExceeded) as error:
            raise CommitUnknown(unknown) from error
        except WriteConflict:
            self.end()
            raise
        if left is not None:
            raise CommitUnknown(unknown) from left
        self._committed = True
        self.end()

    def end(self) -> None:
        """Abort what is open, within a time of its own, and give the session back."""
        if not self._ended:
            _end(self.session)
            self._ended = True

    def __del__(self) -> None:
        # Garbage may be collected while this thread holds a lock of the driver: another thread does it, unless
        # the interpreter is ending and starts none.
        if not self._ended:
            with suppress(RuntimeError):
                _thread.start_new_thread(_end_dropped, (self.session,))


def _commit(session: ClientSession, operation: Operation) -> None:
    """Commit; sent any number of times it has one effect, so it is sent again while its outcome is unknown."""
    again = Operation(operation.name, operation.place, _FRESH, in_transaction=True)
    unknown: PyMongoError | None = None
    for sending in (operation, *(again,) * _RESENDS):
        unknown = _send_commit(session, sending)
        if unknown is None:
            return
    raise CommitUnknown(session.session_id["id"].hex()) from unknown


def _send_commit(session: ClientSession, operation: Operation) -> PyMongoError | None:
    """Send the commit once; return the error after which nobody knows its outcome."""
    with operation:
        try:
            session.commit_transaction()
        except PyMongoError as error:
            if code_of(error) in DURABILITY_UNCONFIRMED:
                warn_of_durability(f"committed, but too few members confirmed it (code {code_of(error)})")
            elif error.has_error_label(UNKNOWN_COMMIT):
                return masked(error)
            else:
                raise
    return None


def _kill(session: ClientSession) -> bool:
    """Free the documents of a transaction whose commit may never have arrived; tell whether the server did so."""
    try:
        with pymongo.timeout(_FRESH):
            session.client.admin.command("killSessions", [session.session_id])
    except PyMongoError as error:
        _LOGGER.warning("a transaction of unknown outcome could not be freed: %s", type(error).__name__)
        return False
    return True


def _end(session: ClientSession) -> None:
    try:
        with pymongo.timeout(_FRESH):
            session.end_session()
    except PyMongoError as error:
        _LOGGER.warning("a transaction could not be aborted: %s", type(error).__name__)


def _end_dropped(session: ClientSession) -> None:
    _LOGGER.warning("a transaction was dropped without commit or abort; it is aborted now")
    _end(session)
