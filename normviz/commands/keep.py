"""``warm`` and ``recordings``: runs that are kept for later."""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path

from normviz.commands.run import record
from normviz.commands.telling import RAW, Commands, RefusedError, json_flag, writable, write
from normviz.spec import Spec
from normviz.specs import experiment


def add(commands: Commands) -> None:
    """Declare the commands."""
    one = commands.add_parser(
        "warm",
        formatter_class=RAW,
        help="record the runs of a lesson beforehand",
        description="Compute every run of a lesson and keep the recordings in a folder.  A server that is\n"
        "started with NORMVIZ_RECORDED=DIR serves them at once, as recorded runs.  They are of use to the\n"
        "same version of the program and of torch on the same kind of processor.",
    )
    one.add_argument("lesson", help="the name of a lesson, or a TOML file")
    one.add_argument("--out", type=Path, metavar="DIR", help="the folder (default: NORMVIZ_RECORDED)")
    json_flag(one)
    one.set_defaults(act=_warm)

    one = commands.add_parser(
        "recordings",
        formatter_class=RAW,
        help="make the shipped recordings of the pages' defaults again",
        description="Run the defaults of the pages and write the recordings that the stage shows until the\n"
        "live run has something to show.  About a minute.",
    )
    one.add_argument("experiment", nargs="*", help="only these (default: all with a stage)")
    one.add_argument(
        "--out", type=Path, metavar="DIR", default=Path(__file__).parents[1] / "ui" / "assets",
        help="the folder (default: where they are shipped)",
    )  # fmt: skip
    one.set_defaults(act=_recordings)


def _warm(asked: argparse.Namespace) -> None:
    from normviz.ui import shelf, warming
    from normviz.ui.entries import LessonError
    from normviz.ui.lessons import read

    folder = asked.out or os.environ.get("NORMVIZ_RECORDED", "").strip()
    if not folder:
        raise RefusedError("say where the recordings go: --out DIR, or NORMVIZ_RECORDED=DIR")
    try:
        lesson = read(Path(asked.lesson)) if asked.lesson.endswith(".toml") else shelf.find(asked.lesson)
    except LessonError as refusal:
        raise RefusedError(refusal.sentence) from refusal
    writable(Path(folder))
    specs = warming.runs(lesson)
    told: list[dict[str, str]] = []

    def hear(spec: Spec, what: str) -> None:
        told.append({"experiment": spec.name, "key": spec.key, "recording": what})
        print(f"{len(told)} of {len(specs)}: {spec.name}: {what}", file=sys.stderr)

    try:
        failed = warming.warm(specs, Path(folder), hear)
    except OSError as error:
        raise RefusedError(f"cannot write to {folder}: {error.strerror}") from error
    if asked.json:
        print(
            json.dumps({"lesson": lesson.name[:100], "folder": str(folder), "runs": told, "failed": failed})
        )
    if failed:
        raise RefusedError(f"{failed} of {len(specs)} runs failed")


def _recordings(asked: argparse.Namespace) -> None:
    import torch

    from normviz.lab.host import cpu_type
    from normviz.ui import preludes
    from normviz.ui.exhibits import STAGED

    writable(asked.out)
    for name in asked.experiment or sorted(STAGED):
        spec = experiment(name)()
        data = preludes.contents(spec, record(spec), torch.__version__, cpu_type())
        path = asked.out / preludes.name(name)
        write(path, data)
        print(f"{path}: {len(data)} bytes")
