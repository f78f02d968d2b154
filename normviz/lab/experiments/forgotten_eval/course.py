"""The course of a run: training, act 1, act 2, repair; every number goes out as soon as it is measured.

Legend: S members (one for each seed), N test samples.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import numpy as np
import torch

from normviz.catalog.norms import NORMS
from normviz.frames import Frame, Schema
from normviz.lab.engine import Member, Plan, Stack
from normviz.lab.experiments.forgotten_eval import measurements, opposites, remarks
from normviz.lab.experiments.forgotten_eval.measurements import Orders
from normviz.lab.experiments.forgotten_eval.tables import Tables, Values, mean_low_high_sd
from normviz.lab.experiments.renorm import train
from normviz.specs import forgotten_eval_frames as asked
from normviz.specs.forgotten_eval import ForgottenEval


def run(spec: ForgottenEval) -> Iterator[Schema | Frame]:
    """The schema, then the frames of the whole course."""
    torch.set_num_threads(1)  # small networks: a second thread only slows them
    schema = spec.schema()
    yield schema
    course = Course(spec, Tables(schema))
    acts = (
        course.training, course.validation, course.small_batches, course.sorted_batches, course.labels,
        course.company, course.passes, course.repairs, course.comparisons, course.dropout, course.opposites,
    )  # fmt: skip
    for act in acts:
        yield from act()


def stack_of(
    spec: ForgottenEval, norms: tuple[str, ...], dropout: float = 0.0, rates: tuple[float, ...] = (1,)
) -> Stack:
    """Untrained networks: norm by norm, every seed at each of these times the learning rate."""
    plan = Plan(
        network=spec.network,
        depth=spec.depth,
        width=spec.first_width,
        dropout=dropout,
        options=spec.norm_options,
    )
    members = [
        Member(norm, seed, rate * spec.lr) for norm in norms for rate in rates for seed in spec.seed_values
    ]
    return Stack(plan, members, optimizer="momentum", batch_size=spec.batch_size)


class Course:
    """One run: the networks, what has been measured of them, and what there is to say about it."""

    def __init__(self, spec: ForgottenEval, tables: Tables) -> None:
        self.spec, self.tables = spec, tables
        self.stack = stack_of(spec, (spec.norm,))
        self.orders = Orders(self.stack)
        self.batch = self.orders.next()[:, : spec.deploy_batch]
        """The batch whose statistics are compared with the running ones, [S, deploy_batch]."""
        self.said = remarks.Remarks(spec, tables)

    def frame(self) -> Frame:
        """What has changed, and everything there is to say by now."""
        return self.tables.frame(self.said.notes())

    # --- training ---------------------------------------------------------------------------------

    def training(self) -> Iterator[Frame]:
        """Train; both modes are measured at the spec's ``curve_steps``."""
        tables = self.tables
        for step in range(1, self.spec.steps + 1):
            train(self.stack, step, self.spec.steps, self.spec)
            tables.step = step
            measured = step in self.spec.curve_steps
            if not measured and step % asked.LOSS_EVERY:
                continue
            tables.put("loss", self.stack.losses)
            if measured:
                tables.put("curve_eval", measurements.error(self.stack))
                tables.put("curve_train", measurements.error(self.stack, "train", asked.VALIDATION_BATCH))
                self._statistics()
            yield self.frame()
        self.said.diverged = int((self.stack.diverged_at >= 0).sum())

    def _statistics(self) -> None:
        mean, var = measurements.batch_statistics(self.stack, self.batch)
        running_mean, running_var = measurements.running_statistics(self.stack)
        for name, value in (
            ("batch_mean", mean), ("batch_var", var),
            ("running_mean", running_mean), ("running_var", running_var),
        ):  # fmt: skip
            self.tables.put(name, value)

    # --- act 1: nothing to be seen ----------------------------------------------------------------

    def validation(self) -> Iterator[Frame]:
        """Evaluation mode, and training mode at the batch size of a validation."""
        evaluated = measurements.error(self.stack)
        self.tables.put("eval_error", evaluated)
        self.tables.put("eval_level", mean_low_high_sd(evaluated)[:, None])
        self._shuffled(asked.VALIDATION_BATCH)
        yield self.frame()

    def _shuffled(self, size: int) -> None:
        errors = measurements.error(self.stack, "train", size, self.orders.next())
        self.tables.put("shuffled", errors, (..., asked.BATCH_SIZES.index(size)))

    # --- act 2: in use ----------------------------------------------------------------------------

    def small_batches(self) -> Iterator[Frame]:
        """Training mode at ever smaller batches, down to a single sample."""
        for size in sorted(set(asked.BATCH_SIZES) - {1, asked.VALIDATION_BATCH}, reverse=True):
            self._shuffled(size)
            yield self.frame()
        self.said.refusal = measurements.refusal(self.stack)
        if not self.said.refusal:
            self._shuffled(1)
        yield self.frame()

    def sorted_batches(self) -> Iterator[Frame]:
        """Training mode on batches sorted by class."""
        for i, size in reversed(list(enumerate(asked.SORTED_SIZES))):
            self.tables.put("sorted", measurements.error(self.stack, "train", size, "sorted"), (..., i))
            yield self.frame()

    def labels(self) -> Iterator[Frame]:
        """Samples whose label changes from one random batch to another, and some of them as pictures."""
        self.flips = measurements.flips(self.stack, self.spec.deploy_batch, self.orders)
        alive = self.stack.diverged_at < 0
        self.tables.put("flip_share", np.where(alive, self.flips.share, np.nan))
        split = self.stack.data(0)
        for i, sample in enumerate(self.flips.chosen(0, asked.SAMPLES)):
            true = int(split.y_test[sample])
            given = np.array([true, self.flips.evaluated[0, sample], *self.flips.drawn[:, 0, sample]])
            left = i * (asked.SIDE + 1)
            self.tables.put(
                "flip_images", split.x_test[sample, 0], (slice(None), slice(left, left + asked.SIDE))
            )
            self.tables.put("flip_labels", given, (..., i))
            self.tables.put("flip_wrong", given != true, (..., i))
        yield self.frame()

    def company(self) -> Iterator[Frame]:
        """One sample of the first network among ever new batch-mates."""
        sample = self.flips.unsteadiest(0, self.stack.test_labels()[0])
        split = self.stack.data(0)
        true = int(split.y_test[sample])
        evaluated = self.stack.logits([sample])[0, 0].double().softmax(0)
        self.tables.put("company_image", split.x_test[sample, 0])
        self.tables.put("company_eval", 100 * float(evaluated[true]))
        for i in range(asked.COMPANIES):
            mates = self.orders.draw(self.spec.deploy_batch - 1, without=sample)
            probability = measurements.probabilities(self.stack, sample, mates)
            self.tables.put("company_p", 100 * probability[true], i)
            self.tables.put("company_label", probability.argmax(), i)
            self.tables.put("company_wrong", probability.argmax() != true, i)
            if i == asked.COMPANIES - 1:
                self.said.true = true
            yield self.frame()

    # --- what a pass leaves behind, and the repairs ------------------------------------------------

    def passes(self) -> Iterator[Frame]:
        """Evaluation mode after one train-mode pass in either order."""
        trained, order = self.stack.snapshot(), self.orders.next()
        for i, size in enumerate(asked.SORTED_SIZES):
            for name, way in (("shuffled", order), ("sorted", "sorted")):
                self.tables.put(f"after_{name}", self._after_pass(size, way), (..., i))
                self.stack.restore(trained)
            yield self.frame()
        self._keep_statistics("before")
        for name, way in (("shuffled", order), ("sorted", "sorted")):
            self._after_pass(self.spec.deploy_batch, way)
            self._keep_statistics(name)
            self.stack.restore(trained)
        (mean, _, mean_after), (var, _, var_after) = self.tables["pass_mean"], self.tables["pass_var"]
        self.tables.put("pass_shift", (mean_after - mean) / np.sqrt(var + self.spec.eps))
        self.tables.put("pass_doublings", np.log2((var_after + self.spec.eps) / (var + self.spec.eps)))
        yield self.frame()

    def _after_pass(self, size: int, order: measurements.Order) -> Values:
        measurements.damage(self.stack, size, order)
        return measurements.error(self.stack)

    def _keep_statistics(self, name: str) -> None:
        mean, var = measurements.running_statistics(self.stack)
        self.tables.put("pass_mean", mean, asked.PASSES.index(name))
        self.tables.put("pass_var", var, asked.PASSES.index(name))

    def repairs(self) -> Iterator[Frame]:
        """The harm done at the batch size in use, and what mends it."""
        trained, size = self.stack.snapshot(), self.spec.deploy_batch
        self._repair("train_mode", measurements.error(self.stack, "train", size, self.orders.next()))
        yield self.frame()
        self._repair("after_pass", self._after_pass(size, "sorted"))
        yield self.frame()
        self.stack.recalibrate()
        self._repair("recalibrated", measurements.error(self.stack))
        self.stack.restore(trained)
        yield self.frame()
        self._repair("eval", measurements.error(self.stack))
        yield self.frame()
        self.stack.freeze_statistics()
        self._repair("frozen", self._after_pass(size, "sorted"))
        self.stack.freeze_statistics(False)
        yield self.frame()

    def _repair(self, name: str, errors: Values) -> None:
        self.tables.put("repair", errors, (..., asked.repairs(self.spec).index(name)))

    def comparisons(self) -> Iterator[Frame]:
        """Other norms, trained alike, and left in training mode."""
        others = self.spec.others
        stack = stack_of(self.spec, others)
        for _ in range(self.spec.steps):
            stack.step()
        orders = Orders(stack)
        for size in asked.BATCH_SIZES:
            errors = measurements.error(stack, "train", size, orders.next()).reshape(len(others), -1)
            self.tables.put("other_shuffled", errors.T, (..., asked.BATCH_SIZES.index(size)))
            if size == self.spec.deploy_batch:
                for norm, own in zip(others, errors, strict=True):
                    self._repair(norm, own)
            yield self.frame()
        if self._keeps_statistics:
            errors = measurements.error_on(stack, opposites.other_domain).reshape(len(others), -1)
            self.tables.put("domain", errors.T, (..., slice(len(asked.DOMAIN_STATES), None)))

    def dropout(self) -> Iterator[Frame]:
        """Dropout's half of the story: no norm at all, and eval() forgotten all the same."""
        stack = stack_of(self.spec, ("none",), asked.DROPOUT)
        for _ in range(self.spec.steps):
            stack.step()
        orders = Orders(stack)
        self.tables.put("dropout", measurements.error(stack), (..., 0))
        for i, size in enumerate(asked.DROPOUT_SIZES, 1):
            self.tables.put("dropout", measurements.error(stack, "train", size, orders.next()), (..., i))
        yield self.frame()

    # --- the opposite mistakes ----------------------------------------------------------------------

    @property
    def _keeps_statistics(self) -> bool:
        return NORMS[self.spec.norm].running_statistics

    def opposites(self) -> Iterator[Frame]:
        """What else goes wrong with running statistics; nothing if the norm has none."""
        if not self._keeps_statistics:
            return
        spec, tables, own = self.spec, self.tables, (self.spec.norm,)
        stacks = {mode: stack_of(spec, own, rates=asked.RATES) for mode in asked.TRAINED_IN}
        slower = (stack_of(spec, own, rates=(asked.SLOWER,)) for _ in itertools.count())
        for mistake in (
            opposites.trained_in_eval(spec, stacks, tables, spec.opposite_steps),
            opposites.another_domain(self.stack, tables),
            opposites.fine_tuned(self.stack, slower, tables, spec.deploy_batch),
            opposites.dropout_before(self.stack, tables),
        ):
            for _ in mistake:
                yield self.frame()
