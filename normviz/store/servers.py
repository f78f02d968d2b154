"""Where Redis is, and by what it is believed: address, password, certificates."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self
from urllib.parse import SplitResult, unquote, urlsplit

from normviz.spec import SpecError

_URL = "NORMVIZ_REDIS"
_FORM = "redis://host:port/number, or rediss://… for TLS, with user:password@ before the host if need be"
_FILES = {
    "password_file": "NORMVIZ_REDIS_PASSWORD_FILE",
    "ca": "NORMVIZ_REDIS_CA",
    "certificate": "NORMVIZ_REDIS_CERTIFICATE",
    "key": "NORMVIZ_REDIS_KEY",
}
_PORT = 6379


def masked(text: str) -> str:
    """A text that may be an address, without the user and the password in it."""
    return re.sub(r"//.*@", "//…@", text, flags=re.DOTALL)


@dataclass(frozen=True, kw_only=True)
class Server:
    """One Redis.  Its password appears neither in ``repr`` nor in ``place`` nor in an error.

    Raises:
        SpecError: the address makes no sense, or a file is not there.
    """

    url: str = field(repr=False)
    password_file: str = ""
    """A file whose first line is the password."""
    ca: str = ""
    """Certificates of those who may vouch for the server; by default the system's."""
    certificate: str = ""
    """This side's own certificate, where the server asks for one, and in ``key`` its private key."""
    key: str = ""

    def __post_init__(self) -> None:
        self._check_url()
        for name, variable in _FILES.items():
            path = getattr(self, name)
            if path and not os.access(path, os.R_OK):
                raise SpecError(variable, path, "a file that can be read")
            if path and name != "password_file" and self._parts.scheme != "rediss":
                raise SpecError(variable, path, "nothing without TLS", f"Begin {_URL} with rediss://.")
        if self.password_file and self._parts.password:
            remedy = f"Leave it out of {_URL}."
            raise SpecError(_FILES["password_file"], self.password_file, "one password only", remedy)
        if bool(self.certificate) != bool(self.key):
            variable = _FILES["key" if self.certificate else "certificate"]
            raise SpecError(variable, "", "a file, since a certificate and its key go together")

    def _check_url(self) -> None:
        shown = masked(self.url)
        try:
            parts = self._parts
            fits = parts.scheme in ("redis", "rediss") and parts.hostname and parts.port != 0
        except ValueError:  # a port that is none
            fits = False
        if not fits or not re.fullmatch(r"/?\d{0,4}", parts.path) or parts.query or parts.fragment:
            raise SpecError(_URL, shown, _FORM) from None

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Self:
        """Read the environment.

        Raises:
            SpecError: a value is not accepted.
        """
        files = {name: environment.get(variable, "").strip() for name, variable in _FILES.items()}
        return cls(url=environment.get(_URL, "").strip(), **files)

    @property
    def _parts(self) -> SplitResult:
        return urlsplit(self.url)

    @property
    def place(self) -> str:
        """Host and port, for logs and reports."""
        return f"{self._parts.hostname}:{self._parts.port or _PORT}"

    def options(self) -> dict[str, Any]:
        """What both kinds of Redis client are made with.  The password's file is read now."""
        parts = self._parts
        password = unquote(parts.password or "")
        if self.password_file:
            password = Path(self.password_file).read_text(encoding="utf-8").split("\n")[0].strip()
        secured = {
            "ssl": True,
            "ssl_ca_certs": self.ca or None,
            "ssl_certfile": self.certificate or None,
            "ssl_keyfile": self.key or None,
        }
        return {
            "host": parts.hostname,
            "port": parts.port or _PORT,
            "db": int(parts.path.strip("/") or 0),
            "username": unquote(parts.username or "") or None,
            "password": password or None,
            **(secured if parts.scheme == "rediss" else {}),
        }
