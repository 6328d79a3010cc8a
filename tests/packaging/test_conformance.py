"""What authors of backends do: with the wheel and pytest alone, run the conformance suite on a backend of their own."""

import subprocess
from pathlib import Path

import pytest

from .conftest import install, make_environment

BACKENDS = '''
"""Backends on the one in memory: one that offers less, one with a fault."""

from attrs import evolve

from tristore.testing import MemoryBackend


class PlainBackend(MemoryBackend):
    """No transactions and no snapshots."""

    @classmethod
    def open(cls, url, options):
        return super().open("memory://?transactions=false", options)


class ForgetfulBackend(MemoryBackend):
    """Skips one document too few."""

    def find(self, collection, query, **options):
        return super().find(collection, evolve(query, skip=max(0, query.skip - 1)), **options)
'''

SUITES = '''
"""The conformance of my backends."""

from my_backends import ForgetfulBackend, PlainBackend
from tristore.adapters.backend import Capability
from tristore.testing import BackendConformance


class TestPlain(BackendConformance):
    """Offers less."""

    capabilities = Capability.ROLLUPS | Capability.LEASES

    def open_backend(self, options):
        return PlainBackend.open("plain://", options)


class TestForgetful(BackendConformance):
    """Has a fault."""

    capabilities = Capability.TRANSACTIONS | Capability.SNAPSHOT_READS | Capability.ROLLUPS | Capability.LEASES

    def open_backend(self, options):
        return ForgetfulBackend.open("memory://", options)
'''


@pytest.fixture(scope="module")
def python(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of an environment that has the wheel."""
    python = make_environment(tmp_path_factory.mktemp("author") / "venv")
    install(python, str(wheel))
    return python


def run_suite(python: Path, folder: Path, *arguments: str) -> tuple[int, str]:
    """Run pytest in the folder of an author's project; return its exit code and what it printed."""
    (folder / "my_backends.py").write_text(BACKENDS)
    (folder / "test_my_backends.py").write_text(SUITES)
    done = subprocess.run(
        [python, "-m", "pytest", "-p", "no:cacheprovider", *arguments],
        cwd=folder,
        env={"PATH": "/usr/bin:/bin", "COLUMNS": "130", "PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


def rows(printed: str, verdict: str) -> list[str]:
    """The guarantees that have a verdict in a matrix of one suite."""
    lines = printed.partition("guarantees of backends")[2].splitlines()
    return [line.removeprefix(verdict).strip() for line in lines if line.startswith(verdict)]


@pytest.mark.soak
def test_a_backend_that_offers_less_passes_and_the_matrix_says_so(python: Path, tmp_path: Path) -> None:
    """What a backend does not offer stands in the matrix as not offered, and all else holds."""
    code, printed = run_suite(python, tmp_path, "-k", "TestPlain")

    assert 0 == code, printed
    assert "U2: what others commit before the first operation is seen, and what they commit later is not." in rows(
        printed, "not offered"
    )
    assert "Skip leaves out from the start of the order, limit bounds what follows." in rows(printed, "holds")
    assert [] == rows(printed, "FAILS")
    assert f"{len(rows(printed, 'not offered'))} are not offered" in printed


def test_a_backend_with_a_fault_fails_the_guarantee_that_it_breaks(python: Path, tmp_path: Path) -> None:
    """One broken rule fails its own guarantee alone, whatever number of cases still pass."""
    code, printed = run_suite(python, tmp_path, "-k", "TestForgetful")

    assert 1 == code, printed
    assert ["Skip leaves out from the start of the order, limit bounds what follows."] == rows(printed, "FAILS")
    assert [] == rows(printed, "not offered")


def test_two_suites_share_one_matrix(python: Path, tmp_path: Path) -> None:
    """Each suite has its column, a quiet run leaves out what all of them hold, and the summary counts every suite."""
    code, printed = run_suite(python, tmp_path, "-q")
    matrix = printed.partition("guarantees of backends")[2]

    assert 1 == code, printed
    assert "TestPlain    TestForgetful  guarantee" in matrix
    assert "holds        FAILS            Skip leaves out from the start of the order" in matrix
    assert "A count stops at its limit." not in matrix
    assert "1 FAIL" in matrix


def test_capabilities_that_are_not_there_fail(python: Path, tmp_path: Path) -> None:
    """A suite that declares more than its backend offers fails."""
    (tmp_path / "test_boast.py").write_text(
        SUITES.replace("TestPlain", "TestBoast").replace(
            "= Capability.ROLLUPS | Capability.LEASES", "= ~Capability.NONE"
        )
    )

    code, printed = run_suite(python, tmp_path, "-k", "TestBoast")

    assert 1 == code
    assert "The backend offers what was declared, no more and no less." in rows(printed, "FAILS")


def test_a_suite_without_a_factory_says_what_to_give(python: Path, tmp_path: Path) -> None:
    """Without a factory the suite fails with what is missing."""
    (tmp_path / "test_bare.py").write_text(
        "from tristore.adapters.backend import Capability\n"
        "from tristore.testing import BackendConformance\n\n\n"
        "class TestBare(BackendConformance):\n    capabilities = Capability.ROLLUPS | Capability.LEASES\n"
    )

    code, printed = run_suite(python, tmp_path, "test_bare.py", "-x")

    assert 1 == code
    assert "TestBare has no factory: give it open_backend(self, options)" in printed
