"""Checks and tests: ``nox`` alone does what CI does."""

import os
import tempfile
from pathlib import Path

import nox

ROOT = Path(__file__).parent
PYTHONS = nox.project.python_versions(nox.project.load_toml("pyproject.toml"))
TYPED = ["noxfile.py", "tests"]
NO_DOORS = {"__init__", "noxfile", "setup"}
DOORS = ["", *(f".{file.stem}" for file in sorted(ROOT.glob("*.py")) if file.stem not in NO_DOORS)]

nox.needs_version = ">=2025.5"
nox.options.sessions = ["lint", "types", "tests", "soak"]
nox.options.reuse_existing_virtualenvs = True


def prepare(session: nox.Session, extra: str) -> None:
    """Install the package with an extra, unless the session runs in an environment that has everything."""
    if session.virtualenv.venv_backend != "none":
        session.install("-e", f".[{extra}]")


@nox.session
def lint(session: nox.Session) -> None:
    """Format, style, and the directions of imports."""
    prepare(session, "dev")
    session.run("ruff", "format", "--check", ".")
    session.run("ruff", "check", ".")
    session.run("lint-imports", "--no-cache")


@nox.session
def types(session: nox.Session) -> None:
    """The types of the package, its tests and its tools.

    A type checker does not see an editable install, so the root is linked under its name.
    """
    prepare(session, "dev")
    with tempfile.TemporaryDirectory() as linked:
        Path(linked, "tristore").symlink_to(ROOT)
        checker = ["mypy", "--config-file", str(ROOT / "pyproject.toml")]
        with session.chdir(linked):
            packages = [f"--package=tristore.{name}" for name in ("adapters", "domain", "services")]
            doors = [f"--module=tristore{door}" for door in DOORS]
            session.run(*checker, *packages, *doors, env={"MYPYPATH": linked})
        # the folders of the tests import each other by the names that pytest gives them
        paths = os.pathsep.join((linked, str(ROOT / "tests")))
        session.run(*checker, "--explicit-package-bases", *TYPED, env={"MYPYPATH": paths})


@nox.session(python=PYTHONS)
def tests(session: nox.Session) -> None:
    """The suite without what must soak, on each supported Python that is installed."""
    prepare(session, "test")
    session.run("pytest", *session.posargs)


@nox.session
def soak(session: nox.Session) -> None:
    """What searches long, or waits long for what rarely happens: about as long as the rest of the suite together."""
    prepare(session, "test")
    session.run("pytest", "-m", "soak", *session.posargs)


@nox.session
def search(session: nox.Session) -> None:
    """The suite with new random examples; where they find something, a test of its own keeps it found."""
    prepare(session, "test")
    session.run("pytest", "--hypothesis-profile=searching", *session.posargs)


@nox.session
def coverage(session: nox.Session) -> None:
    """Which lines and branches the suite does not reach; workers would not be seen, so there are none."""
    prepare(session, "dev")
    session.run("coverage", "run", "-m", "pytest", "-n", "0", *session.posargs)
    session.run("coverage", "report")


@nox.session
def benchmarks(session: nox.Session) -> None:
    """What tristore costs, as ratios to bare pymongo doing the same work."""
    prepare(session, "test")
    session.chdir("tests")
    session.run("python", "-m", "benchmarks.run", *session.posargs)


@nox.session
def docs(session: nox.Session) -> None:
    """Run the examples of the docstrings and pages."""
    prepare(session, "test")
    session.run("pytest", "tests/unit/test_docs.py", *session.posargs)
