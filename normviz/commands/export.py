"""``export``: a run as files."""

from __future__ import annotations

import argparse
import json
import shlex
import sys
from pathlib import Path

from normviz import exporting
from normviz.commands.run import record, spec_of
from normviz.commands.telling import (
    RAW,
    Commands,
    RefusedError,
    experiment_and_fields,
    json_flag,
    kind_of,
    writable,
    write,
)
from normviz.export import ExportError
from normviz.specs.start import Start


def add(commands: Commands) -> None:
    """Declare the command."""
    one = commands.add_parser(
        "export",
        add_help=False,
        formatter_class=RAW,
        help="write a run to files: script, notebook, HTML, tables, pictures",
        description="Write an experiment to files.\n\n"
        "  script    one plain PyTorch file that makes the run, without this project\n"
        "  notebook  the same as a notebook\n"
        "  html      the whole run in one file that opens in a browser, plays and scrubs, without a server\n"
        "  csv       the numbers of each chart, all frames\n"
        "  png, svg  each chart at the end of the run (needs kaleido and a Chromium or Chrome)\n\n"
        "Of csv, png and svg FILE is a folder, with a file KEY.csv for each chart; with a single --figure\n"
        "it is that chart's file.  start and anatomy compute in the browser: html is the page itself, csv\n"
        "one table of its numbers (FILE), and there are no pictures.",
        epilog="examples:\n"
        "  normviz export train --format html --out race.html\n"
        "  normviz export train --set norms=none,batch --format csv --figure loss --out loss.csv\n"
        "  normviz export forgotten_eval --format script --chapter repairs --out repairs.py\n"
        "  normviz export signal --format svg --out pictures",
    )
    # The front page is no experiment of its own to `run`, but it can be taken away.
    experiment_and_fields(one, "change a setting, as for run; may be repeated", beside={Start.name: Start})
    one.add_argument("--format", required=True, choices=exporting.FORMATS, help="what to write")
    one.add_argument("--out", required=True, type=Path, metavar="FILE", help="where to write it")
    one.add_argument(
        "--figure", action="append", default=[], metavar="KEY", help="only this chart; may be repeated"
    )
    one.add_argument(
        "--chapter", default="", metavar="NAME",
        help="of a script or notebook: which part of the page (default: the first; each script names them)",
    )  # fmt: skip
    json_flag(one)
    one.set_defaults(act=_export)


def _export(asked: argparse.Namespace) -> None:
    kind = kind_of(asked.experiment, beside={Start.name: Start})
    spec = spec_of(kind, asked.set)
    settings = " ".join(f"--set {shlex.quote(word)}" for word in asked.set)
    origin = f"python -m normviz run {spec.name} {settings}".rstrip()
    if kind is Start:
        origin = f"python -m normviz export start {settings}".rstrip() + f" --format {asked.format}"
    written: dict[str, int] = {}
    try:
        exporting.check(spec, asked.format, asked.figure, asked.chapter, asked.out)
        _place(asked.out, exporting.several(spec, asked.format, asked.figure))
        for path, data in exporting.files(
            spec, asked.format, asked.out, asked.figure, origin, record, asked.chapter
        ):
            write(path, data)
            written[str(path)] = len(data)
            print(f"{path} ({len(data):,} bytes)", file=sys.stderr)
    except ExportError as refusal:
        raise RefusedError(str(refusal)) from refusal
    if asked.json:
        told = {"experiment": spec.name, "format": asked.format, "spec": spec.values()}
        print(json.dumps({**told, "files": [{"path": path, "bytes": n} for path, n in written.items()]}))


def _place(out: Path, several: bool) -> None:
    """See that there is room for what will be written: a folder, or a file in one."""
    if several:
        writable(out)
    elif out.is_dir():
        raise RefusedError(f"{out} is a folder; --out names the file")
    elif out.is_file() or not out.exists():  # else a device or a pipe
        writable(out.parent)
