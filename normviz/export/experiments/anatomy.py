"""The script of Anatomy."""

from __future__ import annotations

from typing import Any

from normviz.catalog.norms import NORMS, reason
from normviz.export.experiments.settings import options
from normviz.export.recipes import Code, ExportError, Recipe
from normviz.specs.anatomy import BETA, GAMMA, LIMITS, Anatomy

_LAYOUTS = {"1d": "mlp", "2d": "cnn", "sequence": "sequence"}
_MOVED = {"dragged": "dragged", "moved_gamma": "gamma", "moved_beta": "beta"}
_EPS_OF_RMS = 2.0**-23
"""torch's default is that of the dtype; the page's arithmetic is that of float32."""


def anatomy(spec: Anatomy) -> Recipe:
    """One norm on one small tensor.

    Raises:
        ExportError: the norm does not apply to the form.
    """
    why = None if spec.on_weights else reason(spec.norm, _LAYOUTS[spec.form])
    if why:
        raise ExportError(why)
    picture = spec.form == "2d"
    r_max, d_max = LIMITS[spec.limits]
    eps: dict[str, Any] = {"eps": _EPS_OF_RMS} if spec.norm == "rms" else {}
    settings = {
        **options(groups=spec.groups, ghost_size=spec.ghost, r_max=r_max, d_max=d_max, **eps),
        "NORM": spec.norm,
        "FORM": spec.form,
        "CELL": spec.chosen,
        "TRAIN": spec.mode == "train",
        "GAMMA": GAMMA,
        "BETA": BETA,
        **{name.upper(): dict(spec.moved[kind]) for name, kind in _MOVED.items()},
        "BY_POSITION": spec.by_position,
        "ON_WEIGHTS": spec.on_weights,
        "HAS_RUNNING": NORMS[spec.norm].running_statistics,
        "NETWORK": "",
        "BatchNorm": Code("nn.BatchNorm2d" if picture else "nn.BatchNorm1d"),
        "InstanceNorm": Code("nn.InstanceNorm2d" if picture else "nn.InstanceNorm1d"),
    }
    return Recipe(
        spec,
        shows=f"{NORMS[spec.norm].label} on one small tensor: {NORMS[spec.norm].axes}.",
        expects="The numbers are those on the page.",
        pieces=("norms", "anatomy"),
        settings=settings,
        choices={"norm": (spec.norm,)},
    )
