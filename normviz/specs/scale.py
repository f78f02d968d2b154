"""Scale: the weights of one layer, multiplied by anything from a tenth to ten."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from normviz.catalog.datasets import DATASETS
from normviz.catalog.networks import ACTIVATIONS, NETWORKS
from normviz.catalog.norms import NORMS
from normviz.frames import Recording, Schema
from normviz.phrases import phrase
from normviz.spec import Cost, Spec, SpecError, knob
from normviz.specs import norm_knobs, scale_frames
from normviz.specs.fits import mlp_conflicts


@dataclass(frozen=True, kw_only=True)
class Scale(Spec):
    """One layer's weights times k, everything else as it was; one network of each norm, one batch."""

    name = "scale"
    runner = "normviz.lab.experiments.scale:run"
    title = "What happens when the weights grow tenfold?"

    norms: tuple[str, ...] = knob(
        ("none", "batch", "layer", "group"), label="Normalizations", most=6,
        choices=tuple(NORMS), names=tuple(norm.label for norm in NORMS.values()),
        help="Which variants of the network stand side by side.",
    )  # fmt: skip
    layer: int = knob(
        1, label="Layer", low=1, high=20, step=1,
        help="The hidden layer whose weights are multiplied; the others stay.",
    )  # fmt: skip
    steps: int = knob(
        0, label="Trained before", low=0, high=300, step=10, unit="steps",
        help="Steps of SGD before the weights are dragged; 0 is a freshly drawn network.",
    )  # fmt: skip
    lr: float = knob(
        0.1, label="Learning rate", low=1e-4, high=10.0, log=True,
        help="Of the training before, and of the step whose relative size is shown.",
    )  # fmt: skip
    eps: float = norm_knobs.eps(expert=False, more="Without it the scale would cancel exactly.")
    depth: int = knob(3, label="Depth", low=1, high=20, step=1, unit="layers", expert=True)
    width: int = knob(64, label="Width", low=16, high=128, step=16, unit="units", expert=True)
    activation: str = knob(
        "relu", label="Activation", choices=ACTIVATIONS, names=("ReLU", "tanh", "Sigmoid", "GELU"),
        expert=True,
    )  # fmt: skip
    batch_size: int = knob(
        64, label="Batch size", choices=(4, 8, 16, 32, 64, 128), unit="samples", expert=True
    )  # fmt: skip
    groups: int = norm_knobs.groups(most=32)
    ghost_size: int = norm_knobs.ghost_size(least=4, most=64)

    @property
    def norm_options(self) -> dict[str, Any]:
        """Options of the norms; each reads those that it knows."""
        return norm_knobs.options(self)

    def schema(self) -> Schema:
        """What the run records."""
        return scale_frames.schema(self)

    def idle(self) -> Mapping[str, str]:
        """Settings that none of the norms reads."""
        return norm_knobs.idle(self, self.norms)

    def conflicts(self) -> Iterator[SpecError]:
        """What fits each field alone but not together."""
        if self.layer > self.depth:
            yield SpecError(
                "Layer", self.layer, phrase("a whole number from 1 to {depth}, the depth", depth=self.depth),
                "Choose one of the hidden layers, or a deeper network.", field="layer",
            )  # fmt: skip
        yield from mlp_conflicts(self)

    def cost(self) -> Cost:
        """A pass forward and backward for every scale, and the training before."""
        data = DATASETS["digits"]
        once = NETWORKS["mlp"].multiply_adds(data.shape, data.classes, self.depth, self.width)
        passes = len(scale_frames.SCALES) + self.steps
        return Cost(3.0 * once * self.batch_size * passes * len(self.norms), scale_frames.nbytes(self))

    def summary(self, recording: Recording) -> dict[str, Any]:
        """For each norm what the loss and the gradient did between ×0.1 and ×10."""
        return {"norms": {norm: scale_frames.answer(recording, v) for v, norm in enumerate(self.norms)}}
