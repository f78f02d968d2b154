"""Batch size: the error of the trained network against the batch from which a norm takes its statistics."""

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
from normviz.specs import batch_size_frames as frames
from normviz.specs import norm_knobs
from normviz.specs.fits import uneven_groups

_STANDARD_EPOCHS = {"statistics mlp": 6, "batch mlp": 3, "statistics cnn": 2, "batch cnn": 1}
GHOST_TWICE = "Batch norm over parts of a batch normalizes as ghost batch norm already."
_EPOCHS = (0, 1, 2, 3, 4, 6, 8, 12, 20)

_OFFERED = ("mlp", "cnn")


@dataclass(frozen=True, kw_only=True)
class BatchSize(Spec):
    """Norms x batch sizes x seeds on digits; all of one seed share initialization, data and batch order."""

    name = "batch_size"
    runner = "normviz.lab.experiments.batch_size:run"
    title = "How small may a batch be?"

    norms: tuple[str, ...] = knob(
        ("none", "batch", "batch_renorm", "ghost_batch", "layer", "group", "frn"), label="Normalizations",
        most=8, choices=tuple(NORMS), names=tuple(norm.label for norm in NORMS.values()),
        help="Those that do not apply are left out: filter response norm belongs to convolutions, and ghost "
        "batch norm to the real batch (over parts of a batch, batch norm is ghost batch norm).",
    )  # fmt: skip
    changes: str = knob(
        "statistics", label="What changes", choices=("statistics", "batch"),
        names=("the statistics alone", "the real batch"),
        help="The statistics alone: every update sees 32 samples, means and variances are taken over parts "
        "of them. The real batch: updates see fewer samples too; their number grows and the learning rate "
        "shrinks in proportion.",
    )  # fmt: skip
    network: str = knob(
        "mlp", label="Network", choices=_OFFERED, names=tuple(NETWORKS[name].label for name in _OFFERED),
        help="A CNN also averages over the picture, so its batches are larger than they look.",
    )  # fmt: skip
    epochs: int = knob(
        0, label="Epochs", choices=_EPOCHS,
        names=("standard", *(str(one) for one in _EPOCHS[1:])),
        help="Passes through the 1,000 training digits. Standard: 6 for the statistics alone, 3 for the real "
        "batch (CNN: 2 and 1).",
    )  # fmt: skip
    lr: float = knob(
        0.05, label="Learning rate", low=1e-3, high=1.0, log=True,
        help="At 32 samples an update, SGD with momentum 0.9; smaller real batches get a proportional part.",
    )  # fmt: skip
    micro_batch: int = knob(
        2, label="Micro-batch of accumulated gradients", choices=(0, 2, 4, 8), expert=True, unit="samples",
        names=("none", "2", "4", "8"),
        help="Batch and group norm are trained once more, with the gradients of such small batches added up "
        "until an update has seen 32 samples.",
    )  # fmt: skip
    eps: float = norm_knobs.own_eps()
    momentum: float = norm_knobs.momentum()
    groups: int = norm_knobs.groups(most=16)
    ghost_size: int = norm_knobs.ghost_size(4, most=16, more="A smaller batch is a single ghost batch.")
    r_max: float = norm_knobs.r_max()
    d_max: float = norm_knobs.d_max()
    warm_up: float = norm_knobs.warm_up()
    depth: int = knob(
        3, label="Depth", low=1, high=8, step=1, expert=True, help="Hidden layers, or ConvBlocks.",
    )  # fmt: skip
    width: int = knob(
        128, label="Width of the MLP", low=16, high=256, step=16, expert=True, unit="units",
        help="Units of a hidden layer. The CNN does not use it.",
    )  # fmt: skip
    channels: int = knob(
        16, label="Channels of the CNN", choices=(16, 32), expert=True,
        help="Of its first ConvBlock. The MLP does not use it.",
    )  # fmt: skip
    seeds: int = knob(
        3, label="Seeds", low=1, high=5, step=1, expert=True,
        help="Each variant trains once from each seed: the chosen one and those that follow it.",
    )  # fmt: skip

    # --- what follows from the fields ---------------------------------------------------------------

    @property
    def variants(self) -> tuple[str, ...]:
        """The chosen norms that apply."""
        return tuple(norm for norm in self.norms if not self.left_out(norm))

    def left_out(self, norm: str) -> str:
        """Why a norm does not apply, as a sentence; empty if it does."""
        if norm == "ghost_batch" and self.changes == "statistics":
            return GHOST_TWICE
        return reason(norm, NETWORKS[self.network].form) or ""

    @property
    def accumulated(self) -> tuple[str, ...]:
        """The norms that are also trained on accumulated gradients."""
        chosen = (norm for norm in frames.ACCUMULATED if norm in self.variants)
        return tuple(chosen) if self.micro_batch else ()

    def sizes_of(self, norm: str) -> tuple[int, ...]:
        """Batch sizes at which a norm is trained on its own; others would repeat the very same training."""
        varies = self.changes == "batch" or norm in frames.OVER_PARTS
        return frames.SIZES if varies else frames.SIZES[-1:]

    @property
    def first_width(self) -> int:
        """Channels of the first hidden layer."""
        return self.channels if self.network == "cnn" else self.width

    @property
    def epochs_run(self) -> int:
        """Epochs of training, the standard number spelled out."""
        return self.epochs or _STANDARD_EPOCHS[f"{self.changes} {self.network}"]

    @property
    def steps(self) -> int:
        """Times that 32 samples are seen."""
        return self.epochs_run * (DATASETS["digits"].n_train // frames.LARGEST)

    @property
    def evaluated_steps(self) -> tuple[int, ...]:
        """Steps after which the whole test split is evaluated: close together at first."""
        often = DATASETS["digits"].n_train // frames.LARGEST // 2
        return tuple(sorted({0, 1, 2, 4, 8, *range(often, self.steps, often), self.steps}))

    @property
    def seed_values(self) -> tuple[int, ...]:
        """Seed of each repetition."""
        return tuple(range(self.seed, self.seed + self.seeds))

    @property
    def norm_options(self) -> dict[str, Any]:
        """Options of the norms; each reads those that it knows."""
        return norm_knobs.options(self)

    def schema(self) -> Schema:
        """What the run records."""
        return frames.schema(self)

    # --- checks -------------------------------------------------------------------------------------

    def idle(self) -> Mapping[str, str]:
        """Settings that none of the norms that apply reads."""
        told = dict(norm_knobs.idle(self, self.variants))
        if "ghost_size" in told and "ghost_batch" in self.norms:
            told["ghost_size"] = self.left_out("ghost_batch")
        return told

    def conflicts(self) -> Iterator[SpecError]:
        """No norm that applies, or groups that do not come out even."""
        if not self.variants:
            fitting = joined(", ", [norm.label for name, norm in NORMS.items() if not self.left_out(name)])
            named = ", ".join(NORMS[norm].label for norm in self.norms)
            why = " ".join(dict.fromkeys(self.left_out(norm) for norm in self.norms))
            yield SpecError(
                "Normalizations",
                named,
                phrase("at least one of {fitting}", fitting=fitting),
                why,
                field="norms",
            )
        yield from uneven_groups(
            self.variants, self.groups, self.first_width, lone=NETWORKS[self.network].lone
        )

    def cost(self) -> Cost:
        """Training (forward and backward count three times) and evaluations; all frames."""
        digits = DATASETS["digits"]
        once = NETWORKS[self.network].multiply_adds(
            digits.shape, digits.classes, self.depth, self.first_width
        )
        trained = sum(len(self.sizes_of(norm)) for norm in self.variants) + len(self.accumulated)
        samples = 3 * frames.LARGEST * self.steps + digits.n_test * len(self.evaluated_steps)
        return Cost(float(once * samples * trained * self.seeds), frames.nbytes(self))

    # --- the answer ---------------------------------------------------------------------------------

    def summary(self, recording: Recording) -> dict[str, Any]:
        """Test error in percent by norm and batch size; accumulated gradients; one layer; batches of one."""
        return frames.answer(self, recording)
