"""What repositories have on MongoDB alone."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from ...domain.entities.entity import EntityT, IdT
from ...domain.repository.repository import Repository
from ..backend import Capability


class MongoRepository(Repository[EntityT, IdT]):
    """A repository whose named queries may use MongoDB's own words: inherit it in front of the port.

    ::

        class MongoInvoices(MongoRepository[Invoice, InvoiceId], InvoiceRepository): ...

    A store whose `Documents` name it opens on MongoDB alone.
    """

    needs: ClassVar[Capability] = Capability.PIPELINES
    """What the backend must be able to do: a store on another one is refused when it is opened."""

    def aggregate_raw(self, pipeline: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """Carry out an aggregation pipeline on the collection, in the unit's transaction or the reader's snapshot.

        A unit first writes what is pending, of every collection. The pipeline is in the words of the stored documents:
        their keys, ObjectId for ids. It is carried out as it is, so a value from outside belongs under ``$literal``
        or ``$eq``. The result is held in memory as a whole: end with ``$limit`` where it may be long.

        Args:
            pipeline: stages that read; aware datetimes and Decimal are brought into BSON's types.

        Returns:
            The documents, with aware datetimes in UTC and Decimal.

        Raises:
            InvalidQuery: before anything is sent, if it is no list of stages, or holds ``$out``, ``$merge``,
                ``$where``, ``$function`` or ``$accumulator`` anywhere.
        """
        from .translation.pipelines import checked  # the driver's part: whoever names this class may never open MongoDB

        return self._gateway.aggregate(checked(pipeline))
