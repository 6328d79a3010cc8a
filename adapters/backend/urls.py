"""URLs as they may be shown."""

import re

_SCHEME = re.compile(r"[a-z][a-z0-9_+.-]*:?/{0,2}(?<=/)", re.IGNORECASE)
_PLAIN = re.compile(r"[\w.%+-]*")
_IPV6 = re.compile(r"\[[0-9a-f:.]+\]", re.IGNORECASE)
_NO_PORT = re.compile(r":(?![0-9]{1,8}([/?,]|$))")
_SECRET_OPTION = re.compile(r"([^?&=]*(?:pass|pwd|secret|token|credential|properties)[^?&=]*=)([^&]*)", re.IGNORECASE)


def without_password(url: str) -> str:
    """Return a URL as it may be shown, however wrong it is.

    All that stands before the last ``@`` may be a part of the password, except for a user with a plain name. Where a
    port should be, what is not a number may be a password whose host was forgotten: then nothing after it is shown.
    """
    scheme = _SCHEME.match(url)
    start = scheme.end() if scheme else 0
    user_and_password, at, rest = url[start:].rpartition("@")
    if at:
        user, colon, _ = user_and_password.partition(":")
        shown = user if colon and _PLAIN.fullmatch(user) else "***"
        if _SECRET_OPTION.search(user_and_password):
            rest = "***"  # the @ may be in a secret option
        return f"{url[:start]}{shown}{':***' if colon else ''}@{_SECRET_OPTION.sub(_masked, rest)}"
    place, mark, options = rest.partition("?")
    colon_at = _colon_without_port(place)
    if colon_at is not None:
        return f"{url[:start]}{place[:colon_at]}:***"
    return f"{url[:start]}{place}{_SECRET_OPTION.sub(_masked, mark + options)}"


def secret_options(query: str) -> list[str]:
    """Return the values of those options of a URL that may be secrets."""
    return [found[2] for found in _SECRET_OPTION.finditer(query)]


def has_ports_only(place: str) -> bool:
    """Tell whether each colon of the hosts in ``host:port,host:port/path`` stands before a port."""
    return _colon_without_port(place.partition("/")[0]) is None


def _colon_without_port(place: str) -> int | None:
    found = _NO_PORT.search(_IPV6.sub(lambda address: "6" * len(address[0]), place))
    return found.start() if found else None


def _masked(option: "re.Match[str]") -> str:
    return f"{option[1]}***"
