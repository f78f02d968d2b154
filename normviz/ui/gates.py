"""Who may do what is the operator's: whoever knows the token (``NORMVIZ_OPERATOR_TOKEN``).

On the page it is typed into a field, on routes it is the header ``Authorization: Bearer TOKEN``; it is never
part of an address.  After some wrong ones from a network address, no further one from there is looked at for
a while.
"""

from __future__ import annotations

import secrets
import time
from collections import OrderedDict, deque

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from normviz import player

_MOST = 5  # wrong tokens from one address
_WITHIN = 60.0  # seconds
_MOST_ADDRESSES = 10_000
_HEADERS = {"Cache-Control": "no-store"}


class TooManyError(Exception):
    """Too many wrong tokens came from an address."""


class Gate:
    """Compares tokens, and remembers from where wrong ones came."""

    def __init__(self) -> None:
        self._wrong: OrderedDict[str, deque[float]] = OrderedDict()

    def admits(self, token: str, attempt: str, address: str) -> bool:
        """Whether an attempt is the token; both are compared in constant time.

        Raises:
            TooManyError: it was not looked at.
        """
        now = time.monotonic()
        wrong = self._wrong.get(address, deque())
        while wrong and now - wrong[0] > _WITHIN:
            wrong.popleft()
        if len(wrong) >= _MOST:
            raise TooManyError
        if secrets.compare_digest(token.encode(), attempt.encode()):
            return True
        wrong.append(now)
        self._wrong[address] = wrong
        self._wrong.move_to_end(address)
        if len(self._wrong) > _MOST_ADDRESSES:
            self._wrong.popitem(last=False)
        return False


GATE = Gate()


def token() -> str:
    """The operator's token; empty while there is none or no server runs."""
    try:
        return player.here().settings.operator_token
    except RuntimeError:
        return ""


def refusal(request: Request) -> Response | None:
    """The answer to a request that does not carry the token; None if it does."""
    kind, _, attempt = request.headers.get("authorization", "").partition(" ")
    if kind.lower() != "bearer":
        attempt = ""
    try:
        known = attempt and GATE.admits(token(), attempt, request.client.host if request.client else "")
    except TooManyError:
        return PlainTextResponse("Too many wrong tokens came from there; wait a minute.\n", 429, _HEADERS)
    if known:
        return None
    told = "This is the operator's: send the header “Authorization: Bearer TOKEN”.\n"
    return PlainTextResponse(told, 401, _HEADERS | {"WWW-Authenticate": "Bearer"})


def nothing_here() -> Response:
    """The answer of a route that the settings leave out."""
    return PlainTextResponse("Not found.\n", 404, _HEADERS)
