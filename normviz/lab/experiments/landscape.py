"""Landscape: train all members, and every few steps look along the gradient from where they stand.

A look takes the batch that is trained on next, walks from the weights against its gradient, and measures loss
and gradient of the same batch there; then the training goes on from the weights as they were, bit for bit as
if nobody had looked.

Legend: V variants (norms), S seeds, M = V·S members, A places on the line (the first is here).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from normviz.frames import Frame, Schema
from normviz.lab.engine import Member, Plan, Stack
from normviz.lab.engine.lines import along_the_gradient
from normviz.lab.experiments.landscape_notes import Notes
from normviz.lab.experiments.seeds import over_seeds
from normviz.specs import landscape_frames as recorded
from normviz.specs.landscape import Landscape

Arrays = dict[str, NDArray[Any]]


def run(spec: Landscape) -> Iterator[Schema | Frame]:
    """Train all members of ``spec`` and look along their gradients."""
    yield spec.schema()
    torch.set_num_threads(1)
    networks, notes = stack(spec), Notes(spec)
    sums = np.zeros((len(spec.norms), spec.seeds))
    for step in spec.looks:
        arrays = look(spec, networks)
        sums += arrays["smoothness"]
        if step == 0:
            arrays["places"] = np.array(spec.places, "<f4")
        if step == spec.looks[-1]:
            arrays |= ended(spec, sums / len(spec.looks))
        yield Frame(step, arrays, notes.at(step, arrays))
        networks.step(min(spec.every, spec.steps - step))


def ended(spec: Landscape, means_VS: NDArray[np.float64]) -> Arrays:
    """The effective smoothness over all looks, median over the seeds, and how it compares with no norm.

    NaN where no seed was alive until the end, and in the comparison where there is nothing to compare with.
    """
    means_V = over_seeds(np.median, means_VS, np.isfinite(means_VS)).astype(np.float64)
    plain = means_V[spec.norms.index("none")] if "none" in spec.norms else np.nan
    ratio = plain / means_V
    place = np.where(np.isfinite(ratio), np.searchsorted(recorded.SMOOTHER, ratio, side="right"), np.nan)
    told = {"ended": means_V, "smoother": ratio, "smoother_place": place}
    return {name: values.astype("<f4") for name, values in told.items()}


def stack(spec: Landscape) -> Stack:
    """The members of a spec, variant by variant."""
    plan = Plan(
        depth=spec.depth, width=spec.width, activation=spec.activation, options=spec.norm_options
    )  # fmt: skip
    members = [Member(norm, seed, spec.lr, spec.gain) for norm in spec.norms for seed in spec.seed_values]
    return Stack(plan, members, batch_size=spec.batch_size)


def look(spec: Landscape, networks: Stack) -> Arrays:
    """One look along every member's gradient."""
    shape = len(spec.norms), spec.seeds
    seen = along_the_gradient(networks, spec.places)
    losses_AVS, changes_AVS = (seen[name].reshape(-1, *shape) for name in ("loss", "change"))
    diverged_at = networks.diverged_at.reshape(shape)
    alive = (diverged_at < 0) & np.isfinite(losses_AVS).all(0) & np.isfinite(changes_AVS).all(0)
    there_AVS, changed_AVS = losses_AVS[1:], changes_AVS[1:]  # without the place where it stands
    # The way to a place is a·lr·‖∇L‖ long, and the change is given in units of ‖∇L‖.
    ways_A = np.array(spec.places[1:]) * spec.lr
    by_member = {
        "range": there_AVS.max(0) - there_AVS.min(0),
        "change": changed_AVS.max(0),
        "smoothness": (changed_AVS / ways_A[:, None, None]).max(0),
    }
    arrays: Arrays = {
        "line_loss": np.where(alive[:, 0], losses_AVS[:, :, 0], np.nan).T.astype("<f4"),
        # A logarithmic axis has no zero, which is the change at the place where it stands.
        "line_change": np.where(
            alive[:, 0] & (changes_AVS[:, :, 0] > 0), changes_AVS[:, :, 0], np.nan
        ).T.astype("<f4"),
        "loss_here": over_seeds(np.median, losses_AVS[recorded.HERE], alive),
        "diverged_at": np.where(diverged_at >= 0, diverged_at, np.nan).astype("<f4"),
    }
    for name, values_AVS in (("loss", there_AVS), ("change", changed_AVS)):
        arrays[f"{name}_low"] = over_seeds(np.median, values_AVS.min(0), alive)
        arrays[f"{name}_high"] = over_seeds(np.median, values_AVS.max(0), alive)
    for name, values_VS in by_member.items():
        arrays[name] = np.where(alive, values_VS, np.nan).astype("<f4")
        for end, function in (("median", np.median), ("least", np.min), ("most", np.max)):
            arrays[f"{name}_{end}"] = over_seeds(function, values_VS, alive)
    return arrays
