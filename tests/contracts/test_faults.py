"""The faults contract on each backend."""

import pytest

from .faults_suite import FaultsContract
from .stores import OnMemory, OnMongo


class TestMemory(OnMemory, FaultsContract):
    """Simulated in front of the in-memory backend."""


@pytest.mark.usefixtures("impatient")
class TestMongo(OnMongo, FaultsContract):
    """Fail points of a real mongod."""
