"""Import the package, or collect its tests, and print every file that was loaded under two names."""

import importlib
import pkgutil
import sys
from collections import defaultdict
from pathlib import Path

import pytest


def loaded_twice(root: Path) -> dict[str, list[str]]:
    """Find the files of the package that stand in `sys.modules` as more than one module."""
    names = defaultdict(set)
    for module in list(sys.modules.values()):
        file = getattr(module, "__file__", None)
        if file and Path(file).is_relative_to(root) and module.__name__ != "__main__":
            names[file].add(module.__name__)
    return {file: sorted(found) for file, found in names.items() if len(found) > 1}


def main(collect: str | None = None) -> None:
    """Import everything, collect the tests if a folder is given, and fail if a file was loaded twice."""
    if collect:
        status = pytest.main(["--collect-only", "--quiet", "--no-header", collect])
        if status != pytest.ExitCode.OK:
            sys.exit(f"the tests cannot be collected: {status!r}")
    import tristore

    for found in pkgutil.walk_packages(tristore.__path__, "tristore."):
        if found.name.split(".")[1] in {"domain", "services", "adapters"}:
            importlib.import_module(found.name)
    twice = loaded_twice(Path(tristore.__path__[0]))
    if twice:
        sys.exit(f"loaded under two names: {twice}")


if __name__ == "__main__":
    main(*sys.argv[1:])
