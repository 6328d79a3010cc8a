"""Old and odd documents on each backend."""

from ..stores import OnMemory, OnMongo
from .old_documents_suite import OldDocumentsContract


class TestMemory(OnMemory, OldDocumentsContract):
    """In memory."""


class TestMongo(OnMongo, OldDocumentsContract):
    """On a real mongod."""
