"""The scripts of the cost of each norm."""

from __future__ import annotations

from normviz.export.experiments.settings import DIGITS, alike, pieces_of, special, told
from normviz.export.recipes import Recipe
from normviz.specs.cost import NormCost
from normviz.specs.step_cost import StepCost

_OTHER_LAYERS = (
    "The numbers are this machine's own, and differ from run to run. The page times several networks at "
    "once, in stacked layers of its own; this script times torch's layers with one network, so its ratios "
    "are others."
)


def cost(spec: NormCost) -> Recipe:
    """Paired times of torch's own layers."""
    layer = spec.layers[-1]
    side = layer.spatial[0] if layer.spatial else 1
    settings = {
        **told(spec, spec.net),
        "NORMS": spec.measured,
        "LR": 0.01,
        "PART": spec.part,
        "ROUNDS": spec.rounds,
        "PASSES": spec.passes,
        "INPUT_SHAPE": spec.input_shape,
        "STRIDE": spec.input_shape[1] // side if layer.spatial else 1,
        "SIDE_AFTER": side,
        # A whole network begins with the width of the spec, its last layer may be wider.
        "WIDTH": layer.channels if spec.part == "layer" else spec.width,
    }
    return Recipe(
        spec,
        shows="What each normalization costs on the machine that runs this: processor time of a hidden layer "
        "or of a whole training step, in terms of the same without a norm.",
        expects=_OTHER_LAYERS,
        pieces=(*pieces_of(spec.net, DIGITS), "cost"),
        settings=settings,
        choices={"norm": tuple(dict.fromkeys(("none", *spec.measured))), **alike(settings)},
    )


def step_cost(spec: StepCost) -> Recipe:
    """Paired times of a race's step in torch's own layers."""
    race = spec.race
    norms = tuple(dict.fromkeys(("none", *spec.norms)))
    settings = {
        **told(race, race.net, race.data),
        **special(norms),
        "LR": 0.0,
        "WIDTH": race.first_width,
        "TWO_CLASSES": race.batches == "two_classes",
        "PART": spec.part,
        "ROUNDS": spec.rounds,
    }
    return Recipe(
        spec,
        shows="What each normalization costs in a training step of a race, on the machine that runs this: "
        "processor time in terms of the same step without a norm.",
        expects=_OTHER_LAYERS,
        pieces=(*pieces_of(race.net, race.data), "training", "cost", "step_cost"),
        settings=settings,
        choices={"norm": norms, **alike(settings)},
    )
