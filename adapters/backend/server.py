"""What a backend tells: of its servers, of leases, of changes that it sees."""

from typing import Any

from attrs import frozen

from ...domain.unit_of_work.health import PoolUse


@frozen
class Seen:
    """Something that was written, by whomever.

    Attributes:
        collection: where; None if all of them are meant, or nobody knows.
        id: the stored id of the document.
        one: whether it is about one document; otherwise about the whole collection.
    """

    collection: str | None
    id: Any = None
    one: bool = False


@frozen
class ServerInfo:
    """What a ping found.

    Attributes:
        description: product, version and topology in a few words.
        latency: of the ping, in seconds.
        transactions: whether the server has transactions.
    """

    description: str
    latency: float
    transactions: bool


@frozen
class ServerState:
    """What a backend knows of its servers.

    Attributes:
        info: what a ping found.
        primary: ``host:port`` of the server that takes writes; None where there is none.
        replication_lag: seconds by which the slowest known secondary is behind it; None without secondaries.
        unreachable: members that do not answer.
        pools: the use of connections, for each server.
    """

    info: ServerInfo
    primary: str | None = None
    replication_lag: float | None = None
    unreachable: tuple[str, ...] = ()
    pools: tuple[PoolUse, ...] = ()


@frozen
class LeaseState:
    """Who has a lease.

    Attributes:
        owner: whoever claimed it last.
        fence: how often it was claimed; whoever finds another number than its own has lost it.
        seconds: until it ends by itself, on the server's clock; 0 or less if it has ended.
    """

    owner: str
    fence: int
    seconds: float
