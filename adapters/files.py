"""Files that are written whole or not at all."""

import os
from collections.abc import Iterable
from pathlib import Path

PRIVATE = 0o600
"""Only the owner reads what may hold secrets."""


def write_new(path: Path, parts: Iterable[bytes]) -> None:
    """Write a file from its beginning, and wait until the disk has it.

    Raises:
        OSError: as the system gives it; the file may be there in part.
    """
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, PRIVATE), "wb") as file:
        for part in parts:
            file.write(part)
        file.flush()
        os.fsync(file.fileno())


def replace(path: Path, content: bytes) -> None:
    """Put a file in the place of another one: whoever looks finds the old or the new one, whole, also after a crash.

    Raises:
        OSError: as the system gives it; the old file is as it was.
    """
    new = path.with_name(f"{path.name}.new")
    write_new(new, (content,))
    new.replace(path)
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Wait until the disk has the names in a folder."""
    opened = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


__all__ = ["PRIVATE", "replace", "sync_folder", "write_new"]
