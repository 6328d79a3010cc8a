"""Finding a backend by the scheme of a URL."""

from functools import cache
from importlib.metadata import EntryPoint, entry_points

from ...domain.errors import ConfigurationError
from .port import Backend

GROUP = "tristore.backends"
"""The entry-point group: the name is the URL scheme, the value a `Backend` subclass."""


@cache
def _installed() -> dict[str, EntryPoint]:
    """The installed backends; looked up once, for it reads the metadata of every package."""
    return {found.name: found for found in entry_points(group=GROUP)}


def backend_for(url: str) -> type[Backend]:
    """Return the backend of a URL's scheme.

    Raises:
        ConfigurationError: if no installed backend has it, or it is no text.
    """
    if not isinstance(url, str):
        raise ConfigurationError(f"url must be text, not {type(url).__name__}")
    scheme, separator, _ = url.partition("://")
    known = _installed()
    if not separator or scheme not in known:
        names = ", ".join(f"{name}://" for name in sorted(known))
        shown = f"{scheme}://..." if separator else "a URL without a scheme"
        raise ConfigurationError(f"no backend for {shown}; installed are {names}")
    loaded = known[scheme].load()
    if not (isinstance(loaded, type) and issubclass(loaded, Backend)):
        raise ConfigurationError(f"the entry point {scheme!r} of {GROUP} is not a Backend: {loaded!r}")
    return loaded
