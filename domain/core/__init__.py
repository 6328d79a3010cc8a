"""The core store: accounts, what belongs to them, and credits."""

from .credentials import Credential, CredentialQueries, hash_secret
from .errors import AuthenticationFailed, InsufficientCredits
from .ids import CreditTransferId, OrganizationId, ProjectId, SessionId, TokenId, UserId
from .organizations import (
    Organization,
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
    ProjectQueries,
    ProjectRepository,
    ProjectStatistics,
    ProjectStatus,
)
from .sessions import Session, SessionQueries, SessionRepository
from .tokens import Token, TokenPurpose, TokenQueries, TokenRepository
from .transfers import (
    CreditsTransferred,
    CreditTransfer,
    CreditTransferQueries,
    CreditTransferRepository,
)
from .unit_of_work import CoreReader, CoreUnitOfWork
from .users import (
    PasswordChanged,
    User,
    UserDeactivated,
    UserQueries,
    UserRegistered,
    UserRemoved,
    UserRepository,
    UserRole,
    UserStatus,
)

__all__ = [
    "AuthenticationFailed",
    "CoreReader",
    "CoreUnitOfWork",
    "Credential",
    "CredentialQueries",
    "CreditTransfer",
    "CreditTransferId",
    "CreditTransferQueries",
    "CreditTransferRepository",
    "CreditsTransferred",
    "InsufficientCredits",
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
    "ProjectStatistics",
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
