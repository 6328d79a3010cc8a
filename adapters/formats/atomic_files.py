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
    new = new_name(path)
    write_new(new, (content,))
    new.replace(path)
    sync_folder(path.parent)


def new_name(path: Path) -> Path:
    """Return where `replace` writes before it takes the place of a file."""
    return path.with_name(f"{path.name}.new")


def is_same(one: Path, other: Path) -> bool:
    """Tell whether two paths lead to one file, also under different names, or to one that is not there yet."""
    try:
        return one.samefile(other)
    except OSError:
        return one.resolve() == other.resolve()


def sync_folder(folder: Path) -> None:
    """Wait until the disk has the names in a folder."""
    opened = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
