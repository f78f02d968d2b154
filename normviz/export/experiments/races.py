"""The scripts of races of one quantity: placement, learning rate × initialization."""

from __future__ import annotations

from normviz.catalog.datasets import DATASETS
from normviz.catalog.networks import NETWORKS
from normviz.export.experiments.settings import ACTIVATIONS, AGREEMENT, alike, common, options, pieces_of
from normviz.export.recipes import Code, Recipe
from normviz.specs.lr_init import WIDTH, LrInit
from normviz.specs.lr_init_frames import LEARNED
from normviz.specs.placement import Placement
from normviz.specs.placement_frames import PLACES, TARGET

_MLP, _DIGITS = NETWORKS["mlp"], DATASETS["digits"]


def placement(spec: Placement) -> Recipe:
    """Every norm before and after the activation."""
    settings = {
        **common(_MLP, _DIGITS),
        **options(),
        "NORMS": spec.norms,
        "SEEDS": spec.seed_values,
        "PLACES": PLACES,
        "TARGET": TARGET,
        "DEPTH": spec.depth,
        "WIDTH": spec.width,
        "PLACEMENT": "before",
        "ACTIVATION": ACTIVATIONS[spec.activation],
        "DROPOUT": 0.0,
        "GAIN": 1.0,
        "OPTIMIZER": spec.optimizer,
        "LR": spec.lr,
        "BATCH_SIZE": spec.batch_size,
        "STEPS": spec.steps,
        "EVERY": spec.every,
        "EVALUATE_EVERY": spec.every,
        "RENORM": False,  # its limits stay as they are
        "RATES": {},
        "BATCH_SIZES": {},
        "SWITCHES": {},
    }
    return Recipe(
        shows="The same networks with the norm before the activation and after it, from the same weights, on "
        "the same batches.",
        expects=AGREEMENT,
        pieces=(*pieces_of(_MLP, _DIGITS), "training", "placement"),
        settings=settings,
        choices={"norm": spec.norms, "placement": PLACES, **alike(settings, "placement")},
    )


def lr_init(spec: LrInit) -> Recipe:
    """A map of networks for each norm."""
    settings = {
        **common(_MLP, _DIGITS),
        **options(),
        "NORMS": spec.norms,
        "SEEDS": (spec.seed,),
        "GAINS": spec.gains,
        "LEARNING_RATES": spec.rates,
        "LEARNED": LEARNED,
        "DEPTH": spec.depth,
        "WIDTH": WIDTH,
        "PLACEMENT": "before",
        "ACTIVATION": Code("nn.ReLU"),
        "DROPOUT": 0.0,
        "GAIN": 1.0,
        "OPTIMIZER": "sgd",
        "LR": 0.0,
        "BATCH_SIZE": spec.batch_size,
        "STEPS": spec.steps,
        "EVERY": spec.steps,
        "EVALUATE_EVERY": spec.steps,
        "RENORM": False,  # its limits stay as they are
        "RATES": {},
        "BATCH_SIZES": {},
        "SWITCHES": {},
    }
    return Recipe(
        shows="For each norm a map of networks, learning rates times gains of the initialization; which of "
        "them learn? All share one seed: the same weights up to the gain, the same batches.",
        expects=AGREEMENT,
        pieces=(*pieces_of(_MLP, _DIGITS), "training", "lr_init"),
        settings=settings,
        choices={"norm": spec.norms, **alike(settings, "gain", "lr")},
    )
