"""The command line: ``python -m normviz list | run | export | warm | worker | settings | bench``.

Results go to stdout (one JSON object under ``--json``), progress and messages to stderr.  The lab, and
with it torch, is imported only by the commands that compute.
"""

from __future__ import annotations

import argparse
import difflib
import importlib
import json
import os
import shlex
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

# Small tensors: a second thread makes a run slower, and far slower when the other core is busy.
os.environ.setdefault("OMP_NUM_THREADS", "1")

from normviz import exporting, files, operating
from normviz.bench import BENCHES
from normviz.catalog.norms import NORMS
from normviz.catalog.sequences import ALL_DATASETS, ALL_NETWORKS
from normviz.export import ExportError
from normviz.frames import Recording
from normviz.spec import Spec, SpecError
from normviz.specs import EXPERIMENTS, experiment
from normviz.ui import options
from normviz.ui.pages import PAGES

_JOBS = 8  # for each core: runs at rest hold a place too, and the kernel shares the core among the others


class RefusedError(Exception):
    """A request that cannot be met, with the sentence that says why."""


class _Parser(argparse.ArgumentParser):
    """Answers a wrong command with the near one instead of a list alone."""

    def error(self, message: str) -> NoReturn:
        wrong = message.partition("invalid choice: '")[2].partition("'")[0]
        known = [*COMMANDS, *EXPERIMENTS, *BENCHES]
        near = difflib.get_close_matches(wrong, known, 1) if wrong else []
        hint = f" Did you mean {near[0]}?" if near else ""
        self.exit(2, f"{self.prog}: {message}.{hint} See {self.prog} --help\n")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit status (2 for a request that cannot be met)."""
    asked = _parser().parse_args(arguments)
    try:
        COMMANDS[asked.command](asked)
        sys.stdout.flush()
    except (RefusedError, SpecError) as refusal:
        print(f"normviz: {refusal}", file=sys.stderr)
        return 2
    except BrokenPipeError:  # the reader of our output has left, as `| head` does
        _drop_output()
    except OSError as error:  # as of an output that goes into a file on a full disk
        _drop_output()
        print(f"normviz: the system refused: {error.strerror or error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("normviz: stopped", file=sys.stderr)
        return 130
    return 0


def _drop_output() -> None:
    """What is still held of the output goes nowhere; else Python would try again at its end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


# --- list -------------------------------------------------------------------------------------------


def _list(asked: argparse.Namespace) -> None:
    if asked.json:
        told = {
            "norms": list(NORMS),
            "networks": list(ALL_NETWORKS),
            "datasets": list(ALL_DATASETS),
            "experiments": list(EXPERIMENTS),
            "pages": [{"title": page.title, "path": "/" + page.url_path} for page in PAGES],
        }
        print(json.dumps(told))
        return
    sections: dict[str, list[tuple[str, str]]] = {
        "Norms": [(norm.name, f"{norm.label}: {norm.axes}") for norm in NORMS.values()],
        "Networks": [(name, network.label) for name, network in ALL_NETWORKS.items()],
        "Data sets": [(name, data.label) for name, data in ALL_DATASETS.items()],
        "Experiments": [(name, spec.title) for name, spec in EXPERIMENTS.items()],
        "Pages": [("/" + page.url_path, page.title) for page in PAGES],
    }
    for title, rows in sections.items():
        print(title)
        for name, words in rows:
            print(f"  {name:24}{words}")


# --- run --------------------------------------------------------------------------------------------


def _run(asked: argparse.Namespace) -> None:
    spec = _spec(experiment(asked.experiment), asked.set)
    started = time.perf_counter()
    recording = _record(spec)
    summary = spec.summary(recording)
    print(f"{len(recording)} frames in {time.perf_counter() - started:.1f} s", file=sys.stderr)
    told = {"experiment": spec.name, "spec": spec.values(), **summary}
    if asked.out:
        told["recording"] = str(_save(asked.out, spec, recording, told))
    if asked.json:
        print(json.dumps(told))
    else:
        _print_tree(told)


def _spec(kind: type[Spec], assignments: Sequence[str]) -> Spec:
    """The spec of a run from ``field=value`` words; unlike in a URL, nothing falls back silently."""
    declared = {name: (knob, default) for name, knob, default in kind.knobs()}
    values: dict[str, Any] = {}
    for word in assignments:
        name, equals, text = word.partition("=")
        if not equals:
            raise RefusedError(f"--set takes field=value, not “{word}”")
        if name not in declared:
            near = difflib.get_close_matches(name, declared, 1)
            hint = f" Did you mean {near[0]}?" if near else ""
            raise RefusedError(f"{kind.name} has no field “{name}”; it has {', '.join(declared)}.{hint}")
        knob, default = declared[name]
        values[name] = knob.read(name, text, default)
    return kind(**values)


def _record(spec: Spec) -> Recording:
    """Run a spec to its end in this process, telling a terminal how far it is."""
    from normviz.lab.runs import record

    if not sys.stderr.isatty():
        return record(spec)
    recording = record(spec, lambda frame: print(f"\rstep {frame.step}", end="", file=sys.stderr))
    print("\r\033[K", end="", file=sys.stderr)
    return recording


def _save(folder: Path, spec: Spec, recording: Recording, told: dict[str, Any]) -> Path:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{spec.name}.normviz"
        recording.save(path, {"spec": json.loads(spec.to_json())})
        files.write(folder / f"{spec.name}.json", json.dumps(told, indent=1).encode())
    except OSError as error:
        raise RefusedError(f"cannot write to {folder}: {error.strerror}") from error
    return path


def _print_tree(value: dict[str, Any], indent: str = "") -> None:
    for name, one in value.items():
        if isinstance(one, dict) and set(one) == {"mean", "sd", "seeds"}:
            mean, sd = ("–" if one[key] is None else f"{one[key]:.3g}" for key in ("mean", "sd"))
            print(f"{indent}{name}: {mean} ± {sd} (seeds: {one['seeds']})")
        elif isinstance(one, dict):
            print(f"{indent}{name}")
            _print_tree(one, indent + "  ")
        else:
            print(f"{indent}{name}: {one:.4g}" if isinstance(one, float) else f"{indent}{name}: {one}")


# --- warm -------------------------------------------------------------------------------------------


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


# --- recordings -------------------------------------------------------------------------------------


def _recordings(asked: argparse.Namespace) -> None:
    import torch

    from normviz.ui import preludes
    from normviz.ui.exhibits import STAGED

    for name in asked.experiment or sorted(STAGED):
        spec = experiment(name)()
        data = preludes.contents(spec, _record(spec), torch.__version__)
        path = asked.out / preludes.name(name)
        _write(path, data)
        print(f"{path}: {len(data)} bytes")


# --- export -----------------------------------------------------------------------------------------


def _export(asked: argparse.Namespace) -> None:
    spec = _spec(experiment(asked.experiment), asked.set)
    settings = " ".join(f"--set {shlex.quote(word)}" for word in asked.set)
    origin = f"python -m normviz run {spec.name} {settings}".rstrip()
    written: dict[str, int] = {}
    try:
        exporting.check(asked.format, asked.figure, asked.chapter, asked.out)
        for path, data in exporting.files(
            spec, asked.format, asked.out, asked.figure, origin, _record, asked.chapter
        ):
            _write(path, data)
            written[str(path)] = len(data)
            print(f"{path} ({len(data):,} bytes)", file=sys.stderr)
    except ExportError as refusal:
        raise RefusedError(str(refusal)) from refusal
    if asked.json:
        told = {"experiment": spec.name, "format": asked.format, "spec": spec.values()}
        print(json.dumps({**told, "files": [{"path": path, "bytes": n} for path, n in written.items()]}))


def _write(path: Path, data: bytes) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        files.write(path, data)
    except OSError as error:
        raise RefusedError(f"cannot write {path}: {error.strerror}") from error


# --- settings ---------------------------------------------------------------------------------------


def _settings(asked: argparse.Namespace) -> None:
    options.checked()
    if asked.write:
        document = operating.DOCUMENT
        _write(document, operating.written(document.read_text(encoding="utf-8")).encode())
        print(document, file=sys.stderr)
    elif asked.json:
        print(json.dumps(operating.told()))
    else:
        print(operating.tables(), end="")
        print("\nWhat is set here works.", file=sys.stderr)


# --- worker -----------------------------------------------------------------------------------------


def _worker(asked: argparse.Namespace) -> None:
    from normviz.player.hosts import ENVIRONMENT
    from normviz.player.settings import MB, Settings

    settings = Settings.from_environment()
    jobs = asked.jobs or _JOBS * (os.cpu_count() or 1)
    if not (sys.platform == "linux" and 1 <= jobs <= 1000):
        raise RefusedError("a worker needs Linux, and --jobs takes a whole number from 1 to 1000")
    _ = settings.server  # refused here, and not after torch is imported
    command = [
        sys.executable, "-m", "normviz.lab.cluster", "--jobs", str(jobs), "--keep", str(settings.redis_keep),
        "--memory", str(settings.run_memory * MB), "--seconds", str(settings.run_seconds),
        *(part for module in settings.experiments for part in ("--load", module)),
    ]  # fmt: skip
    sys.stdout.flush()
    os.execve(sys.executable, command, {**os.environ, **ENVIRONMENT})


# --- bench ------------------------------------------------------------------------------------------


def _bench(asked: argparse.Namespace) -> None:
    measured: dict[str, Any] = importlib.import_module(BENCHES[asked.name]).measure()
    if asked.json:
        print(json.dumps(measured))
    else:
        _print_tree(measured)


COMMANDS = {
    "list": _list, "run": _run, "export": _export, "warm": _warm, "recordings": _recordings,
    "worker": _worker, "settings": _settings, "bench": _bench,
}  # fmt: skip


def _parser() -> argparse.ArgumentParser:
    raw = argparse.RawDescriptionHelpFormatter
    parser = _Parser(
        prog="normviz",
        formatter_class=raw,
        description="See what normalization does to a neural network.\n\n"
        "The app itself is started with `make run` or `streamlit run app.py`.",
        epilog="examples:\n"
        "  normviz list\n"
        "  normviz run train --set norms=none,batch --set lr=0.3\n"
        "  normviz run forgotten_eval --json\n"
        "  normviz warm broken-networks --out recordings\n"
        "  normviz bench stack",
    )
    commands = parser.add_subparsers(
        dest="command", required=True, metavar="{list,run,export,warm,recordings,worker,settings,bench}"
    )

    one = commands.add_parser(
        "list",
        formatter_class=raw,
        help="what there is: norms, networks, data sets, experiments, pages",
        description="List the norms, networks, data sets, experiments and pages.",
    )
    _json_flag(one)

    one = commands.add_parser(
        "run",
        formatter_class=raw,
        help="run an experiment and print its summary",
        description="Run one experiment in this process and print the numbers that answer its question.\n"
        "The same settings give the same numbers, bit for bit, on the same kind of processor.",
        epilog="experiments and their fields:\n\n" + "\n\n".join(map(_fields, EXPERIMENTS.values())),
    )
    one.add_argument("experiment", help="one of " + ", ".join(EXPERIMENTS))
    one.add_argument(
        "--set", action="append", default=[], metavar="FIELD=VALUE",
        help="change a setting; several values with commas; may be repeated",
    )  # fmt: skip
    one.add_argument(
        "--out", type=Path, metavar="DIR", help="also write the summary and the whole recording there"
    )
    _json_flag(one)

    one = commands.add_parser(
        "warm",
        formatter_class=raw,
        help="record the runs of a lesson beforehand",
        description="Compute every run of a lesson and keep the recordings in a folder.  A server that is\n"
        "started with NORMVIZ_RECORDED=DIR serves them at once, as recorded runs.  They are of use to the\n"
        "same version of the program and of torch on the same kind of processor.",
    )
    one.add_argument("lesson", help="the name of a lesson, or a TOML file")
    one.add_argument("--out", type=Path, metavar="DIR", help="the folder (default: NORMVIZ_RECORDED)")
    _json_flag(one)

    one = commands.add_parser(
        "recordings",
        formatter_class=raw,
        help="make the shipped recordings of the pages' defaults again",
        description="Run the defaults of the pages and write the recordings that the stage shows until the\n"
        "live run has something to show.  About a minute.",
    )
    one.add_argument("experiment", nargs="*", help="only these (default: all with a stage)")
    one.add_argument(
        "--out", type=Path, metavar="DIR", default=Path(__file__).parent / "ui" / "assets",
        help="the folder (default: where they are shipped)",
    )  # fmt: skip

    one = commands.add_parser(
        "worker",
        formatter_class=raw,
        help="compute runs for the web processes of a cluster",
        description="Take runs from Redis and compute them until SIGTERM.  NORMVIZ_REDIS says where it is;\n"
        "the other settings are those of the server (normviz/player/settings.py).  A web process uses\n"
        "workers of its own version of the program, and of one torch and one kind of processor.",
    )
    one.add_argument(
        "--jobs", type=int, default=0, metavar="N",
        help=f"runs computed at once, those at rest included (default: {_JOBS} for each processor core)",
    )  # fmt: skip

    one = commands.add_parser(
        "export",
        formatter_class=raw,
        help="write a run to files: script, notebook, HTML, tables, pictures",
        description="Write an experiment to files.\n\n"
        "  script    one plain PyTorch file that makes the run, without this project\n"
        "  notebook  the same as a notebook\n"
        "  html      the whole run in one file that opens in a browser, plays and scrubs, without a server\n"
        "  csv       the numbers of each chart, all frames\n"
        "  png, svg  each chart at the end of the run (needs kaleido and a Chromium or Chrome)\n\n"
        "Of csv, png and svg FILE is a folder, with a file KEY.csv for each chart; with a single --figure\n"
        "it is that chart's file.",
        epilog="examples:\n"
        "  normviz export train --format html --out race.html\n"
        "  normviz export train --set norms=none,batch --format csv --figure loss --out loss.csv\n"
        "  normviz export forgotten_eval --format script --chapter repairs --out repairs.py\n"
        "  normviz export signal --format svg --out pictures",
    )
    one.add_argument("experiment", help="one of " + ", ".join(EXPERIMENTS))
    one.add_argument(
        "--set", action="append", default=[], metavar="FIELD=VALUE",
        help="change a setting, as for run; may be repeated",
    )  # fmt: skip
    one.add_argument("--format", required=True, choices=exporting.FORMATS, help="what to write")
    one.add_argument("--out", required=True, type=Path, metavar="FILE", help="where to write it")
    one.add_argument(
        "--figure", action="append", default=[], metavar="KEY", help="only this chart; may be repeated"
    )
    one.add_argument(
        "--chapter", default="", metavar="NAME",
        help="of a script or notebook: which part of the page (default: the first; each script names them)",
    )  # fmt: skip
    _json_flag(one)

    one = commands.add_parser(
        "settings",
        formatter_class=raw,
        help="what the operator of a server may set, and whether what is set works",
        description="List the settings of a server: environment variables, and options of Streamlit's.  A\n"
        "variable that is set here and does not work is told in a sentence, with exit status 2.",
    )
    one.add_argument(
        "--write", action="store_true", help="put the tables into docs/operating.md instead of printing them"
    )
    _json_flag(one)

    one = commands.add_parser(
        "bench",
        formatter_class=raw,
        help="measure a figure that the README quotes",
        description="Measure speed as paired ratios: both sides alternate, medians are printed.\n\n"
        "  stack    the stacked engine against the usual training loop (minutes)\n"
        "  map      a map of 144 networks on all free cores against the usual loop (minutes)\n"
        "  probes   what recording every layer costs on top of a training step\n"
        "  frames   size and encoding time of a frame\n"
        "  science  not speed: what the pages rest on, at full size (minutes)",
    )
    one.add_argument("name", choices=BENCHES)
    _json_flag(one)
    return parser


def _json_flag(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="one JSON object on stdout, nothing else")


def _fields(kind: type[Spec]) -> str:
    lines = [f"{kind.name}: {kind.title}"]
    for name, knob, default in kind.knobs():
        shown = ",".join(default) if isinstance(default, tuple) else default
        lines.append(f"  {name:18}{knob.allowed(default)} (default {shown})")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
