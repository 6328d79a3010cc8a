"""What every backend does: subclass `BackendContract` and give it a `backend` fixture, with `COLLECTIONS` prepared."""

from collections.abc import Iterator

import pytest

from tristore.adapters.backend import Backend, Capability, CollectionDeclaration, IndexDeclaration
from tristore.domain.errors import ConfigurationError

from .backend_cases import COLLECTIONS, TIMEOUT, ids, read, write
from .backend_many import ManyContract
from .backend_reading import ReadingContract
from .backend_transactions import TransactionContract
from .backend_writing import WritingContract

UNIQUE_N = IndexDeclaration((("n", 1),), unique=True)
OTHER = (CollectionDeclaration("other", (UNIQUE_N, IndexDeclaration((("m", 1),)))),)


class BackendContract(ReadingContract, WritingContract, ManyContract, TransactionContract):
    """Every rule of the port, at the level of documents."""

    @pytest.fixture
    def backend(self) -> Iterator[Backend]:
        """The backend under test, prepared and empty."""
        raise NotImplementedError

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
