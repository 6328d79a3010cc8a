"""Packaging: the repository root is the package, which static configuration cannot say in full."""

from setuptools import find_packages, setup
from setuptools.command.build_py import build_py

NOT_SHIPPED = {"noxfile", "setup"}


class BuildShipped(build_py):
    """Leave the root's tool files out of the wheel: they live beside the package, not in it."""

    def find_package_modules(self, package: str, package_dir: str) -> list[tuple[str, str, str]]:
        modules = super().find_package_modules(package, package_dir)
        return [found for found in modules if package != "tristore" or found[1] not in NOT_SHIPPED]


setup(
    packages=[
        "tristore",
        *(f"tristore.{name}" for name in find_packages(include=["domain*", "services*", "adapters*"])),
    ],
    cmdclass={"build_py": BuildShipped},
)
