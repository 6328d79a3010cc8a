"""What the domain may import: import-linter watches the directions inside, this the world outside."""

import ast
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ALLOWED = {"attrs", "email_validator", "typing_extensions"} | sys.stdlib_module_names
MODULES = sorted((ROOT / "domain").rglob("*.py"))


@pytest.mark.parametrize("module", MODULES, ids=lambda module: str(module.relative_to(ROOT)))
def test_the_domain_needs_attrs_and_email_validator_alone(module: Path) -> None:
    """Every absolute import in the domain is of the standard library or of a library that it may use."""
    imports = [node for node in ast.walk(ast.parse(module.read_text())) if isinstance(node, ast.stmt)]
    names = [alias.name for node in imports if isinstance(node, ast.Import) for alias in node.names]
    names += [node.module or "" for node in imports if isinstance(node, ast.ImportFrom) and not node.level]

    assert set() == {name.partition(".")[0] for name in names} - ALLOWED
