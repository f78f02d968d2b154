"""The script of Train."""

from __future__ import annotations

from normviz.export.experiments.settings import (
    ACTIVATIONS,
    AGREEMENT,
    alike,
    common,
    options,
    pieces_of,
    special,
)
from normviz.export.recipes import Recipe
from normviz.specs.train import EVALUATE_EVERY, Train


def train(spec: Train) -> Recipe:
    """The race of all variants from all seeds."""
    changes = spec.planned
    settings = {
        **common(spec.net, spec.data),
        "NORMS": spec.norms,
        "SEEDS": spec.seed_values,
        "DEPTH": spec.depth,
        "WIDTH": spec.first_width,
        "PLACEMENT": spec.placement,
        "ACTIVATION": ACTIVATIONS[spec.activation],
        "DROPOUT": spec.dropout,
        "CAUSAL": spec.causal,
        **options(**spec.norm_options),
        **special(spec.norms_used),
        "RENORM": "batch_renorm" in spec.norms_used,
        "GAIN": spec.gain,
        "OPTIMIZER": spec.optimizer,
        "LR": spec.lr,
        "BATCH_SIZE": spec.batch_size,
        "STEPS": spec.steps,
        "EVERY": spec.every,
        "EVALUATE_EVERY": spec.every * -(-EVALUATE_EVERY // spec.every),
        "RATES": {one.step: float(one.value) for one in changes if one.what == "lr"},
        "BATCH_SIZES": {one.step: int(one.value) for one in changes if one.what == "batch_size"},
        "SWITCHES": {(one.step, one.variant): one.value for one in changes if one.what == "norm"},
    }
    return Recipe(
        shows="The same network with one normalization after the other, from the same start: variants of one "
        "seed share their data, their initial weights and the order of their batches.",
        expects=AGREEMENT,
        pieces=(*pieces_of(spec.net, spec.data), "weights", "switches", "training", "race"),
        settings=settings,
        choices={"norm": spec.norms_used, **alike(settings)},
    )
