"""The documents of the core store: a declaration for each repository, with its queries' indexes."""

from ...domain.core import (
    CreditsTransferred,
    CreditTransferRepository,
    OrganizationRepository,
    PasswordChanged,
    ProjectArchived,
    ProjectCreated,
    ProjectRepository,
    SessionRepository,
    TokenRepository,
    UserDeactivated,
    UserRegistered,
    UserRemoved,
    UserRepository,
)
from ...domain.entities.events import Event
from ..documents.declarations.documents import Documents
from ..documents.declarations.indexes import Index

OF_A_USER = (Index("user_id", "id"), Index("user_id", "-expires_at", "id"))

USERS = Documents(
    UserRepository,
    collection="users",
    indexes=(Index("organization_id", "status", "username"), Index("-created_at", "-id")),
)
ORGANIZATIONS = Documents(OrganizationRepository, collection="organizations", indexes=(Index("status", "name", "id"),))
PROJECTS = Documents(ProjectRepository, collection="projects")
TOKENS = Documents(TokenRepository, collection="tokens", indexes=OF_A_USER)
SESSIONS = Documents(SessionRepository, collection="sessions", indexes=OF_A_USER)
TRANSFERS = Documents(
    CreditTransferRepository,
    collection="transfers",
    indexes=(Index("sender_id", "-created_at", "-id"), Index("receiver_id", "-created_at", "-id")),
)

CORE = (USERS, ORGANIZATIONS, PROJECTS, TOKENS, SESSIONS, TRANSFERS)
"""The core store, in the order in which its collections are created."""

CORE_EVENTS: tuple[type[Event], ...] = (
    UserRegistered,
    PasswordChanged,
    UserDeactivated,
    UserRemoved,
    CreditsTransferred,
    ProjectCreated,
    ProjectArchived,
)
"""What the core store publishes."""
