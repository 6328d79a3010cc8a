"""Lines of Extended JSON into a repository: checked one by one, written in chunks, with what is refused set aside."""

from contextlib import ExitStack
from math import inf
from pathlib import Path
from typing import Any, BinaryIO

from attrs import frozen

from ...domain.errors import ConfigurationError
from ..documents.store import DocumentStore
from .checkpoint import Checkpoint
from .chunks import Chunks
from .lines import lines_of
from .rejects import Rejects
from .steps import Progress, Step, binding_of, no_progress


@frozen(kw_only=True)
class ImportReport:
    """What an import did, in all its runs.

    Attributes:
        lines: that were read, without empty ones.
        inserted: documents that were stored.
        unchanged: documents that were stored already, the same to the bit.
        rejected: lines that were refused.
        rejects: where they are, None without one.
        stopped: whether it ended before the file did, after too many of them.
    """

    lines: int
    inserted: int
    unchanged: int
    rejected: int
    rejects: Path | None = None
    stopped: bool = False


def import_lines(
    store: DocumentStore[Any],
    repository: str,
    source: Path | str,
    *,
    rejects: Path | str | None = None,
    checkpoint: Path | str | None = None,
    resume: bool = False,
    max_rejects: int | None = None,
    progress: Progress = no_progress,
) -> ImportReport:
    """Store the documents of a file, one a line, as ``mongoexport`` and `export_lines` write them.

    A document of an older schema version is brought up to date. Each is checked as its entity: types, converters,
    validators, `before_save`. What they change is stored changed, all else as it stands in the line. The writes are
    unordered and outside transactions, some thousand documents each, confirmed by a majority. A document that is stored
    already, the same to the bit, is left alone, so that an import may be repeated. A document without an ``_id`` gets a
    new one.

    After each chunk the place in the file is saved, so that an import which was broken off, even by a kill, can go on;
    a store in memory, which loses with the process what it did not save, has no such place, and begins again. However
    long the file is, no more than a chunk of it is in memory.

    Args:
        store: of the repository.
        repository: its name in the unit of work, such as ``users``.
        source: the path of the file.
        rejects: the file for lines that are refused, each as ``{"line": .., "reason": .., "document": ..}``; what is no
            JSON stands as ``text``. By default ``<source>.rejects``. It is made with the first reject.
        checkpoint: the file for the place; by default ``<source>.<store>.<repository>.checkpoint``. It is gone when the
            import is done.
        resume: whether to go on where an import of the same file stopped, if there is one.
        max_rejects: after so many rejects the import stops.
        progress: is told of each chunk.

    Raises:
        ConfigurationError: if there is no such file or repository, an import of it stopped before and `resume` is not
            given, or the files for rejects or the place cannot be written; nothing was stored.
        Unavailable: if the server went away; import again with `resume`.
    """
    binding = binding_of(store, repository)
    path = Path(source)
    refused = Path(rejects or path.with_name(f"{path.name}.rejects"))
    place = Path(checkpoint or path.with_name(f"{path.name}.{store.name}.{repository}.checkpoint"))
    target = f"{store.name}.{repository} at {store.backend.location}"
    keeps_commits = store.backend.keeps_commits
    with ExitStack() as stack:
        file = stack.enter_context(_opened(path))
        owner = stack.enter_context(store.bulk())
        store.environment.ensure_prepared()
        state = _begun(place, target, path, resume=resume) if keeps_commits else Checkpoint.begin(target, path)
        aside = stack.enter_context(Rejects(refused, state.rejects_size, replace=resume))
        if keeps_commits and not state.offset:
            _save_first(state, place)
        file.seek(state.offset)
        chunks = Chunks(store.environment, binding, owner, state, aside)
        run = _Run(chunks, place if keeps_commits else None, path.stat().st_size, progress)
        stopped = run.read(file, max_rejects)
    if not stopped:
        place.unlink(missing_ok=True)
    return ImportReport(
        lines=state.inserted + state.unchanged + state.rejected,
        inserted=state.inserted,
        unchanged=state.unchanged,
        rejected=state.rejected,
        rejects=refused if state.rejected else None,
        stopped=stopped,
    )


def _opened(path: Path) -> BinaryIO:
    try:
        return path.open("rb", buffering=1024 * 1024)
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be read: {error.strerror}") from error


def _begun(place: Path, target: str, source: Path, *, resume: bool) -> Checkpoint:
    if place.exists():
        state = Checkpoint.read(place, target, source)
        if not resume:
            raise ConfigurationError(
                f"an import of {source} stopped after line {state.line:,}: go on with resume (--resume), or remove "
                f"{place} to begin again; documents that are stored already stay as they are"
            )
        return state
    return Checkpoint.begin(target, source)


def _save_first(state: Checkpoint, place: Path) -> None:
    """Save a checkpoint before anything is stored: what it says of ids must be known to whoever goes on."""
    try:
        state.save(place)
    except OSError as error:
        raise ConfigurationError(
            f"the checkpoint {place} cannot be written ({error.strerror}): name another place for it (--checkpoint)"
        ) from error


class _Run:
    """One run of an import: from where the file stands to its end."""

    def __init__(self, chunks: Chunks, place: Path | None, size: int, progress: Progress) -> None:
        self._chunks = chunks
        self._place = place
        self._size = size
        self._progress = progress

    def read(self, file: BinaryIO, max_rejects: int | None) -> bool:
        """Import what is left of the file; tell whether it stopped before the end, for too many rejects."""
        chunks = self._chunks
        most = inf if max_rejects is None else max_rejects
        for line in lines_of(file, number=chunks.state.line, offset=chunks.state.offset):
            chunks.take(line)
            if chunks.is_full or chunks.rejected >= most:
                self._write()
                if chunks.rejected >= most:
                    return True
        self._write()
        return False

    def _write(self) -> None:
        self._chunks.write()
        state = self._chunks.state
        if self._place is not None:
            state.save(self._place)
        self._progress(Step(state.line, state.offset / self._size if self._size else None, state.rejected))


__all__ = ["ImportReport", "import_lines"]
