"""Anatomy's numbers from the lab: each stage against its formula, gradients against finite differences."""

from __future__ import annotations

import numpy as np
import pytest

from normviz.catalog.norms import NORMS, reason
from normviz.frames import Frame, Recording, Schema
from normviz.lab.experiments.anatomy_numbers import applied, given, learned, made, run
from normviz.spec import SpecError
from normviz.specs.anatomy import BETA, GAMMA, LIMITS, SHAPES, Anatomy

LAYOUTS = {"1d": "mlp", "2d": "cnn", "sequence": "sequence"}
CASES = [
    Anatomy(norm=norm, form=form, mode=mode, axes=axes, cell=9)
    for norm in NORMS
    for form in SHAPES
    if not reason(norm, LAYOUTS[form])
    for mode in ("train", "eval")
    for axes in (("chw", "c") if norm in ("layer", "rms") and form == "2d" else ("chw",))
]


def recorded(spec: Anatomy) -> Recording:
    schema, frame = run(spec)
    assert isinstance(schema, Schema)
    assert isinstance(frame, Frame)
    return Recording(schema, [schema.encode(frame)])


def case_name(spec: Anatomy) -> str:
    return f"{spec.norm}-{spec.form}-{spec.mode}-{spec.axes}"


@pytest.mark.parametrize("spec", CASES, ids=case_name)
class TestEveryNorm:
    def test_the_stages_follow_from_one_another(self, spec: Anatomy) -> None:
        told = recorded(spec)
        x, xhat, mean, variance = (told.at(name) for name in ("x", "xhat", "mean", "variance"))
        eps = NORMS[spec.norm].options.get("eps", 0.0)
        eps = np.finfo(np.float32).eps if eps is None else eps
        if spec.norm == "weight_standardization":
            eps = 1e-6
        if spec.norm == "dyt":
            expected = np.tanh(0.5 * x)
        elif spec.norm == "none":
            expected = x
        else:
            expected = (x - mean) / np.sqrt(variance + eps)
        if spec.norm == "batch_renorm" and spec.mode == "train":
            r_max, d_max = LIMITS[spec.limits]
            kept = [
                _by_channel(told.at(f"running_{name}")[0], spec) for name in ("mean", "var")
            ]  # before the update
            r = np.clip(np.sqrt((variance + eps) / (kept[1] + eps)), 1 / r_max, r_max)
            d = np.clip((mean - kept[0]) / np.sqrt(kept[1] + eps), -d_max, d_max)
            expected = expected * r + d
        np.testing.assert_allclose(xhat, expected, rtol=2e-6, atol=1e-7)

    def test_the_gradient_is_the_slope(self, spec: Anatomy) -> None:
        told = recorded(spec)
        x = given(spec)
        norm = learned(made(spec), spec)
        norm.update_statistics = False
        slope = np.zeros(spec.cells)
        for i in range(spec.cells):
            ends = []
            for step in (1e-6, -1e-6):
                pushed = x.clone()
                pushed.view(-1)[i] += step
                ends.append(applied(norm, spec, pushed).flatten()[spec.chosen].item())
            slope[i] = (ends[0] - ends[1]) / 2e-6
        if spec.norm == "batch_renorm" and spec.mode == "train":
            return  # r and d carry no gradient: its backward pass is not the slope, on purpose
        np.testing.assert_allclose(told.at("dx"), slope, atol=2e-5)
        moved = np.abs(slope) > 1e-7
        assert not (moved & (told.at("group") == 0)).any()


def _by_channel(values: np.ndarray, spec: Anatomy) -> np.ndarray:
    wide = values.reshape(-1, *[1] * (len(spec.shape) - 2))
    return np.broadcast_to(wide, spec.shape).ravel()


def test_gamma_and_beta_are_the_pages() -> None:
    told = recorded(Anatomy(form="2d"))
    xhat, y = (told.at(name).reshape(SHAPES["2d"]) for name in ("xhat", "y"))
    for c in range(4):
        np.testing.assert_allclose(y[:, c], GAMMA[c] * xhat[:, c] + BETA[c], atol=1e-12)


def test_the_running_update_is_torchs() -> None:
    spec = Anatomy()
    told, summary = recorded(spec), spec.summary(recorded(spec))
    x = told.at("x").reshape(SHAPES["2d"])
    before, after = told.at("running_var")
    np.testing.assert_allclose(after, 0.9 * before + 0.1 * x.var((0, 2, 3), ddof=1), rtol=1e-12)
    channel = spec.chosen // 16 % 4
    assert summary["running_var"] == {"before": before[channel], "after": after[channel]}
    assert summary["group"] == 64
    assert summary["mean"] == pytest.approx(x[:, channel].mean())


def test_what_does_not_apply_is_refused_in_words() -> None:
    with pytest.raises(SpecError, match="belongs to convolutions"):
        list(run(Anatomy(norm="frn", form="1d")))
    with pytest.raises(SpecError, match="more than 1 value"):
        list(run(Anatomy(norm="ghost_batch", form="1d", ghost=1)))


def test_the_same_spec_gives_the_same_bytes() -> None:
    assert recorded(Anatomy(norm="group")).data(0) == recorded(Anatomy(norm="group")).data(0)


def test_dragged_cells_and_moved_parameters() -> None:
    spec = Anatomy(form="1d", cell=5, dragged="5=4.5,0=-2", gamma="1=2.5", beta="1=-1")
    told, before = recorded(spec), recorded(spec.replace(dragged="", gamma="", beta=""))
    x = before.at("x").copy()
    x[[5, 0]] = 4.5, -2
    np.testing.assert_array_equal(told.at("x"), x)
    channel = x.reshape(4, 4)[:, 1]
    xhat = (4.5 - channel.mean()) / np.sqrt(channel.var() + 1e-5)
    assert told.at("y")[5] == pytest.approx(2.5 * xhat - 1, abs=1e-9)
    assert told.at("y")[6] == pytest.approx(before.at("y")[6])


def test_the_length_of_a_filter_stays_while_its_weights_are_dragged() -> None:
    moved = recorded(Anatomy(norm="weight_norm", cell=9, dragged="9=3", gamma="2=6"))
    y, before = (
        moved.at("y").reshape(4, 9),
        recorded(Anatomy(norm="weight_norm", cell=9)).at("x").reshape(4, 9),
    )
    assert np.linalg.norm(y[1]) == pytest.approx(np.linalg.norm(before[1]))
    assert np.linalg.norm(y[2]) == pytest.approx(6)


@pytest.mark.parametrize("spec", CASES, ids=case_name)
def test_every_parameter_can_be_moved(spec: Anatomy) -> None:
    """The spec's count of them is that of the lab's norm."""
    last = spec.parameters - 1
    norm = learned(made(spec), spec)
    held = getattr(norm, "g" if spec.norm == "weight_norm" else "gamma", None)
    if held is not None and not (spec.on_weights and spec.norm != "weight_norm"):
        assert held.numel() == spec.parameters
    assert spec.replace(gamma=f"{last}=1.5").moved["gamma"] == {last: 1.5}
    with pytest.raises(SpecError, match=f"from 0 to {last} "):
        spec.replace(gamma=f"{last + 1}=1.5")
