"""The first steps inside a container: mounts, network, user; then this process becomes the command."""

from __future__ import annotations

import fcntl
import json
import os
import socket
import struct
import subprocess
import sys
from pathlib import Path
from typing import Any

from images import privileges

_SIOCSIFFLAGS, _UP = 0x8914, 1


def enter(told: dict[str, Any]) -> None:
    """Become the command."""
    root = Path(told["root"])
    mount("--make-rprivate", "/")
    mount("--bind", root, root)
    # Before the rest: what is bound may itself lie below /tmp.
    mount("-t", "tmpfs", "-o", "size=64m,mode=1777", "tmp", root / "tmp")
    for inside, outside in told["binds"].items():
        place = root / inside.lstrip("/")
        place.mkdir(parents=True, exist_ok=True)
        mount("--bind", outside, place)
        mount("-o", "remount,bind,ro", place)
    mount("-t", "proc", "proc", root / "proc")
    mount("-t", "tmpfs", "-o", "mode=755", "dev", root / "dev")
    (root / "dev" / "shm").mkdir(mode=0o1777)
    for name in ("null", "zero", "full", "random", "urandom"):
        (root / "dev" / name).touch()
        mount("--bind", f"/dev/{name}", root / "dev" / name)
    if told["read_only"]:
        mount("-o", "remount,bind,ro", root)
    with socket.socket() as line:
        fcntl.ioctl(line, _SIOCSIFFLAGS, struct.pack("16sH14x", b"lo", _UP))
    os.chroot(root)
    os.chdir(told["folder"])
    os.umask(0o022)
    words = ["setpriv", *privileges(told["user"]), "--", *told["command"]]
    os.execve("/usr/bin/setpriv", words, told["environment"])


def mount(*words: str | Path) -> None:
    """Mount something."""
    subprocess.run(["mount", *map(str, words)], check=True)


if __name__ == "__main__":
    enter(json.loads(sys.argv[1]))
