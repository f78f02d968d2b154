"""Who may open a stream: the checks that Streamlit makes on its own routes, for ours.

A route beside Streamlit's passes none of them.  The rules are the same, by the same settings
(``server.allowedHosts``, ``server.enableCORS``, ``server.corsAllowedOrigins``, ``browser.serverAddress``),
but for one: no request goes out to learn this machine's public address.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from streamlit import config

_LOOPBACK = ("localhost", "127.0.0.1", "0.0.0.0", "::1")


def host_allowed(host: str | None) -> bool:
    """Whether ``server.allowedHosts`` admits the Host header of a request."""
    patterns = [
        str(one).strip().lower().rstrip(".") for one in config.get_option("server.allowedHosts") or ()
    ]
    if not patterns or "*" in patterns:
        return True
    name = _name(f"//{host}") if host else None
    return name is not None and any(
        name.endswith(pattern[1:]) if pattern.startswith("*.") else name == pattern for pattern in patterns
    )


def origin_allowed(origin: str | None, host: str | None) -> bool:
    """Whether a page from ``origin`` may connect to this server, which it calls ``host``.

    Browsers always send an origin; a program that sends none is not one that a foreign page drives.
    """
    if origin is None or not config.get_option("server.enableCORS"):
        return True
    try:
        if host and urlsplit(origin).netloc.lower() == host.lower():
            return True
    except ValueError:
        return False
    name = _name(origin)
    allowed = [*_LOOPBACK, *(_name(str(one)) for one in config.get_option("server.corsAllowedOrigins") or ())]
    if config.is_manually_set("browser.serverAddress"):
        allowed.append(_name(f"//{config.get_option('browser.serverAddress')}"))
    return name is not None and name in allowed


def _name(url: str) -> str | None:
    """Host name in a URL, or None if there is none."""
    try:
        parts = urlsplit(url if "//" in url else f"//{url}")
        _ = parts.port  # raises if it is not a number
    except ValueError:
        return None
    if parts.username is not None or not parts.hostname:
        return None
    return parts.hostname.lower().rstrip(".")
