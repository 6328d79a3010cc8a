"""Lines that were refused, in a file, each with the reason."""

import json
import os
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

from ...domain.errors import ConfigurationError
from ..files import PRIVATE
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
        ConfigurationError: if the file is there and belongs to something else.
    """

    def __init__(self, path: Path, size: int, *, replace: bool = False) -> None:
        self.path = path
        self.size = size
        self._file: BinaryIO | None = None
        if not size and not replace and path.exists() and path.stat().st_size:
            raise ConfigurationError(
                f"the file for rejects, {path}, holds something already: move it away, or name another one (--rejects)"
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
            except OSError as error:
                raise ConfigurationError(
                    f"the file for rejects, {self.path}, cannot be written: {error.strerror}"
                ) from error
            self._file.truncate(self.size)
            self._file.seek(self.size)
        return self._file


__all__ = ["Rejects"]
