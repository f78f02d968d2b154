"""What makes the script of each experiment."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from normviz.export.experiments.anatomy import anatomy
from normviz.export.experiments.claims import claims
from normviz.export.experiments.cost import cost
from normviz.export.experiments.forgotten_eval import forgotten_eval
from normviz.export.experiments.initialization import scale, signal
from normviz.export.experiments.races import lr_init, placement
from normviz.export.experiments.sequences import sequences
from normviz.export.experiments.train import train
from normviz.export.experiments.why import batch_size, landscape, noisy_bn, regularization
from normviz.export.recipes import ExportError, Recipe
from normviz.spec import Spec

RECIPES: dict[str, Callable[[Any], Recipe]] = {
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
    "landscape": landscape,
    "noisy_bn": noisy_bn,
}
"""For each experiment that has a script, by its name: spec -> recipe."""


def recipe(spec: Spec) -> Recipe:
    """The recipe of a spec's script.

    Raises:
        ExportError: there is none.
    """
    if spec.name not in RECIPES:
        raise ExportError(
            f"There is no script for “{spec.title}” yet; there is one for: {', '.join(RECIPES)}."
        )
    return RECIPES[spec.name](spec)
