"""``bench``: the figures that the README quotes."""

from __future__ import annotations

import argparse
import importlib
import json
from typing import Any

from normviz.bench import BENCHES
from normviz.commands.telling import RAW, Commands, json_flag, print_tree


def add(commands: Commands) -> None:
    """Declare the command."""
    one = commands.add_parser(
        "bench",
        formatter_class=RAW,
        help="measure a figure that the README quotes",
        description="Measure speed as paired ratios: both sides alternate, medians are printed.\n\n"
        "  stack    the stacked engine against the usual training loop (minutes)\n"
        "  map      a map of 144 networks on all free cores against the usual loop (minutes)\n"
        "  probes   what recording every layer costs on top of a training step\n"
        "  frames   size and encoding time of a frame\n"
        "  science  not speed: what the pages rest on, at full size (minutes)",
    )
    one.add_argument("name", choices=BENCHES)
    json_flag(one)
    one.set_defaults(act=_bench)


def _bench(asked: argparse.Namespace) -> None:
    measured: dict[str, Any] = importlib.import_module(BENCHES[asked.name]).measure()
    if asked.json:
        print(json.dumps(measured))
    else:
        print_tree(measured)
