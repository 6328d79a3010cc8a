"""The name of the folder that somebody clones into does not matter."""

import subprocess
from pathlib import Path

import pytest

from .conftest import copy_of_checkout, install, make_environment

FEW = ["tests/unit/entities/test_entity.py", "tests/packaging/test_layers.py"]
SOME = [
    *(*FEW, "tests/packaging/test_doors.py", "tests/packaging/test_one_copy.py"),
    *("tests/unit/cli/test_cli.py", "tests/contracts/rules/test_rules.py"),
]
EVERYTHING = ["--collect-only"]


@pytest.mark.parametrize(
    ("name", "runs"),
    [
        pytest.param("some-clone", [FEW], id="some-clone"),
        pytest.param("repo", [EVERYTHING, SOME], id="repo, all found", marks=pytest.mark.soak),
        pytest.param("some-clone", [EVERYTHING, SOME], id="some-clone, all found", marks=pytest.mark.soak),
    ],
)
def test_the_suite_passes_in_a_checkout_of_any_name(name: str, runs: list[list[str]], tmp_path: Path) -> None:
    """A checkout under another name, installed as the README says, passes tests, and finds them all."""
    checkout = copy_of_checkout(tmp_path / name)
    python = make_environment(tmp_path / "venv")
    install(python, "--editable", str(checkout))

    for arguments in runs:
        done = subprocess.run(
            [python, "-m", "pytest", "-q", "-n", "0", *arguments],
            cwd=checkout,
            capture_output=True,
            text=True,
            check=False,
        )

        assert 0 == done.returncode, done.stdout[-3_000:] + done.stderr[-1_000:]
