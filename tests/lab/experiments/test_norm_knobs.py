"""The settings of the norms: each changes what its norms show, and nothing else, in every experiment."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache, partial
from typing import Any

import numpy as np
import pytest

from normviz.frames import Frame, Schema
from normviz.lab.experiments import (
    batch_size,
    forgotten_eval,
    landscape,
    lr_init,
    placement,
    scale,
    sequences,
    signal,
    train,
)
from normviz.spec import Spec, Value
from normviz.specs import EXPERIMENTS

Run = Callable[[Any], Iterator[Schema | Frame]]

OTHER: dict[str, tuple[str, Value]] = {
    "eps": ("layer", 0.1),
    "momentum": ("batch", 0.5),
    "groups": ("group", 2),
    "ghost_size": ("ghost_batch", 8),
    "r_max": ("batch_renorm", 1.0),
    "d_max": ("batch_renorm", 0.0),
    "warm_up": ("batch_renorm", 0.0),
}
"""For each setting a norm that reads it, and another value than the default."""

SMALL: dict[str, tuple[Run, dict[str, Value]]] = {
    "train": (train.run, {"depth": 1, "width": 16, "steps": 50, "seeds": 1, "every": 25}),
    "placement": (placement.run, {"depth": 1, "width": 16, "steps": 50, "seeds": 2, "every": 25}),
    "forgotten_eval": (
        forgotten_eval.run,
        {"depth": 1, "width": 16, "epochs": 1, "seeds": 1, "batch_size": 64, "deploy_batch": 16},
    ),
    "batch_size": (
        partial(batch_size.run, workers=1),
        {"changes": "batch", "depth": 1, "width": 16, "epochs": 1, "seeds": 1, "micro_batch": 0},
    ),
    "signal": (signal.run, {"depth": 2, "width": 16, "seeds": 1, "groups": 4, "ghost_size": 16}),
    "landscape": (landscape.run, {"depth": 1, "width": 16, "steps": 20, "seeds": 1, "every": 10}),
    "scale": (scale.run, {"depth": 1, "width": 16}),
    "lr_init": (partial(lr_init.run, workers=1), {"depth": 1, "grid": 5, "steps": 50}),
    "sequences": (
        sequences.run,
        {
            "depth": 1,
            "width": 16,
            "steps": 50,
            "seeds": 1,
            "deepest": 8,
            "deep_width": 16,
            "batch_size": 16,
            "ghost_size": 16,
        },
    ),
}
"""How each experiment with such settings is run, and small settings for it."""

CASES = [
    (name, field)
    for name, kind in EXPERIMENTS.items()
    for field in OTHER
    if name in SMALL and field in kind().values()
]


def spec_of(name: str, norm: str, **more: Value) -> Spec:
    """A small run of one norm."""
    kind, (_, small) = EXPERIMENTS[name], SMALL[name]
    own: dict[str, Any] = {"norm": norm} if "norm" in kind().values() else {"norms": (norm,)}
    return kind(**{**small, **own, **more})


@cache
def arrays_of(spec: Spec) -> list[dict[str, Any]]:
    """What every frame of a run holds."""
    run, _ = SMALL[spec.name]
    return [dict(one.arrays) for one in run(spec) if isinstance(one, Frame)]


def same(some: list[dict[str, Any]], others: list[dict[str, Any]]) -> bool:
    """Bit for bit."""
    return len(some) == len(others) and all(
        one.keys() == other.keys()
        and all(np.array_equal(one[name], other[name], equal_nan=True) for name in one)
        for one, other in zip(some, others, strict=True)
    )


def test_every_experiment_with_such_settings_is_tried() -> None:
    having = {name for name, kind in EXPERIMENTS.items() if OTHER.keys() & kind().values().keys()}
    assert having - {"anatomy"} == SMALL.keys()  # Anatomy computes in the browser


@pytest.mark.parametrize(("name", "field"), CASES)
def test_a_setting_changes_what_its_norm_shows(name: str, field: str) -> None:
    norm, value = OTHER[field]
    usual = spec_of(name, norm)
    assert getattr(usual, field) != value
    assert field not in usual.idle()
    assert not same(arrays_of(usual), arrays_of(usual.replace(**{field: value})))


@pytest.mark.parametrize("name", [name for name in SMALL if name != "placement"])
def test_a_setting_that_is_said_to_be_idle_changes_nothing(name: str) -> None:
    usual = spec_of(name, "none")
    idle = {field: value for field, (_, value) in OTHER.items() if field in usual.idle()}
    assert idle.keys() >= {"ghost_size"} & usual.values().keys()
    if name != "forgotten_eval":  # it trains layer and group norm beside
        assert idle.keys() == OTHER.keys() & usual.values().keys()
    assert same(arrays_of(usual), arrays_of(usual.replace(**idle)))


@pytest.mark.parametrize("field", ["ghost_size", "r_max", "d_max", "warm_up", "momentum", "groups"])
def test_in_placement_what_is_said_to_be_idle_changes_nothing(field: str) -> None:
    usual = spec_of("placement", "rms")  # without a norm there is nothing to place
    assert field in usual.idle()
    assert same(arrays_of(usual), arrays_of(usual.replace(**{field: OTHER[field][1]})))


def test_forgotten_eval_without_a_norm_shows_the_same_whatever_the_others_have() -> None:
    usual = spec_of("forgotten_eval", "none")
    told = [arrays_of(one) for one in (usual, usual.replace(eps=0.1, groups=2))]
    of_others = ("other_", "repair")
    own = [
        [{name: one for name, one in frame.items() if not name.startswith(of_others)} for frame in frames]
        for frames in told
    ]
    assert same(*own)
    assert not same(*told)


def test_the_limits_of_batch_renorm_grow_while_a_network_trains() -> None:
    """Those of a trained network are the final ones, however few steps it took."""
    spec = spec_of("forgotten_eval", "batch_renorm", warm_up=0.1)
    course = forgotten_eval.course.Course(spec, forgotten_eval.course.Tables(spec.schema()))
    (norm,) = course.stack.groups[0].net.norms
    limits = []
    for _ in course.training():
        limits.append((norm.r_max, norm.d_max))
    assert limits[0] < limits[-1] == (spec.r_max, spec.d_max)
