"""``run``: an experiment in this process."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from normviz import files
from normviz.commands.telling import (
    RAW,
    Commands,
    RefusedError,
    every_field,
    experiment_and_fields,
    json_flag,
    print_tree,
    writable,
)
from normviz.export.recipes import near
from normviz.frames import Recording
from normviz.player.settings import Settings
from normviz.spec import Spec
from normviz.specs import experiment


def add(commands: Commands) -> None:
    """Declare the command."""
    one = commands.add_parser(
        "run",
        add_help=False,
        formatter_class=RAW,
        help="run an experiment and print its summary",
        description="Run one experiment in this process and print the numbers that answer its question.\n"
        "The same settings give the same numbers, bit for bit, on the same kind of processor.",
        epilog=every_field(),
    )
    experiment_and_fields(one, "change a setting; several values with commas; may be repeated")
    one.add_argument(
        "--out", type=Path, metavar="DIR", help="also write the summary and the whole recording there"
    )
    one.add_argument(
        "--device", default="cpu",
        help="where to compute: cpu (default), cuda, cuda:N, mps, or auto for the quickest",
    )  # fmt: skip
    json_flag(one)
    one.set_defaults(act=_run)


def _run(asked: argparse.Namespace) -> None:
    spec = spec_of(experiment(asked.experiment), asked.set)
    _use(asked.device)
    if asked.out:
        writable(asked.out)
    started = time.perf_counter()
    recording = record(spec)
    summary = spec.summary(recording)
    print(f"{len(recording)} frames in {time.perf_counter() - started:.1f} s", file=sys.stderr)
    told = {"experiment": spec.name, "spec": spec.values(), **summary}
    if asked.out:
        told["recording"] = str(_save(asked.out, spec, recording, told))
    if asked.json:
        print(json.dumps(told))
    else:
        print_tree(told)


def _use(wanted: str) -> None:
    """Compute on that device; the CPU needs no looking, and nothing of torch."""
    if wanted == "cpu":
        return
    Settings(device=wanted)  # refuses what is no device
    from normviz.lab import accelerators, devices

    found = accelerators.find(measure=wanted == "auto")
    try:
        device = accelerators.choose(wanted, found)
    except accelerators.DeviceError as error:
        raise RefusedError(str(error)) from None
    devices.use(device)
    print(f"computing on {device}", file=sys.stderr)


def spec_of(kind: type[Spec], assignments: Sequence[str]) -> Spec:
    """The spec of a run from ``field=value`` words; unlike in a URL, nothing falls back silently."""
    declared = {name: (knob, default) for name, knob, default in kind.knobs()}
    values: dict[str, Any] = {}
    for word in assignments:
        name, equals, text = word.partition("=")
        if not equals:
            raise RefusedError(f"--set takes field=value, not “{word}”")
        if name not in declared:
            hint = near(name, declared)
            raise RefusedError(f"{kind.name} has no field “{name}”; it has {', '.join(declared)}.{hint}")
        knob, default = declared[name]
        values[name] = knob.read(name, text, default)
    return kind.from_values(values)


def record(spec: Spec) -> Recording:
    """Run a spec to its end in this process, telling a terminal how far it is."""
    from normviz.lab.runs import record

    if not sys.stderr.isatty():
        return record(spec)
    recording = record(spec, lambda frame: print(f"\rstep {frame.step}", end="", file=sys.stderr))
    print("\r\033[K", end="", file=sys.stderr)
    return recording


def _save(folder: Path, spec: Spec, recording: Recording, told: dict[str, Any]) -> Path:
    try:
        path = folder / f"{spec.name}.normviz"
        recording.save(path, {"spec": json.loads(spec.to_json())})
        files.write(folder / f"{spec.name}.json", json.dumps(told, indent=1).encode())
    except OSError as error:
        raise RefusedError(f"cannot write to {folder}: {error.strerror}") from error
    return path
