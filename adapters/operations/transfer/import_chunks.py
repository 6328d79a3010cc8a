"""The chunks of an import: what is checked is written, what is refused by whoever is set aside."""

from collections.abc import Iterable, Sequence
from typing import Any

from attrs import frozen
from bson import ObjectId

from ....domain.entities.entity import Entity
from ....domain.errors import (
    DomainError,
    InvalidQuery,
    MigrationError,
    NotFound,
    Problem,
    TooLarge,
    UnitOfWorkError,
    ValidationError,
)
from ....domain.queries.query import Query
from ....domain.rules.predicates import OneOf
from ....domain.unit_of_work.unit_of_work import UnitOfWork
from ...backend import Document, KeyTaken, ManyResult, WritePlan
from ...documents.collections.bindings import Binding
from ...documents.context.store_context import Environment
from ...documents.context.unordered_write import unordered_write
from ...documents.queries.modifications import duplicate
from ...documents.values.keys import ID_KEY
from ...formats.extended_json import from_line
from .checking import Check, encoded
from .checkpoint import Checkpoint
from .lines import MOST_BYTES, Line
from .rejects import Rejects

CHUNK = 2_000
"""The most documents of one write."""

CHUNK_BYTES = 8 * 1024 * 1024
"""The most bytes of lines in one write, unless one line alone is longer."""

_REFUSALS = (ValueError, TypeError, DomainError, InvalidQuery, MigrationError, NotFound, TooLarge, UnitOfWorkError)
"""What says of one document that it cannot be stored, a hook's refusal too; all else ends the import."""


@frozen
class _Item:
    """A line that may be stored."""

    line: Line
    document: Document
    entity: Entity[Any]


@frozen
class _Refusal:
    """A line that may not."""

    line: Line
    reason: str
    is_json: bool = True


class Chunks:
    """Takes lines, and writes them some thousand at a time.

    Attributes:
        state: what is done, as of the last write.
    """

    def __init__(
        self, environment: Environment, binding: Binding, owner: UnitOfWork[Any], state: Checkpoint, rejects: Rejects
    ) -> None:
        self.state = state
        self._environment = environment
        self._binding = binding
        self._owner = owner
        self._check = Check(binding, owner)
        self._rejects = rejects
        self._last: Line | None = None
        self._token = bytes.fromhex(state.token)
        self._begin()

    @property
    def is_full(self) -> bool:
        """Whether it is time to write."""
        return len(self._items) + len(self._refused) >= CHUNK or self._weight >= CHUNK_BYTES

    @property
    def rejected(self) -> int:
        """How many lines were refused so far, as far as that is known before they are written."""
        return self.state.rejected + len(self._refused)

    def take(self, line: Line) -> None:
        """Check a line."""
        self._last = line
        self._weight += len(line.text)
        if line.too_long:
            self._refused.append(_Refusal(line, f"is longer than {MOST_BYTES:,} bytes", is_json=False))
            return
        try:
            written = from_line(line.text)
        except ValidationError as error:
            self._refused.append(_Refusal(line, _words(error.problems), is_json=False))
            return
        try:
            document, entity = self._check.checked(written, self._own_id(line))
        except _REFUSALS as error:
            self._refused.append(_Refusal(line, _reason(error)))
            return
        self._items.append(_Item(line, document, entity))

    def write(self) -> None:
        """Store what is checked, set aside what is refused, and count both."""
        if self._last is None:
            return
        result = unordered_write(self._items, self._insert) if self._items else ManyResult(0, 0, 0)
        unchanged = self._unchanged([number for number, error in result.errors.items() if isinstance(error, KeyTaken)])
        for number, error in result.errors.items():
            if number not in unchanged:
                item = self._items[number]
                told = duplicate(self._binding.mapping, error, item.entity.id) if isinstance(error, KeyTaken) else error
                self._refused.append(_Refusal(item.line, _reason(told)))
        for refusal in sorted(self._refused, key=lambda refusal: refusal.line.number):
            self._rejects.add(refusal.line, refusal.reason, is_json=refusal.is_json)
        self._rejects.flush()
        self._tell(item for number, item in enumerate(self._items) if number not in result.errors)
        self._count(len(self._items) - len(result.errors), len(unchanged), self._last)
        self._begin()

    def _begin(self) -> None:
        self._items: list[_Item] = []
        self._refused: list[_Refusal] = []
        self._weight = 0
        self._last = None

    def _own_id(self, line: Line) -> ObjectId:
        """The id of a line that has none: the same one when the line is imported again from a checkpoint."""
        return ObjectId(self._token + line.number.to_bytes(5))

    def _insert(self, items: Sequence[_Item]) -> ManyResult:
        binding = self._binding
        plan = WritePlan(binding.collection, binding.mapping.version_key, inserts=[item.document for item in items])
        return self._environment.write_many(plan)

    def _unchanged(self, taken: Sequence[int]) -> set[int]:
        """Of those whose key is taken, the ones that are stored already, the same to the bit."""
        if not taken:
            return set()
        ids = tuple(self._items[number].document[ID_KEY] for number in taken)
        environment = self._environment
        found = environment.backend.find(
            self._binding.collection,
            Query(OneOf((ID_KEY,), ids)),
            transaction=None,
            timeout=environment.operation_timeout,
        )
        stored = {encoded(document) for document in found.to_list()}
        return {number for number in taken if encoded(self._items[number].document) in stored}

    def _tell(self, written: Iterable[_Item]) -> None:
        if self._binding.commits:
            repository = getattr(self._owner, self._binding.name)
            for item in written:
                self._environment.shielded(repository.after_commit, item.entity)

    def _count(self, inserted: int, unchanged: int, last: Line) -> None:
        state = self.state
        state.inserted += inserted
        state.unchanged += unchanged
        state.rejected += len(self._refused)
        state.offset, state.line, state.rejects_size = last.end, last.number, self._rejects.size


def _reason(error: Exception) -> str:
    if isinstance(error, ValidationError):
        return _words(error.problems)
    return f"{type(error).__name__}: {error}"


def _words(problems: Iterable[Problem]) -> str:
    return "; ".join(map(str, problems))
