"""The bulk contracts on each backend."""

from ..stores import OnMemory, OnMongo
from .bulk_suite import BulkContract
from .bulk_unit_suite import BulkUnitContract
from .bulk_where_suite import BulkWhereContract


class TestMemory(OnMemory, BulkContract, BulkWhereContract, BulkUnitContract):
    """In memory."""


class TestMongo(OnMongo, BulkContract, BulkWhereContract, BulkUnitContract):
    """On a real mongod."""
