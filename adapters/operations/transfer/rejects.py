"""Lines that were refused, in a file, each with the reason."""

import json
import os
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

from ....domain.errors import ConfigurationError
from ...formats.atomic_files import PRIVATE
from .lines import Line

_MOST_TEXT = 10_000
"""Characters that are kept of a line that is no document."""


class Rejects:
    """The file, made with the first reject; a context manager that closes it.

    Args:
        path: where.
        size: how many bytes of it belong to what a checkpoint says is done; what follows is written again.
        replace: whether a file that is there is that of the import which goes on, also if none of it is done.

    Raises:
        ConfigurationError: if the file is there and belongs to something else, or what is done of it is not there.
    """

    def __init__(self, path: Path, size: int, *, replace: bool) -> None:
        self.path = path
        self.size = size
        self._file: BinaryIO | None = None
        found = _size_of(path)
        if found and not replace:
            raise ConfigurationError(
                f"the file for rejects, {path}, holds something already: move it away, or name another one (--rejects)"
            )
        if found < size:
            raise ConfigurationError(
                f"the file for rejects, {path}, does not hold all lines that were refused so far: put it back, or "
                "remove the checkpoint to import from the start"
            )

    def __enter__(self) -> Self:
        """Begin."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()

    def add(self, line: Line, reason: str, *, is_json: bool) -> None:
        """Write a line and why it was refused; a document stands there as it was written."""
        start = json.dumps({"line": line.number, "reason": reason}, ensure_ascii=False)[:-1].encode()
        if is_json:
            content = b', "document": ' + line.text
        else:
            content = b', "text": ' + json.dumps(line.text[:_MOST_TEXT].decode(errors="replace")).encode()
        self.size += self._opened().write(start + content + b"}\n")

    def flush(self) -> None:
        """Wait until the disk has all of it."""
        if self._file is not None:
            self._file.flush()
            os.fsync(self._file.fileno())

    def _opened(self) -> BinaryIO:
        if self._file is None:
            try:
                self._file = open(os.open(self.path, os.O_RDWR | os.O_CREAT, PRIVATE), "r+b")  # noqa: SIM115 - closed at the end
                self._file.truncate(self.size)
                self._file.seek(self.size)
            except OSError as error:
                raise _unusable(self.path, error) from error
        return self._file


def _size_of(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0
    except OSError as error:
        raise _unusable(path, error) from error


def _unusable(path: Path, error: OSError) -> ConfigurationError:
    return ConfigurationError(f"the file for rejects, {path}, cannot be written: {error.strerror}")
