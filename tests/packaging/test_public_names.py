"""The door of the package: what it exports is what it imports, and the other way round."""

import inspect

import tristore


def test_the_list_of_public_names_is_complete() -> None:
    """Every public name that the package imports is in __all__, and every name there exists."""
    imported = {
        name for name, value in vars(tristore).items() if not name.startswith("_") and not inspect.ismodule(value)
    }

    assert imported == set(tristore.__all__)


def test_importing_the_package_loads_no_backend() -> None:
    """Backends are found by URL: the driver of MongoDB is imported by whoever opens such a store."""
    import subprocess
    import sys

    program = "import sys, tristore; print([name for name in sys.modules if name.startswith('pymongo')])"

    assert "[]\n" == subprocess.check_output([sys.executable, "-c", program], text=True)
