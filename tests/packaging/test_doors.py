"""The doors: what they offer, what opening one costs, and that examples and tests go through no other."""

import ast
import importlib
import inspect
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from .layout import DOORS, ROOT, module_of, sources

OPEN = {module_of(ROOT / door) for door in DOORS} | {"tristore.__main__", "tristore.errors", "tristore.fields"}
OPTIONAL = ("hypothesis", "polyfactory", "pytest", "redis", "opentelemetry", "mongomock")
FREE = {ROOT / "tests" / "unit", ROOT / "tests" / "benchmarks"}
"""Tests of inner algorithms, and benchmarks, which measure inner parts beside the whole."""

TESTS = sorted(file for file in (ROOT / "tests").rglob("*.py") if FREE.isdisjoint(file.parents))
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
_BLOCK = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_PROMPT = re.compile(r"^\s*(?:>>>|\.\.\.) (.*)$", re.MULTILINE)
_DOTTED = re.compile(r"\b(?:from|import)\s+(tristore[\w.]*)(?:\s+import\s+\(?([\w, ]+))?")


def shown(name: str) -> str:
    """A path as the report shows it."""
    return str(Path(name).relative_to(ROOT))


def through(text: str) -> set[str]:
    """The modules of tristore from which a text imports, those among its names included."""
    found = set()
    for module, names in _DOTTED.findall(text):
        inner = {f"{module}.{name.strip()}" for name in names.split(",")}
        modules = inner & MODULES if module != "tristore" else set()
        found |= modules or {module}
    return found


MODULES = {module_of(file) for file in sources()}


@pytest.mark.parametrize("door", sorted(OPEN))
def test_a_door_lists_what_it_offers(door: str) -> None:
    """The list of a door is sorted as it is read, names nothing twice, and everything in it is there."""
    module = importlib.import_module(door)

    assert len(set(module.__all__)) == len(module.__all__)
    assert {name for name in module.__all__ if not hasattr(module, name)} == set()


@pytest.mark.parametrize("door", sorted(OPEN - {"tristore.testing", "tristore.errors", "tristore.fields"}))
def test_a_door_imports_nothing_that_it_does_not_offer(door: str) -> None:
    """Every public name that a door imports is in its list."""
    module = importlib.import_module(door)
    names = {name for name, value in vars(module).items() if not name.startswith("_") and not inspect.ismodule(value)}

    assert names <= set(module.__all__)


def test_the_door_of_tests_finds_what_type_checkers_see() -> None:
    """What is loaded when it is asked for is what stands there for type checkers."""
    import tristore.testing

    tree = ast.parse(Path(tristore.testing.__file__).read_text())
    seen = {
        alias.name
        for block in tree.body
        if isinstance(block, ast.If)
        for node in block.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }

    assert seen == set(tristore.testing.__all__)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = tristore.testing.nothing


@pytest.mark.parametrize("door", sorted(OPEN))
def test_opening_a_door_loads_no_optional_library(door: str) -> None:
    """A door opens where nothing but the package's own dependencies is installed."""
    program = f"import sys; import {door}; print([name for name in {OPTIONAL} if name in sys.modules])"

    assert "[]\n" == subprocess.check_output([sys.executable, "-c", program], text=True)


def test_importing_the_package_loads_no_backend() -> None:
    """Backends are found by URL: the driver of MongoDB is imported by whoever opens such a store."""
    program = "import sys, tristore; print([name for name in sys.modules if name.startswith('pymongo')])"

    assert "[]\n" == subprocess.check_output([sys.executable, "-c", program], text=True)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: shown(str(page)))
def test_pages_go_through_the_doors(page: Path) -> None:
    """Whoever copies an example depends on public names alone."""
    examples = "\n".join(_BLOCK.findall(page.read_text()))

    assert set() == through(examples) - OPEN


def test_docstrings_go_through_the_doors() -> None:
    """So does whoever copies one from a docstring."""
    wrong = {
        (shown(str(file)), module)
        for file in sources()
        for text in docstrings(file)
        for module in through("\n".join(_PROMPT.findall(text))) - OPEN
    }

    assert set() == wrong


@pytest.mark.parametrize("file", TESTS, ids=lambda file: shown(str(file)))
def test_tests_of_behaviour_go_through_the_doors(file: Path) -> None:
    """A test that needs an inner name stands in ``tests/unit``, in the room of that name."""
    assert set() == through(file.read_text()) - OPEN


def docstrings(file: Path) -> Iterator[str]:
    """The docstrings of a module and of all that it defines."""
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
            text = ast.get_docstring(node)
            if text:
                yield text
