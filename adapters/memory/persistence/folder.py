"""A folder that keeps the data of an in-memory store: one file of Extended JSON lines for each collection.

A save is whole or did not happen. The new files are written beside the old ones, and a list of them (`_COMMIT`) last:
with the list, whoever opens the folder next puts the new files in their places; without it, they are thrown away.
"""

import fcntl
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from urllib.parse import quote, unquote

from ....domain.errors import ConfigurationError, ValidationError
from ...backend import Document
from ...formats import atomic_files as files
from ...formats.extended_json import from_line, to_line

_SUFFIX = ".jsonl"
_NEW = ".saving"
_COMMIT = "commit.saving"
_LOCK = "lock"


class Folder:
    """A folder that this process has for itself.

    Args:
        path: is made if it is not there.

    Raises:
        ConfigurationError: if another store has it, or it cannot be used.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            path.mkdir(parents=True, exist_ok=True)
            self._lock = os.open(path / _LOCK, os.O_RDWR | os.O_CREAT, files.PRIVATE)
        except OSError as error:
            raise ConfigurationError(f"memory://{path} cannot be used: {error.strerror}") from None
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            holder = os.pread(self._lock, 100, 0).decode(errors="replace").strip() or "another process"
            os.close(self._lock)
            raise ConfigurationError(
                f"memory://{path} is in use by {holder}: one store at a time has such a folder; end or close that "
                "one, or use another folder"
            ) from None
        os.ftruncate(self._lock, 0)
        os.pwrite(self._lock, f"process {os.getpid()}".encode(), 0)
        try:
            self._finish_save()
        except OSError as error:
            self.release()
            raise ConfigurationError(f"memory://{path} cannot be used: {error.strerror}: {error.filename}") from None
        except BaseException:
            self.release()
            raise

    def load(self) -> dict[str, Iterator[Document]]:
        """Return the documents of each collection that has a file, in the order of their lines."""
        return {
            unquote(path.name.removesuffix(_SUFFIX)): _documents(path) for path in sorted(self.path.glob(f"*{_SUFFIX}"))
        }

    def save(self, collections: Mapping[str, Iterable[Document]]) -> list[ValidationError]:
        """Replace the files of collections; those that are not named stay as they are.

        Returns:
            What is wrong with each document that cannot be written, with its collection and id: it is left out.

        Raises:
            OSError: as the system gives it; every file is as it was.
        """
        left_out: list[ValidationError] = []
        names = {f"{quote(name, safe='')}{_SUFFIX}": name for name in collections}
        self._discard_save()
        for file, name in names.items():
            files.write_new(self.path / f"{file}{_NEW}", _lines(name, collections[name], left_out))
        files.sync_folder(self.path)
        files.replace(self.path / _COMMIT, json.dumps([*names]).encode())
        self._finish_save()
        return left_out

    def release(self) -> None:
        """Let others have the folder; a fork that has the file open too does not keep it."""
        fcntl.flock(self._lock, fcntl.LOCK_UN)
        os.close(self._lock)

    def _finish_save(self) -> None:
        """Put the files of a save that was decided in their places, and throw those of one that was not away."""
        commit = self.path / _COMMIT
        if commit.exists():
            for name in _names_in(commit):
                new = self.path / f"{name}{_NEW}"
                if new.exists():
                    new.replace(self.path / name)
            files.sync_folder(self.path)
            commit.unlink()
        self._discard_save()

    def _discard_save(self) -> None:
        for left in (*self.path.glob(f"*{_SUFFIX}{_NEW}"), *self.path.glob(f"{_COMMIT}.new")):
            left.unlink()


def _names_in(commit: Path) -> list[str]:
    """The files that a save was about to put in their places.

    Raises:
        ConfigurationError: if that is not what the file holds.
    """
    try:
        names = json.loads(commit.read_bytes())
    except (OSError, ValueError, RecursionError):
        names = None
    if not isinstance(names, list) or not all(isinstance(name, str) and _is_plain(name) for name in names):
        raise ConfigurationError(
            f"{commit} is damaged: it is no list of files of a save; nothing was changed. Look which of the files "
            f"that end with {_NEW} are whole, give them their names, and remove {commit}"
        )
    return names


def _is_plain(name: str) -> bool:
    return name.endswith(_SUFFIX) and name == os.path.basename(name)


def _lines(collection: str, documents: Iterable[Document], left_out: list[ValidationError]) -> Iterator[bytes]:
    """Yield the lines of documents; note the documents that have none."""
    for document in documents:
        try:
            yield to_line(document)
        except ValidationError as error:
            left_out.append(ValidationError(error.problems, entity=collection, document_id=document.get("_id")))


def _documents(path: Path) -> Iterator[Document]:
    try:
        opened = path.open("rb")
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be read: {error.strerror}") from None
    with opened as file:
        for number, line in enumerate(file, 1):
            if line.strip():
                try:
                    yield from_line(line)
                except ValidationError as error:
                    words = "; ".join(map(str, error.problems))
                    raise ConfigurationError(f"{path}, line {number}: {words}; nothing was changed") from None
