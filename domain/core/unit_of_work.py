"""The unit of work of the core store, and its reader."""

from ..unit_of_work.unit_of_work import Reader, UnitOfWork
from .organizations import OrganizationQueries, OrganizationRepository
from .projects import ProjectQueries, ProjectRepository
from .sessions import SessionQueries, SessionRepository
from .tokens import TokenQueries, TokenRepository
from .transfers import CreditTransferQueries, CreditTransferRepository
from .users import UserQueries, UserRepository


class CoreReader(Reader):
    """Reads accounts, what belongs to them, and credits."""

    users: UserQueries
    organizations: OrganizationQueries
    projects: ProjectQueries
    tokens: TokenQueries
    sessions: SessionQueries
    transfers: CreditTransferQueries


class CoreUnitOfWork(UnitOfWork[CoreReader]):
    """Changes accounts, what belongs to them, and credits."""

    users: UserRepository
    organizations: OrganizationRepository
    projects: ProjectRepository
    tokens: TokenRepository
    sessions: SessionRepository
    transfers: CreditTransferRepository
