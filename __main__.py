"""The command line: ``python -m tristore``.

`cli` is its click group, for those who mount it in a command of their own, or call it by click's ``CliRunner``.
"""

from .adapters.cli.main import cli, main

__all__ = ["cli", "main"]

if __name__ == "__main__":
    main()
