"""Sequences: a race of norms in an RNN or a transformer, and between its steps what each norm looks at.

Everything in a frame belongs to the weights after its step.  Legend: V variants, S seeds, T steps, D depths.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch

from normviz.frames import Frame, Schema
from normviz.lab.engine import Member, Plan, Stack
from normviz.lab.experiments import sequences_measurements as measurements
from normviz.lab.experiments.forgotten_eval.tables import Tables, Values
from normviz.lab.experiments.renorm import schedule_renorm, train
from normviz.lab.experiments.sequences_notes import notes
from normviz.specs import sequences_frames as recorded
from normviz.specs.sequences import Sequences


def run(spec: Sequences) -> Iterator[Schema | Frame]:
    """The schema, then the frames of the training, and at last those that look into what was trained."""
    torch.set_num_threads(1)
    schema = spec.schema()
    yield schema
    course = Course(spec, Tables(schema))
    yield from course.training()
    yield from course.looks()


def stack_of(spec: Sequences) -> Stack:
    """Untrained networks: every norm with every seed, norm by norm."""
    plan = Plan(
        network=spec.network,
        depth=spec.layers,
        width=spec.width,
        activation=spec.activation,
        placement=spec.placement,
        dataset=spec.dataset,
        causal=spec.causal,
        options=spec.norm_options,
    )
    members = [
        Member(norm, seed, spec.lr, measurements.GAIN) for norm in spec.norms for seed in spec.seed_values
    ]
    stack = Stack(plan, members, optimizer="adam", batch_size=spec.batch_size)
    for net in measurements.sequence_nets(stack):
        net.masked = spec.masked
    schedule_renorm(stack, 0, spec.training_steps, spec)
    return stack


class Course:
    """One run: the networks, what has been measured of them, and what there is to say about it."""

    def __init__(self, spec: Sequences, tables: Tables) -> None:
        self.spec, self.tables = spec, tables
        self.stack = stack_of(spec)
        self.batch = measurements.batch(spec, self.stack)
        self.refused: dict[int, str] = {}
        """Words of the variants that refuse a batch of one, by their positions."""
        self.depths = iter(range(len(spec.depths) if spec.deep_norms else 0))

    def frame(self) -> Frame:
        """What has changed, and everything there is to say by now."""
        return self.tables.frame(notes(self.spec, self.tables, self.refused))

    def training(self) -> Iterator[Frame]:
        """Train; between the steps measure the deep transformers, one depth after the other."""
        self.tables.put("time", np.arange(1, self.spec.length + 1))
        evaluated = set(recorded.evaluated_steps(self.spec))
        leaking = set(recorded.leak_steps(self.spec))
        for step in recorded.recorded_steps(self.spec):
            if step:
                train(self.stack, step, self.spec.training_steps, self.spec)
                self._losses()
            self.tables.step = step
            if step in evaluated:
                self._accuracy()
            yield self.frame()
            yield from self._next_depth()
            if step in leaking:
                self._leaks()
                yield self.frame()
        for _ in self.spec.depths:
            yield from self._next_depth()

    def looks(self) -> Iterator[Frame]:
        """Look into what was trained: evaluation mode, and padding."""
        spec, stack, tables = self.spec, self.stack, self.tables
        own, mates = measurements.leaks(spec, stack, self.batch, train=False)
        tables.put("leak_eval", np.maximum(own[:, : spec.changed_from].max(1), mates.max(1)))
        self._put("gap", measurements.gap(spec, stack, self.batch))
        if recorded.pooled(spec):
            self._put("gap_pooled", measurements.gap(spec, stack, self.batch, by_step=False))
        lone, self.refused = measurements.alone(spec, stack, self.batch)
        self._put("alone", lone)
        yield self.frame()
        self._put("padding", measurements.padding(spec, stack, self.batch))
        yield self.frame()

    # --- parts ------------------------------------------------------------------------------------

    def _put(self, name: str, values: Values) -> None:
        self.tables.put(name, values)
        self.tables.put(f"{name}_drawn", measurements.drawn(values))

    def _losses(self) -> None:
        loss = np.where(self.stack.diverged_at < 0, self.stack.losses, np.nan)
        by_variant = loss.reshape(len(self.spec.norms), -1)
        self.tables.put("loss", by_variant)
        for name, function in (("median", np.median), ("low", np.min), ("high", np.max)):
            self.tables.put(f"loss_{name}", over_seeds(function, by_variant))

    def _accuracy(self) -> None:
        accuracy = 1.0 - self.stack.test_error(order=range(recorded.TESTED))
        by_variant = accuracy.reshape(len(self.spec.norms), -1)
        self.tables.put("accuracy", by_variant)
        self.tables.put("accuracy_median", over_seeds(np.median, by_variant))

    def _leaks(self) -> None:
        own, mates = measurements.leaks(self.spec, self.stack, self.batch)
        self._put("leak_own", own)
        self._put("leak_mates", mates)

    def _next_depth(self) -> Iterator[Frame]:
        """Gradients of the next deeper transformers, pre- and post-norm."""
        column = next(self.depths, None)
        if column is None:
            return
        spec, depth = self.spec, self.spec.depths[column]
        for g, norm in enumerate(spec.deep_norms):
            for place, placement in enumerate(recorded.PLACES):
                gradients = measurements.deep_gradients(spec, norm, placement, depth)
                last = gradients[-1]
                for name, function in (("median", np.median), ("low", np.min), ("high", np.max)):
                    self.tables.put(f"grad_depth_{name}", function(last), (g, place, column))
                if depth == spec.depths[-1]:
                    self.tables.put("grad_layer", np.median(gradients, axis=1), (g, place))
        self.tables.put("theory_pre", self._expected())
        yield self.frame()

    def _expected(self) -> Values:
        """1/√L through the gradient of pre-norm at depth 8, the first at which theory speaks.

        Source: Xiong et al. 2020, arXiv:2002.04745, Theorem 1.
        """
        spec, depths = self.spec, np.array(self.spec.depths, np.float64)
        chosen = [norm for norm in ("layer", "rms") if norm in spec.deep_norms]
        if not chosen:
            return np.full(len(depths), np.nan)
        row = self.tables["grad_depth_median"][spec.deep_norms.index(chosen[0]), 0]
        anchor = row[spec.depths.index(recorded.ASYMPTOTIC)]
        curve = anchor * np.sqrt(recorded.ASYMPTOTIC / depths)
        expected: Values = np.where(depths >= recorded.ASYMPTOTIC, curve, np.nan)
        return expected


def over_seeds(function: object, values_VS: Values) -> Values:
    """``function`` over the seeds with a finite value; NaN where there is none, [V]."""
    assert callable(function)
    rows = [row[np.isfinite(row)] for row in values_VS]
    return np.array([function(row) if len(row) else np.nan for row in rows])
