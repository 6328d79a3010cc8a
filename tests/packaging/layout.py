"""The shape of the package, measured from its sources: ``python tests/packaging/layout.py`` prints the figures.

Imports are counted wherever they stand: at the top, inside functions, and under ``TYPE_CHECKING``.
"""

import ast
import tomllib
from collections import defaultdict
from collections.abc import Container, Iterable, Iterator
from itertools import pairwise
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGE = "tristore"
ROOMS = ("domain", "services", "adapters")
DOORS = (
    "__init__.py",
    "testing.py",
    "operations.py",
    "three_stores.py",
    "domain/core/__init__.py",
    "domain/analytics/__init__.py",
    "domain/systemlogs/__init__.py",
    "services/__init__.py",
    "adapters/backend/__init__.py",
)

Import = tuple[str, str]
"""Who imports, and what."""


def sources() -> Iterator[Path]:
    """The files of the package, doors included."""
    yield from (file for file in sorted(ROOT.glob("*.py")) if file.name not in {"noxfile.py", "setup.py"})
    for room in ROOMS:
        yield from sorted((ROOT / room).rglob("*.py"))


def module_of(file: Path) -> str:
    """The dotted name of a file."""
    parts = (PACKAGE, *file.relative_to(ROOT).with_suffix("").parts)
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def entries() -> dict[str, int]:
    """How many files and folders stand in each folder below the top, ``__init__.py`` among them."""
    held: dict[str, set[Path]] = defaultdict(set)
    for file in sources():
        steps = [file, *file.parents][: len(file.relative_to(ROOT).parts)]
        for entry, folder in pairwise(steps):
            held[folder.relative_to(ROOT).as_posix()].add(entry)
    return {folder: len(held[folder]) for folder in sorted(held)}


def imports() -> set[Import]:
    """Every import of one module of the package by another."""
    files = {module_of(file): file for file in sources()}
    return {
        (module, target)
        for module, file in files.items()
        for node in ast.walk(ast.parse(file.read_bytes()))
        for target in _targets(node, module if file.name == "__init__.py" else module.rpartition(".")[0], files)
        if target != module
    }


def _targets(node: ast.AST, package: str, modules: Container[str]) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names if alias.name in modules)
    elif isinstance(node, ast.ImportFrom):
        above = package.split(".")
        base = above[: len(above) - node.level + 1] if node.level else []
        origin = ".".join([*base, *([node.module] if node.module else [])])
        for alias in node.names:
            inner = f"{origin}.{alias.name}"
            if inner in modules or origin in modules:
                yield inner if inner in modules else origin


def among_entries(found: Iterable[Import]) -> dict[str, set[Import]]:
    """The same imports as each folder sees them: which of its entries imports which other one.

    The top folder sees its three rooms alone: its doors import from everywhere.
    """
    seen: dict[str, set[Import]] = defaultdict(set)
    for importer, imported in found:
        one, other = importer.split("."), imported.split(".")
        depth = next((at for at, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), None)
        if depth is not None and (depth > 1 or {one[1], other[1]} <= set(ROOMS)):
            seen[".".join(one[:depth])].add((one[depth], other[depth]))
    return seen


def circles(edges: Iterable[Import]) -> list[list[str]]:
    """The groups whose members reach each other."""
    imported: dict[str, set[str]] = defaultdict(set)
    for importer, target in edges:
        imported[importer].add(target)
    reached = {start: _reached(start, imported) for start in [*imported]}
    groups = {
        tuple(sorted(other for other in reached[one] if one in reached.get(other, ())))
        for one in reached
        if one in reached[one]
    }
    return sorted(map(list, groups))


def _reached(start: str, imported: dict[str, set[str]]) -> set[str]:
    reached: set[str] = set()
    waiting = [start]
    while waiting:
        found = imported.get(waiting.pop(), set()) - reached
        reached |= found
        waiting += found
    return reached


def upward(found: Iterable[Import]) -> list[Import]:
    """The imports that run against the layers that import-linter is given, or between equals that must not meet."""
    wrong = []
    with (ROOT / "pyproject.toml").open("rb") as file:
        contracts = tomllib.load(file)["tool"]["importlinter"]["contracts"]
    for contract in contracts:
        for container in contract.get("containers", ()):
            level = {
                f"{container}.{name.strip()}": height
                for height, layer in enumerate(reversed(contract["layers"]))
                for name in layer.replace(":", "|").split("|")
            }
            depth = container.count(".") + 2
            for importer, imported in found:
                one, other = (".".join(name.split(".")[:depth]) for name in (importer, imported))
                if one != other and one in level and other in level and level[one] <= level[other]:
                    wrong.append((importer, imported))
    return wrong


def names_at_doors() -> dict[str, int]:
    """How many names each door offers."""
    counted = {}
    for door in DOORS:
        for node in ast.parse((ROOT / door).read_bytes()).body:
            if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
                counted[module_of(ROOT / door)] = len(ast.literal_eval(node.value))
    return counted


def all_circles(found: set[Import]) -> list[list[str]]:
    """The circles of modules, and those of the entries of each folder."""
    groups = circles(found)
    for folder, edges in among_entries(found).items():
        groups += [[f"{folder}.{name}" for name in group] for group in circles(edges)]
    return groups


def main() -> None:
    """Print the figures."""
    found = imports()
    held = entries()
    doors = names_at_doors()
    lines = sum(len(file.read_bytes().splitlines()) for file in sources())
    print(f"{lines} lines in {len([*sources()])} files and {len(held)} folders")
    print(f"at most {max(held.values())} entries in a folder: {max(held, key=lambda folder: held[folder])}")
    print(f"{len(found)} imports between modules, {len(upward(found))} of them upward")
    print(f"{len(all_circles(found))} circles, of modules and of the entries of a folder")
    print("names at the doors:", ", ".join(f"{door} {count}" for door, count in doors.items()))


if __name__ == "__main__":
    main()
