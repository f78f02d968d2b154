"""Anatomy's question: what is averaged over what, in one small tensor."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from normviz.catalog.norms import NORMS
from normviz.spec import Spec, SpecError, knob

SHAPES = {"1d": (4, 4), "2d": (4, 4, 4, 4), "sequence": (4, 4, 4)}
"""Shapes of the tensors: [N, C], [N, C, H, W], [N, C, T]."""
WEIGHTS = (4, 9)
"""Shape of the weights that make the channels: [O, F], four filters of 3×3."""

STAGES = {
    "x": "input",
    "mean": "mean",
    "variance": "variance",
    "normalize": "normalize",
    "affine": "γ, β",
    "running": "running update",
    "dy": "dy",
    "centre": "minus mean",
    "dx": "dx",
}
"""The stops of the slow motion: forward until the running update, then backward."""

LIMITS = {"batch-norm": (1.0, 0.0), "middle": (1.05, 0.01), "wide": (3.0, 5.0)}
"""r_max and d_max of batch renormalization: in its warm-up, on its way, at its end."""


@dataclass(frozen=True, kw_only=True)
class Anatomy(Spec):
    """One tensor, one norm, and the moment of its computation that is shown; the browser does the rest."""

    name = "anatomy"
    title = "What is averaged over what?"

    seed: int = knob(
        0, label="Seed", choices=(0,), expert=True,
        help="The tensor ships with the page; nothing in it is drawn at random.",
    )  # fmt: skip
    norm: str = knob(
        "batch", label="Norm", choices=tuple(NORMS), names=tuple(fact.label for fact in NORMS.values()),
        help="Which values share a mean and a variance.",
    )  # fmt: skip
    form: str = knob(
        "2d", label="Form", choices=tuple(SHAPES),
        names=("1d: (N, C)", "2d: (N, C, H, W)", "sequence: (N, T, C)"),
        help="Activations of an MLP, of a convolutional network, or of a sequence model.",
    )  # fmt: skip
    mode: str = knob(
        "train", label="Mode", choices=("train", "eval"), names=("model.train()", "model.eval()"),
        help="The batch family normalizes with the batch's statistics (train) or the running ones (eval).",
    )  # fmt: skip
    stage: str = knob(
        "affine", label="Stage", choices=tuple(STAGES), names=tuple(STAGES.values()),
        help="The moment of the computation that the cells show.",
    )  # fmt: skip
    axes: str = knob(
        "chw", label="Axes", choices=("chw", "c"), names=("(C, H, W)", "C only"),
        help="What layer and RMS norm average in a picture: a whole sample, or the channels of one pixel.",
    )  # fmt: skip
    groups: int = knob(2, label="Groups", choices=(1, 2, 4), help="Groups of channels in group norm.")
    ghost: int = knob(2, label="Ghost size", choices=(1, 2, 4), help="Samples in a ghost batch.")
    limits: str = knob(
        "middle", label="Limits of r and d", choices=tuple(LIMITS),
        names=tuple(f"r ≤ {r:g}, |d| ≤ {d:g}" for r, d in LIMITS.values()),
        help="How far batch renormalization may correct towards the running statistics.",
    )  # fmt: skip
    cell: int = knob(
        21, label="Cell", low=0, high=255, step=1, expert=True,
        help="The cell whose arithmetic is shown, counted along the shape of the tensor.",
    )  # fmt: skip

    def conflicts(self) -> Iterator[SpecError]:
        """A cell that the tensor does not have; the default cell gives way in silence."""
        if self.cell >= self.cells and self.cell != type(self).cell:
            yield SpecError(
                "Cell", self.cell, f"a whole number from 0 to {self.cells - 1} for {self.shown}", field="cell"
            )

    @property
    def on_weights(self) -> bool:
        """Whether the norm acts on the weights, so that they are shown instead of activations."""
        return NORMS[self.norm].family == "weights"

    @property
    def cells(self) -> int:
        """How many cells are on screen."""
        count = 1
        for size in WEIGHTS if self.on_weights else SHAPES[self.form]:
            count *= size
        return count

    @property
    def shown(self) -> str:
        """What the cells are, in words."""
        return "the weights" if self.on_weights else f"the {self.form} tensor"
