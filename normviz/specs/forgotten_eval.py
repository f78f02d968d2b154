"""Forgot eval(): what a trained network answers when it is left in training mode."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from normviz.catalog.datasets import DATASETS
from normviz.catalog.networks import NETWORKS
from normviz.catalog.norms import NORMS, reason
from normviz.frames import Recording, Schema
from normviz.phrases import joined, phrase
from normviz.spec import Cost, Spec, SpecError, knob
from normviz.specs import forgotten_eval_frames as frames
from normviz.specs import norm_knobs
from normviz.specs.fits import uneven_groups

_STANDARD_EPOCHS = {"mlp": 20, "cnn": 12}
_OFFERED = tuple(_STANDARD_EPOCHS)


@dataclass(frozen=True, kw_only=True)
class ForgottenEval(Spec):
    """Digits, one network over several seeds: trained, then predicted in training mode on purpose."""

    name = "forgotten_eval"
    runner = "normviz.lab.experiments.forgotten_eval:run"
    title = "What happens if I forget eval()?"

    network: str = knob(
        "mlp", label="Network", choices=_OFFERED, names=tuple(NETWORKS[name].label for name in _OFFERED),
        help="An MLP refuses a batch of one in training mode; a CNN takes it silently.",
    )  # fmt: skip
    norm: str = knob(
        "batch", label="Normalization", choices=tuple(NORMS), names=tuple(n.label for n in NORMS.values()),
        help="Only norms that look at the batch can be harmed; with the others nothing happens.",
    )  # fmt: skip
    deploy_batch: int = knob(
        8, label="Batch size in use", choices=(2, 4, 8, 16, 32, 64),
        help="How many samples are predicted together after training: for the labels that change, the "
        "batch-mates, and the pass that damages the running statistics.",
    )  # fmt: skip
    momentum: float = norm_knobs.momentum(expert=False)
    batch_size: int = knob(
        32, label="Batch size in training", choices=(4, 8, 16, 32, 64, 128, 256), expert=True,
        help="Samples in one training step; an incomplete last batch is dropped.",
    )  # fmt: skip
    epochs: int = knob(
        0, label="Epochs", choices=(0, 1, 2, 3, 5, 8, 12, 20, 30), expert=True,
        names=("20 (CNN: 12)", "1", "2", "3", "5", "8", "12", "20", "30"),
        help="Passes through the 1,000 training digits; 0 stands for 20 with the MLP and 12 with the CNN.",
    )  # fmt: skip
    depth: int = knob(
        3, label="Depth", low=1, high=8, step=1, expert=True, help="Hidden layers, or ConvBlocks.",
    )  # fmt: skip
    width: int = knob(
        128, label="Width of the MLP", low=16, high=256, step=16, expert=True,
        help="Units of a hidden layer. The CNN does not use it.",
    )  # fmt: skip
    channels: int = knob(
        16, label="Channels of the CNN", choices=(16, 32), expert=True,
        help="Of its first ConvBlock; the next ones have 2 and 4 times as many. The MLP does not use it.",
    )  # fmt: skip
    lr: float = knob(
        0.05, label="Learning rate", low=0.0001, high=1.0, log=True, expert=True,
        help="Of stochastic gradient descent with momentum 0.9.",
    )  # fmt: skip
    eps: float = norm_knobs.eps()
    groups: int = norm_knobs.groups(most=16)
    ghost_size: int = norm_knobs.ghost_size(most=64, more="A smaller batch is a single ghost batch.")
    r_max: float = norm_knobs.r_max()
    d_max: float = norm_knobs.d_max()
    warm_up: float = norm_knobs.warm_up()
    seeds: int = knob(
        5, label="Seeds", low=1, high=10, step=1, expert=True,
        help="Networks that are trained side by side, each with its own data split and initialization.",
    )  # fmt: skip

    def idle(self) -> Mapping[str, str]:
        """Settings that neither the norm reads nor those trained for comparison."""
        return norm_knobs.idle(self, self.norms_used)

    def conflicts(self) -> Iterator[SpecError]:
        """A norm that does not exist for the network's form, or groups that do not come out even."""
        why = reason(self.norm, NETWORKS[self.network].form)
        if why:
            form, label = NETWORKS[self.network].form, NORMS[self.norm].label
            fit = joined(", ", [norm.label for name, norm in NORMS.items() if not reason(name, form)])
            yield SpecError("Normalization", label, phrase("one of {fit}", fit=fit), why, field="norm")
        yield from uneven_groups(
            self.norms_used, self.groups, self.first_width, lone=NETWORKS[self.network].lone
        )

    # --- what the fields come to ------------------------------------------------------------------

    @property
    def first_width(self) -> int:
        """Channels of the first hidden layer."""
        return self.channels if self.network == "cnn" else self.width

    @property
    def epochs_run(self) -> int:
        """Epochs of training, the standard number spelled out."""
        return self.epochs or _STANDARD_EPOCHS[self.network]

    @property
    def steps_per_epoch(self) -> int:
        """Training steps in an epoch."""
        return DATASETS["digits"].n_train // self.batch_size

    @property
    def steps(self) -> int:
        """Training steps in all."""
        return self.epochs_run * self.steps_per_epoch

    @property
    def seed_values(self) -> tuple[int, ...]:
        """The seed of each member."""
        return tuple(range(self.seed, self.seed + self.seeds))

    @property
    def others(self) -> tuple[str, ...]:
        """Norms that are trained alike for comparison."""
        return tuple(norm for norm in frames.COMPARISONS if norm != self.norm)

    @property
    def norms_used(self) -> tuple[str, ...]:
        """Every norm that is trained."""
        return (self.norm, *self.others)

    @property
    def norm_options(self) -> dict[str, Any]:
        """Options of the norms; each reads those that it knows."""
        return norm_knobs.options(self)

    @property
    def refuses_one(self) -> bool:
        """Whether a batch of one cannot be predicted in training mode: one value has no variance."""
        return self.network == "mlp" and NORMS[self.norm].train_differs_from_eval

    @property
    def curve_steps(self) -> tuple[int, ...]:
        """Steps after which both modes are measured: close together at first, then once an epoch."""
        early = (1, 2, 3, 5, 7, 10, 14, 18, 22, 29, 36, 44, 55, frames.LAST_LAG_STEP)
        epochs = (epoch * self.steps_per_epoch for epoch in range(1, self.epochs_run + 1))
        return tuple(sorted({step for step in (*early, *epochs) if step <= self.steps}))

    @property
    def opposite_steps(self) -> tuple[int, ...]:
        """Steps after which the networks that are trained in evaluation mode are measured: a quarter's."""
        last = max(1, self.steps // 4)
        return (*(step for step in (1, 3, 6, 10, 18, 31, 55, 93) if step < last), last)

    # --- cost and result --------------------------------------------------------------------------

    def schema(self) -> Schema:
        """What the run records."""
        return frames.schema(self)

    def cost(self) -> Cost:
        """Training (forward and backward count three times), and some 140 passes through the test set."""
        digits = DATASETS["digits"]
        once = NETWORKS[self.network].multiply_adds(
            digits.shape, digits.classes, self.depth, self.first_width
        )
        training = 3 * self.steps * self.batch_size * (2 + len(self.others))
        training += 3 * self.opposite_steps[-1] * self.batch_size * len(frames.TRAINED_IN) * len(frames.RATES)
        training += 3 * frames.TUNING_STEPS[-1] * self.deploy_batch * len(frames.ORDERS) * len(frames.STATES)
        testing = digits.n_test * (2 * len(self.curve_steps) + 140)
        return Cost(float(once * self.seeds * (training + testing)), frames.nbytes(self))

    def summary(self, recording: Recording) -> dict[str, Any]:
        """Errors by mode, batch size and order, labels that change, what a pass leaves behind, repairs."""
        return frames.answer(recording)
