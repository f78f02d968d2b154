"""Start: the exported script trains the page's network, and deals the digits as the page does."""

from __future__ import annotations

import numpy as np
import pytest

from normviz.lab.experiments import start as lab
from normviz.specs.start import TILES, Start
from tests.export.exported import loaded


@pytest.mark.parametrize(
    "more", [{}, {"shuffle": 3, "batch": 8, "swaps": "5-17,9-30"}, {"sorted": True, "batch": 16}]
)
def test_the_first_steps(more: dict[str, object]) -> None:
    spec = Start(**more)  # type: ignore[arg-type]
    told = loaded(spec, STEPS=10).main()
    stack = lab.Stack(lab.PLAN, [lab.Member("batch", 0, lr=0.05)], optimizer="momentum", batch_size=32)
    for _ in range(10):
        stack.step()
    theirs = lab.answers(stack, spec)
    assert (told["eval"].numpy() != theirs["answers.eval"][:TILES]).sum() <= 1
    assert (told["train"].numpy() != theirs["answers.train"]).sum() <= 1


def test_a_batch_of_one_raises_and_is_said_to(capsys: pytest.CaptureFixture[str]) -> None:
    told = loaded(Start(batch=1), STEPS=1).main()
    assert list(told) == ["eval"]
    assert "Expected more than 1 value per channel" in capsys.readouterr().out


@pytest.mark.slow
def test_the_whole_script_makes_the_network_that_ships() -> None:
    told, spec = loaded(Start()).main(), Start()
    theirs = lab.answers(lab.trained(0), spec)
    assert np.mean(told["eval"].numpy() != theirs["answers.eval"][:TILES]) < 0.05
    assert (
        np.mean(told["train"].numpy() != theirs["answers.train"]) < 0.25
    )  # batches of four amplify rounding
