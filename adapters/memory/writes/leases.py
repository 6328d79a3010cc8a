"""Leases: documents that are looked at and written in one step, by the clock of this process."""

from datetime import UTC, datetime, timedelta

from ...backend import Document, LeaseState, Update, WritePlan
from ..bson.value_order import identity_key
from ..engine import NO_TABLE, Engine
from .writer import Writer


class Leases:
    """The leases of one store."""

    def __init__(self, engine: Engine, writer: Writer) -> None:
        self._engine = engine
        self._writer = writer

    def claim(self, collection: str, id: str, owner: str, seconds: float, timeout: float) -> LeaseState:
        """Take a lease that nobody has; return who has it."""
        with self._engine.lock:
            found, now = self._found(collection, id), _now()
            if found is not None and found["until"] > now:
                return LeaseState(found["owner"], found["fence"], (found["until"] - now).total_seconds())
            fence = 1 if found is None else found["fence"] + 1
            taken = {"owner": owner, "until": now + timedelta(seconds=seconds), "fence": fence}
            if found is None:
                plan = WritePlan(collection, "fence", inserts=[{"_id": id, **taken}])
            else:
                plan = WritePlan(collection, "fence", updates=[Update(id, found["fence"], taken)])
            self._writer.write(plan, None, timeout)
            return LeaseState(owner, fence, seconds)

    def renew(self, collection: str, id: str, mine: tuple[str, int], seconds: float, timeout: float) -> bool:
        """Let a lease last from now on; tell whether the owner still has it."""
        with self._engine.lock:
            found = self._found(collection, id)
            if found is None or (found["owner"], found["fence"]) != mine:
                return False
            until = _now() + timedelta(seconds=seconds)
            plan = WritePlan(collection, "fence", updates=[Update(id, found["fence"], {"until": until})])
            self._writer.write(plan, None, timeout)
            return True

    def _found(self, collection: str, id: str) -> Document | None:
        row = self._engine.tables.get(collection, NO_TABLE).rows.get(identity_key(id))
        return None if row is None else row.document


def _now() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None)
