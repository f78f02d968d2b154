"""``worker`` and ``settings``: for who operates a server."""

from __future__ import annotations

import argparse
import json
import os
import sys

from normviz.commands.telling import RAW, Commands, RefusedError, json_flag, write
from normviz.ui import operating, options

_JOBS = 8  # for each core: runs at rest hold a place too, and the kernel shares the core among the others


def add(commands: Commands) -> None:
    """Declare the commands."""
    one = commands.add_parser(
        "worker",
        formatter_class=RAW,
        help="compute runs for the web processes of a cluster",
        description="Take runs from Redis and compute them until SIGTERM.  NORMVIZ_REDIS says where it is;\n"
        "the other settings are those of the server (normviz/player/settings.py).  A web process uses\n"
        "workers of its own version of the program, and of one torch and one kind of processor.",
    )
    one.add_argument(
        "--jobs", type=int, default=0, metavar="N",
        help=f"runs computed at once, those at rest included (default: {_JOBS} for each processor core)",
    )  # fmt: skip
    one.set_defaults(act=_worker)

    one = commands.add_parser(
        "settings",
        formatter_class=RAW,
        help="what the operator of a server may set, and whether what is set works",
        description="List the settings of a server: environment variables, and options of Streamlit's.  A\n"
        "variable that is set here and does not work is told in a sentence, with exit status 2.",
    )
    one.add_argument(
        "--write", action="store_true", help="put the tables into docs/operating.md instead of printing them"
    )
    json_flag(one)
    one.set_defaults(act=_settings)


def _worker(asked: argparse.Namespace) -> None:
    from normviz.player.hosts import ENVIRONMENT
    from normviz.player.settings import MB, Settings

    settings = Settings.from_environment()
    jobs = asked.jobs or _JOBS * (os.cpu_count() or 1)
    if not (sys.platform == "linux" and 1 <= jobs <= 1000):
        raise RefusedError("a worker needs Linux, and --jobs takes a whole number from 1 to 1000")
    settings.see_that_workers_can()
    _ = settings.server  # refused here, and not after torch is imported
    settings.find_experiments()
    command = [
        sys.executable, "-m", "normviz.lab.cluster", "--jobs", str(jobs), "--keep", str(settings.redis_keep),
        "--memory", str(settings.run_memory * MB), "--seconds", str(settings.run_seconds),
        "--silence", str(settings.silence),
        *(part for module in settings.experiments for part in ("--load", module)),
    ]  # fmt: skip
    sys.stdout.flush()
    os.execve(sys.executable, command, {**os.environ, **ENVIRONMENT})


def _settings(asked: argparse.Namespace) -> None:
    options.checked()
    if asked.write:
        document = operating.DOCUMENT
        write(document, operating.written(document.read_text(encoding="utf-8")).encode())
        print(document, file=sys.stderr)
    elif asked.json:
        print(json.dumps(operating.told()))
    else:
        print(operating.tables(), end="")
        print("\nWhat is set here works.", file=sys.stderr)
