"""The lines of a file, one by one, with their places; however long, never more of one than a document can take."""

from collections.abc import Iterator
from typing import BinaryIO

from attrs import frozen

MOST_BYTES = 64 * 1024 * 1024
"""The longest line that is read: a document of 16 MiB, written as text with the types of all values."""

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


@frozen
class Line:
    """A line.

    Attributes:
        number: from 1.
        text: without its end; cut to `MOST_BYTES`.
        end: the offset of the byte behind it.
        too_long: whether there was more.
    """

    number: int
    text: bytes
    end: int
    too_long: bool = False


def lines_of(file: BinaryIO, *, number: int = 0, offset: int = 0) -> Iterator[Line]:
    """Yield the lines that hold something.

    Args:
        file: stands at the offset.
        number: how many lines lie before it.
        offset: where in the whole it stands.
    """
    while text := file.readline(MOST_BYTES):
        number += 1
        offset += len(text)
        too_long = len(text) == MOST_BYTES and not text.endswith(b"\n")
        if too_long:
            offset += _skip_line(file)
        if number == 1:
            text = text.removeprefix(_BYTE_ORDER_MARK)
        text = text.strip()
        if text:
            yield Line(number, text, offset, too_long)


def _skip_line(file: BinaryIO) -> int:
    """Go on to the next line; return how many bytes lie between."""
    skipped = 0
    while part := file.readline(MOST_BYTES):
        skipped += len(part)
        if part.endswith(b"\n"):
            break
    return skipped
