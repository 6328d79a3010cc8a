"""What the driver knows of members and connections; asking it sends nothing."""

from math import isfinite
from typing import Any

from pymongo import MongoClient

from ...domain.unit_of_work.health import PoolUse
from ..backend import Document, ServerInfo, ServerState

_DATA_BEARING = frozenset({"RSPrimary", "RSSecondary"})


def state_of(client: MongoClient[Document], info: ServerInfo) -> ServerState:
    """Return the state of the servers that a client knows."""
    servers = client.topology_description.server_descriptions()
    primary = next((one for one in servers.values() if one.is_writable), None)
    return ServerState(
        info,
        primary=None if primary is None else _name(primary.address),
        replication_lag=_lag(servers.values()),
        unreachable=tuple(sorted(_name(one.address) for one in servers.values() if not one.is_server_type_known)),
        pools=_pools(client),
    )


def _lag(servers: Any) -> float | None:
    """The lag of the slowest secondary, estimated as the specification of maxStalenessSeconds does.

    Each server tells with a heartbeat when its last write was; what passed between the two heartbeats is taken out.
    """
    known = [one for one in servers if one.server_type_name in _DATA_BEARING and one.last_write_date is not None]
    primary = next((one for one in known if one.server_type_name == "RSPrimary"), None)
    lags = [
        (one.last_update_time - one.last_write_date) - (primary.last_update_time - primary.last_write_date)
        for one in known
        if primary is not None and one is not primary
    ]
    return max(0.0, *lags) if lags else None


def _pools(client: MongoClient[Document]) -> tuple[PoolUse, ...]:
    """The pools of a client. The driver tells of them in events alone, which cost every operation: it is looked into.

    A driver that keeps them elsewhere shows none.
    """
    servers = getattr(getattr(client, "_topology", None), "_servers", {})
    most = client.options.pool_options.max_pool_size
    bound = int(most) if most and isfinite(most) else None
    found = []
    for address, server in sorted(servers.items()):
        pool: Any = getattr(server, "pool", None)
        if hasattr(pool, "active_sockets") and hasattr(pool, "conns"):
            found.append(PoolUse(_name(address), pool.active_sockets, len(pool.conns), bound))
    return tuple(found)


def _name(address: Any) -> str:
    return f"{address[0]}:{address[1]}"
