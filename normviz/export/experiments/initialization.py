"""The scripts of networks at initialization, and of weights that are multiplied: signal, scale."""

from __future__ import annotations

from normviz.catalog.datasets import DATASETS
from normviz.catalog.networks import NETWORKS
from normviz.export.experiments.settings import ACTIVATIONS, AGREEMENT, alike, common, options, pieces_of
from normviz.export.recipes import Recipe
from normviz.specs.scale import Scale
from normviz.specs.scale_frames import SCALES
from normviz.specs.signal import Signal

_MLP, _DIGITS = NETWORKS["mlp"], DATASETS["digits"]


def signal(spec: Signal) -> Recipe:
    """One pass forward and backward through every network."""
    settings = {
        **common(_MLP, _DIGITS),
        **options(**spec.norm_options),
        "NORMS": spec.norms,
        "SEEDS": spec.seed_values,
        "INPUTS": spec.inputs,
        "DEPTH": spec.depth,
        "WIDTH": spec.width,
        "PLACEMENT": spec.placement,
        "ACTIVATION": ACTIVATIONS[spec.activation],
        "DROPOUT": 0.0,
        "GAIN": spec.gain,
        "LR": 0.0,
        "BATCH_SIZE": spec.batch_size,
    }
    return Recipe(
        shows="Deep networks as they are drawn: how large the pre-activations of each layer are, how large "
        "the gradients that come back to it, and how alike two samples look there. Nothing is trained.",
        expects="The numbers agree with those on the page within the rounding of 32-bit floats; in very deep "
        "networks rounding grows from layer to layer.",
        pieces=(*pieces_of(_MLP, _DIGITS), "weights", "signal"),
        settings=settings,
        choices={"norm": spec.norms, **alike(settings)},
    )


def scale(spec: Scale) -> Recipe:
    """One layer's weights times k."""
    settings = {
        **common(_MLP, _DIGITS),
        **options(**spec.norm_options),
        "NORMS": spec.norms,
        "SEEDS": (spec.seed,),
        "LAYER": spec.layer,
        "SCALES": SCALES,
        "DEPTH": spec.depth,
        "WIDTH": spec.width,
        "PLACEMENT": "before",
        "ACTIVATION": ACTIVATIONS[spec.activation],
        "DROPOUT": 0.0,
        "GAIN": 1.0,
        "OPTIMIZER": "sgd",
        "LR": spec.lr,
        "BATCH_SIZE": spec.batch_size,
        "STEPS": spec.steps,
    }
    return Recipe(
        shows="The weights of one layer are multiplied by anything from a tenth to ten. Before a norm that "
        "makes no difference to the loss, and the gradient becomes smaller as the weights become larger.",
        expects=AGREEMENT,
        pieces=(*pieces_of(_MLP, _DIGITS), "weights", "statistics", "training", "scale"),
        settings=settings,
        choices={"norm": spec.norms, **alike(settings)},
    )
