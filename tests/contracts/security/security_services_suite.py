"""Operator injection through the three stores: every named query and every call of a service, in each parameter."""

import inspect
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import timedelta
from typing import Any

import attrs
import pytest
from hypothesis import given, settings

from tristore import (
    DomainError,
    DuplicateKey,
    FixedClock,
    NotFound,
    Repository,
    TristoreError,
    VersionConflict,
)
from tristore import services as services_package
from tristore.domain.analytics import Period
from tristore.domain.core import Organization, Project, User, hash_secret
from tristore.domain.systemlogs import LogLevel

from ..services.services_base import HASHER, NOON, PASSWORD, StoresContract, ThreeStores
from .security_suite import ATTACKS, quickly

STORES = ("core", "analytics", "systemlogs")
SERVICES = sorted(name for name in services_package.__all__ if name.endswith("Service"))

Rows = dict[str, list[dict[str, Any]]]
Arguments = dict[str, Any]


def good_arguments(user: User, organization: Organization, project: Project) -> Arguments:
    """An argument for each name that a parameter of a query or a service has."""
    return {
        "user_id": user.id,
        "sender_id": user.id,
        "receiver_id": organization.id,
        "actor_id": user.id,
        "organization_id": organization.id,
        "project_id": project.id,
        "owner_id": user.id,
        "email": "ada@example.org",
        "username": "ada",
        "slug": "acme",
        "name": "Apollo",
        "note": "",
        "unit": "",
        "password": PASSWORD,
        "current": PASSWORD,
        "new": f"{PASSWORD} 2",
        "secret_hash": hash_secret("x"),
        "at": NOON,
        "since": NOON,
        "until": NOON + timedelta(days=1),
        "occurred_at": NOON,
        "by": Period.DAY,
        "page": 1,
        "limit": 10,
        "version": 1,
        "amount": 1,
        "quantity": 1,
        "days": 1,
        "zone": "UTC",
        "value": 1.0,
        "duration_seconds": 1.0,
        "media": "film",
        "resource": "api",
        "description": "",
        "metadata": {},
        "tags": {},
        "context": {},
        "changes": {},
        "action": "opened",
        "subject_kind": "user",
        "subject_id": "1",
        "ip_address": "127.0.0.1",
        "source": "web",
        "message": "hello",
        "level": LogLevel.INFO,
        "code": "",
        "fingerprint": "f",
        "error": ValueError("x"),
        "kind": "x",
        "text": "x",
    }


def public_methods(cls: type[Any], *without: type[Any]) -> list[str]:
    """The methods of a class that none of the others has."""
    inherited = {name for other in without for name in dir(other)}
    return sorted(
        name
        for name, _ in inspect.getmembers(cls, inspect.isfunction)
        if not name.startswith("_") and name not in inherited
    )


def parameters(method: Callable[..., Any]) -> list[str]:
    return list(inspect.signature(method).parameters)


def call(method: Callable[..., Any], arguments: Arguments) -> Any:
    """Call it with an argument for each parameter, and read a stream to its end."""
    answer = method(**{name: arguments[name] for name in parameters(method)})
    return list(answer) if isinstance(answer, Iterator) else answer


def answers_to(subject: Any, name: str, arguments: Arguments, attack: Any) -> Iterator[str]:
    """Attack each parameter; name those that got an answer.

    tristore refuses, or Python where something else than a value is needed, or nothing is found. A driver's error is
    none of these.
    """
    for parameter in parameters(getattr(subject, name)):
        with suppress(TristoreError, AttributeError, TypeError):
            if call(getattr(subject, name), {**arguments, parameter: attack}):
                yield f"{type(subject).__name__}.{name}({parameter}) answered to {attack!r}"


def use_cases(service: Any) -> list[str]:
    """The calls of a service that callers make; those that take a delivery are for the relay, with events of ours."""
    return [name for name in public_methods(type(service)) if "delivery" not in parameters(getattr(service, name))]


def everything(stores: ThreeStores) -> Rows:
    """All that is stored."""
    rows: Rows = {}
    for name in STORES:
        with getattr(stores, name).reader() as reader:
            for collection in repositories(reader):
                found = getattr(reader, collection).find(sort="id")
                rows[collection] = [attrs.asdict(one, recurse=False) for one in found]
    return rows


def repositories(reader: Any) -> list[str]:
    return sorted(
        name for cls in type(reader).__mro__ for name in vars(cls).get("__annotations__", {}) if name[0] != "_"
    )


class SecurityOfServicesContract(StoresContract):
    """What named queries and services refuse."""

    @pytest.fixture
    def arguments(self, stores: ThreeStores, ada: User) -> Arguments:
        """What a caller who means well would pass; it names what is stored."""
        organization = Organization(name="Acme", slug="acme")
        project = Project(name="Apollo", organization_id=organization.id, owner_id=ada.id)
        with stores.core.unit_of_work() as core:
            core.organizations.add(organization)
            core.projects.add(project)
        return good_arguments(ada, organization, project)

    @pytest.fixture
    def services(self, stores: ThreeStores, clock: FixedClock) -> dict[str, Any]:
        """Every service."""
        given = {"core": stores.core, "analytics": stores.analytics, "systemlogs": stores.systemlogs}
        given |= {"passwords": HASHER, "clock": clock}
        made = {}
        for name in SERVICES:
            cls = getattr(services_package, name)
            wanted = [parameter for parameter in parameters(cls) if parameter in given]
            made[name] = cls(**{parameter: given[parameter] for parameter in wanted})
        return made

    @settings(quickly, max_examples=30)
    @given(attack=ATTACKS)
    def test_named_queries(self, stores: ThreeStores, arguments: Arguments, attack: Any) -> None:
        """Every named query of every store refuses operators in each of its parameters."""
        before = everything(stores)
        answers: list[str] = []
        for store in STORES:
            with getattr(stores, store).reader() as reader:
                for collection in repositories(reader):
                    queries = getattr(reader, collection)
                    for name in public_methods(type(queries), Repository):
                        answers += answers_to(queries, name, arguments, attack)

        assert [] == answers
        assert before == everything(stores)

    @pytest.mark.parametrize("service", SERVICES)
    @settings(quickly, max_examples=15)
    @given(attack=ATTACKS)
    def test_services(
        self, stores: ThreeStores, services: dict[str, Any], arguments: Arguments, service: str, attack: Any
    ) -> None:
        """Every call of a service refuses operators in each of its parameters, and changes nothing."""
        before = everything(stores)
        subject = services[service]
        answers = [answer for name in use_cases(subject) for answer in answers_to(subject, name, arguments, attack)]

        assert [] == answers
        assert before == everything(stores)

    def test_the_arguments_are_good(self, stores: ThreeStores, services: dict[str, Any], arguments: Arguments) -> None:
        """Without an attack the same queries and calls are accepted: nothing else refuses them."""
        domain_rules = (DomainError, DuplicateKey, NotFound, VersionConflict)
        for store in STORES:
            with getattr(stores, store).reader() as reader:
                for collection in repositories(reader):
                    queries = getattr(reader, collection)
                    for name in public_methods(type(queries), Repository):
                        call(getattr(queries, name), arguments)
        for subject in services.values():
            for name in sorted(use_cases(subject), key=lambda name: name in {"deactivate", "remove"}):
                with suppress(*domain_rules):
                    call(getattr(subject, name), arguments)
