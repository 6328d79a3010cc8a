"""Copies of the checkout, environments beside it, and the wheel."""

import shutil
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LEFT_OUT = (".*", "*.egg-info", "__pycache__", "build", "dist", "node_modules")


def copy_of_checkout(target: Path) -> Path:
    """Copy what a clone would hold; folders that tools leave behind stay where they are."""
    return Path(shutil.copytree(ROOT, target, ignore=shutil.ignore_patterns(*LEFT_OUT)))


def make_environment(path: Path) -> Path:
    """Make an environment that finds this one's packages, and return its Python.

    A line in a .pth file adds a folder to the path and does not read that folder's own .pth files, so the
    editable install of the checkout under test cannot be seen.
    """
    venv.create(path, symlinks=True)
    python = path / "bin" / "python"
    purelib = subprocess.check_output(
        [python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"], text=True
    )
    Path(purelib.strip(), "borrowed.pth").write_text(sysconfig.get_path("purelib"))
    return python


def install(python: Path, *what: str) -> None:
    """Install into an environment without asking the network."""
    options = ["--quiet", "--no-deps", "--no-index", "--no-build-isolation", "--disable-pip-version-check"]
    subprocess.run([python, "-m", "pip", "install", *options, *what], check=True)


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built once from a clean copy."""
    source = copy_of_checkout(tmp_path_factory.mktemp("source") / "tristore-source")
    target = tmp_path_factory.mktemp("wheel")
    options = ["--quiet", "--no-deps", "--no-build-isolation", "--disable-pip-version-check"]
    subprocess.run([sys.executable, "-m", "pip", "wheel", *options, "--wheel-dir", target, source], check=True)
    (built,) = target.glob("*.whl")
    return built
