"""The name of the folder that somebody clones into does not matter."""

import subprocess
from pathlib import Path

import pytest

from .conftest import copy_of_checkout, install, make_environment

SOME = [
    *("tests/unit/entities/test_entity.py", "tests/unit/test_public_names.py", "tests/unit/cli/test_cli.py"),
    *("tests/contracts/rules/test_rules.py", "tests/packaging/test_layers.py", "tests/packaging/test_one_copy.py"),
]


@pytest.mark.slow
@pytest.mark.parametrize("name", ["repo", "some-clone"])
def test_the_suite_passes_in_a_checkout_of_any_name(name: str, tmp_path: Path) -> None:
    """A checkout under another name, installed as the README says, finds all its tests and passes some of each sort."""
    checkout = copy_of_checkout(tmp_path / name)
    python = make_environment(tmp_path / "venv")
    install(python, "--editable", str(checkout))

    for arguments in (["--collect-only"], SOME):
        done = subprocess.run(
            [python, "-m", "pytest", "-q", *arguments], cwd=checkout, capture_output=True, text=True, check=False
        )

        assert 0 == done.returncode, done.stdout[-3_000:] + done.stderr[-1_000:]
