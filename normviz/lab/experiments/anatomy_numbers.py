"""Anatomy's arithmetic by the lab's norms: the numbers that the page computes in the browser, in float64.

One frame: every stage of the shipped tensor under the norm of the spec, the group of the chosen cell, and the
gradient of that cell's output.

Legend: N samples, C channels, O filters, F their fan-in.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from math import prod
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from normviz.catalog.norms import NORMS, reason
from normviz.frames import Frame, Schema
from normviz.lab.experiments.anatomy import tensors
from normviz.lab.norms import LayerNorm, Norm, RMSNorm, build
from normviz.lab.norms.weights import WeightNorm
from normviz.spec import SpecError
from normviz.specs.anatomy import BETA, GAMMA, LIMITS, Anatomy

_LAYOUTS = {"1d": "mlp", "2d": "cnn", "sequence": "sequence"}
_WITHOUT_MEAN = ("rms", "frn")


def run(spec: Anatomy) -> Iterator[Schema | Frame]:
    """Take the norm of ``spec`` apart.

    Raises:
        SpecError: the norm does not apply to the form, or refuses the batch.
    """
    why = None if spec.on_weights else reason(spec.norm, _LAYOUTS[spec.form])
    if why:
        raise SpecError("Form", spec.form, "a form to which the norm applies", why, field="form")
    yield spec.schema()
    torch.set_num_threads(1)
    try:
        yield Frame(0, dissected(spec))
    except ValueError as refusal:  # in torch's words
        raise SpecError(
            "Ghost size", spec.ghost, "more than one value", f"{refusal}.", field="ghost"
        ) from None


def dissected(spec: Anatomy) -> dict[str, NDArray[Any]]:
    """Every array of the frame."""
    x = given(spec).requires_grad_()
    norm = learned(made(spec), spec)
    before = statistics(norm)
    y = applied(norm, spec, x)
    y.flatten()[spec.chosen].backward()  # type: ignore[no-untyped-call]
    assert x.grad is not None
    groups = group_of(spec)
    mean, variance = averages(spec, x.detach().flatten().numpy(), groups)
    if NORMS[spec.norm].running_statistics and spec.mode == "eval":
        mean, variance = (_by_channel(before[name], spec) for name in ("running_mean", "running_var"))
    arrays: dict[str, Any] = {
        "x": x.detach(), "y": y.detach(), "dx": x.grad, "xhat": applied(plain(made(spec)), spec, x.detach()),
    }  # fmt: skip
    told = {name: value.detach().flatten().numpy().astype("<f8") for name, value in arrays.items()}
    told |= {"mean": mean, "variance": variance}
    told["group"] = (groups == groups[spec.chosen]).astype("u1")
    if spec.updates:
        after = statistics(norm)
        told |= {name: np.stack((before[name], after[name])).astype("<f8") for name in before}
    return told


@cache
def _shipped() -> dict[str, Any]:
    return tensors()


def given(spec: Anatomy) -> Tensor:
    """What is on screen, in float64."""
    x = shipped(spec)
    for cell, value in spec.moved["dragged"].items():
        x.view(-1)[cell] = value
    return x


def shipped(spec: Anatomy) -> Tensor:
    """The same before anything was dragged."""
    held = _shipped()
    tensor = held["weights"] if spec.on_weights else held["forms"][spec.form]
    return torch.tensor(tensor["x"], dtype=torch.float64).view(spec.shape)


# --- the norm -------------------------------------------------------------------------------------------


def made(spec: Anatomy) -> Norm:
    """The lab's norm with the settings of ``spec`` and the running statistics that ship, one member."""
    channels, spatial = spec.shape[0 if spec.on_weights else 1], () if spec.on_weights else spec.shape[2:]
    options: dict[str, Any] = {}
    if spec.norm == "group":
        options["groups"] = spec.groups
    if spec.norm == "weight_standardization":
        options["groups"] = 1  # of the group norm behind it, which is not on screen
    if spec.norm == "ghost_batch":
        options["ghost_size"] = spec.ghost
    if spec.norm == "batch_renorm":
        options["r_max"], options["d_max"] = LIMITS[spec.limits]
    if spec.norm == "rms":  # torch's default is that of the dtype; the page's arithmetic is that of float32
        options["eps"] = float(np.finfo(np.float32).eps)
    if spec.by_position:
        kind = {"layer": LayerNorm, "rms": RMSNorm}[spec.norm]
        norm: Norm = kind(1, channels, options.get("eps", NORMS[spec.norm].options["eps"]))
    else:
        norm = build(spec.norm, 1, channels, spatial, **options)
    norm.double().train(spec.mode == "train")
    kept = _shipped()["forms"][spec.form]
    for name, value in norm.statistics().items():
        value.copy_(torch.tensor(kept[name], dtype=torch.float64))
    return norm


@torch.no_grad()
def learned(norm: Norm, spec: Anatomy) -> Norm:
    """The norm with γ and β as the page sets them; weight norm starts as the plain network."""
    if spec.on_weights:
        norm.init_from(shipped(spec)[None])
        if isinstance(norm, WeightNorm):
            _move(norm.g, spec.moved["gamma"])
        return norm
    for name, values in (("gamma", GAMMA), ("beta", BETA)):
        parameter = getattr(norm, name, None)
        if parameter is not None:
            each = torch.tensor(values, dtype=torch.float64).repeat_interleave(
                parameter.numel() // len(values)
            )
            parameter.copy_(each.view(parameter.shape))
            _move(parameter, spec.moved[name])
    return norm


def _move(parameter: Tensor, moved: Mapping[int, float]) -> None:
    for number, value in moved.items():
        parameter.view(-1)[number] = value


@torch.no_grad()
def plain(norm: Norm) -> Norm:
    """The norm with γ = 1 and β = 0 and no threshold: its output is x̂."""
    norm.update_statistics = False
    for name, value in (("gamma", 1.0), ("beta", 0.0), ("tau", -1e300), ("g", 1.0)):
        parameter = getattr(norm, name, None)
        if parameter is not None:
            parameter.fill_(value)
    return norm


def applied(norm: Norm, spec: Anatomy, x: Tensor) -> Tensor:
    """The norm's output for what is on screen."""
    if spec.on_weights:
        return norm.weight(x[None])[0]
    if spec.by_position:
        return norm(x.movedim(1, -1)[None])[0].movedim(-1, 1)  # type: ignore[no-any-return]
    return norm(x[None])[0]  # type: ignore[no-any-return]


def statistics(norm: Norm) -> dict[str, NDArray[np.float64]]:
    """Running statistics, a copy, [C] each."""
    return {name: value[0].numpy().copy() for name, value in norm.statistics().items()}


# --- who shares a mean ----------------------------------------------------------------------------------


def group_of(spec: Anatomy) -> NDArray[Any]:
    """The number of each cell's group, from the axes that the norm averages over, [cells]."""
    n, c, p = (one.ravel() for one in np.indices((*spec.shape[:2], prod(spec.shape[2:]))))
    alone = np.arange(spec.cells)
    keys: dict[str, Any] = {
        "batch": c,
        "batch_renorm": c,
        "ghost_batch": c + spec.shape[1] * (n // spec.ghost),
        "group": n * spec.groups + c * spec.groups // spec.shape[1],
        "instance": n * spec.shape[1] + c,
        "frn": n * spec.shape[1] + c,
        "weight_norm": n,
        "weight_standardization": n,
    }
    if spec.norm in ("layer", "rms"):
        each: NDArray[Any] = n * prod(spec.shape[2:]) + p if spec.by_position else n
        return each
    if NORMS[spec.norm].running_statistics and spec.mode == "eval":
        return alone
    return np.asarray(keys.get(spec.norm, alone))


def averages(
    spec: Anatomy, x: NDArray[np.float64], groups: NDArray[Any]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean and variance (or mean square, or for weight norm the sum of squares) of each cell's group."""
    mean, spread = np.zeros_like(x), np.ones_like(x)
    if spec.norm in ("none", "dyt"):
        return mean, spread
    for group in np.unique(groups):
        own = groups == group
        values = x[own]
        if spec.norm == "weight_norm":
            spread[own] = np.sum(values**2)
        elif spec.norm in _WITHOUT_MEAN:
            spread[own] = np.mean(values**2)
        else:
            mean[own], spread[own] = np.mean(values), np.var(values)
    return mean, spread


def _by_channel(values: NDArray[np.float64], spec: Anatomy) -> NDArray[np.float64]:
    """[C] spread over the cells."""
    wide = values.reshape(-1, *[1] * (len(spec.shape) - 2))
    return np.broadcast_to(wide, spec.shape).ravel().astype("<f8")
