"""The pytest plugin in a user's project, which has the wheel and nothing of the checkout."""

import os
import re
import subprocess
from collections import Counter
from pathlib import Path

import pytest

from .conftest import install, make_environment

STORES = '''
"""A user's own entity, its repository, its unit of work."""

from decimal import Decimal

from attrs import define, field

from tristore import Documents, Entity, Repository, Unique, UnitOfWork
from tristore.fields import text


@define(kw_only=True)
class Invoice(Entity):
    number: str = field(validator=text(min=1, max=40))
    total: Decimal


class InvoiceRepository(Repository[Invoice]):
    unique = (Unique("number"),)


class Line(Entity):
    pass


class BillingUnitOfWork(UnitOfWork):
    invoices: InvoiceRepository


DOCUMENTS = [Documents(InvoiceRepository, collection="invoices", database="ledger")]
'''

CONFTEST = """
import pytest
from my_stores import DOCUMENTS, BillingUnitOfWork


@pytest.fixture
def billing(any_store):
    return any_store(BillingUnitOfWork, documents=DOCUMENTS)
"""

TESTS = """
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import HealthCheck, given, settings
from my_stores import DOCUMENTS, BillingUnitOfWork, Invoice
from tristore import ConfigurationError, DuplicateKey
from tristore.domain.core import User
from tristore.testing import entities, factory_of, queries, specifications


@pytest.mark.parametrize("number", range(3))
def test_each_begins_empty(billing, number):
    factory_of(Invoice).save(billing, count=number + 1)
    with billing.reader() as reader:
        assert number + 1 == reader.invoices.count()


def test_unique_keys_are_there(billing):
    made = factory_of(Invoice).save(billing)
    with pytest.raises(DuplicateKey):
        factory_of(Invoice).save(billing, number=made.number)


def test_two_stores_share_nothing(any_store):
    one = any_store(BillingUnitOfWork, documents=DOCUMENTS)
    other = any_store(BillingUnitOfWork, documents=DOCUMENTS, operation_timeout=3.0)
    factory_of(Invoice).save(one)
    with other.reader() as reader:
        assert 0 == reader.invoices.count()


def test_the_place_is_not_chosen_twice(any_store):
    with pytest.raises(ConfigurationError, match="url"):
        any_store(BillingUnitOfWork, documents=DOCUMENTS, url="memory://")


def test_the_three_stores(any_stores, tristore_backend):
    with queries(any_stores.core) as seen:
        factory_of(User).save(any_stores.core)
    seen.assert_count(2)
    assert (tristore_backend == "mongo") == bool(seen[0].commands)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=5, deadline=None)
@given(invoice=entities(Invoice), rule=specifications(Invoice))
def test_property(billing, invoice, rule):
    with billing.unit_of_work() as uow:
        for other in uow.invoices.find():
            uow.invoices.remove(other)
        uow.flush()
        uow.invoices.add(invoice)
    with billing.reader() as reader:
        assert rule.is_satisfied_by(reader.invoices.first()) == reader.invoices.exists(rule)
"""

FUNCTIONS = 8
"""How many runs the tests above are on one backend."""

LIGHT = """
import sys

KIT = "tristore.adapters.testing."


def test_nothing_heavy_is_loaded():
    heavy = ("pymongo.synchronous", "pymongo.mongo_client", "hypothesis.strategies", "polyfactory")
    assert [] == [name for name in sys.modules if name.startswith(heavy)]
    assert "tristore.adapters.testing.plugin" in sys.modules
    assert [] == [name for name in sys.modules if name.startswith(KIT) and name != KIT + "plugin"]
"""


_OUTCOME = re.compile(r"test_\w+\.py::\w+\[(memory|mongo)[^ ]*\] (\w+)|(PASSED|FAILED|ERROR) \S+\[(memory|mongo)")


@pytest.fixture(scope="module")
def python(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment that has the wheel."""
    python = make_environment(tmp_path_factory.mktemp("plugin") / "venv")
    install(python, str(wheel))
    return python


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """The user's project."""
    for name, text in {"my_stores": STORES, "conftest": CONFTEST, "test_billing": TESTS}.items():
        (tmp_path / f"{name}.py").write_text(text)
    return tmp_path


def run(python: Path, project: Path, *options: str) -> tuple[Counter[str], str]:
    """Run pytest in the project; return the outcomes of its tests by backend, and all that it printed."""
    command = [str(python), "-m", "pytest", "-v", "-p", "no:cacheprovider", *options]
    environment = {**os.environ, "COLUMNS": "200"}
    done = subprocess.run(command, cwd=project, env=environment, capture_output=True, text=True, check=False)
    tests = _OUTCOME.findall(done.stdout)
    found = Counter(f"{first or last} {outcome or before}".lower() for first, outcome, before, last in tests)
    return found, done.stdout[-3_000:] + done.stderr[-1_000:]


@pytest.mark.parametrize("backend", ["memory", pytest.param("mongo", marks=pytest.mark.soak)])
def test_the_option_chooses_the_backend(python: Path, project: Path, backend: str) -> None:
    """With ``--tristore-backend`` every test with any_store or any_stores runs once, where the option says."""
    found, printed = run(python, project, f"--tristore-backend={backend}")

    assert {f"{backend} passed": FUNCTIONS} == found, printed


def test_tests_run_on_both_backends_in_parallel(python: Path, project: Path) -> None:
    """Without the option each runs on both, also in several workers that share nothing."""
    found, printed = run(python, project, "-n2")

    assert {"memory passed": FUNCTIONS, "mongo passed": FUNCTIONS} == found, printed


def test_another_backend_is_refused(python: Path, project: Path) -> None:
    """The option names its choices."""
    found, printed = run(python, project, "--tristore-backend=oracle")

    assert ({}, True) == (found, "memory" in printed and "oracle" in printed)


def test_the_plugin_is_light(python: Path, tmp_path: Path) -> None:
    """In a project that uses none of its fixtures the plugin loads no driver, no Hypothesis, and none of the kit."""
    (tmp_path / "test_light.py").write_text(LIGHT)
    command = [str(python), "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:hypothesispytest"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)

    assert 0 == done.returncode, done.stdout[-2_000:] + done.stderr


@pytest.mark.parametrize(
    ("library", "name", "extra"), [("hypothesis", "entities", "testing"), ("polyfactory", "factory_of", "factories")]
)
def test_what_is_not_installed_is_named(python: Path, tmp_path: Path, library: str, name: str, extra: str) -> None:
    """Without the library a name says which extra brings it; the rest of the kit works."""
    program = (
        f"import sys; sys.modules[{library!r}] = None\n"
        "from tristore.testing import queries\n"
        f"from tristore.testing import {name}"
    )
    done = subprocess.run([python, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=False)

    assert f"pip install 'tristore[{extra}]'" in done.stderr.splitlines()[-1]
