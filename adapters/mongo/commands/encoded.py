"""Commands that carry values of documents: all are encoded here, as the documents are.

The driver encodes what is no plain query by its own defaults, which know no UUID.
"""

from collections.abc import Mapping
from typing import Any

from bson import encode
from bson.raw_bson import RawBSONDocument
from pymongo.database import Database

from ...backend import Document
from ...backend.bson import CODEC_OPTIONS, RAW_OPTIONS


def in_bson(part: Mapping[str, Any]) -> RawBSONDocument:
    """Return a part of a command as it is sent, whatever the driver would make of it."""
    return RawBSONDocument(encode(part, codec_options=CODEC_OPTIONS), RAW_OPTIONS)


def commanded(database: Database[Document], command: Mapping[str, Any]) -> Document:
    """Carry out a command, and return its answer."""
    return database.command(dict(command), codec_options=CODEC_OPTIONS)
