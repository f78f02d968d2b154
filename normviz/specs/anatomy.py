"""Anatomy's question: what is averaged over what, in one small tensor."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import prod
from typing import Any

from normviz.catalog.norms import NORMS
from normviz.frames import Array, Recording, Schema
from normviz.phrases import phrase
from normviz.spec import Cost, Spec, SpecError, knob
from normviz.specs import anatomy_edits as edits

SHAPES = {"1d": (4, 4), "2d": (4, 4, 4, 4), "sequence": (4, 4, 4)}
"""Shapes of the tensors: [N, C], [N, C, H, W], [N, C, T]."""
WEIGHTS = (4, 9)
"""Shape of the weights that make the channels: [O, F], four filters of 3×3."""
CHANNELS = ("ink", "edge below", "edge right", "spot")
"""What the filters find, and so what the channels are called."""

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

GAMMA, BETA = (1.5, 0.8, 1.2, 0.6), (0.5, 0.0, -0.5, 1.0)
"""γ and β by channel, as if they had been learned; a norm with more of them repeats each."""


@dataclass(frozen=True, kw_only=True)
class Anatomy(Spec):
    """One tensor, one norm, and the moment of its computation that is shown.

    The page computes in the browser; the runner computes the same with the lab's norms.
    """

    name = "anatomy"
    runner = "normviz.lab.experiments.anatomy_numbers:run"
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
    dragged: str = knob(
        "", label="Dragged cells", form=edits.form(255, "dragged"), expert=True,
        help="Cells of the tensor on screen that have another value than the one that ships.",
    )  # fmt: skip
    gamma: str = knob(
        "", label="Moved γ", form=edits.form(63, "gamma"), expert=True,
        help="Values of γ (of g in weight norm) that are not those with which the page begins.",
    )  # fmt: skip
    beta: str = knob(
        "", label="Moved β", form=edits.form(63, "beta"), expert=True,
        help="Values of β that are not those with which the page begins.",
    )  # fmt: skip

    def conflicts(self) -> Iterator[SpecError]:
        """Cells and parameters that the tensor does not have; the default cell gives way in silence."""
        if self.cell >= self.cells and self.cell != type(self).cell:
            yield SpecError(
                "Cell",
                self.cell,
                phrase(
                    "a whole number from 0 to {cells} for {shown}", cells=self.cells - 1, shown=self.shown
                ),
                field="cell",
            )
        g = "g" if self.norm == "weight_norm" else "gamma"
        for name, count, kind in (
            ("dragged", self.cells, "dragged"),
            ("gamma", self.parameters, g),
            ("beta", self.parameters, "beta"),
        ):  # fmt: skip
            text = getattr(self, name)
            if not edits.fits(text, count - 1, kind):
                label = next(knob.label for one, knob, _ in self.knobs() if one == name)
                yield SpecError(label, text, edits.form(count - 1, kind), field=name)

    @property
    def moved(self) -> Mapping[str, Mapping[int, float]]:
        """Values that are not those that ship: of "dragged", "gamma" and "beta", by number."""
        return {name: edits.pairs(getattr(self, name)) for name in ("dragged", "gamma", "beta")}

    @property
    def by_position(self) -> bool:
        """Whether layer or RMS norm averages the channels of one position alone."""
        return self.norm in ("layer", "rms") and (
            self.form == "sequence" or (self.form == "2d" and self.axes == "c")
        )

    @property
    def parameters(self) -> int:
        """How many γ there are: one for each channel, or for each value where a whole sample is averaged."""
        if self.norm in ("layer", "rms") and not self.by_position:
            return prod(self.shape[1:])
        return self.shape[0] if self.on_weights else self.shape[1]

    @property
    def on_weights(self) -> bool:
        """Whether the norm acts on the weights, so that they are shown instead of activations."""
        return NORMS[self.norm].family == "weights"

    @property
    def cells(self) -> int:
        """How many cells are on screen."""
        return prod(self.shape)

    @property
    def shape(self) -> tuple[int, ...]:
        """Of what is on screen."""
        return WEIGHTS if self.on_weights else SHAPES[self.form]

    @property
    def chosen(self) -> int:
        """The cell whose arithmetic is shown; the default cell of a small tensor is one that it has."""
        return self.cell % self.cells

    @property
    def shown(self) -> str:
        """What the cells are, in words."""
        return "the weights" if self.on_weights else phrase("the {form} tensor", form=self.form)

    # --- the same numbers from the lab -----------------------------------------------------------------

    def schema(self) -> Schema:
        """Every stage of every cell; the gradient is that of the chosen cell's output."""
        cells = (self.cells,)
        arrays = [
            Array(name, cells, "f8", ("cell",)) for name in ("x", "mean", "variance", "xhat", "y", "dx")
        ]
        arrays.append(Array("group", cells, "u1", ("cell",)))  # 1: shares the chosen cell's statistics
        if self.updates:
            arrays += [
                Array(f"running_{name}", (2, self.shape[1]), "f8", ("before and after", "channel"))
                for name in ("mean", "var")
            ]
        return Schema(tuple(arrays), facts={"steps": 0, "shape": list(self.shape)})

    @property
    def updates(self) -> bool:
        """Whether the pass moves running statistics."""
        return NORMS[self.norm].running_statistics and self.mode == "train"

    def cost(self) -> Cost:
        """A few passes through some hundred values."""
        return Cost(multiply_adds=100.0 * self.cells, recording_bytes=60.0 * self.cells + 1000.0)

    def summary(self, recording: Recording) -> dict[str, Any]:
        """The numbers of the chosen cell and of its group, and the running statistics of its channel."""
        names = ("x", "mean", "variance", "xhat", "y", "dx")
        told: dict[str, Any] = {"cell": self.chosen, "group": int(recording.at("group").sum())}
        told |= {name: float(recording.at(name)[self.chosen]) for name in names}
        if self.updates:
            channel = self.chosen // prod(self.shape[2:]) % self.shape[1]
            for name in ("running_mean", "running_var"):
                before, after = recording.at(name)[:, channel]
                told[name] = {"before": float(before), "after": float(after)}
        return told
