"""What users install: exactly the package, and it works without the checkout."""

import subprocess
import zipfile
from pathlib import Path, PurePosixPath

import pytest

from .conftest import ROOT, install, make_environment


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of programs of an environment that has the wheel."""
    python = make_environment(tmp_path_factory.mktemp("installed") / "venv")
    install(python, str(wheel))
    return python.parent


def test_the_wheel_holds_every_sub_package_and_nothing_else(wheel: Path) -> None:
    """All modules of the three layers and the root are in the wheel; tests and tools are not."""
    layers = [file for layer in ("domain", "services", "adapters") for file in (ROOT / layer).rglob("*.py")]
    doors = [file for file in ROOT.glob("*.py") if file.name not in {"noxfile.py", "setup.py"}]
    expected = {PurePosixPath("tristore", file.relative_to(ROOT)) for file in [*doors, ROOT / "py.typed", *layers]}

    with zipfile.ZipFile(wheel) as archive:
        names = {PurePosixPath(name) for name in archive.namelist()}
    shipped = {name for name in names if not name.parts[0].endswith(".dist-info")}

    assert expected == shipped


def test_the_wheel_carries_its_licence(wheel: Path) -> None:
    """Who receives the wheel receives the licence."""
    with zipfile.ZipFile(wheel) as archive:
        licences = [name for name in archive.namelist() if name.endswith("licenses/LICENSE")]

    assert 1 == len(licences)


def test_the_installed_package_is_not_the_checkout(installed: Path, tmp_path: Path) -> None:
    """With the wheel installed, tristore comes from the environment alone."""
    program = "import tristore; print(tristore.__file__)"
    printed = subprocess.check_output([installed / "python", "-c", program], cwd=tmp_path, text=True)

    assert Path(printed.strip()).is_relative_to(installed.parent)


@pytest.mark.parametrize("command", [["tristore"], ["python", "-m", "tristore"]])
def test_the_demo_runs_from_the_installed_wheel(installed: Path, tmp_path: Path, command: list[str]) -> None:
    """The main job works from the wheel, with no checkout on the path, by both ways to start it."""
    done = subprocess.run(
        [installed / command[0], *command[1:], "demo", "--users", "4"],
        cwd=tmp_path,
        env={"PATH": "/usr/bin:/bin", "COLUMNS": "100"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert (0, "") == (done.returncode, done.stderr), done.stdout
    assert "credits conserved" in done.stdout
