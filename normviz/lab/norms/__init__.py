"""The normalization layers of a stack of E members, x [E, N, C, *spatial].

    norm = build("batch", members=6, channels=64, momentum=0.01)
    norm(x)                  # [6, N, 64] -> [6, N, 64], each member normalized as if it were alone
    norm.statistics()        # {"running_mean": [6, 64], "running_var": [6, 64]}

The first argument of each class is the number of members; the others have torch's names, order and
defaults.  Layer and RMS norm normalize trailing dimensions as in torch, all others have the channels in
dimension 2.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from normviz.catalog.norms import NORMS
from normviz.lab.named import named
from normviz.lab.norms.base import Identity, Norm
from normviz.lab.norms.batch import BatchNorm, BatchRenorm, GhostBatchNorm, renorm_limits
from normviz.lab.norms.noise import Disturbance, Noise, Noisy
from normviz.lab.norms.pointwise import DyT
from normviz.lab.norms.sample import FRN, GroupNorm, InstanceNorm, LayerNorm, RMSNorm
from normviz.lab.norms.weights import WeightNorm, WeightStandardization

__all__ = [
    "FRN",
    "BatchNorm",
    "BatchRenorm",
    "Disturbance",
    "DyT",
    "GhostBatchNorm",
    "GroupNorm",
    "Identity",
    "InstanceNorm",
    "LayerNorm",
    "Noise",
    "Noisy",
    "Norm",
    "RMSNorm",
    "WeightNorm",
    "WeightStandardization",
    "build",
    "options_of",
    "renorm_limits",
]


def build(name: str, members: int, channels: int, spatial: tuple[int, ...] = (), **options: Any) -> Norm:
    """The norm of a layer, by its name in the catalog, with the options that the catalog lists for it.

    ``spatial``: the picture (H, W) or the sequence (T,) that the norm sees; () in an MLP, and for layer and
    RMS norm of each step of a sequence.

    Raises:
        UnknownNormError: there is no such norm.
        ValueError: the norm does not read an option, does not apply, or cannot divide the channels.
    """
    chosen = options_of(name, options)
    norm = named(NORMS[name].layer).of(members, channels, tuple(spatial), **chosen)
    assert isinstance(norm, Norm)
    return norm


def options_of(name: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """The options of a norm: those that are given, else the catalog's.

    Raises:
        UnknownNormError: there is no such norm.
        ValueError: the norm does not read an option.
    """
    fact = NORMS[name]
    unknown = sorted(given.keys() - fact.options.keys())
    if unknown:
        known = ", ".join(fact.options) or "none"
        raise ValueError(f"{fact.label} does not read {', '.join(unknown)}. Its options are: {known}.")
    return {**fact.options, **given}
