"""The stack: many small networks of one shape, training in lockstep.

Legend: M members in the caller's order, S distinct seeds, B batch size, N samples, K classes, C channels.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from normviz.catalog.sequences import ALL_NETWORKS
from normviz.lab import data, devices
from normviz.lab.engine import passes
from normviz.lab.engine.batches import Batches
from normviz.lab.engine.changes import carry_over
from normviz.lab.engine.groups import Group, GroupState, grouped
from normviz.lab.engine.members import Member, Plan
from normviz.lab.nets.layers import Tape

CHECKED_EVERY = 10
"""Steps between two looks at the parameters.  Nearly always it is the loss, looked at in every step, that
stops being finite first; a saturated unit can hide an infinite weight from it."""

ABREAST = 16
"""Most steps that one group takes ahead of the next."""

Mode = Literal["eval", "train"]
Array = NDArray[Any]


class Watcher(Protocol):
    """Sees a training step: a `Probe`, or anything else that is told of each group in turn."""

    def begin(self) -> None:
        """A step begins."""

    def before(self, group: Group, tape: Tape, gradients: Sequence[torch.Tensor]) -> None:
        """A group between its backward pass and its update: gradients of parameters, then of outputs."""

    def after(self, group: Group) -> None:
        """A group after its update."""

    def end(self) -> dict[str, Array]:
        """The step is over: what was seen."""


@dataclass(frozen=True)
class Snapshot:
    """A copy of everything that training changes: parameters, statistics, optimizer, random numbers."""

    groups: list[GroupState]
    batches: tuple[int, torch.Tensor | None, list[torch.Tensor]]
    steps_done: int
    losses: Array
    diverged_at: NDArray[np.int64]


class Stack:
    """Members that train in lockstep, each as if it were alone.

    Everything that is asked of it answers in the order of ``members``.  A member's losses and parameters
    are bit-equal alone, in any stack and beside any other norm, on one type of CPU and one version of
    torch, provided that torch runs on one thread: ``torch.set_num_threads(1)`` is the caller's affair.

    A member whose loss or whose parameters stop being finite numbers is frozen: its parameters stay as they
    are from then on, ``diverged_at`` holds the number of steps that it had completed and ``losses`` its last
    loss.  The loss is looked at before each update, the parameters every `CHECKED_EVERY` steps.

    ``batches`` says what each of them is drawn from: "shuffled" or "two_classes" (see `Batches`).

    ``device``: where networks and data are; by default where this process computes (`normviz.lab.devices`).
    What is asked of a stack is answered on the CPU, but for `next_batch`.
    """

    def __init__(
        self,
        plan: Plan,
        members: Sequence[Member],
        *,
        optimizer: str = "sgd",
        batch_size: int = 64,
        micro_batch: int = 0,
        batches: str = "shuffled",
        dtype: torch.dtype = torch.float32,
        device: torch.device | str | None = None,
    ) -> None:
        if micro_batch and batch_size % micro_batch:
            raise ValueError(f"micro_batch {micro_batch} does not divide batch_size {batch_size}")
        self.plan, self.members = plan, tuple(members)
        self.micro_batch = micro_batch
        """Samples of each pass, whose gradients are accumulated before an update; 0: the whole batch."""
        self.dtype = dtype
        self.device = devices.here() if device is None else torch.device(device)
        self.seeds = tuple(dict.fromkeys(member.seed for member in members))
        self._splits = [data.load(plan.dataset, seed).first(plan.n_train) for seed in self.seeds]
        self._seed_of = [self.seeds.index(member.seed) for member in members]
        self._optimizer = optimizer
        self.groups = self._grouped()
        self._batches = Batches(self._splits, self.seeds, batch_size, dtype, self.device, batches)
        self._test = passes.TestSets(self._splits, self.dtype, self.device)
        self.steps_done = 0
        self.diverged_at: NDArray[np.int64] = np.full(len(members), -1)
        """Steps that a member had completed when it was frozen; -1 for those that are fine."""
        self._losses: Array = np.full(len(members), math.nan)

    def _grouped(self) -> list[Group]:
        """A network for the members of each kind, at their initialization."""
        return [
            Group(
                self.plan,
                [self.members[place] for place in places],
                places,
                self.seeds,
                optimizer=self._optimizer,
                dtype=self.dtype,
                device=self.device,
            )
            for places in grouped(self.members, ALL_NETWORKS[self.plan.network].form)
        ]

    # ---------------------------------------------------------------- changes while training

    def change(self, members: Sequence[Member]) -> None:
        """From the next step on each member has the learning rate and the norm of the new one in its place.

        Weights and the optimizer's memory of them stay; a norm that is another one begins afresh (see
        `normviz.lab.engine.changes`).  A snapshot from before does not fit any more.

        Raises:
            ValueError: there are more or fewer of them, a seed or a gain is another, or one has noise.
        """
        told = [(member.seed, member.gain, member.noise) for member in members]
        if told != [(member.seed, member.gain, None) for member in self.members]:
            raise ValueError("Only the learning rate and the norm of a member can change while it trains.")
        before = self.groups
        self.members = tuple(members)
        self.groups = self._grouped()
        carry_over(before, self.groups)

    def change_batch_size(self, batch_size: int) -> None:
        """From the next step on another batch size; the running epoch ends, and a new one is drawn.

        Raises:
            ValueError: there are not so many training samples, or not so many in any two classes.
        """
        self._batches.resize(batch_size)

    # ---------------------------------------------------------------- training

    @property
    def batch_size(self) -> int:
        """Samples of each training step."""
        return self._batches.batch_size

    @property
    def steps_per_epoch(self) -> int:
        """Complete batches in the training samples."""
        return self._batches.per_epoch

    @property
    def losses(self) -> Array:
        """Training loss of the last batch, before its update, [M] float64; NaN before the first step."""
        return self._losses.copy()

    @property
    def accuracy(self) -> Array:
        """Share of the last training batch that was classified correctly, [M]; NaN before the first step."""
        shares = np.full(len(self.members), math.nan)
        for group in self.groups:
            shares[list(group.places)] = group.accuracy()
        return shares

    def step(self, steps: int = 1) -> None:
        """Train every live member on its next batch, or on its next ones.

        Several steps at once are quicker than one by one: each group takes some of them while its parameters
        are in the cache, before the next group catches up.  The numbers are the same.
        """
        while steps > 0:
            batches = [self._batches.next() for _ in range(min(steps, ABREAST))]
            for group in self.groups:
                for done, (x, y) in enumerate(batches, self.steps_done):
                    if any(group.live):
                        self._train(group, group.own(x), group.own(y), done, None)
            self.steps_done += len(batches)
            steps -= len(batches)

    def step_on(self, order: torch.Tensor) -> None:
        """Train every live member on these training samples of its seed, [S, B], not on its next batch."""
        x, y = self._batches.chosen(order)
        for group in self.groups:
            if any(group.live):
                self._train(group, group.own(x), group.own(y), self.steps_done, None)
        self.steps_done += 1

    def next_batch(self) -> tuple[torch.Tensor, torch.Tensor]:
        """What the next step will train on, x [S, B, *sample] and y [S, B] for each seed; it stays next."""
        return self._batches.peek()

    def recorded_step(self, probe: Watcher) -> dict[str, Array]:
        """`step`, and what ``probe`` saw of it.  Training goes on bit for bit as without the probe.

        Raises:
            ValueError: gradients are accumulated over micro-batches; there is no single pass to record.
        """
        if self.micro_batch:
            raise ValueError("a step of several micro-batches has no single pass to record")
        x, y = self._batches.next()
        probe.begin()
        for group in self.groups:
            if any(group.live):
                self._train(group, group.own(x), group.own(y), self.steps_done, probe)
        self.steps_done += 1
        return probe.end()

    def observe(self, probe: Watcher) -> dict[str, Array]:
        """What `recorded_step` would see of the next step, without taking it."""
        before = self.snapshot()
        arrays = self.recorded_step(probe)
        self.restore(before)
        return arrays

    def _train(
        self, group: Group, x: torch.Tensor, y: torch.Tensor, done: int, probe: Watcher | None
    ) -> None:
        """One step of a group that has ``done`` steps behind it."""
        tape = None if probe is None else Tape()
        if self.micro_batch and tape is None:
            losses, gradients = group.accumulate(x, y, self.micro_batch)
        else:
            losses = group.forward(x, y, tape)
            watched = group.parameters if tape is None else group.parameters + tape.outputs
            gradients = torch.autograd.grad(losses.sum(), watched)
        self._note(group, losses.tolist(), done)
        if probe is not None and tape is not None:
            probe.before(group, tape, gradients)
        group.optimizer.step(gradients[: len(group.parameters)])
        if probe is not None:
            probe.after(group)
        if (done + 1) % CHECKED_EVERY == 0:
            self._retire(group, group.non_finite(), done + 1)

    def _note(self, group: Group, losses: Sequence[float], done: int) -> None:
        for place, alive, loss in zip(group.places, group.live, losses, strict=True):
            if alive:
                self._losses[place] = loss
        lost = [row for row, loss in enumerate(losses) if not math.isfinite(loss)]
        self._retire(group, lost, done)

    def _retire(self, group: Group, dead: Sequence[int], steps: int) -> None:
        dead = [member for member in dead if group.live[member]]
        if dead:
            self.diverged_at[[group.places[member] for member in dead]] = steps
            group.retire(dead)

    # ---------------------------------------------------------------- looking at it

    def data(self, member: int) -> data.Split:
        """Training and test samples of one member."""
        return self._splits[self._seed_of[member]]

    @torch.no_grad()
    def logits(
        self,
        x_or_indices: Any = None,
        mode: Mode = "eval",
        batch_size: int | None = None,
        update: bool = False,
    ) -> torch.Tensor:
        """Outputs of every member, [M, N, K].

        ``x_or_indices``: samples [N, *sample] for everybody or [M, N, *sample]; or integers, [N] or [M, N],
        that choose from each member's own test samples; or nothing: all test samples in their order (which
        is random, since the split is).
        ``mode`` "train" normalizes by the statistics of each batch of ``batch_size`` (all N if not given),
        drops an incomplete last batch (N shrinks), applies dropout, and moves the running statistics if
        ``update``.  In mode "eval" ``batch_size`` only bounds the memory.

        Raises:
            ValueError: a norm refuses the batch, as torch does: "Expected more than 1 value per channel …".
        """
        samples = self._test.samples(x_or_indices, self._seed_of)
        return passes.logits(self, samples, mode, batch_size, update).cpu()

    @torch.no_grad()
    def trace(self, x_or_indices: Any = None, mode: Mode = "eval") -> Tape:
        """What each hidden layer holds for these samples in one batch, [M, N, C, *spatial] for each layer."""
        return passes.trace(self, self._test.samples(x_or_indices, self._seed_of), mode)

    def test_labels(self, order: Any = None) -> NDArray[np.int64]:
        """Labels of every member's own test samples, [M, n_test], or in the given order of indices."""
        labels = self._test.y.cpu().numpy()[self._seed_of]
        return labels if order is None else np.take_along_axis(labels, self.test_order(order), 1)

    def test_order(self, order: Any = None) -> NDArray[np.int64]:
        """Indices into every member's own test samples, [M, N].

        ``order``: "sorted" (by class), nothing (as split, that is, at random), or indices [N] or [M, N].
        """
        if isinstance(order, str):
            if order != "sorted":
                raise ValueError(f"order {order!r} is not 'sorted', an array of indices, or None")
            return np.argsort(self.test_labels(), axis=1, kind="stable")
        n_test = self._test.y.shape[1]
        indices = np.arange(n_test) if order is None else np.asarray(order)
        return np.broadcast_to(indices, (len(self.members), indices.shape[-1]))

    def test_error(self, mode: Mode = "eval", batch_size: int | None = None, order: Any = None) -> Array:
        """Share of the test samples that each member gets wrong, [M] float64; NaN once it has diverged.

        The samples come in `test_order`; in mode "train" an incomplete last batch is left out.  Running
        statistics stay as they are.
        """
        indices = self.test_order(order)
        logits = self.logits(indices, mode, batch_size)
        chosen = logits.argmax(-1).numpy()
        error: Array = (chosen != self.test_labels(indices)[:, : chosen.shape[1]]).mean(1)
        error[~np.isfinite(logits.sum((1, 2)).numpy())] = math.nan
        return error

    def parameters(self, member: int) -> dict[str, torch.Tensor]:
        """A copy of one member's parameters as the net names them ("blocks.0.layer.weight" …), unstacked."""
        group, row = self._find(member)
        return {name: one.detach()[row].clone().cpu() for name, one in group.net.named_parameters()}

    def statistics(self) -> list[dict[str, Array]]:
        """Running statistics of each hidden layer: {"mean": [M, C], "var": [M, C]}, a copy.

        NaN for members whose norm keeps none.
        """
        layers = []
        for block in range(len(self.groups[0].net.blocks)):
            norms = [group.net.norms[block] for group in self.groups]
            channels = self.groups[0].net.blocks[block].layer.bias.shape[-1]
            layer = {key: np.full((len(self.members), channels), math.nan) for key in ("mean", "var")}
            for group, norm in zip(self.groups, norms, strict=True):
                for key, kept in layer.items():
                    running = norm.statistics().get(f"running_{key}")
                    if running is not None:
                        kept[list(group.places)] = running.cpu().numpy()
            layers.append(layer)
        return layers

    def _find(self, member: int) -> tuple[Group, int]:
        for group in self.groups:
            if member in group.places:
                return group, group.places.index(member)
        raise IndexError(f"member {member} of {len(self.members)}")

    # ---------------------------------------------------------------- taking it apart and repairing it

    def snapshot(self) -> Snapshot:
        """A copy of everything that training changes."""
        return Snapshot(
            [group.state() for group in self.groups],
            self._batches.state(),
            self.steps_done,
            self._losses.copy(),
            self.diverged_at.copy(),
        )

    @torch.no_grad()
    def restore(self, snapshot: Snapshot) -> None:
        """Return to ``snapshot``; training goes on from there as it did then."""
        for group, state in zip(self.groups, snapshot.groups, strict=True):
            group.restore(state)
        self._batches.restore(snapshot.batches)
        self.steps_done = snapshot.steps_done
        self._losses = snapshot.losses.copy()
        self.diverged_at = snapshot.diverged_at.copy()

    def freeze_statistics(self, frozen: bool = True) -> None:
        """While training, normalize by the running statistics and leave them alone: norms in eval mode."""
        for group in self.groups:
            for norm in group.net.norms:
                norm.train(not frozen)

    @torch.no_grad()
    def recalibrate(
        self, batch_size: int | None = None, batches: int | None = None, x: torch.Tensor | None = None
    ) -> None:
        """Set the running statistics to their mean over training batches ("precise BN"); weights stay.

        The batches are the first ones of each member's training samples in the order of the split; by
        default of the training's batch size, and as many as there are.  ``x`` [S, N, *sample], samples for
        each seed, takes their place.

        Source: Wu & Johnson 2021, "Rethinking 'batch' in BatchNorm", section 3.
        """
        own = torch.stack([split.x_train for split in self._splits]) if x is None else x
        passes.recalibrate(self, own.to(self.device, self.dtype), batch_size or self.batch_size, batches)
