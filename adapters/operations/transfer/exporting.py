"""A repository as lines of Extended JSON, in the order of the ids."""

import os
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, BinaryIO

from attrs import frozen

from ....domain.errors import ConfigurationError, ValidationError
from ....domain.plain_functions import check_plain
from ....domain.queries.query import Query, SortKey
from ....domain.rules.predicates import EVERYTHING, Predicate
from ...documents.context.store_context import Environment
from ...documents.queries.keyset import BRACKETS, Key
from ...documents.store import DocumentStore
from ...documents.values.keys import ID_KEY
from ...formats.atomic_files import PRIVATE, sync_folder
from ...formats.extended_json import from_line, to_line
from .progress import Progress, Step, binding_of, no_progress

_STEP = 1_000
_TAIL = 64 * 1024

_ORDER = (SortKey((ID_KEY,)),)


@frozen(kw_only=True)
class ExportReport:
    """What an export did.

    Attributes:
        documents: that stand in the file.
        size: of the file, in bytes.
        resumed_after: how many of them an earlier run had written.
    """

    documents: int
    size: int
    resumed_after: int = 0


def export_lines(
    store: DocumentStore[Any],
    repository: str,
    target: Path | str | BinaryIO,
    *,
    resume: bool = False,
    overwrite: bool = False,
    progress: Progress = no_progress,
) -> ExportReport:
    """Write every document of a repository to a file, one a line, in the order of their ids.

    The lines are canonical Extended JSON: `import_lines` and ``mongoimport`` make the same documents of them, to the
    bit, fields that the entity does not know included. Secrets are written too; only the owner may read the file.

    They go to ``<target>.part`` first, which takes the target's name when all are there, so that a target is always
    whole. It is not a snapshot: what is written meanwhile may be in the file or not.

    Args:
        store: of the repository.
        repository: its name in the unit of work, such as ``users``.
        target: a path, or an open binary file, which cannot be resumed.
        resume: whether to go on behind the last whole line of ``<target>.part``, if it is there.
        overwrite: whether a target that is there is replaced.
        progress: is told of each thousand documents.

    Raises:
        ConfigurationError: if there is no such repository, the target is there, or an export to it stopped before and
            `resume` is not given.
        ValidationError: if a document cannot be written so, naming it; it holds a key such as ``$date``.
        Unavailable: if the server went away; export again with `resume`.
    """
    check_plain(progress, "progress", takes=1)
    binding = binding_of(store, repository)
    environment = store.environment
    environment.ensure_prepared()
    if not isinstance(target, Path | str):
        if resume:
            raise ConfigurationError("an open file cannot be resumed: name it by its path")
        return _Export(environment, binding.collection, target, progress).run()
    path = Path(target)
    part = path.with_name(f"{path.name}.part")
    _refuse_existing(path, part, resume=resume, overwrite=overwrite)
    try:
        opened = open(os.open(part, os.O_RDWR | os.O_CREAT, PRIVATE), "r+b", buffering=1024 * 1024)  # noqa: SIM115 - closed below
    except OSError as error:
        raise ConfigurationError(f"{part} cannot be written: {error.strerror}") from error
    with closing(opened) as file:
        report = _Export(environment, binding.collection, file, progress).run(*_done(part, file))
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)
    sync_folder(path.parent)
    return report


def _refuse_existing(path: Path, part: Path, *, resume: bool, overwrite: bool) -> None:
    if path.exists() and not overwrite:
        raise ConfigurationError(f"{path} is there already: move it away, or overwrite it (--overwrite)")
    if part.exists() and not resume:
        raise ConfigurationError(
            f"an export to {path} stopped before: go on with resume (--resume), or remove {part} to begin again"
        )


def _done(part: Path, file: BinaryIO) -> tuple[int, int, Predicate]:
    """Cut a file behind its last whole line; return how many there are, their bytes, and what is still to come.

    Raises:
        ConfigurationError: if the last line is no document.
    """
    size = _whole_lines(file)
    file.truncate(size)
    if not size:
        return 0, 0, EVERYTHING
    file.seek(0)
    count = sum(chunk.count(b"\n") for chunk in iter(lambda: file.read(1024 * 1024), b""))
    file.seek(_line_before(file, size - 1))
    key = Key("id", (ID_KEY,), descending=False, brackets=BRACKETS)
    try:
        document = from_line(file.readline())
        if ID_KEY not in document:
            raise ValueError("its last line has no id")
        last = key.value(document)
    except ValueError as error:
        raise ConfigurationError(f"{part} does not end with a document of this export: remove it ({error})") from error
    file.seek(size)
    return count, size, key.beyond(last, inclusive=False)


def _whole_lines(file: BinaryIO) -> int:
    """How many bytes the whole lines of a file take."""
    return _line_before(file, file.seek(0, os.SEEK_END))


def _line_before(file: BinaryIO, end: int) -> int:
    """The offset behind the last line end before an offset, 0 if there is none."""
    while end > 0:
        start = max(0, end - _TAIL)
        file.seek(start)
        found = file.read(end - start).rfind(b"\n")
        if found >= 0:
            return start + found + 1
        end = start
    return 0


class _Export:
    """One run."""

    def __init__(self, environment: Environment, collection: str, file: BinaryIO, progress: Progress) -> None:
        self._environment = environment
        self._collection = collection
        self._file = file
        self._progress = progress

    def run(self, done: int = 0, size: int = 0, rest: Predicate = EVERYTHING) -> ExportReport:
        """Write what is still to come."""
        environment = self._environment
        backend, timeout = environment.backend, environment.operation_timeout
        total = done + backend.count(self._collection, rest, limit=None, transaction=None, timeout=timeout)
        count = done
        for line in self._lines(rest):
            self._file.write(line)
            size += len(line)
            count += 1
            if count % _STEP == 0:
                self._progress(Step(count, min(1.0, count / total) if total else None))
        self._progress(Step(count, 1.0))
        return ExportReport(documents=count, size=size, resumed_after=done)

    def _lines(self, rest: Predicate) -> Iterator[bytes]:
        environment = self._environment
        cursor = environment.backend.find(
            self._collection, Query(rest, _ORDER), transaction=None, timeout=environment.operation_timeout
        )
        with closing(cursor):
            for document in cursor:
                try:
                    yield to_line(document)
                except ValidationError as error:
                    shown = f"{self._collection} {document[ID_KEY]}"
                    raise ValidationError(error.problems, entity=shown) from None
