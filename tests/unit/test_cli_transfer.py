"""``tristore import`` and ``tristore export``: what they print, their files, and their exit codes."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from tristore.adapters.cli.main import cli

TESTS = Path(__file__).parents[1]
LINES = """\
{"email":"Ada@Example.org","username":"ada"}
{"email":"nobody","username":"x"}
oops
"""


@pytest.fixture
def core(tmp_path: Path) -> str:
    """Where the core store keeps its data."""
    return f"memory://{tmp_path / 'core'}"


def tristore(*arguments: object) -> Result:
    """Run a command on a terminal of 100 columns."""
    stores = {f"TRISTORE_{name}_URL": "" for name in ("CORE", "ANALYTICS", "SYSTEMLOGS")}
    return CliRunner().invoke(cli, [*map(str, arguments)], env={**stores, "COLUMNS": "100"})


def test_a_file_goes_in_and_comes_out(tmp_path: Path, core: str) -> None:
    """Refused lines make the exit code 1 and lie in a file; what was stored is there at the next command."""
    (tmp_path / "users.jsonl").write_text(LINES)

    imported = tristore("import", "core.users", tmp_path / "users.jsonl", "--core", core)
    exported = tristore("export", "core.users", tmp_path / "out.jsonl", "--core", core)

    assert 1 == imported.exit_code, imported.output
    assert imported.stdout.startswith("3 lines: 1 stored, 0 stored before, 2 refused; ")
    assert f"2 lines were refused: {tmp_path / 'users.jsonl.rejects'} says why\n" == imported.stderr
    assert 2 == (tmp_path / "users.jsonl.rejects").read_text().count("\n")
    assert 0 == exported.exit_code, exported.output
    assert exported.stdout.startswith("1 documents in ")
    assert '"email":"ada@example.org"' in (tmp_path / "out.jsonl").read_text()


def test_an_export_to_standard_output_is_nothing_but_lines(tmp_path: Path, core: str) -> None:
    """The summary goes to standard error."""
    (tmp_path / "users.jsonl").write_text(LINES.splitlines()[0])
    tristore("import", "core.users", tmp_path / "users.jsonl", "--core", core)

    result = tristore("export", "core.users", "-", "--core", core)

    assert (0, 1) == (result.exit_code, result.stdout.count("\n"))
    assert result.stdout.startswith('{"_id":{"$oid":')
    assert result.stderr.startswith("1 documents in ")


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (("export", "core.user", "x.jsonl"), "has no repository 'user'; it has users, "),
        (("export", "users", "x.jsonl"), "names no repository: write store.repository, such as core.users"),
        (("import", "core.users", "/none/x.jsonl"), "/none/x.jsonl cannot be read: No such file or directory"),
        (("export", "core.users", "/none/x.jsonl"), "/none/x.jsonl.part cannot be written: No such file"),
        (("export", "customers", "x.jsonl", "--app", "contracts.billing"), "contracts.billing needs --url"),
        (("export", "customers", "x.jsonl", "--app", "contracts.nothing", "--url", "memory://"), "no module"),
        (("export", "core.users", "x.jsonl", "--url", "memory://"), "--url says where the store of an --app is"),
    ],
)
def test_a_mistake_is_one_line(arguments: tuple[str, ...], problem: str) -> None:
    """What the user got wrong is one line on standard error, and the exit code 2."""
    result = tristore(*arguments)

    assert (2, "", 1) == (result.exit_code, result.stdout, result.stderr.count("\n"))
    assert problem in result.stderr


def test_a_store_of_ones_own(tmp_path: Path) -> None:
    """--app names a module with a unit of work and its documents, or a callable, found from where one stands."""
    url, file = f"memory://{tmp_path / 'data'}", tmp_path / "c.jsonl"
    file.write_text('{"email":"a@example.org","name":"a"}\n')
    own = ("--app", "contracts.billing", "--url", url)

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "tristore", *arguments, *own]
        return subprocess.run(command, cwd=TESTS, env=dict(os.environ), capture_output=True, text=True, check=False)

    assert run("import", "customers", str(file)).stdout.startswith("1 lines: 1 stored")
    assert run("export", "customers", "-").stdout.startswith('{"_id":{"$oid":')
