"""The contracts of reads on each backend."""

from ..stores import OnMemory, OnMongo
from .reads_suite import ForeignReadsContract, ReadsContract


class TestMemory(OnMemory, ReadsContract):
    """In memory."""


class TestMongo(OnMongo, ReadsContract):
    """On a real mongod."""


class TestForeignMemory(OnMemory, ForeignReadsContract):
    """In memory, written by others."""


class TestForeignMongo(OnMongo, ForeignReadsContract):
    """On a real mongod, written by others."""
