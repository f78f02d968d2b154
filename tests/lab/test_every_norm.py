"""Every norm with every network of every experiment: it runs, or the visitor reads why it does not."""

from __future__ import annotations

from importlib import import_module
from itertools import islice
from typing import Any

import numpy as np
import pytest

from normviz.catalog.norms import NORMS
from normviz.frames import Frame
from normviz.spec import Spec, SpecError
from normviz.specs import EXPERIMENTS

SMALL: dict[str, Any] = {
    "depth": 3, "width": 16, "deep_width": 16, "deepest": 8, "groups": 2, "ghost_size": 4, "ghost": 2,
    "batch_size": 8, "seeds": 1, "steps": 50, "epochs": 1, "grid": 5, "every": 1, "members": 1,
    "micro_batch": 0, "rounds": 5, "samples": 8,
}  # fmt: skip
"""As far as an experiment has these fields and accepts these values."""


def made(kind: type[Spec], **chosen: Any) -> Spec:
    """A small spec with these choices.

    Raises:
        SpecError: the choices do not go together.
    """
    names = {name for name, _, _ in kind.knobs()}
    if kind.leader:
        chosen = {**kind.suited(chosen[kind.leader]), **chosen}
    spec = kind(**chosen)
    for name, value in SMALL.items():
        if name in names:
            try:
                spec = spec.replace(**{name: value})
            except SpecError:
                continue
    return spec


def attempted(kind: type[Spec], chosen: dict[str, Any]) -> list[Any] | SpecError:
    """The schema and the first two frames, or what the visitor is told instead."""
    try:
        spec = made(kind, **chosen)
        module, _, name = spec.runner.partition(":")
        return list(islice(getattr(import_module(module), name)(spec), 3))
    except SpecError as refused:
        return refused


def cases() -> list[Any]:
    """(experiment, network or none, norm), wherever a norm can be chosen."""
    found = []
    for kind in EXPERIMENTS.values():
        knobs = {name: knob for name, knob, _ in kind.knobs()}
        field = next((name for name in ("norms", "norm") if name in knobs), None)
        if field is None:
            continue
        axis = next((name for name in ("network", "form") if name in knobs), None)
        for place in knobs[axis].choices if axis else (None,):
            found += [
                pytest.param(kind, field, axis, place, norm, id=f"{kind.name}-{place}-{norm}")
                for norm in NORMS
            ]
    return found


@pytest.mark.parametrize(("kind", "field", "axis", "place", "norm"), cases())
def test_it_runs_or_says_why_not(kind: type[Spec], field: str, axis: str, place: Any, norm: str) -> None:
    knob = next(knob for name, knob, _ in kind.knobs() if name == field)
    assert norm in knob.choices  # what does not apply is offered, with its reason
    chosen = {field: (norm,) if knob.most else norm, **({axis: place} if axis else {})}
    found = attempted(kind, chosen)
    if isinstance(found, SpecError):
        assert found.field in (field, axis)
        assert found.remedy.endswith("."), found.sentence
        assert len(found.remedy) > 40, found.sentence
        assert "Did you mean" not in found.remedy
        return
    schema, *frames = found
    assert frames
    for frame in frames:
        assert isinstance(frame, Frame)
        assert schema.encode(frame)
        assert any(np.isfinite(values).any() for values in frame.arrays.values())
