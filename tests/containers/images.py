"""A container without an engine: the Dockerfile's instructions, carried out by the kernel's own means.

What an engine would download is taken from this machine instead: the base image is its own ``/usr``, and the
virtual environment is that of the tests.  Everything else is done as it is written: what is copied and left
out, what is run at the build, as whom, where and with which variables the command starts.
"""

from __future__ import annotations

import fnmatch
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
INSIDE = Path(__file__).with_name("inside.py")
_ETC = (
    "passwd",
    "group",
    "shadow",
    "gshadow",
    "login.defs",
    "nsswitch.conf",
    "ld.so.cache",
    "hosts",
)


def instructions(text: str) -> list[tuple[str, str]]:
    """Names and arguments, continued lines joined."""
    lines = "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("#"))
    joined = re.sub(r"\\\n\s*", " ", lines).splitlines()
    return [(name, rest) for name, _, rest in (line.partition(" ") for line in joined if line.strip())]


def stages() -> list[list[tuple[str, str]]]:
    """The instructions of each stage; what stands before the first one is left out."""
    found: list[list[tuple[str, str]]] = []
    for name, rest in instructions((ROOT / "Dockerfile").read_text()):
        if name == "FROM":
            found.append([])
        if found:
            found[-1].append((name, rest))
    return found


def isolation() -> str:
    """Why nothing can be isolated here; empty if it can."""
    if os.geteuid() != 0:
        return "only root can make a container without an engine"
    tried = subprocess.run(
        ["unshare", "--mount", "--net", "--pid", "--fork", "mount", "--make-rprivate", "/"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    return tried.stderr.strip()


@dataclass
class Image:
    """What the instructions of one stage have made so far."""

    root: Path
    environment: dict[str, str] = field(default_factory=lambda: {"PATH": _path()})
    folder: str = "/"
    user: int = 0
    command: list[str] = field(default_factory=list)
    check: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.root.chmod(0o755)
        for name in ("bin", "sbin", "lib", "lib32", "lib64", "usr"):
            here = Path("/", name)
            if here.is_symlink():
                (self.root / name).symlink_to(here.readlink())
            elif here.is_dir():
                (self.root / name).mkdir(parents=True)
        for name in ("proc", "dev", "tmp", "etc"):
            (self.root / name).mkdir()
        for name in _ETC:
            if Path("/etc", name).exists():
                shutil.copy(Path("/etc", name), self.root / "etc" / name)

    def build(self, stage: list[tuple[str, str]], arguments: dict[str, str] | None = None) -> None:
        """Carry out a stage.

        Raises:
            CalledProcessError: a step fails.
        """
        known = dict(arguments or {})
        for name, rest in stage:
            if name == "ARG":
                key, _, default = rest.partition("=")
                known.setdefault(key, default.strip('"'))
            elif name == "ENV":
                for key, value in (word.split("=", 1) for word in shlex.split(rest)):
                    self.environment[key] = value.replace("$PATH", self.environment["PATH"])
            elif name == "WORKDIR":
                self.folder = rest
                self.inside(rest).mkdir(parents=True, exist_ok=True)
            elif name == "USER":
                self.user = int(rest)
            elif name == "COPY":
                self._copy(rest.split())
            elif name == "RUN":
                subprocess.run(
                    self.started(["/bin/sh", "-c", rest], environment=known), check=True, timeout=300,
                )  # fmt: skip
            elif name == "CMD":
                self.command = json.loads(rest)
            elif name == "HEALTHCHECK":
                self.check = json.loads(rest.partition("CMD ")[2])
            else:
                assert name in ("FROM", "EXPOSE", "LABEL"), f"{name} is not carried out by this test"

    def inside(self, path: str) -> Path:
        """Where a path of the image lies."""
        return self.root / path.lstrip("/")

    def started(
        self, command: list[str], *, environment: dict[str, str] | None = None, read_only: bool = False
    ) -> list[str]:
        """The command line that runs a command in a container of this image, as process 1."""
        told = {
            "root": str(self.root), "binds": _binds(self.inside("/venv").is_symlink()),
            "read_only": read_only, "user": self.user, "folder": self.folder, "command": command,
            "environment": {**self.environment, **(environment or {})},
        }  # fmt: skip
        apart = ["unshare", "--mount", "--net", "--pid", "--fork", "--kill-child"]
        return [*apart, sys.executable, str(INSIDE), json.dumps(told)]

    def _copy(self, words: list[str]) -> None:
        if words[0].startswith("--from="):
            assert words[1:] == ["/venv", "/venv"]
            self.inside("/venv").symlink_to(sys.prefix)  # mounted there (see ``_binds``)
            return
        *sources, destination = words
        into = self.inside(destination if destination.startswith("/") else f"{self.folder}/{destination}")
        for source in sources:
            assert admitted(source), f".dockerignore keeps {source} from the builder"
            if (ROOT / source).is_dir():  # a folder's contents are copied, not the folder
                shutil.copytree(ROOT / source, into, ignore=_left_out)
            else:
                target = into / source if destination.endswith("/") else into
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(ROOT / source, target)


@dataclass(frozen=True)
class Container:
    """A container at work."""

    image: Image
    process: subprocess.Popen[bytes]
    pid: int
    """Of its process 1, as this machine counts."""
    log: Path

    def run(self, command: list[str], *, user: int | None = None) -> subprocess.CompletedProcess[str]:
        """Run a command in it, as its user (``docker exec``)."""
        image = self.image
        as_whom = ["/usr/bin/setpriv", *privileges(image.user if user is None else user)]
        variables = [f"{name}={value}" for name, value in image.environment.items()]
        enter = ["nsenter", f"--target={self.pid}", "--mount", "--net", "--pid", "--root"]
        there = ["/bin/sh", "-c", 'cd "$0" && exec "$@"', image.folder, "env", "-i", *variables]
        return subprocess.run(
            [*enter, *there, *as_whom, *command],
            capture_output=True, text=True, timeout=300, check=False, cwd="/",
        )  # fmt: skip

    def visit(self, code: str) -> Any:
        """Run Python of the tests in its network; the JSON that it prints."""
        told = subprocess.run(
            ["nsenter", f"--target={self.pid}", "--net", sys.executable, "-c", code],
            capture_output=True, text=True, timeout=300, check=False, cwd=ROOT,
        )  # fmt: skip
        assert told.returncode == 0, told.stderr
        return json.loads(told.stdout)


def privileges(user: int) -> list[str]:
    """Arguments of setpriv for a user without capabilities, who cannot gain any; root keeps its own."""
    if user == 0:
        return []
    dropped = ["--clear-groups", "--no-new-privs", "--bounding-set=-all", "--inh-caps=-all"]
    return [f"--reuid={user}", f"--regid={user}", *dropped]


def admitted(path: str) -> bool:
    """Whether .dockerignore, a list of what may come in, lets a path through."""
    last = True
    for line in (ROOT / ".dockerignore").read_text().splitlines():
        rule, keeps = line.removeprefix("!"), line.startswith("!")
        if line and not line.startswith("#") and _fits(path, rule):
            last = keeps
    return last


def _fits(path: str, rule: str) -> bool:
    parts = path.split("/")
    ways = ["/".join(parts[: n + 1]) for n in range(len(parts))]
    if rule.startswith("**/"):
        return any(fnmatch.fnmatch(part, rule[3:]) for part in parts)
    return any(fnmatch.fnmatch(way, rule) for way in ways)


def _left_out(folder: str, names: list[str]) -> list[str]:
    base = Path(folder).relative_to(ROOT)
    return [name for name in names if not admitted(str(base / name))]


def _path() -> str:
    return f"{sys.base_prefix}/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def _binds(environment: bool) -> dict[str, str]:
    """What is taken from this machine, by its place in the container."""
    places = [Path("/", name) for name in ("usr", "bin", "sbin", "lib", "lib32", "lib64")]
    taken = {str(place): str(place) for place in places if place.is_dir() and not place.is_symlink()}
    python = [Path(sys.base_prefix), *([Path(sys.prefix)] if environment else [])]
    return taken | {str(one): str(one) for one in python if not one.is_relative_to("/usr")}
