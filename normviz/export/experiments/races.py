"""The scripts of races of one quantity: placement, learning rate × initialization."""

from __future__ import annotations

from normviz.export.experiments.settings import AGREEMENT, alike, pieces_of, told
from normviz.export.recipes import Recipe
from normviz.specs.lr_init import WIDTH, LrInit
from normviz.specs.lr_init_frames import LEARNED
from normviz.specs.placement import Placement
from normviz.specs.placement_frames import PLACES, TARGET


def placement(spec: Placement) -> Recipe:
    """Every norm before and after the activation."""
    settings = {**told(spec), "PLACES": PLACES, "TARGET": TARGET, "EVALUATE_EVERY": spec.every}
    settings["RENORM"] = "batch_renorm" in spec.norms
    return Recipe(
        spec,
        shows="The same networks with the norm before the activation and after it, from the same weights, on "
        "the same batches.",
        expects=AGREEMENT,
        pieces=(*pieces_of(), "training", "placement"),
        settings=settings,
        choices={"norm": spec.norms, "placement": PLACES, **alike(settings, "placement")},
    )


def lr_init(spec: LrInit) -> Recipe:
    """A map of networks for each norm."""
    settings = {
        **told(spec),
        "GAINS": spec.gains,
        "LEARNING_RATES": spec.rates,
        "LEARNED": LEARNED,
        "WIDTH": WIDTH,
        "EVERY": spec.steps,
        "EVALUATE_EVERY": spec.steps,
        "RENORM": "batch_renorm" in spec.norms,
    }
    return Recipe(
        spec,
        shows="For each norm a map of networks, learning rates times gains of the initialization; which of "
        "them learn? All share one seed: the same weights up to the gain, the same batches.",
        expects=AGREEMENT,
        pieces=(*pieces_of(), "training", "lr_init"),
        settings=settings,
        choices={"norm": spec.norms, **alike(settings, "gain", "lr")},
    )
