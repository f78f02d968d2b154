"""The time per step on Train: of the very race that is shown, whichever it is."""

from __future__ import annotations

import pytest

from normviz.catalog.sequences import ALL_NETWORKS
from normviz.specs.step_cost import StepCost
from normviz.specs.train import Train
from tests.ui.sites import IdlePlayer, visit

TIMED = "Timed is one training step"


@pytest.mark.usefixtures("sent")
@pytest.mark.parametrize("network", ALL_NETWORKS)
def test_the_step_of_the_race_on_the_page_is_timed(idle: IdlePlayer, network: str) -> None:
    race = Train(
        **{
            **Train.suited(network), "network": network, "norms": ("none", "batch", "rms"), "batch_size": 32,
            "optimizer": "momentum", "seeds": 2, "eps": 1e-3, "dropout": 0.1,
        }
    )  # fmt: skip
    app = visit("train", time="true", **race.to_query())
    assert idle.opened == [race, StepCost.of_step(race)]
    (said,) = (caption.value for caption in app.caption if caption.value.startswith(TIMED))
    parts = (race.net.label, race.data.label, f"depth {race.depth}", f"width {race.first_width}")
    for part in (*parts, "batch size 32", "SGD with momentum 0.9", "2 seeds at once"):
        assert part in said


@pytest.mark.usefixtures("sent")
def test_nothing_is_timed_unless_it_is_asked_for(idle: IdlePlayer) -> None:
    app = visit("train")
    assert idle.opened == [Train()]
    assert not [caption for caption in app.caption if caption.value.startswith(TIMED)]
