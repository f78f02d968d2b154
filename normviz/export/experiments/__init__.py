"""What makes the scripts of each experiment."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from normviz.export.experiments.anatomy import anatomy
from normviz.export.experiments.batch_size import batch_size
from normviz.export.experiments.claims import claims
from normviz.export.experiments.cost import cost, step_cost
from normviz.export.experiments.forgotten_eval import forgotten_eval
from normviz.export.experiments.initialization import scale, signal
from normviz.export.experiments.races import lr_init, placement
from normviz.export.experiments.sequences import sequences
from normviz.export.experiments.start import start
from normviz.export.experiments.train import train
from normviz.export.experiments.why import landscape, noisy_bn, regularization
from normviz.export.recipes import ExportError, Recipe, near
from normviz.spec import Spec

RECIPES: dict[str, Callable[[Any], Recipe | tuple[Recipe, ...]]] = {
    "start": start,
    "forgotten_eval": forgotten_eval,
    "signal": signal,
    "train": train,
    "anatomy": anatomy,
    "batch_size": batch_size,
    "regularization": regularization,
    "placement": placement,
    "lr_init": lr_init,
    "scale": scale,
    "sequences": sequences,
    "claims": claims,
    "cost": cost,
    "step_cost": step_cost,
    "landscape": landscape,
    "noisy_bn": noisy_bn,
}
"""For each experiment that has a script, by its name: spec -> recipe, or one for each chapter."""


def recipes(spec: Spec) -> Mapping[str, Recipe]:
    """The recipes of a spec's scripts, by chapter; "" where there is but one.

    Raises:
        ExportError: there is none.
    """
    if spec.name not in RECIPES:
        raise ExportError(
            f"There is no script for “{spec.title}” yet; there is one for: {', '.join(RECIPES)}."
        )
    made = RECIPES[spec.name](spec)
    return {one.chapter: one for one in (made if isinstance(made, tuple) else (made,))}


def recipe(spec: Spec, chapter: str = "") -> Recipe:
    """The recipe of one chapter; of the first one if none is named.

    Raises:
        ExportError: there is no such chapter, or no script at all.
    """
    found = recipes(spec)
    chapter = chapter or next(iter(found))
    if chapter not in found:
        has = f"the chapters {', '.join(found)}" if len(found) > 1 else "one script, without chapters"
        raise ExportError(f"{spec.name} has no chapter “{chapter}”; it has {has}.{near(chapter, found)}")
    return found[chapter]
