"""The script of Train."""

from __future__ import annotations

from normviz.export.experiments.settings import AGREEMENT, alike, pieces_of, special, told
from normviz.export.recipes import Recipe
from normviz.specs.train import EVALUATE_EVERY, Train


def train(spec: Train) -> Recipe:
    """The race of all variants from all seeds."""
    changes = spec.planned
    settings = {
        **told(spec, spec.net, spec.data),
        **special(spec.norms_used),
        "WIDTH": spec.first_width,
        "TWO_CLASSES": spec.batches == "two_classes",
        "RENORM": "batch_renorm" in spec.norms_used,
        "EVALUATE_EVERY": spec.every * -(-EVALUATE_EVERY // spec.every),
        "RATES": {one.step: float(one.value) for one in changes if one.what == "lr"},
        "BATCH_SIZES": {one.step: int(one.value) for one in changes if one.what == "batch_size"},
        "SWITCHES": {(one.step, one.variant): one.value for one in changes if one.what == "norm"},
    }
    return Recipe(
        spec,
        shows="The same network with one normalization after the other, from the same start: variants of one "
        "seed share their data, their initial weights and the order of their batches.",
        expects=AGREEMENT,
        pieces=(*pieces_of(spec.net, spec.data), "weights", "switches", "training", "race"),
        settings=settings,
        choices={"norm": spec.norms_used, **alike(settings)},
        lacks="the insides of the layers (histograms, gradients, updates, γ and β) and the time of a step",
    )
