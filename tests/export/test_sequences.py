"""Sequences: the exported script trains the lab's networks, and sees what moves their answers."""

from __future__ import annotations

from itertools import islice
from typing import Any

import numpy as np
import pytest
import torch

from normviz.catalog.norms import NORMS
from normviz.catalog.sequences import SEQUENCE_NETWORKS
from normviz.frames import Frame
from normviz.lab.engine import Stack
from normviz.lab.experiments import sequences as sequences_lab
from normviz.lab.experiments.renorm import train
from normviz.specs import sequences_frames as recorded
from normviz.specs.sequences import Sequences
from tests.export.exported import loaded

AMPLIFYING = ("batch_renorm", "ghost_batch")
"""Norms with which 32-bit floats soon drift apart: in an RNN by 5e-4 and 2e-2 of the loss after ten steps,
where batch norm stays within 1e-5.  (Before batch renormalization a bias has no gradient but rounding, which
Adam divides by its own size; and the bias moves d.)"""


@pytest.mark.parametrize(
    "more",
    [
        {"network": "transformer", "depth": 2},
        {"network": "transformer", "depth": 1, "placement": "after", "causal": False, "masked": False},
        {"network": "rnn"},
        {"network": "gru", "masked": False},
    ],
)
def test_what_moves_the_answers(more: dict[str, Any]) -> None:
    norms = ("none", "batch", "layer", "batch_renorm", "ghost_batch")
    spec = Sequences(norms=norms, width=16, steps=50, seeds=1, deepest=8, **more)
    script, modes = loaded(spec), loaded(spec, "modes")
    course = sequences_lab.Course(spec, sequences_lab.Tables(spec.schema()))
    for norm in spec.norms:  # untrained: nothing amplifies rounding
        x, v = script.batch_of(spec.seed), spec.norms.index(norm)
        net, looked_into = script.network(norm, spec.seed), modes.network(norm, spec.seed)
        for module, one in ((script, net), (modes, looked_into)):
            module.set_limits(one, 0)
        own, mates = (script.medians([one]) for one in script.futures(net, x))
        looks = modes.look(looked_into, x)
        gap, lone, own_eval, mates_eval, *pooled, padded = (modes.medians([one]) for one in looks.values())
        leak_own, leak_mates = sequences_lab.measurements.leaks(spec, course.stack, course.batch)
        np.testing.assert_allclose(own, leak_own[v], rtol=2e-3, atol=1e-6)
        np.testing.assert_allclose(mates, leak_mates[v], rtol=2e-3, atol=1e-6)
        theirs = sequences_lab.measurements.padding(spec, course.stack, course.batch)
        np.testing.assert_allclose(padded, theirs[0 if spec.masked else 1, v], rtol=2e-3, atol=1e-6)
        theirs = sequences_lab.measurements.gap(spec, course.stack, course.batch)
        np.testing.assert_allclose(gap, theirs[v], rtol=2e-3, atol=1e-6)
        if pooled:
            theirs = sequences_lab.measurements.gap(spec, course.stack, course.batch, by_step=False)
            np.testing.assert_allclose(pooled[0], theirs[v], rtol=2e-3, atol=1e-6)
        theirs, refused = sequences_lab.measurements.alone(spec, course.stack, course.batch)
        np.testing.assert_allclose(lone, theirs[v], rtol=2e-3, atol=1e-6)
        assert (v in refused) == bool(np.isnan(lone).all())
        leak_own, leak_mates = sequences_lab.measurements.leaks(spec, course.stack, course.batch, train=False)
        np.testing.assert_allclose(own_eval, leak_own[v, : spec.changed_from], rtol=2e-3, atol=1e-6)
        np.testing.assert_allclose(mates_eval, leak_mates[v], rtol=2e-3, atol=1e-6)


@pytest.mark.parametrize("network", ["transformer", "rnn", "gru"])
@pytest.mark.parametrize("part", [slice(6), slice(6, None)])
def test_every_norm_in_the_first_steps(network: str, part: slice) -> None:
    fitting = (norm for norm in NORMS if not SEQUENCE_NETWORKS[network].reason(norm))
    norms = tuple(norm for norm in fitting if norm not in AMPLIFYING)[part]
    if not norms:
        return
    spec = Sequences(norms=norms, network=network, depth=1, width=16, steps=50, seeds=1, deepest=8)
    script = loaded(spec)
    frames = (one for one in sequences_lab.run(spec) if isinstance(one, Frame))
    losses = next(one.arrays["loss"] for one in frames if "loss" in one.arrays)
    for v, norm in enumerate(norms):
        net = script.network(norm, spec.seed)
        _, (step, loss, _) = islice(script.training_of(net, spec.seed), 2)
        assert step == recorded.EVERY
        assert loss == pytest.approx(losses[v, 0], rel=1e-3), norm


@pytest.mark.parametrize("network", SEQUENCE_NETWORKS)
@pytest.mark.parametrize("norm", [*AMPLIFYING, "batch"])
def test_what_amplifies_rounding_in_double(network: str, norm: str) -> None:
    """In 64-bit floats: schedule, ghost batches and statistics of each step are the lab's."""
    spec = Sequences(norms=(norm,), network=network, depth=1, width=16, steps=50, seeds=1, deepest=8)
    plan = sequences_lab.stack_of(spec)
    stack = Stack(
        plan.plan, plan.members, optimizer="adam", batch_size=spec.batch_size, dtype=torch.float64
    )  # fmt: skip
    script, modes = (loaded(spec, chapter, DTYPE=torch.float64) for chapter in ("future", "modes"))
    records = script.training_of(script.network(norm, spec.seed), spec.seed)
    for step, loss, _ in islice(records, 1, 6):
        train(stack, step, spec.training_steps, spec)
        assert loss == pytest.approx(stack.losses[0], rel=1e-6), step
    if norm != "batch_renorm":  # the others have no schedule to come to the end of
        return
    train(stack, spec.training_steps, spec.training_steps, spec)
    net = modes.network(norm, spec.seed)
    modes.fit(net, modes.new_optimizer(net), spec.seed)
    limits = {(one.r_max, one.d_max) for one in stack.groups[0].net.norms if hasattr(one, "r_max")}
    assert limits
    assert limits == {(one.r_max, one.d_max) for one in net.modules() if hasattr(one, "r_max")}


def test_deep_transformers() -> None:
    norms = ("none", "batch", "layer", "batch_renorm", "ghost_batch")
    spec = Sequences(norms=norms, network="rnn", deepest=8, deep_width=16, seeds=2)
    told = loaded(spec, "depth").main()
    assert list(told) == [
        (norm, place, depth) for depth in spec.depths for norm in spec.norms for place in recorded.PLACES
    ]
    for (norm, place, depth), by_seed in told.items():
        theirs = sequences_lab.measurements.deep_gradients(spec, norm, place, depth)
        np.testing.assert_allclose(np.array(by_seed).T, theirs, rtol=2e-3, err_msg=f"{norm} {place} {depth}")


@pytest.mark.parametrize(
    ("chapter", "said"), [("future", "of its batch-mates"), ("modes", "steps of padding")]
)
def test_it_prints(chapter: str, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    spec = Sequences(norms=("batch", "layer"), network="rnn", width=16, steps=50, seeds=2)
    loaded(spec, chapter, STEPS=10).main()
    assert said in capsys.readouterr().out
