"""Users, passwords and certificates: what the URL or the settings say reaches the driver and a real server."""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote_plus

import pytest
from contracts.security.canaries_suite import everything

from tristore import ConfigurationError, Unavailable, open_stores
from tristore.adapters.backend import BackendOptions
from tristore.testing import MongoServer
from tristore.three_stores import Settings

from ..core_store import OpenCore, load, save, user
from .secured_server import PASSWORD, USER, Certificates, SecuredServer

MECHANISMS = "authenticationMechanisms=MONGODB-X509,SCRAM-SHA-256"


def role(name: str) -> dict[str, str]:
    """A role on the database of the store."""
    return {"role": name, "db": "core"}


@pytest.fixture(scope="module")
def locked(tristore_mongod: MongoServer) -> Iterator[SecuredServer]:
    """A server that knows one user, and nobody else."""
    users = {"admin.ada": ("readWrite", {"pwd": PASSWORD}), "core.reader": ("read", {"pwd": PASSWORD})}
    with SecuredServer("--auth") as server:
        server.set_up({place: {"roles": [role(name)], **more} for place, (name, more) in users.items()})
        yield server


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    """Made for this run."""
    return Certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="module")
def encrypted(tristore_mongod: MongoServer, certificates: Certificates) -> Iterator[SecuredServer]:
    """A server that speaks TLS only, and only to those with a certificate; it knows the user of one."""
    files = ("--tlsCertificateKeyFile", certificates.server, "--tlsCAFile", certificates.authority)
    with SecuredServer("--auth", "--tlsMode", "requireTLS", *files, "--setParameter", MECHANISMS) as server:
        options = {"tls": True, "tlsCAFile": certificates.authority, "tlsCertificateKeyFile": certificates.client}
        server.set_up({f"$external.{certificates.subject}": {"roles": [role("readWrite")]}}, **options)
        yield server


def works(open_core: OpenCore, url: str, **options: Any) -> bool:
    """Whether a store at the URL can write and read."""
    store = open_core(url=url, transactions="off", operation_timeout=5.0, **options)
    ada = user()
    save(store, ada)
    found = load(store, ada.id).email
    with store.unit_of_work() as core:
        core.users.remove(core.users.get(ada.id))
    return found == ada.email


def refused(open_core: OpenCore, url: str, **options: Any) -> BaseException:
    """The error of a store that may not be used; nothing of it has the password."""
    with pytest.raises((ConfigurationError, Unavailable)) as caught:
        works(open_core, url, **options)
    assert not [part for part in (PASSWORD, quote_plus(PASSWORD), "hunter2") if part in everything(caught.value)]
    return caught.value


def test_a_user_in_the_url(open_core: OpenCore, locked: SecuredServer) -> None:
    """User, password, source and mechanism of a URL are those of the connection."""
    who = f"{USER}:{quote_plus(PASSWORD)}"
    for options in ("authSource=admin", "authSource=admin&authMechanism=SCRAM-SHA-1", "authsource=admin&tls=false"):
        assert works(open_core, f"mongodb://{who}@127.0.0.1:{locked.port}/core?directConnection=true&{options}")


def test_a_user_in_the_settings(open_core: OpenCore, locked: SecuredServer) -> None:
    """The same as settings, so that the password need not stand in a URL."""
    given = {"username": USER, "password": PASSWORD, "authSource": "admin", "authMechanism": "SCRAM-SHA-256"}

    assert works(open_core, f"mongodb://127.0.0.1:{locked.port}/core", settings={**given, "directConnection": True})


@pytest.mark.parametrize(
    ("who", "options"),
    [
        (f"{USER}:{quote_plus('hunter2-wrong')}", "authSource=admin&"),
        (f"{USER}:{quote_plus(PASSWORD)}", "authSource=core&"),
        (f"{USER}:{quote_plus(PASSWORD)}", ""),
        (f"nobody:{quote_plus(PASSWORD)}", "authSource=admin&"),
        (f"reader:{quote_plus(PASSWORD)}", ""),
        ("", ""),
    ],
    ids=["password", "source", "no source", "user", "role", "nobody"],
)
def test_a_user_that_is_refused(open_core: OpenCore, locked: SecuredServer, who: str, options: str) -> None:
    """A wrong password, source or user, a missing role and no user at all are a ConfigurationError without password."""
    at = f"{who}@" if who else ""
    error = refused(open_core, f"mongodb://{at}127.0.0.1:{locked.port}/core?{options}directConnection=true")

    assert isinstance(error, ConfigurationError)
    assert "check the user, the password, authSource and the user's roles" in str(error)


def test_the_role_that_is_needed(open_core: OpenCore, locked: SecuredServer) -> None:
    """A user with readWrite on the database of the store can prepare and check it."""
    url = f"mongodb://{USER}:{quote_plus(PASSWORD)}@127.0.0.1:{locked.port}/core?directConnection=true&authSource=admin"
    store = open_core(url=url, transactions="off")
    store.prepare()

    assert store.check().ok
    assert PASSWORD not in f"{store!r} {store.check()!r} {BackendOptions('x', (), {'password': PASSWORD})!r}"


def test_what_the_server_quotes_stays_with_it(open_core: OpenCore, locked: SecuredServer) -> None:
    """A server that refuses a command quotes it with its values; no error shows them."""
    url = f"mongodb://reader:{quote_plus(PASSWORD)}@127.0.0.1:{locked.port}/core?directConnection=true"
    store = open_core(url=url, transactions="off")
    name = hashlib.sha256(b"a name that no line of source has").hexdigest()[:12]
    with pytest.raises(ConfigurationError) as caught:
        save(store, user(name))

    assert name not in everything(caught.value)


def test_certificates_in_the_url(open_core: OpenCore, encrypted: SecuredServer, certificates: Certificates) -> None:
    """TLS, its authority, the client's certificate and the mechanism of a URL reach the driver and the server."""
    options = (
        f"tls=true&tlsCAFile={quote_plus(certificates.authority)}"
        f"&tlsCertificateKeyFile={quote_plus(certificates.client)}&authMechanism=MONGODB-X509&authSource=%24external"
    )

    assert works(open_core, f"mongodb://127.0.0.1:{encrypted.port}/core?directConnection=true&{options}")


def test_certificates_in_the_settings(
    open_core: OpenCore, encrypted: SecuredServer, certificates: Certificates
) -> None:
    """The same as settings."""
    settings = {
        "tls": True,
        "tlsCAFile": certificates.authority,
        "tlsCertificateKeyFile": certificates.client,
        "authMechanism": "MONGODB-X509",
        "authSource": "$external",
        "directConnection": True,
    }

    assert works(open_core, f"mongodb://127.0.0.1:{encrypted.port}/core", settings=settings)


@pytest.mark.parametrize("missing", ["tls", "tlsCAFile", "stranger", "tlsCertificateKeyFile"])
def test_no_connection_without_certificates(
    open_core: OpenCore, encrypted: SecuredServer, certificates: Certificates, missing: str
) -> None:
    """Without TLS, with an authority that did not sign the server, or without a certificate: no connection."""
    options: dict[str, Any] = {
        "tls": True,
        "tlsCAFile": certificates.stranger if missing == "stranger" else certificates.authority,
        "tlsCertificateKeyFile": certificates.client,
    }
    options.pop(missing, None)
    if missing == "tls":
        options = {}
    store = open_core(
        url=f"mongodb://127.0.0.1:{encrypted.port}/core",
        settings={**options, "directConnection": True},
        transactions="off",
        operation_timeout=1.0,
    )
    with pytest.raises(Unavailable):
        store.open()


@pytest.mark.parametrize("option", ["tlsCAFile", "tlsCertificateKeyFile"])
def test_files_that_are_not_there(open_core: OpenCore, tmp_path: Path, option: str) -> None:
    """A certificate that does not exist is one ConfigurationError when the store is opened."""
    with pytest.raises(ConfigurationError):
        open_core(url="mongodb://127.0.0.1/core", settings={"tls": True, option: str(tmp_path / "none.pem")})


def test_contradictions_are_refused() -> None:
    """TLS options that take each other back are refused when the stores are opened."""
    options = "tls=true&tlsInsecure=true&tlsAllowInvalidCertificates=true"
    with pytest.raises(ConfigurationError, match="tlsInsecure"):
        open_stores(Settings(), core=f"mongodb://127.0.0.1/core?{options}")
