"""Train: norms x seeds in one stack, recorded every k-th step.

Everything in a frame belongs to the same weights, those after ``step`` updates: first the test split is
evaluated, then the next batch is passed forward and backward, and what that shows is recorded.  (After the
last step this is one batch more than is trained on.)

Legend: V variants (norms), S seeds, M = V·S members, L hidden layers, B bins, K classes.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from normviz.frames import Frame, Schema
from normviz.lab.engine import Member, Plan, Probe, Stack
from normviz.lab.experiments.renorm import schedule_renorm
from normviz.lab.experiments.seeds import over_seeds
from normviz.lab.experiments.train_notes import Notes
from normviz.specs import train_frames as recorded
from normviz.specs.train import Train

Arrays = dict[str, NDArray[Any]]

_HISTOGRAMS = ("hist_pre", "hist_post", "hist_grad")
_BY_LAYER = ("grad_norm_activation", "grad_norm_weight", "update_ratio")
_AFFINE = ("gamma_mean", "gamma_sd", "beta_mean", "beta_sd")
_STATISTICS = ("batch_mean", "batch_var", "running_mean", "running_var")


def run(spec: Train) -> Iterator[Schema | Frame]:
    """Train all members of ``spec`` and record them."""
    yield spec.schema()
    torch.set_num_threads(1)
    race = Race(spec)
    recorded_steps = set(spec.recorded_steps)
    for step in range(spec.steps + 1):
        race.prepare(step)
        if step in recorded_steps:
            yield race.frame(step)
        else:
            race.stack.step()


class Race:
    """The stack of a run, and the frames made from it."""

    def __init__(self, spec: Train) -> None:
        self.spec = spec
        self.shape = len(spec.norms), spec.seeds
        self.stack = stack(spec)
        self.probe = self._probe()
        self.notes = Notes(spec)
        self._by_layer = (*_BY_LAYER, *recorded.health(spec))
        self._evaluated = set(spec.evaluated_steps)
        self._changes = {change.step for change in spec.planned}

    def prepare(self, step: int) -> None:
        """Make the changes that are planned for this step, and move the limits of batch renormalization."""
        if step in self._changes:
            self._change(step)
        if "batch_renorm" in self.spec.norms_used:
            schedule_renorm(self.stack, step, self.spec.steps, self.spec)

    def _change(self, step: int) -> None:
        changes = [change for change in self.spec.planned if change.step == step]
        for change in changes:
            if change.what == "batch_size":
                self.stack.change_batch_size(int(change.value))
        if any(change.what != "batch_size" for change in changes):
            self.stack.change(members(self.spec, step))
        self.probe = self._probe()

    def _probe(self) -> Probe:
        return Probe(self.stack, shown=range(0, len(self.stack.members), self.spec.seeds))

    def frame(self, step: int) -> Frame:
        """The frame of the weights after ``step`` updates; takes the next update as well."""
        arrays = self._constants() if step == 0 else {}
        evaluated = step in self._evaluated
        accuracy = self._by_member(1.0 - self.stack.test_error()) if evaluated else None
        surface = self._surface() if evaluated and self.spec.data.planar else None
        seen = self.stack.recorded_step(self.probe)
        diverged_at = self._by_member(self.stack.diverged_at)
        # What this very update breaks belongs to the next frame.
        gone = (diverged_at >= 0) & (diverged_at <= step)
        diverged_at = np.where(gone, diverged_at, np.nan).astype("<f4")
        alive = ~gone
        arrays |= self._each(seen, alive, diverged_at)
        if accuracy is None:
            return Frame(step, arrays)
        arrays |= _with_median("test_accuracy", accuracy, alive) | self._some(seen, alive)
        if surface is not None:
            arrays["surface"] = surface
        if step == self.spec.steps:
            arrays |= ended(arrays["test_accuracy"], alive)
        return Frame(step, arrays, self.notes.at(step, arrays))

    def _each(self, seen: Arrays, alive: NDArray[np.bool_], diverged_at: NDArray[np.float32]) -> Arrays:
        loss = self._by_member(self.stack.losses)
        accuracy = self._by_member(self.stack.accuracy)
        return {
            **_with_median("loss", loss, alive),
            "loss_low": over_seeds(np.min, loss, alive),
            "loss_high": over_seeds(np.max, loss, alive),
            "diverged_at": diverged_at,
            "diverged_mark": np.where(alive[:, :1], np.nan, 0).astype("<f4"),
            **_with_median("train_accuracy", accuracy, alive),
            **{name: self._shares(seen[name], alive) for name in _HISTOGRAMS},
            **{name: over_seeds(np.median, self._by_member(seen[name]), alive) for name in self._by_layer},
        }

    def _some(self, seen: Arrays, alive: NDArray[np.bool_]) -> Arrays:
        arrays: Arrays = {}
        for names, norms in (
            (_AFFINE, recorded.affine(self.spec)),
            (_STATISTICS, recorded.running(self.spec)),
        ):
            places = [self.spec.norms.index(norm) for norm in norms]
            for name in names if places else ():
                if names is _AFFINE:
                    arrays[name] = over_seeds(np.median, self._by_member(seen[name]), alive)[places]
                else:
                    shown = np.where(alive[:, :1, None], seen[name], np.nan)
                    arrays[name] = shown[places].astype("<f4")
        return arrays

    def _by_member(self, values: NDArray[Any]) -> NDArray[Any]:
        """[M, ...] -> [V, S, ...]."""
        return values.reshape(*self.shape, *values.shape[1:])

    def _shares(self, counts_VLB: NDArray[Any], alive: NDArray[np.bool_]) -> NDArray[np.uint16]:
        """Counts as shares of each layer's values; nothing for a network that has diverged."""
        values = np.maximum(counts_VLB.sum(-1, keepdims=True, dtype=np.float64), 1.0)
        shares: NDArray[np.float64] = counts_VLB * (recorded.WHOLE / values) * alive[:, 0, None, None]
        return np.rint(shares).astype("<u2")

    def _constants(self) -> Arrays:
        spec = self.spec
        edges = self.probe.edges["hist_post"]
        arrays: Arrays = {
            "layers": np.arange(1, len(spec.layers) + 1, dtype="u1"),
            "bins": ((edges[1:] + edges[:-1]) / 2).astype("<f4"),
        }
        if spec.data.planar:
            split = self.stack.data(0)
            arrays["points"] = split.x_train[: recorded.SHOWN_POINTS].T.contiguous().numpy().astype("<f4")
            arrays["classes"] = split.y_train[: recorded.SHOWN_POINTS].numpy().astype("u1")
            arrays["grid"] = grid().astype("<f4")
        return arrays

    def _surface(self) -> NDArray[np.uint8]:
        """Predicted class and confidence everywhere in the plane, first seed, [V, y, x]."""
        x, y = np.meshgrid(grid(), grid())
        places = torch.from_numpy(np.stack((x.ravel(), y.ravel()), 1).astype("f4"))
        logits = self.stack.logits(places)[:: self.spec.seeds]
        greatest, chosen = logits.softmax(-1).nan_to_num(0.0).max(-1)
        chance = 1 / self.spec.data.classes
        sure = ((greatest - chance) / (1 - chance)).clamp_(0, 1)
        coded = recorded.CLASS_STEP * chosen + (recorded.SURE * sure).round()
        surface: NDArray[np.uint8] = coded.numpy().astype("u1").reshape(-1, recorded.GRID, recorded.GRID)
        return surface


def stack(spec: Train) -> Stack:
    """The members of a spec, variant by variant."""
    return Stack(
        plan(spec), members(spec), optimizer=spec.optimizer, batch_size=spec.batch_size, batches=spec.batches
    )


def plan(spec: Train) -> Plan:
    """What they share."""
    return Plan(
        network=spec.network,
        depth=spec.depth,
        width=spec.first_width,
        activation=spec.activation,
        placement=spec.placement,
        dropout=spec.dropout,
        options=spec.norm_options,
        dataset=spec.dataset,
        causal=spec.causal,
    )


def members(spec: Train, step: int = 0) -> list[Member]:
    """The members of a spec, variant by variant, as they are in the update after ``step``."""
    lr = spec.lr_at(step)
    return [Member(norm, seed, lr, spec.gain) for norm in spec.norms_at(step) for seed in spec.seed_values]


def ended(accuracy_VS: NDArray[Any], alive: NDArray[np.bool_]) -> Arrays:
    """Who has won the race: the variant with the best median, if each of its seeds beats all the others'.

    A network that has diverged counts as one that gets nothing right.  If seeds overlap, nobody has won,
    which is the position after the last variant.
    """
    accuracy = np.where(alive, accuracy_VS, 0.0)
    medians = np.median(accuracy, 1)
    best = int(medians.argmax())
    others = np.delete(accuracy, best, 0).max(initial=0.0)
    clear = accuracy[best].min() > others
    told = {
        "winner": best if clear else len(accuracy),
        "ended_best": medians[best],
        "ended_worst": accuracy[best].min(),
        "ended_next": others,
    }
    return {name: np.array([value], "<f4") for name, value in told.items()}


def grid() -> NDArray[np.float64]:
    """Coordinates along one side of a decision surface."""
    return np.linspace(-recorded.EXTENT, recorded.EXTENT, recorded.GRID)


def _with_median(name: str, values_VS: NDArray[Any], alive: NDArray[np.bool_]) -> Arrays:
    """A quantity of every member that is alive, and its median over the seeds."""
    return {
        name: np.where(alive, values_VS, np.nan).astype("<f4"),
        f"{name}_median": over_seeds(np.median, values_VS, alive),
    }
