"""The faults by name: plain values that say what goes wrong, at which operation, and how often."""

from collections.abc import Callable
from typing import Literal, get_args

from attrs import field, frozen
from attrs.validators import ge, gt, in_, optional

from ....domain.errors import ConfigurationError

Point = Literal["any", "find", "count", "distinct", "rollup", "aggregate", "write", "commit"]
"""Which operations of a store a fault counts and hits; "any" is all of these kinds."""


@frozen(kw_only=True)
class Fault:
    """What goes wrong; one of the classes below.

    Attributes:
        at: the first operation that it hits, counted from 1 when it is injected, among those that `on` names.
        on: which operations it counts.
        times: how many of them it hits, one after the other.
    """

    at: int = field(default=1, validator=ge(1))
    on: Point = field(default="any", validator=in_(get_args(Point)))
    times: int = field(default=1, validator=ge(1))

    def hits(self, ordinal: int) -> bool:
        """Tell whether it hits the operation with this number."""
        return self.at <= ordinal < self.at + self.times


@frozen(kw_only=True)
class CommitFault(Fault):
    """What goes wrong with a commit."""

    on: Point = field(default="commit", init=False)


@frozen(kw_only=True)
class TransientError(Fault):
    """The server has lost the transaction: `WriteConflict`, nothing applied."""


@frozen(kw_only=True)
class ConnectionClosed(Fault):
    """The connection ends instead of an answer, before the operation was carried out.

    In a transaction that is a `WriteConflict`, nothing applied. A commit, a read outside a transaction and, where the
    server has transactions, a write outside one are sent again by the driver: nobody notices.
    """


@frozen(kw_only=True)
class StepDown(Fault):
    """The server is no longer the primary, for a moment: what `ConnectionClosed` says holds here too."""


@frozen(kw_only=True)
class CommitAppliedAnswerLost(CommitFault):
    """The commit is applied, and no answer comes, however often it is sent.

    Attributes:
        reachable: whether the server can be asked afterwards: then the store finds out that it was applied, and nobody
            notices. If not, that is `CommitUnknown` until the end of the injection.
    """

    reachable: bool = True


@frozen(kw_only=True)
class CommitNotApplied(CommitFault):
    """The commit never arrives, however often it is sent, and no answer comes.

    Attributes:
        reachable: whether the server can be asked afterwards: then the store finds out that it was not applied,
            which is a `WriteConflict`. If not, that is `CommitUnknown` until the end of the injection; the server
            aborts the transaction at once, as it does by itself when its limit (60 s by default) is over.
    """

    reachable: bool = True


@frozen(kw_only=True)
class WriteConcernTimeout(CommitFault):
    """The commit is applied, but too few members confirm it in time: it counts, with a `DurabilityWarning`."""


@frozen
class SlowCommand(Fault):
    """The server takes so many seconds before it carries the operation out.

    If the caller does not wait as long, that is `DeadlineExceeded`, nothing applied. A commit is sent again instead.
    """

    seconds: float = field(validator=gt(0))


@frozen(kw_only=True)
class PoolExhausted(Fault):
    """Other threads hold every connection for so many seconds.

    If the caller does not wait as long, that is `Unavailable`, nothing applied. A commit is tried again instead.
    """

    seconds: float = field(default=1.0, validator=gt(0))


@frozen(kw_only=True)
class ServerGone(Fault):
    """From this operation on no server answers: `Unavailable`; at a commit `CommitUnknown`, never applied.

    Attributes:
        seconds: after which it is back; None for the end of the injection. On a mongod an operation looks for a server
            for ``serverSelectionTimeoutMS``, at most its own time, so only a longer absence is noticed.
    """

    seconds: float | None = field(default=None, validator=optional(gt(0)))

    def __attrs_post_init__(self) -> None:
        if self.times != 1:
            raise ConfigurationError("ServerGone lasts for seconds, not for a number of operations")


@frozen
class Paused(Fault):
    """The process stands still before the operation while others go on: they are what `meanwhile` does."""

    meanwhile: Callable[[], object]
