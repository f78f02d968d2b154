"""Regularization, batch size, landscape and noisy batch norm: scripts measure what the lab measures."""

from __future__ import annotations

from itertools import islice
from typing import Any

import numpy as np
import pytest

from normviz.catalog.norms import NORMS, reason
from normviz.frames import Frame
from normviz.lab.experiments import batch_size as batch_size_lab
from normviz.lab.experiments import batch_size_cases as cases
from normviz.lab.experiments import landscape as landscape_lab
from normviz.lab.experiments import noisy_bn as noisy_lab
from normviz.lab.experiments import regularization as regularization_lab
from normviz.specs import batch_size_frames as recorded
from normviz.specs.batch_size import BatchSize
from normviz.specs.landscape import Landscape
from normviz.specs.noisy_bn import NoisyBN
from normviz.specs.noisy_bn_frames import VARIANTS
from normviz.specs.regularization import Regularization
from normviz.specs.regularization_frames import VARIANTS as REGULARIZED
from tests.export.exported import loaded

FITTING = [norm for norm in NORMS if not reason(norm, "mlp")]


def frames_of(run: Any, count: int) -> list[Frame]:
    return [one for one in islice(run, 1, count + 1) if isinstance(one, Frame)]


def test_few_samples() -> None:
    spec = Regularization(n_train=50, batch_size=16, steps=100, depth=2, width=32, seeds=3)
    script, frames = loaded(spec), frames_of(regularization_lab.run(spec), 4)
    for v, variant in enumerate(REGULARIZED):
        for s, seed in enumerate(spec.seed_values):
            for frame, record in zip(frames, islice(script.errors(variant, seed), 4), strict=True):
                assert record[0] == frame.step
                assert record[2] == pytest.approx(frame.arrays["test_error"][v, s], abs=0.5)
                assert record[3] == pytest.approx(frame.arrays["train_error"][v, s], abs=2.1)


def test_sizes_of_a_batch() -> None:
    norms = ("batch", "batch_renorm", "layer", "group")
    spec = BatchSize(norms=norms, epochs=1, depth=2, width=32, seeds=1, lr=0.005)
    told = loaded(spec).main()
    *_, frame = frames_of(batch_size_lab.run(spec), 100)
    assert frame.step == spec.steps
    assert_sizes_agree(spec, told, frame)


FIRST = 2
"""Times that 32 samples are seen: with a batch of two that are 32 updates."""


@pytest.mark.parametrize("changes", ["statistics", "batch"])
@pytest.mark.parametrize("network", ["mlp", "cnn"])
@pytest.mark.parametrize("norms", [tuple(NORMS)[:6], tuple(NORMS)[6:]])
def test_the_first_steps_of_every_size(changes: str, network: str, norms: tuple[str, ...]) -> None:
    more = {"depth": 1, "width": 16} if network == "mlp" else {"depth": 1}
    spec = BatchSize(norms=norms, changes=changes, network=network, epochs=1, seeds=1, lr=0.005, **more)  # type: ignore[arg-type]
    script = loaded(spec, STEPS=FIRST)
    if "batch_renorm" in spec.variants:  # its limits follow the whole run, of which this is the beginning
        limits = script.set_limits
        script.set_limits = lambda net, step, steps: limits(net, step, steps // FIRST * spec.steps)
    told = script.main()
    # No frame later than that one is computed.
    frame = next(one for one in batch_size_lab.run(spec) if isinstance(one, Frame) and one.step == FIRST)
    assert_sizes_agree(spec, told, frame)


def assert_sizes_agree(spec: BatchSize, told: Any, frame: Frame) -> None:
    """Errors in percent, by norm and size."""
    for v, norm in enumerate(spec.variants):
        for z, size in enumerate(spec.sizes_of(norm)):
            place = z if len(spec.sizes_of(norm)) > 1 else -1
            # Batches of two amplify rounding.
            apart = 8.0 if size == 2 else 2.0
            assert told[norm][size] == pytest.approx(frame.arrays["error"][v, place], abs=apart), (norm, size)
    for a, norm in enumerate(spec.accumulated):
        errors = told[f"{norm}, gradients accumulated"][spec.micro_batch]
        assert errors == pytest.approx(frame.arrays["accumulated"][a, 0], abs=8.0)


def test_a_batch_of_one() -> None:
    spec = BatchSize(seed=3)
    found, gaps = loaded(spec, "one").main()
    theirs, _ = cases.outcomes(spec.seed)
    for c, (name, outcomes) in enumerate(found.items()):
        for m, outcome in enumerate(outcomes):
            assert np.isfinite(theirs[f"case_{outcome}"][m, c]), (name, recorded.CASES[c])
    assert len(found) == len(recorded.CASES)
    for name, column in (("gap_measured", 0), ("gap_formula", 1)):
        np.testing.assert_allclose(
            [one[column] for one in gaps.values()], cases.gap(spec.seed)[name], rtol=1e-4
        )


@pytest.mark.parametrize("norms", [tuple(FITTING[:5]), tuple(FITTING[5:])])
def test_looks_along_the_gradient(norms: tuple[str, ...]) -> None:
    spec = Landscape(norms=norms, depth=2, width=32, seeds=1, steps=20, every=2)
    script, frames = loaded(spec), frames_of(landscape_lab.run(spec), 5)
    for v, norm in enumerate(spec.norms):
        looks = {seed: list(islice(script.looks(norm, seed), 5)) for seed in spec.seed_values}
        for k, frame in enumerate(frames):
            for s, seed in enumerate(spec.seed_values):
                step, losses, changes = looks[seed][k]
                assert step == frame.step
                extent = max(losses[1:]) - min(losses[1:])
                assert extent == pytest.approx(frame.arrays["range"][v, s], rel=2e-3)
                assert max(changes[1:]) == pytest.approx(frame.arrays["change"][v, s], rel=2e-3)
            here = np.median([looks[seed][k][1][0] for seed in spec.seed_values])
            assert here == pytest.approx(frame.arrays["loss_here"][v], rel=1e-4)


def test_noise_behind_batch_norm() -> None:
    spec = NoisyBN(depth=2, width=32, seeds=2, steps=20, every=2, lr=0.05)
    script = loaded(spec)
    frames = [one for one in frames_of(noisy_lab.run(spec), 11) if "accuracy" in one.arrays]
    for v, variant in enumerate(VARIANTS):
        for s, seed in enumerate(spec.seed_values):
            for frame, record in zip(frames, islice(script.racing(variant, seed), len(frames)), strict=True):
                assert record[0] == frame.step
                assert record[2] == pytest.approx(frame.arrays["accuracy"][v, s], abs=0.005)
