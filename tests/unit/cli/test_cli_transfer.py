"""``tristore import`` and ``tristore export``: what they print, their files, and their exit codes."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from contracts.operations.transfer_suite import piped

from tristore.adapters.cli.main import cli

TESTS = Path(__file__).parents[2]
LINES = """\
{"email":"Ada@Example.org","username":"ada"}
{"email":"nobody","username":"x"}
oops
"""


@pytest.fixture
def core(tmp_path: Path) -> str:
    """Where the core store keeps its data."""
    return f"memory://{tmp_path / 'core'}"


def tristore(*arguments: object, given: str = "") -> Result:
    """Run a command on a terminal of 100 columns, with something on standard input."""
    stores = {f"TRISTORE_{name}_URL": "" for name in ("CORE", "ANALYTICS", "SYSTEMLOGS")}
    return CliRunner().invoke(cli, [*map(str, arguments)], env={**stores, "COLUMNS": "100"}, input=given)


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


def test_standard_input_goes_in(tmp_path: Path, core: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """``-`` reads what other programs write; its rejects lie where one stands, or where one says."""
    monkeypatch.chdir(tmp_path)

    first = tristore("import", "core.users", "-", "--core", core, given=LINES)
    again = tristore("import", "core.users", "-", "--core", core, "--rejects", "mine", "--max-rejects", 1, given=LINES)

    assert (1, "3 lines: 1 stored, ") == (first.exit_code, first.stdout[:19])
    assert "2 lines were refused: stdin.rejects says why\n" == first.stderr
    assert again.stderr.endswith(" lines were refused: mine says why\nIt stopped there.\n")
    assert {"core", "mine", "stdin.rejects"} == {left.name for left in tmp_path.iterdir()}


def test_a_pipe_is_passed_as_standard_input(tmp_path: Path, core: str) -> None:
    """A file that cannot be read twice is refused with one line that says how to pass it, and not read."""
    reading = piped(LINES.encode())

    refused = tristore("import", "core.users", f"/dev/fd/{reading}", "--core", core, "--rejects", tmp_path / "r")
    resumed = tristore("import", "core.users", "-", "--core", core, "--resume")

    assert (2, 1) == (refused.exit_code, refused.stderr.count("\n"))
    assert f"/dev/fd/{reading} is no file that can be read from any place: pass it as standard input" in refused.stderr
    assert LINES == os.read(reading, 1_000).decode()
    os.close(reading)
    assert (2, 1) == (resumed.exit_code, resumed.stderr.count("\n"))
    assert "an open file cannot be resumed" in resumed.stderr


@pytest.mark.parametrize(("command", "closed", "name"), [("import", "<&-", "input"), ("export", ">&-", "output")])
def test_a_stream_that_is_closed(command: str, closed: str, name: str) -> None:
    """``-`` for what a shell has closed is one line that says so."""
    line = f'exec "{sys.executable}" -m tristore {command} core.users - --core memory:// {closed}'
    done = subprocess.run(["sh", "-c", line], cwd=TESTS, stderr=subprocess.PIPE, text=True, check=False)

    assert (2, 1) == (done.returncode, done.stderr.count("\n"))
    assert f"standard {name} is closed" in done.stderr


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
