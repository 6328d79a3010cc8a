"""The shape of the package: small folders, imports that run downwards, no circles, small doors."""

import pytest

from .layout import DOORS, ROOT, all_circles, entries, imports, module_of, names_at_doors, sources, upward

MOST_ENTRIES = 12
MOST_NAMES = 80


@pytest.mark.parametrize("folder", entries())
def test_a_folder_can_be_taken_in_at_a_glance(folder: str) -> None:
    """No folder has more than twelve entries, ``__init__.py`` among them."""
    assert entries()[folder] <= MOST_ENTRIES


def test_imports_run_downwards() -> None:
    """No import runs against the layers, neither inside a function nor for type checkers alone."""
    assert [] == upward(imports())


def test_nothing_reaches_itself() -> None:
    """No module, and no entry of a folder, imports what imports it."""
    assert [] == all_circles(imports())


def test_the_rooms_of_the_adapters_are_folders() -> None:
    """No module lies loose beside the rooms of the adapters."""
    assert [ROOT / "adapters" / "__init__.py"] == [file for file in sources() if file.parent == ROOT / "adapters"]


def test_each_door_has_few_names() -> None:
    """Every door lists its names, and a reader can look through the list."""
    assert {module_of(ROOT / door) for door in DOORS} == names_at_doors().keys()
    assert max(names_at_doors().values()) <= MOST_NAMES
