"""The faults contract on each backend."""

import pytest

from ..stores import OnMemory, OnMongo
from .faults_suite import FaultsContract


class TestMemory(OnMemory, FaultsContract):
    """Simulated in front of the in-memory backend."""


@pytest.mark.usefixtures("impatient")
class TestMongo(OnMongo, FaultsContract):
    """Fail points of a real mongod."""
