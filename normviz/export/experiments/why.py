"""The scripts of the questions behind the race: regularization, landscape, noisy batch norm."""

from __future__ import annotations

from normviz.export.experiments.settings import AGREEMENT, alike, pieces_of, told
from normviz.export.recipes import Recipe
from normviz.specs import noisy_bn_frames, regularization_frames
from normviz.specs.landscape import Landscape
from normviz.specs.noisy_bn import SAMPLES, NoisyBN
from normviz.specs.regularization import Regularization


def regularization(spec: Regularization) -> Recipe:
    """Dropout, batch norm, both, neither, and layer norm on few samples."""
    variants = {
        name: (one.norm, spec.dropout if one.dropout else 0.0)
        for name, one in regularization_frames.VARIANTS.items()
    }
    settings = {
        **told(spec),
        "DROPOUT": 0.0,
        "VARIANTS": variants,
        "N_TRAIN": spec.n_train,
        "OPTIMIZER": "momentum",
        "EVALUATED_STEPS": spec.evaluated_steps,
    }
    norms = tuple(dict.fromkeys(norm for norm, _ in variants.values()))
    return Recipe(
        spec,
        shows="One network without and with dropout, batch norm, both, and layer norm, on few training "
        "samples: does the noise of small batches do what dropout does?",
        expects=AGREEMENT,
        pieces=(*pieces_of(), "training", "regularization"),
        settings=settings,
        choices={"norm": norms, "dropout": (0.0, spec.dropout), **alike(settings, "dropout")},
    )


def landscape(spec: Landscape) -> Recipe:
    """Loss and gradient along the gradient, while networks train."""
    settings = {**told(spec), "PLACES_ON_LINE": spec.places}
    return Recipe(
        spec,
        shows="How far loss and gradient change along the gradient, while networks train: the smaller the "
        "change, the further a step may go.",
        expects=AGREEMENT,
        pieces=(*pieces_of(), "statistics", "training", "landscape"),
        settings=settings,
        choices={"norm": spec.norms, **alike(settings)},
    )


def noisy_bn(spec: NoisyBN) -> Recipe:
    """No norm, batch norm, and batch norm with noise."""
    settings = {
        **told(spec),
        "SHIFT": spec.shift,
        "STRETCH": spec.stretch,
        "SPREAD": spec.spread,
        "SAMPLES": SAMPLES,
        "TARGET": noisy_bn_frames.TARGET,
        "EVALUATED_STEPS": spec.evaluated_steps,
    }
    return Recipe(
        spec,
        shows="A race of networks without a norm, with batch norm, and with batch norm whose output is given "
        "another mean and spread in every step.",
        expects=AGREEMENT,
        pieces=(*pieces_of(), "statistics", "training", "modes", "noisy_bn"),
        settings=settings,
        choices={"norm": ("none", "batch"), **alike(settings)},
        lacks="how the means and spreads of single units wander from step to step",
    )
