"""Sequences: the exported script trains the lab's networks, and sees what moves their answers."""

from __future__ import annotations

from itertools import islice
from typing import Any

import numpy as np
import pytest

from normviz.frames import Frame
from normviz.lab.experiments import sequences as sequences_lab
from normviz.specs import sequences_frames as recorded
from normviz.specs.sequences import Sequences
from tests.export.exported import loaded


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
    spec = Sequences(norms=("none", "batch", "layer"), width=16, steps=50, seeds=1, deepest=8, **more)
    script = loaded(spec)
    course = sequences_lab.Course(spec, sequences_lab.Tables(spec.schema()))
    for norm in spec.norms:  # untrained: nothing amplifies rounding
        x = script.batch_of(spec.seed)
        looks = {
            name: script.medians([one])
            for name, one in script.look(script.network(norm, spec.seed), x).items()
        }
        own, mates, padded, gap = looks.values()
        v = spec.norms.index(norm)
        leak_own, leak_mates = sequences_lab.measurements.leaks(spec, course.stack, course.batch)
        np.testing.assert_allclose(own, leak_own[v], rtol=2e-3, atol=1e-6)
        np.testing.assert_allclose(mates, leak_mates[v], rtol=2e-3, atol=1e-6)
        theirs = sequences_lab.measurements.padding(spec, course.stack, course.batch)
        np.testing.assert_allclose(padded, theirs[0 if spec.masked else 1, v], rtol=2e-3, atol=1e-6)
        theirs = sequences_lab.measurements.gap(spec, course.stack, course.batch)
        np.testing.assert_allclose(gap, theirs[v], rtol=2e-3, atol=1e-6)
    frames = [one for one in islice(sequences_lab.run(spec), 1, 12) if isinstance(one, Frame)]
    losses = {one.step: one.arrays["loss"][:, 0] for one in frames if "loss" in one.arrays}
    for v, norm in enumerate(spec.norms):
        records = list(islice(script.training_of(script.network(norm, spec.seed), spec.seed), 2))
        assert records[1][0] == recorded.EVERY
        assert records[1][1] == pytest.approx(losses[recorded.EVERY][v], rel=1e-3)


def test_it_prints(capsys: pytest.CaptureFixture[str]) -> None:
    spec = Sequences(norms=("batch", "layer"), network="rnn", width=16, steps=50, seeds=2)
    loaded(spec, STEPS=10).main()
    assert "of its batch-mates" in capsys.readouterr().out
