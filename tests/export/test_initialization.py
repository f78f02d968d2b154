"""Signal and scale: the exported scripts measure what the lab measures."""

from __future__ import annotations

import numpy as np
import pytest

from normviz.catalog.norms import NORMS, reason
from normviz.frames import Frame
from normviz.lab.experiments import scale as scale_lab
from normviz.lab.experiments import signal as signal_lab
from normviz.specs.scale import Scale
from normviz.specs.signal import Signal
from tests.export.exported import loaded

FITTING = [norm for norm in NORMS if not reason(norm, "mlp")]


@pytest.mark.parametrize("norm", FITTING)
@pytest.mark.parametrize(
    "more", [{}, {"inputs": "gaussian", "activation": "tanh", "placement": "after", "gain": 1.5}]
)
def test_every_layer_of_the_signal(norm: str, more: dict[str, object]) -> None:
    spec = Signal(norms=("none", norm) if norm != "none" else ("none",), depth=6, width=32, seeds=2, **more)  # type: ignore[arg-type]
    told = loaded(spec).main()
    *_, frame = signal_lab.run(spec)
    assert isinstance(frame, Frame)
    for name, by_norm in told.items():
        for v, one in enumerate(spec.norms):
            np.testing.assert_allclose(
                by_norm[one], frame.arrays[name][v], rtol=1e-3, atol=1e-5, err_msg=name
            )


@pytest.mark.parametrize("norm", FITTING)
@pytest.mark.parametrize("steps", [0, 10])
def test_every_scale(norm: str, steps: int) -> None:
    spec = Scale(norms=(norm,), steps=steps, layer=2, width=32)
    told = loaded(spec).main()[norm]
    frames = [one for one in scale_lab.run(spec) if isinstance(one, Frame)]
    for name in ("loss", "gradient", "turn"):
        np.testing.assert_allclose(told[name], frames[0].arrays[name][0], rtol=2e-3, err_msg=name)
    cosines = [frame.arrays["whole_cosine"][0, 0] for frame in frames]
    np.testing.assert_allclose(told["cosine"], cosines, atol=2e-4)
