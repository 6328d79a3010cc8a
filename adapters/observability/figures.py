"""The figures of commands, pools, servers and units that metrics count."""

from collections.abc import Mapping

from attrs import define, field, frozen


@define
class CommandFigures:
    """What was sent under one name.

    Attributes:
        count: how often.
        errors: how many of them failed.
        seconds: how long all of them took.
        slowest: how long the slowest took.
    """

    count: int = 0
    errors: int = 0
    seconds: float = 0.0
    slowest: float = 0.0


@define
class PoolFigures:
    """The connections to one server.

    Attributes:
        most: how many there may be, None without a bound.
        open: how many there are.
        in_use: how many of them operations have.
        waiting: operations that wait for one.
        created, closed: how many there were.
        refused: operations that waited in vain.
        waited: seconds that operations waited, all together.
        cleared: how often a failure made the pool give up all of them.
    """

    most: int | None = None
    open: int = 0
    in_use: int = 0
    waiting: int = 0
    created: int = 0
    closed: int = 0
    refused: int = 0
    waited: float = 0.0
    cleared: int = 0


@define
class ServerFigures:
    """One server, as its heartbeats tell.

    Attributes:
        answers: whether it answered the last time.
        kind: what it is, such as ``RSPrimary``.
        round_trip: seconds of the last heartbeat that it answered at once.
        failures: heartbeats without an answer.
    """

    answers: bool = False
    kind: str = ""
    round_trip: float | None = None
    failures: int = 0


@define
class UnitFigures:
    """The units of work of one store.

    Attributes:
        committed, rolled_back, unknown: attempts by their outcome.
        retries: attempts that followed a conflict or fail-over.
        seconds: from begin to end, all together.
        slowest: of the slowest.
    """

    committed: int = 0
    rolled_back: int = 0
    unknown: int = 0
    retries: int = 0
    seconds: float = 0.0
    slowest: float = 0.0


@frozen
class MetricsSnapshot:
    """All figures at one moment; a copy that does not change.

    Attributes:
        commands: by store and name.
        pools: by store and server, ``host:port``.
        servers: by store and server.
        units: by store.
    """

    commands: Mapping[tuple[str, str], CommandFigures] = field(factory=dict)
    pools: Mapping[tuple[str, str], PoolFigures] = field(factory=dict)
    servers: Mapping[tuple[str, str], ServerFigures] = field(factory=dict)
    units: Mapping[str, UnitFigures] = field(factory=dict)
