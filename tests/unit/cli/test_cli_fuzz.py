"""``tristore fuzz``: what it takes, what it prints, and its exit codes."""

import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from tristore.adapters.cli.main import cli

STORES = '''
"""The stores of an application."""

from attrs import define, evolve

from tristore import Documents, Entity, Repository, Unique, UnitOfWork, open_store
from tristore.adapters.backend import BackendOptions
from tristore.adapters.memory.backend import MemoryBackend


@define(kw_only=True)
class Book(Entity):
    title: str
    pages: int = 0


class BookRepository(Repository[Book]):
    unique = (Unique("title"),)

    def thick(self, least: int):
        return self.find(lambda b: b.pages >= least)

    def wrapped(self, paper: complex):
        return self.find()


class LibraryUnitOfWork(UnitOfWork):
    books: BookRepository


BOOKS = Documents(BookRepository, collection="books")


class GreedyBackend(MemoryBackend):
    def find(self, collection, query, **options):
        limit = query.limit if query.limit is None or query.limit > 3 else query.limit + 1
        return super().find(collection, evolve(query, limit=limit), **options)


def open_library(url):
    store = open_store(LibraryUnitOfWork, url="memory://", documents=[BOOKS])
    if url == "greedy":
        environment = store.environment
        environment.backend = GreedyBackend(BackendOptions("library", tuple(environment.collections)))
    if url == "full":
        with store.unit_of_work() as library:
            library.books.add(Book(title="Emma"))
    return store
'''


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> str:
    """The name of a module with stores, in the current folder."""
    name = f"library_{request.node.name.replace('[', '_').replace(']', '').replace('-', '_')}"
    (tmp_path / f"{name}.py").write_text(STORES)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    return name


def fuzz(target: str, *options: str) -> Result:
    """Run the command, by default with few histories in memory."""
    return CliRunner().invoke(
        cli, ["fuzz", target, "--right", "memory://", "--examples", "10", "--seconds", "600", *options]
    )


def test_stores_that_agree(module: str) -> None:
    """Each unit of work of a module is fuzzed with its documents; without a difference the exit code is 0."""
    result = fuzz(module, "--seed", "1")

    assert 0 == result.exit_code, result.output
    assert "LibraryUnitOfWork on memory:// and memory://" in result.stdout
    assert "10 histories, " in result.stdout
    assert "seed 1: no difference" in result.stdout
    assert "not called: books.wrapped" in result.stdout


def test_stores_that_differ(module: str) -> None:
    """A difference is printed as Python with both answers, and the exit code is 1."""
    result = fuzz(f"{module}:open_library", "--right", "greedy", "--examples", "2000", "--seed", "1")

    assert 1 == result.exit_code, result.output
    program = result.stdout.partition("\n\n")[2]
    assert f"from {module} import Book, open_library" in program
    assert "store = open_library(url)" in program
    assert all(f'\nhistory("{url}")\n# ' in program for url in ("memory://", "greedy"))
    compile(program, "program", "exec")


def test_the_three_stores_are_a_target() -> None:
    """The stores of tristore are fuzzed like those of anybody else."""
    result = fuzz("tristore.three_stores", "--examples", "2")

    assert 0 == result.exit_code, result.output
    assert 3 == result.stdout.count("2 histories, ")


def test_a_store_that_holds_something(module: str) -> None:
    """A collection that is not empty ends the command with one line."""
    result = fuzz(f"{module}:open_library", "--right", "full")

    assert 2 == result.exit_code
    assert "the collection books at memory:// is not empty" in result.stderr


@pytest.mark.parametrize(
    ("target", "words"),
    [
        ("no_such_module", "there is no module 'no_such_module'"),
        ("json:nothing", "json has no callable 'nothing' that takes a URL and returns a store"),
        ("json", "json holds no unit of work together with the Documents of all its repositories"),
        ("tristore.domain.core", "tristore.domain.core holds no unit of work together with the Documents"),
        (":open", "'' is not the name of a module"),
    ],
)
def test_targets_that_are_none(target: str, words: str) -> None:
    """A target without a store is one line that says what to name."""
    result = fuzz(target)

    assert (2, "") == (result.exit_code, result.stdout)
    assert words in result.stderr
    assert 1 == result.stderr.count("\n")


def test_without_hypothesis() -> None:
    """Where Hypothesis is not installed, one line says what to install."""
    program = (
        "import sys; sys.modules['hypothesis'] = None; "
        "sys.argv = ['tristore', 'fuzz', 'tristore.three_stores'];"
        "from tristore.adapters.cli.main import main; main()"
    )

    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)

    assert (2, "") == (done.returncode, done.stdout)
    assert "ConfigurationError: tristore fuzz needs Hypothesis" in done.stderr
    assert "pip install 'tristore[testing]'" in done.stderr
