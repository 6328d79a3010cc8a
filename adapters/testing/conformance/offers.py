"""What a backend says that it offers, and how a suite tells the matrix of each guarantee."""

from typing import ClassVar

import pytest

from ...backend import Backend, Capability
from .matrix import AREA, GUARANTEE, NOT_OFFERED, SUITE, first_sentence


class OfferedGuarantees:
    """The base of every part of the suite: fixtures that leave out what a backend does not offer, and say so.

    Attributes:
        capabilities: what the backend offers; a test compares it with what the backend says of itself.
    """

    capabilities: ClassVar[Capability]

    @pytest.fixture(autouse=True)
    def recorded(self, request: pytest.FixtureRequest) -> None:
        """Note for the matrix which guarantee the test is about."""
        function = request.function
        part = next(cls for cls in type(self).__mro__ if function.__name__ in vars(cls))
        request.node.user_properties += [
            (SUITE, type(self).__name__),
            (AREA, first_sentence(part.__doc__)),
            (GUARANTEE, first_sentence(function.__doc__)),
        ]

    @pytest.fixture
    def transactional(self, backend: Backend, request: pytest.FixtureRequest) -> Backend:
        """The backend, where it offers transactions."""
        return self._offered(backend, Capability.TRANSACTIONS, request)

    @pytest.fixture
    def snapshots(self, backend: Backend, request: pytest.FixtureRequest) -> Backend:
        """The backend, where it offers snapshots for reading."""
        return self._offered(backend, Capability.SNAPSHOT_READS, request)

    @pytest.fixture
    def rolling(self, backend: Backend, request: pytest.FixtureRequest) -> Backend:
        """The backend, where it offers rollups."""
        return self._offered(backend, Capability.ROLLUPS, request)

    @pytest.fixture
    def leasing(self, backend: Backend, request: pytest.FixtureRequest) -> Backend:
        """The backend, where it offers leases."""
        return self._offered(backend, Capability.LEASES, request)

    def _offered(self, backend: Backend, capability: Capability, request: pytest.FixtureRequest) -> Backend:
        if capability not in self.capabilities:
            request.node.user_properties.append((NOT_OFFERED, str(capability.name)))
            pytest.skip(f"not offered: {capability.name}")
        return backend
