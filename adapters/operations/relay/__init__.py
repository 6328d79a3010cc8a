"""The relay: delivers what an outbox holds, at least once, in the order of each aggregate."""

from .relay import OutboxRelay

__all__ = ["OutboxRelay"]
