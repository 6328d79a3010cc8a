"""The core store: accounts, what belongs to them, and credits."""

from .credentials import Credential, CredentialQueries, hash_secret
from .organizations import (
    Organization,
    OrganizationId,
    OrganizationQueries,
    OrganizationRepository,
    OrganizationStatus,
    OrganizationSuspended,
)
from .projects import (
    Project,
    ProjectArchived,
    ProjectArchivedError,
    ProjectCreated,
    ProjectId,
    ProjectQueries,
    ProjectRepository,
    ProjectStatus,
)
from .sessions import Session, SessionId, SessionQueries, SessionRepository
from .tokens import Token, TokenId, TokenPurpose, TokenQueries, TokenRepository
from .transfers import (
    CreditsTransferred,
    CreditTransfer,
    CreditTransferId,
    CreditTransferQueries,
    CreditTransferRepository,
)
from .unit_of_work import CoreReader, CoreUnitOfWork
from .users import (
    PasswordChanged,
    User,
    UserDeactivated,
    UserId,
    UserQueries,
    UserRegistered,
    UserRemoved,
    UserRepository,
    UserRole,
    UserStatus,
)

__all__ = [
    "CoreReader",
    "CoreUnitOfWork",
    "Credential",
    "CredentialQueries",
    "CreditTransfer",
    "CreditTransferId",
    "CreditTransferQueries",
    "CreditTransferRepository",
    "CreditsTransferred",
    "Organization",
    "OrganizationId",
    "OrganizationQueries",
    "OrganizationRepository",
    "OrganizationStatus",
    "OrganizationSuspended",
    "PasswordChanged",
    "Project",
    "ProjectArchived",
    "ProjectArchivedError",
    "ProjectCreated",
    "ProjectId",
    "ProjectQueries",
    "ProjectRepository",
    "ProjectStatus",
    "Session",
    "SessionId",
    "SessionQueries",
    "SessionRepository",
    "Token",
    "TokenId",
    "TokenPurpose",
    "TokenQueries",
    "TokenRepository",
    "User",
    "UserDeactivated",
    "UserId",
    "UserQueries",
    "UserRegistered",
    "UserRemoved",
    "UserRepository",
    "UserRole",
    "UserStatus",
    "hash_secret",
]
