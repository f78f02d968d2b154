"""The shipped recordings of the pages' defaults, with their figures: every chart, without computing."""

from __future__ import annotations

import importlib
from functools import cache

from normviz.figures.bound import Figure
from normviz.frames import Recording
from normviz.spec import Spec
from normviz.specs import experiment
from normviz.ui import preludes, static


@cache
def shipped(name: str) -> tuple[Spec, Recording, list[Figure]]:
    """An experiment's default, its recording and its figures."""
    spec = experiment(name)()
    recording, _ = Recording.from_bytes((static.FOLDER / preludes.name(name)).read_bytes())
    figures: list[Figure] = importlib.import_module(f"normviz.figures.{name}").figures(spec)
    return spec, recording, figures
