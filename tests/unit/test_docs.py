"""Every example in a docstring or on a page runs."""

import doctest
import importlib
import inspect
import pkgutil
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import attrs
import pytest
from hypothesis import settings

import tristore
from tristore import Documents, Entity, ReadRepository, Repository
from tristore.domain.repository.bulk_repository import BulkRepository
from tristore.three_stores import ANALYTICS, CORE, SYSTEMLOGS

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", *sorted(DOCS.rglob("*.md"))]
PORTS = {Repository, ReadRepository, BulkRepository}
HOOKS = {"before_save", "before_remove", "after_commit"}
LAYERS = {"domain", "services", "adapters"}
MODULES = [
    found.name for found in pkgutil.walk_packages(tristore.__path__, "tristore.") if found.name.split(".")[1] in LAYERS
]
_EXAMPLE = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\]\((?!https?://|#)([^)#]+)")
_ANCHOR = re.compile(r"\]\((?!https?://)([^)#]*)#([^)]+)\)")
_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
_TEST = re.compile(r"`((?:tests|adapters/testing/conformance)/[\w/]+\.py)::(test_\w+)`")


@pytest.fixture
def few_examples() -> Iterator[None]:
    """Hypothesis tries each example of the documentation a few times: it shows how, and searches for nothing."""
    for name, profile in {"usual": settings(), "documentation": settings(max_examples=5)}.items():
        settings.register_profile(name, profile)
    settings.load_profile("documentation")
    yield
    settings.load_profile("usual")


@pytest.mark.usefixtures("few_examples")
@pytest.mark.parametrize("name", MODULES)
def test_the_examples_of_docstrings_run(name: str) -> None:
    """Each example in the docstrings of a module prints what it says."""
    result = doctest.testmod(importlib.import_module(name))

    assert 0 == result.failed


@pytest.mark.usefixtures("few_examples")
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


def test_every_page_is_linked_from_the_index() -> None:
    """A reader who begins at the index finds every page."""
    linked = {(DOCS / link).resolve() for link in _LINK.findall((DOCS / "index.md").read_text())}

    assert {*DOCS.rglob("*.md")} - {DOCS / "index.md"} == linked


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_the_anchors_of_links_are_headings(page: Path) -> None:
    """A link into a page leads to a heading of it."""
    missing = [
        f"{target}#{anchor}"
        for target, anchor in _ANCHOR.findall(page.read_text())
        if anchor not in _anchors(page.parent / target if target else page)
    ]

    assert [] == missing


def test_every_guarantee_is_held_by_a_test() -> None:
    """The rules U1 to U21, X1 to X6 and C1 to C24 are there, and each test that stands beside a guarantee exists."""
    rows = [line for line in (DOCS / "reference/guarantees.md").read_text().splitlines() if "::" in line]
    named = [_TEST.findall(row) for row in rows]
    rules = [row.split("|")[1].strip() for row in rows if re.match(r"\| [UXC]\d", row)]

    wanted = [f"{letter}{number}" for letter, last in (("U", 21), ("X", 7), ("C", 24)) for number in range(1, last + 1)]

    assert wanted == rules
    assert all(named)
    assert [] == [
        (file, name) for row in named for file, name in row if f"def {name}(" not in (ROOT / file).read_text()
    ]


def test_every_error_is_described() -> None:
    """The tree and the table of errors name each class."""
    text = (DOCS / "reference/errors.md").read_text()
    described = Counter(re.findall(r"^[|` -]*(\w+)", text, re.MULTILINE))
    errors = {error.__name__ for error in _below(tristore.TristoreError) if error.__module__.startswith("tristore.")}

    assert set() == {name for name in errors if described[name] != 2}


@pytest.mark.parametrize("documents", [*CORE, *ANALYTICS, *SYSTEMLOGS], ids=lambda one: one.collection)
def test_every_entity_is_described(documents: Documents) -> None:
    """The reference names each entity with its collection, fields, named queries and indexes."""
    text = (DOCS / "reference/entities.md").read_text()
    repository = documents.repository
    own = [cls for cls in repository.__mro__ if cls.__module__.startswith("tristore.domain.") and cls not in PORTS]
    queries = {name for cls in own for name, value in vars(cls).items() if inspect.isfunction(value)}
    fields = {field.name for field in attrs.fields(repository.entity)} - {field.name for field in attrs.fields(Entity)}
    wanted = {
        repository.entity.__name__,
        f"`{documents.collection}`",
        *(f"`{name}`" for name in fields),
        *(f"`{name}(" for name in queries - HOOKS if not name.startswith("_")),
        *(f"`{', '.join(index.fields)}`" for index in documents.indexes),
    }

    assert set() == {words for words in wanted if words not in text}


def _anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as code hosts make them."""
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in _HEADING.findall(page.read_text())}


def _below(cls: type[Exception]) -> set[type[Exception]]:
    """A class and all that inherit from it."""
    return {cls}.union(*map(_below, cls.__subclasses__()))
