"""Scripts of runs whose norms have other settings hold the values, and measure what the lab measures."""

from __future__ import annotations

from itertools import islice
from typing import Any

import numpy as np
import pytest

from normviz.export import chapters
from normviz.frames import Frame
from normviz.lab.experiments import batch_size as batch_size_lab
from normviz.lab.experiments import landscape as landscape_lab
from normviz.lab.experiments import lr_init as map_lab
from normviz.lab.experiments import placement as placement_lab
from normviz.lab.experiments import scale as scale_lab
from normviz.lab.experiments import sequences as sequences_lab
from normviz.lab.experiments import signal as signal_lab
from normviz.lab.experiments.forgotten_eval import run as forgotten_eval
from normviz.specs import EXPERIMENTS, sequences_frames
from normviz.specs import batch_size_frames as sizes
from normviz.specs import forgotten_eval_frames as asked
from normviz.specs.batch_size import BatchSize
from normviz.specs.forgotten_eval import ForgottenEval
from normviz.specs.landscape import Landscape
from normviz.specs.lr_init import LrInit
from normviz.specs.placement import Placement
from normviz.specs.placement_frames import PLACES
from normviz.specs.scale import Scale
from normviz.specs.sequences import Sequences
from normviz.specs.signal import Signal
from tests.export.exported import loaded

OTHER: dict[str, dict[str, Any]] = {
    "layer": {"eps": 0.1},
    "batch": {"eps": 0.1, "momentum": 0.4},
    "group": {"eps": 0.1, "groups": 8},
    "ghost_batch": {"eps": 0.1, "momentum": 0.02, "ghost_size": 8},
    "batch_renorm": {"eps": 0.01, "momentum": 0.3, "r_max": 1.2, "d_max": 0.3, "warm_up": 0.01},
}
"""For each norm, values that are not the defaults."""


def own(kind: Any, norm: str) -> dict[str, Any]:
    """Those of them that an experiment has."""
    known = {name for name, _, _ in kind.knobs()}
    return {name: value for name, value in OTHER[norm].items() if name in known}


def frames_of(run: Any) -> Any:
    return (one for one in run if isinstance(one, Frame))


@pytest.mark.parametrize("norm", list(OTHER))
@pytest.mark.parametrize(
    "name",
    [
        "train", "placement", "forgotten_eval", "batch_size", "signal", "landscape", "scale", "lr_init",
        "sequences",
    ],
)  # fmt: skip
def test_scripts_hold_the_values(name: str, norm: str) -> None:
    kind = EXPERIMENTS[name]
    more: dict[str, Any] = {"norm": norm} if name == "forgotten_eval" else {"norms": (norm,)}
    spec = kind(**more, **own(kind, norm), **({"changes": "batch"} if name == "batch_size" else {}))
    told: dict[str, set[Any]] = {}
    for chapter in chapters(spec):
        script = loaded(spec, chapter)
        untrained = (name, chapter) == ("sequences", "depth")  # there batch renormalization is batch norm
        for field in own(kind, norm):
            if hasattr(script, field.upper()) and not (untrained and field in ("r_max", "d_max")):
                told.setdefault(field, set()).add(getattr(script, field.upper()))
    assert told == {field: {value} for field, value in own(kind, norm).items()}


@pytest.mark.parametrize("norm", list(OTHER))
def test_both_places(norm: str) -> None:
    spec = Placement(norms=(norm,), depth=2, width=32, seeds=2, steps=50, every=5, **own(Placement, norm))
    frames = list(islice(frames_of(placement_lab.run(spec)), 3))

    def apart(script: Any) -> float:
        """The greatest difference in accuracy."""
        return max(
            abs(accuracy - frame.arrays["test_accuracy"][0, p, s])
            for p, place in enumerate(PLACES)
            for s, seed in enumerate(spec.seed_values)
            for (_, _, accuracy), frame in zip(
                islice(script.training(norm, seed, placement=place), 3), frames, strict=True
            )
        )

    assert apart(loaded(spec)) < 0.005
    assert apart(loaded(Placement(norms=(norm,), depth=2, width=32, seeds=2, steps=50, every=5))) > 0.01


@pytest.mark.parametrize("norm", ["group", "batch_renorm"])
def test_a_map(norm: str) -> None:
    spec = LrInit(norms=(norm,), depth=1, grid=5, steps=50, **own(LrInit, norm))
    told = loaded(spec).main()
    *_, frame = frames_of(map_lab.run(spec, workers=1))
    apart = np.abs(np.array(told[norm]) - frame.arrays["test_accuracy"][0])
    assert np.nanmedian(apart) < 0.01
    assert np.nanmax(apart) < 0.2


@pytest.mark.parametrize("changes", ["statistics", "batch"])
def test_sizes_of_a_batch(changes: str) -> None:
    more: dict[str, Any] = {"eps": 0.1, "momentum": 0.3, "groups": 8, "ghost_size": 2}
    more |= {"r_max": 1.2, "d_max": 0.3, "warm_up": 0.02, "micro_batch": 0}
    norms = ("batch_renorm", "ghost_batch", "group") if changes == "batch" else ("batch", "batch_renorm")
    spec = BatchSize(norms=norms, changes=changes, epochs=1, depth=1, width=32, seeds=1, lr=0.02, **more)
    told = loaded(spec).main()
    *_, frame = frames_of(batch_size_lab.run(spec, workers=1))
    for v, norm in enumerate(spec.variants):
        for size in spec.sizes_of(norm):
            theirs = frame.arrays["error"][v, sizes.SIZES.index(size)]
            assert told[norm][size] == pytest.approx(theirs, abs=3.0 if size == 2 else 1.0), (norm, size)


@pytest.mark.parametrize("norm", ["batch", "ghost_batch", "batch_renorm"])
def test_forgotten_eval(norm: str) -> None:
    more = {**own(ForgottenEval, norm), "groups": 8}
    spec = ForgottenEval(norm=norm, epochs=1, width=32, seeds=1, batch_size=64, depth=2, **more)
    usual = ForgottenEval(norm=norm, epochs=1, width=32, seeds=1, batch_size=64, depth=2)
    theirs: dict[str, Any] = {}
    for frame in frames_of(forgotten_eval(spec)):
        theirs |= frame.arrays
    mine, default = loaded(spec).main(), loaded(usual).main()
    apart = []
    for i, size in enumerate(asked.BATCH_SIZES):
        name = f"training mode, batches of {size}"
        assert mine[0][name] == pytest.approx(theirs["shuffled"][0, i], abs=1.0, nan_ok=True)
        apart.append(abs(default[0][name] - mine[0][name]))
    assert np.nanmax(apart) > 2.0
    mine = loaded(spec, "repairs").main()
    for i, size in enumerate(asked.SORTED_SIZES):
        found = [one[f"after a sorted pass in batches of {size}"] for one in mine]
        assert found == pytest.approx(list(theirs["after_sorted"][:, i]), abs=1.0)
    for o, other in enumerate(spec.others):
        found = [one[f"{other} norm, training mode, batches of 32"] for one in mine]
        told = theirs["other_shuffled"][:, o, asked.BATCH_SIZES.index(32)]
        assert found == pytest.approx(list(told), abs=1.0)
    mine = loaded(spec, "opposites").main()
    for m, mode in enumerate(asked.TRAINED_IN):
        for r, rate in enumerate(asked.RATES):
            for p, step in enumerate(spec.opposite_steps):
                found = [one[f"norm in {mode} mode, lr {rate * spec.lr:g}, step {step}"] for one in mine]
                assert found == pytest.approx(list(theirs["opposite"][:, m, r, p]), abs=1.0)


@pytest.mark.parametrize("norm", ["batch", "group", "layer", "ghost_batch"])
def test_signal_and_landscape(norm: str) -> None:
    spec = Signal(norms=(norm,), depth=4, width=32, seeds=1, **own(Signal, norm) | {"eps": 0.3})
    told = loaded(spec).main()
    *_, frame = frames_of(signal_lab.run(spec))
    for name, by_norm in told.items():
        np.testing.assert_allclose(by_norm[norm], frame.arrays[name][0], rtol=1e-3, atol=1e-5, err_msg=name)
    look = Landscape(norms=(norm,), depth=2, width=32, seeds=1, steps=20, every=2, **own(Landscape, norm))
    script = loaded(look)
    frames = islice(frames_of(landscape_lab.run(look)), 5)
    for (_, losses, changes), frame in zip(islice(script.looks(norm, 0), 5), frames, strict=True):
        assert losses[0] == pytest.approx(frame.arrays["loss_here"][0], rel=1e-4)
        assert max(changes[1:]) == pytest.approx(frame.arrays["change"][0, 0], rel=2e-3)
    scaled = Scale(norms=(norm,), steps=10, layer=2, width=32, **own(Scale, norm))
    first = next(frames_of(scale_lab.run(scaled)))
    told = loaded(scaled).main()[norm]
    np.testing.assert_allclose(told["loss"], first.arrays["loss"][0], rtol=2e-3)


@pytest.mark.parametrize("network", ["transformer", "rnn", "gru"])
def test_sequences(network: str) -> None:
    norms = ("batch", "group", "rms") if network == "transformer" else ("batch", "layer", "rms")
    more: dict[str, Any] = {"eps": 0.1, "momentum": 0.5, "groups": 2}
    spec = Sequences(
        norms=norms, network=network, depth=1, width=16, steps=50, seeds=1, deepest=8, deep_width=16, **more
    )
    script = loaded(spec)
    course = sequences_lab.Course(spec, sequences_lab.Tables(spec.schema()))
    losses, accuracies = [], []
    for frame in course.training():
        losses += [frame.arrays["loss"]] if "loss" in frame.arrays else []
        accuracies += [frame.arrays["accuracy"]] if "accuracy" in frame.arrays else []
        if losses and accuracies:  # the first ones are compared
            break
    for v, norm in enumerate(norms):
        net = script.network(norm, spec.seed)
        records = list(islice(script.training_of(net, spec.seed), 3))
        assert records[1][0] == sequences_frames.EVERY
        assert records[1][1] == pytest.approx(losses[0][v, 0], rel=1e-3), norm
        assert records[0][2] == pytest.approx(accuracies[0][v, 0], abs=0.011), norm
    told = loaded(spec, "depth").main()
    for (norm, place, depth), by_seed in told.items():
        theirs = sequences_lab.measurements.deep_gradients(spec, norm, place, depth)
        np.testing.assert_allclose(by_seed[0], theirs[:, 0], rtol=2e-3, err_msg=f"{norm} {place} {depth}")
