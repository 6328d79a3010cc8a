"""How far an import came: a small file beside what is imported, replaced after each chunk."""

import hashlib
import json
import secrets
from pathlib import Path
from typing import Any, BinaryIO, Self

from attrs import asdict, define, field, fields, validators
from bson import ObjectId

from ....domain.errors import ConfigurationError
from ...formats import atomic_files as files

_FORMAT = 1
_HEAD = 64 * 1024


def _text() -> Any:
    return field(validator=validators.instance_of(str))


def _number() -> Any:
    return field(default=0, validator=[validators.instance_of(int), validators.ge(0)])


@define(kw_only=True)
class Checkpoint:
    """What is done of an import.

    Attributes:
        target: the store, its place, and the repository.
        head: a digest of the beginning of the file.
        rejects: the file of rejects, as the folder of the checkpoint sees it: the two may be moved together.
        token: begins the ids that this import makes up: the seconds of now and three random bytes, in hexadecimal.
        offset: how many bytes of the file are done.
        line: the number of the last line that is done.
        inserted, unchanged, rejected: the counts so far.
        rejects_size: how many bytes of the file of rejects belong to what is done.
    """

    target: str = _text()
    head: str = _text()
    rejects: str = _text()
    token: str = field(
        factory=lambda: ObjectId().binary[:4].hex() + secrets.token_hex(3),
        validator=[validators.instance_of(str), validators.matches_re("[0-9a-f]{14}")],
    )
    offset: int = _number()
    line: int = _number()
    inserted: int = _number()
    unchanged: int = _number()
    rejected: int = _number()
    rejects_size: int = _number()

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read the file.

        Raises:
            ConfigurationError: if it cannot be read, or holds anything else.
        """
        try:
            content = path.read_bytes()
        except OSError as error:
            raise ConfigurationError(
                f"the checkpoint {path} cannot be read: {error.strerror}; remove it, or name another place for it "
                "(--checkpoint)"
            ) from error
        try:
            found = dict(json.loads(content))
            if found.pop("format") != _FORMAT or found.keys() != {one.name for one in fields(cls)}:
                raise ValueError
            checkpoint = cls(**found)
            if (
                not checkpoint.inserted + checkpoint.unchanged + checkpoint.rejected
                <= checkpoint.line
                <= checkpoint.offset
            ):
                raise ValueError
        except (ValueError, KeyError, TypeError, RecursionError):
            raise ConfigurationError(
                f"{path} is not the checkpoint of an import, or is damaged: remove it and import from the start, or "
                "name another place for the checkpoint (--checkpoint)"
            ) from None
        return checkpoint

    def save(self, path: Path) -> None:
        """Replace the file."""
        files.replace(path, json.dumps({"format": _FORMAT, **asdict(self)}, indent=1).encode())


def head_of(file: BinaryIO) -> str:
    """Return a digest of the beginning of a file, which tells files apart."""
    file.seek(0)
    return hashlib.blake2b(file.read(_HEAD), digest_size=16).hexdigest()
