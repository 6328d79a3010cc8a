"""Time zones by the names of the tz database."""

from difflib import get_close_matches
from zoneinfo import ZoneInfo, available_timezones

from ..errors import ConfigurationError, InvalidQuery

UTC_NAME = "UTC"

_NO_PLACES = ("posix/", "right/", "localtime", "posixrules", "Factory")
"""What some machines have beside the names of zones."""


def check_zone(name: str) -> str:
    """Return the name of a time zone, if there is such a zone.

    Raises:
        InvalidQuery: if there is none, with the name that comes closest.
        ConfigurationError: if this machine has no tz database.
    """
    if not isinstance(name, str):
        raise InvalidQuery(f"zone is the name of a time zone, such as 'Europe/Berlin', not a {type(name).__name__}")
    if name == UTC_NAME or (not name.startswith(_NO_PLACES) and _exists(name)):
        return name
    known = sorted(available_timezones())
    if not known:
        raise ConfigurationError("this machine has no tz database: pip install tzdata")
    close = get_close_matches(name, known, n=1) or get_close_matches(name.title(), known, n=1)
    advice = f"did you mean {close[0]!r}?" if close else "write a name of the tz database, such as 'Europe/Berlin'"
    raise InvalidQuery(f"there is no time zone {name!r}; {advice}")


def _exists(name: str) -> bool:
    try:
        return ZoneInfo(name).key == name
    except (KeyError, ValueError, OSError):  # in the words of zoneinfo: unknown, no name at all, a folder
        return False
