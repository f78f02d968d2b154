"""The scripts of networks at initialization, and of weights that are multiplied: signal, scale."""

from __future__ import annotations

from normviz.export.experiments.settings import AGREEMENT, alike, pieces_of, told
from normviz.export.recipes import Recipe
from normviz.specs.scale import Scale
from normviz.specs.scale_frames import SCALES
from normviz.specs.signal import Signal


def signal(spec: Signal) -> Recipe:
    """One pass forward and backward through every network."""
    settings = {**told(spec), "INPUTS": spec.inputs}
    return Recipe(
        spec,
        shows="Deep networks as they are drawn: how large the pre-activations of each layer are, how large "
        "the gradients that come back to it, and how alike two samples look there. Nothing is trained.",
        expects="The numbers agree with those on the page within the rounding of 32-bit floats; in very deep "
        "networks rounding grows from layer to layer.",
        pieces=(*pieces_of(), "weights", "signal"),
        settings=settings,
        choices={"norm": spec.norms, **alike(settings)},
        lacks="the histograms of each layer, the shares of saturated and dead units, and the closed forms",
    )


def scale(spec: Scale) -> Recipe:
    """One layer's weights times k."""
    settings = {**told(spec), "LAYER": spec.layer, "SCALES": SCALES}
    return Recipe(
        spec,
        shows="The weights of one layer are multiplied by anything from a tenth to ten. Before a norm that "
        "makes no difference to the loss, and the gradient becomes smaller as the weights become larger.",
        expects=AGREEMENT,
        pieces=(*pieces_of(), "weights", "statistics", "training", "scale"),
        settings=settings,
        choices={"norm": spec.norms, **alike(settings)},
        lacks="the angle between weights and gradient of every single unit",
    )
