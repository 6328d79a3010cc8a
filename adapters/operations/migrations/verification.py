"""Reading every document of a collection as the code does, in bounded memory."""

from collections.abc import Callable

from ....domain.errors import TristoreError
from ....domain.queries.query import Query
from ...documents.collections.bindings import Binding
from ...documents.context.store_context import Environment
from .census import census_of
from .reports import Progress, Verification
from .walk import Tally, scan_timeout

_PORTION = 1_000


def verify(
    environment: Environment, binding: Binding, on_progress: Callable[[Progress], None], *, read: bool
) -> Verification:
    """Count the documents by version, and build an entity of each.

    Args:
        environment: the store.
        binding: the repository.
        on_progress: is told after each thousand documents.
        read: whether documents are read; otherwise they are only counted by version.
    """
    census = census_of(environment, binding)
    tally, done = Tally(), 0
    if read:
        cursor = environment.backend.find(
            binding.collection, Query(), transaction=None, timeout=scan_timeout(environment)
        )
        try:
            for document in cursor:
                done += 1
                try:
                    binding.mapping.load(document)
                except TristoreError as error:
                    tally.fail(document.get("_id"), error)
                if done % _PORTION == 0:
                    on_progress(Progress(binding.collection, done, max(done, census.total), tally.failed))
        finally:
            cursor.close()
        on_progress(Progress(binding.collection, done, done, tally.failed))
    return Verification(binding.collection, census, done, tally.failed, tuple(tally.problems))
