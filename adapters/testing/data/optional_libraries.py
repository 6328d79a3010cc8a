"""What a tool of this folder says when the library that it stands on is not installed."""

from types import TracebackType


class Needs:
    """Around the import of a library: its failure names the extra to install.

    Args:
        library: its name.
        extra: the extra of tristore that brings it.

    Raises:
        ImportError: with the command that installs it.
    """

    def __init__(self, library: str, extra: str) -> None:
        self._library = library
        self._extra = extra

    def __enter__(self) -> None:
        """Begin."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Say it in words."""
        if isinstance(error, ModuleNotFoundError):
            raise ImportError(
                f"this needs {self._library}, which is not installed: pip install 'tristore[{self._extra}]'"
            ) from error
