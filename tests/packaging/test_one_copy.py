"""The root of the repository is the package: nothing may be loaded a second time under another name."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROBE = Path(__file__).with_name("loaded_twice.py")


def run_probe(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the probe in an interpreter of its own."""
    return subprocess.run([sys.executable, PROBE, *arguments], cwd=ROOT, capture_output=True, text=True, check=False)


def test_imports_load_one_copy_of_every_class() -> None:
    """Importing every module of the package loads no file twice."""
    done = run_probe()

    assert (0, "") == (done.returncode, done.stderr)


@pytest.mark.parametrize("folder", ["tests/stateful", pytest.param("tests", marks=pytest.mark.soak)])
def test_pytest_loads_one_copy_of_every_class(folder: str) -> None:
    """Collecting tests that import those of other folders, and then importing every module, loads no file twice."""
    done = run_probe(folder)

    assert (0, "") == (done.returncode, done.stderr)
