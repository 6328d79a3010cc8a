"""How a store is: what a readiness probe asks, and what somebody on call wants to see."""

from collections.abc import Mapping
from typing import Any

from attrs import asdict, field, frozen

from .outbox import Backlog


@frozen
class PoolUse:
    """The connections of one process to one server.

    Attributes:
        server: ``host:port``.
        in_use: connections that operations have now.
        idle: open connections that wait for one.
        most: how many there may be; None without a bound.
    """

    server: str
    in_use: int
    idle: int
    most: int | None


@frozen(kw_only=True)
class StoreHealth:
    """How one store is. What was not asked, or does not exist for its backend, is None or empty.

    Attributes:
        store: its name.
        url: where it is, without a password.
        ready: whether it can be used: a server answers, declared unique keys exist, transactions are there if required.
        problems: why it is not ready, and what to do.
        warnings: what does not keep it from working, but should be looked at.
        description: product, version, topology.
        latency: of a ping, in seconds.
        primary: ``host:port`` of the server that takes writes.
        replication_lag: seconds by which the slowest secondary that is known is behind the primary; None where there is
            none. Servers report to the driver every heartbeat, 2 s, so that smaller lags say nothing.
        unreachable: members that do not answer.
        pools: the use of connections, for each server.
        missing: declared unique keys that do not exist.
        index_drift: what would make indexes and options as they are declared, such as ``create users.email_1``; None
            where there is no server that has them.
        schema_versions: the declared version of each collection.
        behind: how many documents of each collection have another version, if that was asked.
        backlog: what the outbox still has to deliver; None without an outbox.
    """

    store: str
    url: str
    ready: bool
    problems: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    description: str = ""
    latency: float | None = None
    primary: str | None = None
    replication_lag: float | None = None
    unreachable: tuple[str, ...] = ()
    pools: tuple[PoolUse, ...] = ()
    missing: tuple[str, ...] = ()
    index_drift: tuple[str, ...] | None = None
    schema_versions: Mapping[str, int] = field(factory=dict)
    behind: Mapping[str, int] | None = None
    backlog: Backlog | None = None


@frozen
class Health:
    """How several stores are.

    Attributes:
        stores: each of them.
    """

    stores: tuple[StoreHealth, ...]

    @property
    def ready(self) -> bool:
        """Whether all of them can be used."""
        return all(store.ready for store in self.stores)

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON-ready data, with moments in ISO 8601."""
        return {"ready": self.ready, "stores": [_plain(asdict(store)) for store in self.stores]}


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value.isoformat() if hasattr(value, "isoformat") else value
