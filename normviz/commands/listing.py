"""``list``: what there is."""

from __future__ import annotations

import argparse
import json

from normviz.catalog.norms import NORMS
from normviz.catalog.sequences import ALL_DATASETS, ALL_NETWORKS
from normviz.commands.telling import RAW, Commands, json_flag
from normviz.specs import EXPERIMENTS
from normviz.ui.pages import PAGES


def add(commands: Commands) -> None:
    """Declare the command."""
    one = commands.add_parser(
        "list",
        formatter_class=RAW,
        help="what there is: norms, networks, data sets, experiments, pages",
        description="List the norms, networks, data sets, experiments and pages.",
    )
    json_flag(one)
    one.set_defaults(act=_list)


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
