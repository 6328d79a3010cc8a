"""The composition root: every service, with what its constructor asks for.

Override a provider to replace a part, for instance in a test::

    container = Container()
    container.clock.override(providers.Object(FixedClock(start)))
"""

from collections.abc import Iterator

from dependency_injector import containers, providers

from ...domain.entities.clock import Clock, SystemClock
from ...domain.entities.ids import new_id
from ...services.accounts import AccountService
from ...services.audit import AuditService
from ...services.credits import CreditService
from ...services.logs import LogService
from ...services.metering import MeteringService
from ...services.metrics import MetricsService
from ...services.playback import PlaybackService
from ...services.projects import ProjectService
from ...services.usage import UsageService
from .deliveries import make_relays
from .passwords import Argon2PasswordHasher
from .settings import Settings
from .stores import Stores, open_stores


def _open_until_shutdown(settings: Settings, clock: Clock) -> Iterator[Stores]:
    with open_stores(settings, clock=clock) as stores:
        yield stores


class Container(containers.DeclarativeContainer):
    """Makes services on demand; the stores are opened once, and closed by ``shutdown_resources()``."""

    settings = providers.Singleton(Settings.from_environment)
    clock = providers.Singleton(SystemClock)
    ids = providers.Object(new_id)
    passwords = providers.Singleton(Argon2PasswordHasher)
    stores = providers.Resource(_open_until_shutdown, settings=settings, clock=clock)

    accounts = providers.Factory(AccountService, stores.provided.core, passwords, clock, ids)
    credits = providers.Factory(CreditService, stores.provided.core, ids)
    projects = providers.Factory(ProjectService, stores.provided.core, clock, ids)
    playback = providers.Factory(PlaybackService, stores.provided.analytics, clock, ids)
    metrics = providers.Factory(MetricsService, stores.provided.analytics, clock, ids)
    usage = providers.Factory(UsageService, stores.provided.analytics, clock, ids)
    logs = providers.Factory(LogService, stores.provided.systemlogs, clock, ids)
    audit = providers.Factory(AuditService, stores.provided.systemlogs, clock, ids)
    metering = providers.Factory(MeteringService, stores.provided.core, stores.provided.analytics)

    relays = providers.Factory(make_relays, stores, audit, metering)
