"""How far an import came: a small file beside what is imported, replaced after each chunk."""

import hashlib
import json
import secrets
from pathlib import Path
from typing import Any, Self

from attrs import asdict, define, field, fields
from bson import ObjectId

from ...domain.errors import ConfigurationError
from .. import files

_FORMAT = 1
_HEAD = 64 * 1024


@define(kw_only=True)
class Checkpoint:
    """What is done of an import.

    Attributes:
        target: the store, its place, and the repository.
        head: a digest of the beginning of the file.
        token: begins the ids that this import makes up: the seconds of now and three random bytes, in hexadecimal.
        offset: how many bytes of the file are done.
        line: the number of the last line that is done.
        inserted, unchanged, rejected: the counts so far.
        rejects_size: how many bytes of the file of rejects belong to what is done.
    """

    target: str
    head: str
    token: str = field(factory=lambda: ObjectId().binary[:4].hex() + secrets.token_hex(3))
    offset: int = 0
    line: int = 0
    inserted: int = 0
    unchanged: int = 0
    rejected: int = 0
    rejects_size: int = 0

    @classmethod
    def begin(cls, target: str, source: Path) -> Self:
        """Return that of an import which has done nothing yet."""
        return cls(target=target, head=_digest(source))

    @classmethod
    def read(cls, path: Path, target: str, source: Path) -> Self:
        """Read the file of an import that is to go on.

        Raises:
            ConfigurationError: if it is of another import, of a file that has changed, or no such file at all.
        """
        found: dict[str, Any] = {}
        try:
            found.update(json.loads(path.read_bytes()))
            known = found.pop("format") == _FORMAT and found.keys() == {one.name for one in fields(cls)}
        except (ValueError, KeyError, TypeError):
            known = False
        if not known:
            raise ConfigurationError(
                f"{path} is not the checkpoint of an import: remove it, and import again from the start"
            )
        checkpoint = cls(**found)
        if checkpoint.target != target:
            raise ConfigurationError(f"{path} belongs to an import into {checkpoint.target}, not into {target}")
        if checkpoint.head != _digest(source) or source.stat().st_size < checkpoint.offset:
            raise ConfigurationError(
                f"{source} has changed since line {checkpoint.line:,} of it was imported: remove {path} to import it "
                "from the start; documents that are stored already stay as they are"
            )
        return checkpoint

    def save(self, path: Path) -> None:
        """Replace the file."""
        files.replace(path, json.dumps({"format": _FORMAT, **asdict(self)}, indent=1).encode())


def _digest(source: Path) -> str:
    with source.open("rb") as file:
        return hashlib.blake2b(file.read(_HEAD), digest_size=16).hexdigest()


__all__ = ["Checkpoint"]
