"""The upkeep of a deployment: indexes, validators, advice and slow queries of a store's server."""

from .advice import index_advice
from .indexes import IndexDiff, diff_indexes, sync_indexes
from .slow_queries import SlowShape, profile_operations, slow_operations, slow_shapes
from .suggestions import Advice
from .validators import ValidatorDiff, diff_validators, sync_validators

__all__ = [
    "Advice",
    "IndexDiff",
    "SlowShape",
    "ValidatorDiff",
    "diff_indexes",
    "diff_validators",
    "index_advice",
    "profile_operations",
    "slow_operations",
    "slow_shapes",
    "sync_indexes",
    "sync_validators",
]
