"""Lines of Extended JSON into a repository: checked one by one, written in chunks, with what is refused set aside."""

import os
from contextlib import ExitStack
from itertools import combinations
from math import inf
from pathlib import Path
from typing import Any, BinaryIO

from attrs import frozen

from ....domain.errors import ConfigurationError
from ....domain.plain_functions import check_plain
from ...documents.store import DocumentStore
from ...formats.atomic_files import is_same, new_name
from .checkpoint import Checkpoint, head_of
from .import_chunks import Chunks
from .lines import lines_of
from .progress import Progress, Step, binding_of, no_progress
from .rejects import Rejects


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
    source: Path | str | BinaryIO,
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
    already, the same to the bit, is left alone, so that an import of documents with ids may be repeated. A document
    without an ``_id`` gets a new one each time.

    After each chunk the place in the file is saved, so that an import which was broken off, even by a kill, can go on;
    into a store in memory, which loses with the process what it did not save, it begins again. However long the file
    is, no more than a chunk of it is in memory.

    Args:
        store: of the repository.
        repository: its name in the unit of work, such as ``users``.
        source: a path, or an open binary file such as a pipe, which is read from where it stands and cannot be resumed.
        rejects: the file for lines that are refused, each as ``{"line": .., "reason": .., "document": ..}``; what is no
            JSON stands as ``text``. By default ``<source>.rejects``; for an open file it must be named. It is made with
            the first reject. One that holds something is added to only by the import that wrote it.
        checkpoint: the file for the place; by default ``<source>.<store>.<repository>.checkpoint``. It is gone when the
            import is done.
        resume: whether to go on where an import of the same file stopped, if there is one.
        max_rejects: after so many rejects the import stops.
        progress: is told of each chunk.

    Raises:
        ConfigurationError: if there is no such file or repository, the path is that of a pipe, an import of it stopped
            before and `resume` is not given, the files for rejects or the place cannot be used, or two of the files
            are the same; nothing was stored.
        Unavailable: if the server went away; import again with `resume`.
    """
    check_plain(progress, "progress", takes=1)
    binding = binding_of(store, repository)
    target = f"{store.name}.{repository} at {store.backend.location}"
    with ExitStack() as stack:
        if isinstance(source, Path | str):
            path = Path(source)
            begun = _of_path(
                path,
                stack.enter_context(_opened(path)),
                Path(rejects or path.with_name(f"{path.name}.rejects")),
                Path(checkpoint or path.with_name(f"{path.name}.{store.name}.{repository}.checkpoint")),
                target,
                resume=resume,
            )
        else:
            begun = _of_stream(source, rejects, checkpoint, target, resume=resume)
        place, state = begun.place, begun.state
        aside = stack.enter_context(Rejects(begun.rejects, state.rejects_size, replace=begun.has_rejects))
        owner = stack.enter_context(store.bulk())
        store.environment.ensure_prepared()
        if place is not None and not state.offset:
            _save_first(state, place)
        chunks = Chunks(store.environment, binding, owner, state, aside)
        run = _Run(chunks, place if store.backend.keeps_commits else None, begun.size, progress)
        stopped = run.read(begun.file, max_rejects)
    if place is not None and not stopped:
        place.unlink(missing_ok=True)
    return ImportReport(
        lines=state.inserted + state.unchanged + state.rejected,
        inserted=state.inserted,
        unchanged=state.unchanged,
        rejected=state.rejected,
        rejects=begun.rejects if state.rejected else None,
        stopped=stopped,
    )


def _opened(path: Path) -> BinaryIO:
    try:
        file = path.open("rb", buffering=1024 * 1024)
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be read: {error.strerror}") from error
    if not file.seekable():
        file.close()
        raise ConfigurationError(
            f"{path} is no file that can be read from any place: pass it as standard input, with - for the name of the "
            f"file and < {path} behind the command"
        )
    return file


@frozen(kw_only=True)
class _Begun:
    """What an import is about to read, and what of it is done.

    Attributes:
        file: stands where reading begins.
        size: of the whole, None where it is not known.
        rejects: their file.
        has_rejects: whether that was written by this import.
        state: what is done.
        place: where that is saved; None for a file that cannot be read again.
    """

    file: BinaryIO
    size: int | None
    rejects: Path
    has_rejects: bool
    state: Checkpoint
    place: Path | None


def _of_path(path: Path, file: BinaryIO, rejects: Path, place: Path, target: str, *, resume: bool) -> _Begun:
    _refuse_same(path, rejects, place)
    begin = Checkpoint(
        target=target, head=head_of(file), rejects=os.path.relpath(rejects.resolve(), place.resolve().parent)
    )
    size = file.seek(0, os.SEEK_END)
    state = _begun(begin, place, path, size, resume=resume)
    has_rejects = state is not begin and state.rejects == begin.rejects
    state.rejects = begin.rejects
    file.seek(state.offset)
    return _Begun(file=file, size=size, rejects=rejects, has_rejects=has_rejects, state=state, place=place)


def _of_stream(
    file: BinaryIO, rejects: Path | str | None, checkpoint: Path | str | None, target: str, *, resume: bool
) -> _Begun:
    if resume:
        raise ConfigurationError("an open file cannot be resumed: name it by its path")
    if checkpoint is not None:
        raise ConfigurationError("an open file has no checkpoint, for it cannot be resumed")
    if rejects is None:
        raise ConfigurationError("an open file has no name: name a file for rejects")
    state = Checkpoint(target=target, head="", rejects="")
    return _Begun(file=file, size=None, rejects=Path(rejects), has_rejects=False, state=state, place=None)


def _refuse_same(source: Path, rejects: Path, place: Path) -> None:
    """Refuse to write over what is read, or two things into one file."""
    used = {"the file": source, "its rejects": rejects, "its checkpoint": place, "what replaces that": new_name(place)}
    for (one, path), (other, another) in combinations(used.items(), 2):
        if is_same(path, another):
            raise ConfigurationError(
                f"{one} and {other} must not be the same file, {path}: name others (--rejects, --checkpoint)"
            )


def _begun(begin: Checkpoint, place: Path, source: Path, size: int, *, resume: bool) -> Checkpoint:
    """Return what is done of an import that is to go on, or its beginning if there is none.

    Raises:
        ConfigurationError: if it is another import, of a file that has changed, or is not to go on.
    """
    if not place.exists():
        return begin
    state = Checkpoint.read(place)
    if state.target != begin.target:
        raise ConfigurationError(f"{place} belongs to an import into {state.target}, not into {begin.target}")
    if state.head != begin.head or size < state.offset:
        raise ConfigurationError(
            f"{source} has changed since line {state.line:,} of it was imported: remove {place} to import it from the "
            "start; documents that are stored already stay as they are"
        )
    if not resume:
        raise ConfigurationError(
            f"an import of {source} stopped after line {state.line:,}: go on with resume (--resume), or remove {place} "
            "to begin again; documents that are stored already stay as they are"
        )
    if state.rejects != begin.rejects and state.rejects_size:
        raise ConfigurationError(
            f"the lines that were refused so far are in {place.parent / state.rejects}: name that file (--rejects)"
        )
    return state


def _save_first(state: Checkpoint, place: Path) -> None:
    """Save a checkpoint before anything is stored: whoever goes on must know its ids and its rejects."""
    try:
        state.save(place)
    except OSError as error:
        raise ConfigurationError(
            f"the checkpoint {place} cannot be written ({error.strerror}): name another place for it (--checkpoint)"
        ) from error


class _Run:
    """One run of an import: from where the file stands to its end."""

    def __init__(self, chunks: Chunks, place: Path | None, size: int | None, progress: Progress) -> None:
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
