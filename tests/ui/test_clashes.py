"""Choices that do not go with the other settings, found once for all seeds."""

from __future__ import annotations

import pytest

from normviz.specs import EXPERIMENTS, experiment
from normviz.ui.exhibits import STAGED
from normviz.ui.widgets import _clashes


@pytest.mark.parametrize("name", sorted(STAGED & EXPERIMENTS.keys()))
def test_a_seed_clashes_with_no_choice(name: str) -> None:
    first, other = experiment(name)(), experiment(name)(seed=7)
    fields = [field for field, knob, _ in other.knobs() if knob.choices]
    found = {field: _told(other, field) for field in fields}
    assert found == {field: _told(first, field) for field in fields}


def test_what_does_not_go_together_is_found() -> None:
    train = experiment("train")(seed=7)
    assert any(_told(train, field) for field, knob, _ in train.knobs() if knob.choices)


def _told(spec, field: str) -> list[tuple[object, str]]:
    return [(choice, problem.sentence) for choice, problem in _clashes(spec, field)]
