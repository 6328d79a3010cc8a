"""Every example in a docstring or on a page runs."""

import doctest
import importlib
import pkgutil
import re
from pathlib import Path

import pytest

import tristore

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
LAYERS = {"domain", "services", "adapters"}
MODULES = [
    found.name for found in pkgutil.walk_packages(tristore.__path__, "tristore.") if found.name.split(".")[1] in LAYERS
]
_EXAMPLE = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\]\((?!https?://|#)([^)#]+)")


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_of_docstrings_run(name: str) -> None:
    """Each example in the docstrings of a module prints what it says."""
    result = doctest.testmod(importlib.import_module(name))

    assert 0 == result.failed


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_the_examples_of_pages_run(page: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The Python blocks of a page run one after the other, on stores in memory."""
    for store in ("CORE", "ANALYTICS", "SYSTEMLOGS"):
        monkeypatch.setenv(f"TRISTORE_{store}_URL", "memory://")
    monkeypatch.chdir(tmp_path)
    text = page.read_text()
    names: dict[str, object] = {"__name__": "example"}

    for example in _EXAMPLE.finditer(text):
        line = text.count("\n", 0, example.start(1))
        exec(compile("\n" * line + example[1], str(page), "exec"), names)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_the_links_of_pages_lead_somewhere(page: Path) -> None:
    """Each link to a file of the repository names one that exists."""
    missing = [link for link in _LINK.findall(page.read_text()) if not (page.parent / link).exists()]

    assert [] == missing
