"""The contracts of reads on each backend."""

from .reads_suite import ForeignReadsContract, ReadsContract
from .stores import OnMemory, OnMongo


class TestMemory(OnMemory, ReadsContract):
    """In memory."""


class TestMongo(OnMongo, ReadsContract):
    """On a real mongod."""


class TestForeignMemory(OnMemory, ForeignReadsContract):
    """In memory, written by others."""


class TestForeignMongo(OnMongo, ForeignReadsContract):
    """On a real mongod, written by others."""
