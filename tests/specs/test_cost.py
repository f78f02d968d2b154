"""The spec Cost: what it leaves out, refuses and states."""

from __future__ import annotations

import numpy as np
import pytest

from normviz.catalog.norms import NORMS, reason
from normviz.frames import Frame, Recording
from normviz.player.costs import check_cost
from normviz.player.settings import Settings
from normviz.spec import SpecError
from normviz.specs.cost import NormCost


def test_norms_that_do_not_apply_are_left_out() -> None:
    assert NormCost().measured == tuple(NORMS)
    mlp = NormCost(network="mlp")
    assert mlp.measured == tuple(norm for norm in NORMS if not reason(norm, "mlp"))
    assert "frn" not in mlp.measured


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"depth": 16}, "depth"),
        ({"width": 128}, "width"),
        ({"network": "mlp", "norms": ("frn", "instance")}, "norms"),
        ({"norms": ("bacth",)}, "norms"),
        ({"rounds": 3}, "rounds"),
    ],
)
def test_what_does_not_work_is_named(changes: dict[str, object], field: str) -> None:
    with pytest.raises(SpecError) as refusal:
        NormCost(**changes)  # type: ignore[arg-type]
    assert refusal.value.field == field


def test_the_largest_one_that_can_be_asked_is_allowed_or_refused_by_its_cost() -> None:
    check_cost(NormCost(), Settings())
    once = NormCost().cost().multiply_adds / 61
    assert NormCost(rounds=400).cost().multiply_adds == pytest.approx(401 * once)
    assert NormCost(part="step").cost().multiply_adds > NormCost().cost().multiply_adds


def test_the_summary_is_the_last_frame() -> None:
    spec = NormCost(norms=("none", "batch"))
    schema = spec.schema()
    frames = [
        Frame(
            done,
            {
                "ratio": np.array([[1.0], [done]], "<f4"),
                "quartiles": np.array([[0.9, 1.1], [1.0, 4.0]], "<f4"),
                "microseconds": np.array([[100.0], [100.0 * done]], "<f4"),
            },
        )
        for done in (1, 2, 3)
    ]
    told = spec.summary(Recording(schema, [schema.encode(frame) for frame in frames]))
    assert told["rounds"] == 3
    assert told["norms"]["batch"] == {"ratio": 3.0, "quartiles": [1.0, 4.0], "microseconds": 300.0}
