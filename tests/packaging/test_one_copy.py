"""The root of the repository is the package: nothing may be loaded a second time under another name."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
PROBE = Path(__file__).with_name("loaded_twice.py")


def run_probe(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the probe in an interpreter of its own."""
    return subprocess.run([sys.executable, PROBE, *arguments], cwd=ROOT, capture_output=True, text=True, check=False)


def test_imports_load_one_copy_of_every_class() -> None:
    """Importing every module of the package loads no file twice."""
    done = run_probe()

    assert (0, "") == (done.returncode, done.stderr)


def test_pytest_loads_one_copy_of_every_class() -> None:
    """Collecting the suite, and then importing every module, loads no file twice."""
    done = run_probe("tests")

    assert (0, "") == (done.returncode, done.stderr)
