"""The scripts of the questions behind the race: regularization, batch size, landscape, noisy batch norm."""

from __future__ import annotations

from typing import Any

from normviz.catalog.datasets import DATASETS
from normviz.catalog.networks import NETWORKS
from normviz.export.experiments.settings import ACTIVATIONS, AGREEMENT, alike, common, options, pieces_of
from normviz.export.recipes import Code, Recipe
from normviz.specs import batch_size_frames, noisy_bn_frames, regularization_frames
from normviz.specs.batch_size import BatchSize
from normviz.specs.landscape import Landscape
from normviz.specs.noisy_bn import SAMPLES, NoisyBN
from normviz.specs.regularization import Regularization

_MLP, _DIGITS = NETWORKS["mlp"], DATASETS["digits"]
_USUAL: dict[str, Any] = {
    "PLACEMENT": "before",
    "ACTIVATION": Code("nn.ReLU"),
    "DROPOUT": 0.0,
    "GAIN": 1.0,
    "RENORM": False,  # its limits stay as they are
}


def regularization(spec: Regularization) -> Recipe:
    """Dropout, batch norm, both, neither, and layer norm on few samples."""
    variants = {
        name: (one.norm, spec.dropout if one.dropout else 0.0)
        for name, one in regularization_frames.VARIANTS.items()
    }
    settings = {
        **common(_MLP, _DIGITS),
        **options(),
        **_USUAL,
        "VARIANTS": variants,
        "SEEDS": spec.seed_values,
        "N_TRAIN": spec.n_train,
        "DEPTH": spec.depth,
        "WIDTH": spec.width,
        "OPTIMIZER": "momentum",
        "LR": spec.lr,
        "BATCH_SIZE": spec.batch_size,
        "STEPS": spec.steps,
        "EVALUATED_STEPS": spec.evaluated_steps,
    }
    norms = tuple(dict.fromkeys(norm for norm, _ in variants.values()))
    return Recipe(
        shows="One network without and with dropout, batch norm, both, and layer norm, on few training "
        "samples: does the noise of small batches do what dropout does?",
        expects=AGREEMENT,
        pieces=(*pieces_of(_MLP, _DIGITS), "training", "regularization"),
        settings=settings,
        choices={"norm": norms, "dropout": (0.0, spec.dropout), **alike(settings, "dropout")},
    )


def batch_size(spec: BatchSize) -> Recipe:
    """The error against the batch from which a norm takes its statistics."""
    net, over_parts = NETWORKS[spec.network], spec.changes == "statistics"
    settings = {
        **common(net, _DIGITS),
        **options(groups=spec.groups, ghost_size=spec.ghost_size),
        **_USUAL,
        "NORMS": spec.variants,
        "SEEDS": spec.seed_values,
        "REAL_SIZES": batch_size_frames.SIZES,
        "FULL_BATCH": batch_size_frames.LARGEST,
        "RENORM": "batch_renorm" in spec.variants,
        "MOVED_ONCE": True,
        "IN_PARTS": batch_size_frames.OVER_PARTS if over_parts else (),
        "ACCUMULATED": spec.accumulated,
        "MICRO_BATCH": spec.micro_batch,
        "DEPTH": spec.depth,
        "WIDTH": spec.first_width,
        "OPTIMIZER": "momentum",
        "LR": spec.lr,
        "STEPS": spec.steps,
    }
    return Recipe(
        shows="How the error of the trained network depends on the batch from which its norm takes the "
        "statistics. What the page shows of torch's layers at a batch of one is not in this script.",
        expects=AGREEMENT,
        pieces=(*pieces_of(net, _DIGITS), "parts", "training", "batch_size"),
        settings=settings,
        choices={"norm": spec.variants, **alike(settings, "lr")},
    )


def landscape(spec: Landscape) -> Recipe:
    """Loss and gradient along the gradient, while networks train."""
    settings = {
        **common(_MLP, _DIGITS),
        **options(**spec.norm_options),
        **_USUAL,
        "NORMS": spec.norms,
        "SEEDS": spec.seed_values,
        "DEPTH": spec.depth,
        "WIDTH": spec.width,
        "ACTIVATION": ACTIVATIONS[spec.activation],
        "GAIN": spec.gain,
        "OPTIMIZER": "sgd",
        "LR": spec.lr,
        "BATCH_SIZE": spec.batch_size,
        "STEPS": spec.steps,
        "EVERY": spec.every,
        "PLACES_ON_LINE": spec.places,
    }
    return Recipe(
        shows="How far loss and gradient change along the gradient, while networks train: the smaller the "
        "change, the further a step may go.",
        expects=AGREEMENT,
        pieces=(*pieces_of(_MLP, _DIGITS), "statistics", "training", "landscape"),
        settings=settings,
        choices={"norm": spec.norms, **alike(settings)},
    )


def noisy_bn(spec: NoisyBN) -> Recipe:
    """No norm, batch norm, and batch norm with noise."""
    settings = {
        **common(_MLP, _DIGITS),
        **options(),
        **_USUAL,
        "SEEDS": spec.seed_values,
        "SHIFT": spec.shift,
        "STRETCH": spec.stretch,
        "SPREAD": spec.spread,
        "SAMPLES": SAMPLES,
        "TARGET": noisy_bn_frames.TARGET,
        "DEPTH": spec.depth,
        "WIDTH": spec.width,
        "ACTIVATION": ACTIVATIONS[spec.activation],
        "GAIN": spec.gain,
        "OPTIMIZER": "sgd",
        "LR": spec.lr,
        "BATCH_SIZE": spec.batch_size,
        "STEPS": spec.steps,
        "EVALUATED_STEPS": spec.evaluated_steps,
    }
    return Recipe(
        shows="A race of networks without a norm, with batch norm, and with batch norm whose output is given "
        "another mean and spread in every step.",
        expects=AGREEMENT,
        pieces=(*pieces_of(_MLP, _DIGITS), "statistics", "training", "modes", "noisy_bn"),
        settings=settings,
        choices={"norm": ("none", "batch"), **alike(settings)},
    )
