"""The port of backends: what they are asked, what they are told to write, and what they tell."""

from .declarations import (
    CollectionDeclaration,
    IndexDeclaration,
    TimeSeriesDeclaration,
    ValidatorDeclaration,
)
from .port import Backend, BackendOptions, Capability, Cursor, Transaction, Watch
from .server import LeaseState, Seen, ServerInfo, ServerState
from .write_plan import (
    MAX_DOCUMENT_BYTES,
    Delete,
    Document,
    KeyTaken,
    ManyResult,
    Modify,
    ModifyResult,
    Replace,
    Update,
    WritePlan,
    WriteResult,
)

__all__ = [
    "MAX_DOCUMENT_BYTES",
    "Backend",
    "BackendOptions",
    "Capability",
    "CollectionDeclaration",
    "Cursor",
    "Delete",
    "Document",
    "IndexDeclaration",
    "KeyTaken",
    "LeaseState",
    "ManyResult",
    "Modify",
    "ModifyResult",
    "Replace",
    "Seen",
    "ServerInfo",
    "ServerState",
    "TimeSeriesDeclaration",
    "Transaction",
    "Update",
    "ValidatorDeclaration",
    "Watch",
    "WritePlan",
    "WriteResult",
]
