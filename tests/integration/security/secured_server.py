"""A mongod that asks for users or for certificates, with certificates made on the spot."""

import os
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pytest
from pymongo import MongoClient
from pymongo.errors import ConnectionFailure

from tristore.testing import MongodProcess, find_mongod

USER, PASSWORD = "ada", "hunter2Zq9/@:%"
"""A password that must be percent-encoded in a URL."""

_START_TIMEOUT = 30.0

Client = MongoClient[dict[str, Any]]


class SecuredServer:
    """Runs for the length of a ``with`` block."""

    def __init__(self, *arguments: str) -> None:
        self._process = MongodProcess(find_mongod(), replica_set=False, arguments=arguments)
        self.port = self._process.port

    def __enter__(self) -> Self:
        """Start."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop."""
        self._process.stop()

    def client(self, **options: Any) -> Client:
        """A bare client, for what must be set up before the store comes."""
        return MongoClient("127.0.0.1", self.port, directConnection=True, serverSelectionTimeoutMS=500, **options)

    def set_up(self, users: dict[str, dict[str, Any]], **options: Any) -> None:
        """Wait for the server, and let it know users: an administrator first, whom it takes from the same machine."""
        with self.client(**options) as client:
            self._wait_until(lambda: client.admin.command("ping"))
            client.admin.command("createUser", "root", pwd=PASSWORD, roles=["root"])
        with self.client(**options, username="root", password=PASSWORD, authSource="admin") as client:
            for place, user in users.items():
                database, _, name = place.partition(".")
                client[database].command("createUser", name, **user)

    def _wait_until(self, works: Callable[[], object]) -> None:
        """Wait until a first call is answered, or say why the server ended."""
        end = time.monotonic() + _START_TIMEOUT
        while True:
            try:
                works()
                return
            except ConnectionFailure:
                assert self._process.running, self._process.why_it_ended()
                assert time.monotonic() < end, "mongod took too long to start"
                time.sleep(0.05)


def openssl() -> str:
    """The program that makes certificates; without it the test is skipped, or failed where CI is true."""
    found = shutil.which("openssl")
    if found is None:
        say = pytest.fail if os.environ.get("CI", "").lower() == "true" else pytest.skip
        say("the openssl program is needed to make certificates")
    return str(found)


class Certificates:
    """An authority, and what it signed for the server and for a client; another authority signed for nobody."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._openssl = folder, openssl()
        self.authority = self._authority("authority")
        self.stranger = self._authority("stranger")
        self.server = self._signed("server", "/O=tristore/CN=127.0.0.1", "subjectAltName=IP:127.0.0.1,DNS:localhost")
        self.subject = f"CN={USER},OU=people,O=tristore"
        self.client = self._signed("client", f"/O=tristore/OU=people/CN={USER}", "extendedKeyUsage=clientAuth")

    def _authority(self, name: str) -> str:
        key, certificate = self._folder / f"{name}.key", self._folder / f"{name}.pem"
        options = ("-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2")
        self._run("req", *options, "-keyout", str(key), "-out", str(certificate), "-subj", f"/O=tristore/CN={name}")
        return str(certificate)

    def _signed(self, name: str, subject: str, extension: str) -> str:
        key, request, signed = (self._folder / f"{name}.{kind}" for kind in ("key", "csr", "crt"))
        extensions = self._folder / f"{name}.ext"
        extensions.write_text(extension)
        options = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
        self._run("req", *options, "-keyout", str(key), "-out", str(request), "-subj", subject)
        authority = ("-CA", self.authority, "-CAkey", str(self._folder / "authority.key"), "-CAcreateserial")
        files = ("-in", str(request), "-out", str(signed), "-extfile", str(extensions))
        self._run("x509", "-req", *files, *authority, "-days", "2")
        both = self._folder / f"{name}.pem"
        both.write_text(key.read_text() + signed.read_text())
        return str(both)

    def _run(self, *arguments: str) -> None:
        subprocess.run([self._openssl, *arguments], check=True, capture_output=True)
