"""The security contracts on each backend."""

from collections.abc import Iterator

import pytest
from listening import Listen

from ..services.services_base import ThreeStores
from ..stores import OnMemory, OnMongo
from .canaries_suite import CanaryContract
from .security_services_suite import SecurityOfServicesContract
from .security_suite import SecurityContract
from .wire import Wire


@pytest.fixture
def wire(listen: Listen) -> Iterator[Wire]:
    """What is sent is looked at, and nothing in it may come from a caller."""
    wire = Wire()
    listen(wire)
    yield wire
    assert [] == wire.problems


class TestMemory(OnMemory, SecurityContract):
    """In memory."""


@pytest.mark.usefixtures("wire")
class TestMongo(OnMongo, SecurityContract):
    """On a real mongod, with an eye on the wire."""


class TestServicesInMemory(SecurityOfServicesContract):
    """The three stores in memory."""

    @pytest.fixture
    def stores(self, memory_stores: ThreeStores) -> ThreeStores:
        return memory_stores


class TestServicesOnMongo(SecurityOfServicesContract):
    """The three stores on a real mongod, with an eye on the wire."""

    @pytest.fixture
    def stores(self, wire: Wire, mongo_stores: ThreeStores) -> ThreeStores:
        return mongo_stores


class TestCanariesInMemory(OnMemory, CanaryContract):
    """In memory."""


class TestCanariesOnMongo(OnMongo, CanaryContract):
    """On a real mongod."""
