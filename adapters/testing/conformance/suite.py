"""What every backend does, for the authors of backends: subclass `BackendConformance` in a test module.

It needs pytest, which prints the matrix of guarantees at the end of the run::

    class TestCounting(BackendConformance):
        \"\"\"The counting backend.\"\"\"

        capabilities = Capability.TRANSACTIONS | Capability.SNAPSHOT_READS

        def open_backend(self, options: BackendOptions) -> Backend:
            return CountingBackend.open("counting://", options)
"""

from collections.abc import Iterator
from typing import ClassVar

import pytest

from ....domain.errors import ConfigurationError
from ...backend import Backend, BackendOptions, Capability, CollectionDeclaration, IndexDeclaration
from .cases import COLLECTIONS, TIMEOUT, ids, read, write
from .given import GivenContract
from .leases import LeasesContract
from .many import ManyContract
from .reads.list_orders import ListOrdersContract
from .reads.reading import ReadingContract
from .reads.rollups import RollupsContract
from .transactions import TransactionContract
from .writing import WritingContract

UNIQUE_N = IndexDeclaration((("n", 1),), unique=True)
OPTIONS = BackendOptions("conformance", COLLECTIONS)
PREPARATION = 60.0
"""Seconds that preparing the collections may take."""
OTHER = (CollectionDeclaration("other", (UNIQUE_N, IndexDeclaration((("m", 1),)))),)


class BackendConformance(
    ReadingContract,
    ListOrdersContract,
    RollupsContract,
    WritingContract,
    ManyContract,
    GivenContract,
    TransactionContract,
    LeasesContract,
):
    """Opening, preparing, closing.

    Every rule of the port, at the level of documents. A subclass declares `capabilities` and gives `open_backend`, or,
    where opening takes long, a fixture `backend` of its own: opened with `options`, prepared with their collections,
    and empty for each test.
    """

    options: ClassVar = OPTIONS
    """What a backend under test is opened with."""

    def open_backend(self, options: BackendOptions) -> Backend:
        """Open an empty backend; each test has one of its own, which it prepares and closes.

        Args:
            options: with the collections that the suite declares.
        """
        pytest.fail(f"{type(self).__name__} has no factory: give it open_backend(self, options)")

    @pytest.fixture
    def backend(self) -> Iterator[Backend]:
        """The backend under test, prepared and empty."""
        backend = self.open_backend(self.options)
        backend.prepare(COLLECTIONS, timeout=PREPARATION)
        yield backend
        backend.close()

    def test_declared_capabilities(self, backend: Backend) -> None:
        """The backend offers what was declared, no more and no less."""
        assert self.capabilities == backend.capabilities

    def test_prepared_backend_misses_nothing(self, backend: Backend) -> None:
        """U18: preparing again changes nothing, and afterwards no unique key is missing."""
        backend.prepare(COLLECTIONS, timeout=TIMEOUT)

        assert [] == list(backend.missing(COLLECTIONS, timeout=TIMEOUT))

    def test_missing_unique_keys(self, backend: Backend) -> None:
        """Declared unique keys that do not exist are named; other indexes are not."""
        before = list(backend.missing(OTHER, timeout=TIMEOUT))
        backend.prepare(OTHER, timeout=TIMEOUT)
        after = list(backend.missing(OTHER, timeout=TIMEOUT))

        assert ([("other", UNIQUE_N)], []) == (before, after)

    def test_duplicates_stop_the_preparation(self, backend: Backend) -> None:
        """A unique key over duplicates cannot be prepared; the error names collection and field, and data stays."""
        write(backend, {"_id": 1, "n": 5}, {"_id": 2, "n": 5}, into="twins")

        with pytest.raises(ConfigurationError, match=r"twins.* n\b"):
            backend.prepare([CollectionDeclaration("twins", (UNIQUE_N,))], timeout=TIMEOUT)

        assert [1, 2] == ids(read(backend, of="twins"))

    def test_ping(self, backend: Backend) -> None:
        """A ping describes the server and says whether it has transactions."""
        found = backend.ping(timeout=TIMEOUT)

        assert found.description
        assert found.latency >= 0
        assert (Capability.TRANSACTIONS in backend.capabilities) == found.transactions

    def test_closed_backend_opens_again(self, backend: Backend) -> None:
        """After a close the next operation connects again, and finds what was stored."""
        write(backend, {"_id": 1})
        backend.close()
        backend.close()

        assert [1] == ids(read(backend))
