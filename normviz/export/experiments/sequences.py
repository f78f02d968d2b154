"""The script of Sequences."""

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
from normviz.specs import sequences_frames as recorded
from normviz.specs.sequences import Sequences


def sequences(spec: Sequences) -> Recipe:
    """The race, and the looks into what was trained."""
    settings = {
        **common(spec.net, spec.data),
        **options(),
        **special(spec.norms),
        "NORMS": spec.norms,
        "SEEDS": spec.seed_values,
        "MASKED": spec.masked,
        "CAUSAL": spec.causal,
        "DEPTH": spec.layers,
        "WIDTH": spec.width,
        "PLACEMENT": spec.placement,
        "ACTIVATION": ACTIVATIONS[spec.activation],
        "DROPOUT": 0.0,
        "GAIN": 0.5**0.5,
        "OPTIMIZER": "adam",
        "LR": spec.lr,
        "BATCH_SIZE": spec.batch_size,
        "STEPS": spec.training_steps,
        "EVERY": recorded.EVERY,
        "EVALUATE_EVERY": recorded.EVALUATE_EVERY,
        "TESTED": recorded.TESTED,
        "WATCHED": recorded.WATCHED,
        "CHANGED_FROM": spec.changed_from,
        "APPENDED": recorded.APPENDED,
    }
    return Recipe(
        shows="Networks that read sequences, with one normalization after the other: how fast they learn, "
        "and whose answers move when the future of one sequence is changed. What the page measures of deep "
        "transformers at initialization is not in this script.",
        expects=AGREEMENT,
        pieces=(*pieces_of(spec.net, spec.data), "training", "sequences"),
        settings=settings,
        choices={"norm": spec.norms, **alike(settings)},
    )
