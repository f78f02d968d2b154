"""Scale: one layer's weights times k, for all k at once.

The networks of all norms are drawn from the same seed, trained for the chosen steps, and then copied once for
each k, as members of one stack that differ in nothing but the scale of that layer's weights.  What is
multiplied is the layer's whole linear map, weights and bias; where the norm acts on the weights themselves
(weight norm, weight standardization) it is their own parameter v.  The batch is the one that would be trained
on next, in train mode; running statistics stay.

Legend: V variants (norms), K scales, E = K members, R rows (units of the layer), F fan-in.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from normviz.frames import Frame, Schema
from normviz.lab import nets
from normviz.lab.engine import Member, Plan, Stack
from normviz.lab.engine.losses import cross_entropy
from normviz.lab.experiments.scale_notes import notes
from normviz.lab.nets import Net
from normviz.lab.norms import Norm
from normviz.specs import scale_frames as recorded
from normviz.specs.scale import Scale

Arrays = dict[str, NDArray[Any]]

_LEAST_REACH = 0.3
"""The axis of cosines reaches so far at least."""
_SPREAD = 0.6
"""Width of the column in which a variant's rows are drawn; the columns are 1 apart."""


def run(spec: Scale) -> Iterator[Schema | Frame]:
    """Drag the weights of ``spec`` from the smallest scale to the largest."""
    yield spec.schema()
    torch.set_num_threads(1)
    stack = trained(spec)
    seen = [dragged(spec, stack, v) for v in range(len(spec.norms))]
    whole = {name: np.stack([one[name] for one in seen]) for name in seen[0]}
    arrays = _constants(spec, whole)
    for i in range(len(recorded.SCALES)):
        arrays |= _here(whole, i)
        yield Frame(i, arrays, notes(spec, whole, i))
        arrays = {}


def trained(spec: Scale) -> Stack:
    """One member of each norm, after the training before."""
    plan = Plan(
        depth=spec.depth, width=spec.width, activation=spec.activation, options=spec.norm_options
    )  # fmt: skip
    stack = Stack(plan, [Member(norm, spec.seed, spec.lr) for norm in spec.norms], batch_size=spec.batch_size)
    stack.step(spec.steps)
    return stack


def dragged(spec: Scale, stack: Stack, v: int) -> Arrays:
    """What one norm shows at every scale: curves [K], cosines of the rows [K, R] and of the whole [K]."""
    net = copies(spec, stack, v)
    layer = net.blocks[spec.layer - 1].layer
    own = [layer.weight, layer.bias] if acts_on_activations(net) else [layer.weight]
    scales = torch.tensor(recorded.SCALES, device=stack.device)
    with torch.no_grad():
        for parameter in own:
            parameter.mul_(scales.view(-1, 1, 1))
    net.requires_grad_(False)
    for parameter in own:
        parameter.requires_grad_()
    x, y = (one[:1].expand(len(scales), *one.shape[1:]) for one in stack.next_batch())
    losses = cross_entropy(net(x), y)
    gradients = torch.autograd.grad(losses.sum(), own)
    # A row is a unit's weights and its bias.
    w_ERF, g_ERF = (
        torch.cat([one.detach() for one in tensors], 1).mT.cpu().double() for tensors in (own, gradients)
    )
    return _measured(spec, losses.detach().cpu().double(), w_ERF, g_ERF)


def _measured(spec: Scale, loss_E: torch.Tensor, w_ERF: torch.Tensor, g_ERF: torch.Tensor) -> Arrays:
    loss, middle = loss_E.numpy(), recorded.MIDDLE
    along_ER = (w_ERF * g_ERF).sum(2)
    w_ER, g_ER = w_ERF.norm(dim=2), g_ERF.norm(dim=2)
    w_E, g_E = w_ER.norm(dim=1), g_ER.norm(dim=1)
    with np.errstate(divide="ignore", invalid="ignore"):  # a dead unit has no gradient, and no angle with it
        return {
            "loss": loss,
            # A logarithmic axis has no zero.
            "change": np.where(loss == loss[middle], np.nan, np.abs(loss / loss[middle] - 1.0)),
            "gradient": (g_E / g_E[middle]).numpy(),
            "turn": (spec.lr * g_E / w_E).numpy(),
            "row_cosine": (along_ER / (w_ER * g_ER)).numpy(),
            "whole_cosine": (along_ER.sum(1) / (w_E * g_E)).numpy(),
        }


def copies(spec: Scale, stack: Stack, v: int) -> Net:
    """The network of variant v, once for each scale."""
    (group,) = [one for one in stack.groups if v in one.places]
    plan, norm = stack.plan, spec.norms[v]
    net = nets.build(
        plan.network,
        members=len(recorded.SCALES),
        shape=plan.shape,
        classes=plan.classes,
        depth=plan.depth,
        width=plan.width,
        norm=norm,
        activation=plan.activation,
        placement=plan.placement,
        options=group.options,
    ).to(stack.device)
    with torch.no_grad():
        for kind in ("named_parameters", "named_buffers"):
            for (_, own), (_, given) in zip(getattr(net, kind)(), getattr(group.net, kind)(), strict=True):
                own.copy_(given.expand_as(own))
    for one in net.norms:
        one.update_statistics = False
    return net


def acts_on_activations(net: Net) -> bool:
    """The norm leaves the weights alone."""
    return type(net.norms[0]).weight is Norm.weight


def _constants(spec: Scale, whole: Arrays) -> Arrays:
    columns = np.arange(len(spec.norms), dtype="f4")[:, None]
    arrays: Arrays = {
        "scales": np.array(recorded.SCALES, "<f4"),
        "row_places": (columns + np.linspace(-_SPREAD / 2, _SPREAD / 2, spec.width, dtype="f4")).astype(
            "<f4"
        ),
        "whole_places": columns.astype("<f4"),
    }
    rows = np.abs(whole["row_cosine"])
    reach = max(_LEAST_REACH, np.ceil(11 * np.nanmax(rows, initial=0.0)) / 10)
    arrays["span_cosine"] = np.array([-reach, reach], "<f4")
    arrays |= {name: whole[name].astype("<f4") for name in recorded.CURVES}
    arrays |= {f"span_{name}": span(whole[name]) for name in ("loss", "turn")}
    return arrays


def _here(whole: Arrays, i: int) -> Arrays:
    """What stands at one place of the drag."""
    arrays: Arrays = {
        "scale": np.array([recorded.SCALES[i]], "<f4"),
        "row_cosine": whole["row_cosine"][:, i].astype("<f4"),
        "whole_cosine": whole["whole_cosine"][:, i, None].astype("<f4"),
    }
    return arrays | {f"{name}_here": whole[name][:, i, None].astype("<f4") for name in recorded.CURVES}


def span(values: NDArray[Any]) -> NDArray[np.float32]:
    """Whole powers of ten around all values, and how many lie between two ticks: low, high, tick."""
    powers = np.log10(values[np.isfinite(values) & (values > 0)])
    if not powers.size:
        return np.array([-1, 1, 1], "<f4")
    low, high = np.floor(powers.min()), np.ceil(powers.max())
    return np.array([low, max(high, low + 1), max(1, np.ceil((high - low) / 8))], "<f4")
