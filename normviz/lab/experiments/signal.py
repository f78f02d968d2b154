"""Signal: one batch forward and backward through deep networks as they are drawn, every layer looked at.

The networks of one seed have the same weights and see the same batch, whatever their norm.  Nothing is
trained and nothing else drawn: weights from ``generator(seed, "initialization")`` as everywhere; digits are
the first batch of the training (purposes "split" and "batches"); Gaussian inputs are ``torch.randn(B, 64)``
and then ``torch.randint(10, (B,))`` from ``generator(seed, "split")``.

Legend: V variants (norms), E members (seeds) computed together, S seeds, N samples, C units, L hidden
layers, B bins.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from normviz.catalog.norms import NORMS
from normviz.frames import Frame, Schema
from normviz.lab import data, devices, nets, norms
from normviz.lab.engine.batches import Batches
from normviz.lab.engine.histograms import linear_counts, linear_edges, symlog_counts
from normviz.lab.engine.losses import cross_entropy
from normviz.lab.engine.probes import NORM_RANGE, SATURATED
from normviz.lab.experiments.signal_notes import notes
from normviz.lab.nets.layers import Block, Net, Tape
from normviz.lab.randoms import generator
from normviz.specs import signal_frames as recorded
from normviz.specs import signal_theory as theory
from normviz.specs.signal import Signal

Arrays = dict[str, NDArray[Any]]
Measure = Callable[[torch.Tensor], torch.Tensor]

_SMALL, _TOGETHER = 2**15, 2**18
"""Layers of so few values are measured together, up to so many: for them a call costs more than a copy."""
_AT_ONCE = 4_000_000
"""Activations of one kind that are kept at once; a larger network is looked at seed by seed."""


def run(spec: Signal) -> Iterator[Schema | Frame]:
    """Look at all members of ``spec`` once."""
    yield spec.schema()
    torch.set_num_threads(1)
    inputs = [batch(spec, seed) for seed in spec.seed_values]
    x, y = (torch.stack(one) for one in zip(*inputs, strict=True))
    seen = [look(spec, range(*part), x[slice(*part)], y[slice(*part)]) for part in parts(spec)]
    arrays = {
        name: np.concatenate([one[name] for one in seen], 1)
        for name in seen[0]
        if not name.startswith("hist")
    }
    frame = _constants(spec) | {name: seen[0][name] for name in seen[0] if name.startswith("hist")}
    for name, values_VS in arrays.items():
        frame |= _with_spread(name, values_VS)
    frame |= expected(spec, x, frame) | back(frame)
    frame |= {f"span_{name}": span(name, frame) for name in recorded.SPANS}
    yield Frame(0, frame, notes(spec, frame))


def batch(spec: Signal, seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    """The samples of one seed, x [N, *sample], and their classes [N]."""
    if spec.inputs == "gaussian":
        source = generator(seed, "split")
        x = torch.randn(spec.batch_size, *spec.shape, generator=source)
        return x, torch.randint(spec.classes, (spec.batch_size,), generator=source)
    x, y = Batches([data.load("digits", seed)], [seed], spec.batch_size).next()
    return x[0], y[0]


def parts(spec: Signal) -> list[tuple[int, int]]:
    """The seeds, as ranges that are computed together."""
    activations = spec.depth * spec.width * spec.batch_size
    size = max(1, min(spec.seeds, _AT_ONCE // activations))
    return [(start, min(start + size, spec.seeds)) for start in range(0, spec.seeds, size)]


# --- looking at it --------------------------------------------------------------------------------------


def look(spec: Signal, rows: Sequence[int], x: torch.Tensor, y: torch.Tensor) -> Arrays:
    """What one pass of some seeds shows: arrays [V, E, L], the loss [V, E], histograms of the first seed."""
    net = network(spec, [spec.seed_values[row] for row in rows])
    x, y = x.to(devices.here()), y.to(devices.here())
    shown = []
    for norm in spec.norms:
        normalize(net, norm, spec)
        shown.append(measure(spec, net, x, y, histograms=rows[0] == 0))
    return {name: np.stack([one[name] for one in shown]) for name in shown[0]}


def network(spec: Signal, seeds: Sequence[int]) -> Net:
    """Members of these seeds at initialization, without a norm, where this process computes."""
    net = nets.build(
        "mlp",
        members=len(seeds),
        shape=spec.shape,
        classes=spec.classes,
        depth=spec.depth,
        width=spec.width,
        activation=spec.activation,
        placement=spec.placement,
    )
    net.draw(seeds, [spec.gain] * len(seeds))
    net.requires_grad_(False)  # nothing is trained; gradients of the weights alone are looked at
    for block in net.blocks:
        block.layer.weight.requires_grad_()
    return net.to(devices.here())


def normalize(net: Net, norm: str, spec: Signal) -> None:
    """Give every layer of a network another norm; its weights stay as they were drawn."""
    options = {name: value for name, value in spec.norm_options.items() if name in NORMS[norm].options}
    blocks = []
    for layer in (block.layer for block in net.blocks):
        members, _, width = layer.bias.shape
        own = norms.build(norm, members, width, **options).to(layer.bias.device).requires_grad_(False)
        own.init_from(layer.flat_weight)
        blocks.append(Block(layer, own, spec.activation, spec.placement))
    net.blocks = torch.nn.ModuleList(blocks)  # type: ignore[assignment]


def measure(spec: Signal, net: Net, x: torch.Tensor, y: torch.Tensor, *, histograms: bool) -> Arrays:
    """One forward and one backward pass of one norm: arrays [E, L], the loss [E], histograms [L, B]."""
    tape = Tape()
    loss = cross_entropy(net(x, tape), y)
    weights = [block.layer.weight for block in net.blocks]
    gradients = torch.autograd.grad(loss.sum(), [*tape.outputs, *weights])
    of_outputs, of_weights = gradients[: spec.depth], gradients[spec.depth :]
    with torch.no_grad():
        quantities = {
            "sd": per_layer(tape.weighted, deviation),
            "grad_activation": per_layer(of_outputs, length),
            "grad_weight": per_layer(of_weights, length),
            "cosine": per_layer(tape.outputs, cosine),
            **_health(spec, tape),
        }
        told: Arrays = {name: values_LE.T.numpy().astype("<f4") for name, values_LE in quantities.items()}
        told["loss"] = loss.detach().cpu().numpy().astype("<f4")
        if histograms:
            told["hist_pre"] = _shares(tape.entering, lambda rows: linear_counts(rows, *NORM_RANGE))
            told["hist_post"] = (
                told["hist_pre"]
                if tape.leaving[0] is tape.entering[0]
                else _shares(tape.leaving, lambda rows: linear_counts(rows, *NORM_RANGE))
            )
            told["hist_grad"] = _shares(of_outputs, symlog_counts)
    return told


def per_layer(values: Sequence[torch.Tensor], measure: Measure) -> torch.Tensor:
    """``measure`` of every layer and member: values L times [E, ...], measure [R, ...] -> [R, *of].

    Shapes: [L, E, *of], on the CPU, where it is measured: not every device has double precision.
    """
    parts = []
    for shape, run in groupby(values, key=lambda one: one.shape):
        layers, size = list(run), shape.numel()
        count = _TOGETHER // size if size <= _SMALL else 1
        for start in range(0, len(layers), count):
            piece = layers[start : start + count]
            measured = measure((torch.cat(piece) if count > 1 else piece[0]).cpu())
            parts.append(measured.view(len(piece), shape[0], *measured.shape[1:]))
    return torch.cat(parts)


def length(g_R: torch.Tensor) -> torch.Tensor:
    """Euclidean norm of each row, [R, ...] -> [R].

    In double precision, here and below: float32 cannot hold the squares of very large or small values.
    """
    lengths: torch.Tensor = torch.linalg.vector_norm(g_R.double().flatten(1), dim=1)
    return lengths


def deviation(h_RNC: torch.Tensor) -> torch.Tensor:
    """Standard deviation over units and samples, √(E h² - (E h)²), [R, N, C] -> [R].

    Weights have mean zero, so E h is nearly zero and nothing cancels; torch's ``std`` is far slower.
    """
    h = h_RNC.double().flatten(1)
    return (h.square().mean(1) - h.mean(1).square()).clamp_min(0.0).sqrt()


def cosine(a_RNC: torch.Tensor) -> torch.Tensor:
    """Mean cosine of the angle between two different samples, [R, N, C] -> [R].

    Samples that are all zero have no direction and are left out; NaN if fewer than two remain.  With unit
    vectors u the sum over all pairs is |Σu|² - N.
    """
    a = a_RNC.double()
    lengths = torch.linalg.vector_norm(a, dim=2, keepdim=True)
    n = (lengths > 0).flatten(1).sum(1)
    total = (a / lengths.where(lengths > 0, 1.0)).sum(1)
    mean: torch.Tensor = (total.square().sum(1) - n) / (n * (n - 1))
    return mean.where(n > 1, torch.nan)


def _health(spec: Signal, tape: Tape) -> dict[str, torch.Tensor]:
    if spec.activation == "relu":
        return {"dead": per_layer(tape.activated, lambda a: (a.amax(1) == 0).float().mean(1))}
    if spec.activation in SATURATED:
        low, high = SATURATED[spec.activation]
        beyond = per_layer(tape.activated, lambda a: ((a < low) | (a > high)).flatten(1).float().mean(1))
        return {"saturated": beyond}
    return {}


def _shares(values: Sequence[torch.Tensor], counts: Measure) -> NDArray[np.uint16]:
    """Histograms of the first member, as shares of each layer's values, [L, B]."""
    counted = per_layer([one[:1] for one in values], lambda rows: counts(rows.flatten(1)))[:, 0].numpy()
    shares: NDArray[np.uint16] = np.rint(counted * (recorded.WHOLE / values[0][0].numel())).astype("<u2")
    return shares


# --- what goes into the frame ---------------------------------------------------------------------------


def expected(spec: Signal, x: torch.Tensor, measured: Arrays) -> Arrays:
    """What theory expects for these inputs; gradients start from the measured ones of the last layer."""
    samples = x.flatten(2).double().numpy()
    input_square = float((samples**2).mean())
    arrays: Arrays = {}
    scales = [theory.deviations(spec, norm, input_square) for norm in theory.scales(spec)]
    for i, ending in enumerate(("", "_low", "_high")):
        if scales:
            arrays[f"theory_sd{ending}"] = np.array([one[i] for one in scales])
    for name, flows, curve in (
        ("grad_activation", theory.flows(spec), theory.activation_gradients),
        ("grad_weight", theory.weight_flows(spec), theory.weight_gradients),
    ):
        if flows:
            anchors = [measured[f"{name}_median"][spec.norms.index(norm), -1] for norm in flows]
            curves = [curve(spec, norm, input_square) for norm in flows]
            arrays[f"theory_{name}"] = np.array(anchors)[:, None] * np.array(curves)
    if theory.angles(spec):
        pairs = between(samples)
        arrays["theory_cosine"] = np.array(
            [theory.cosines(spec, norm, pairs) for norm in theory.angles(spec)]
        )
    with np.errstate(over="ignore"):  # beyond float32 is infinite, as it is for the networks
        return {name: values.astype("<f4") for name, values in arrays.items()}


def back(frame: Arrays) -> Arrays:
    """The gradient of the activations in layer 1 over that in the last layer, and its place among bounds."""
    medians = frame["grad_activation_median"].astype(np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = medians[:, 0] / medians[:, -1]
    known = np.isfinite(ratio)
    place = np.where(known, np.searchsorted(recorded.BACK, ratio, side="right"), np.nan)
    return {"back": np.where(known, ratio, np.nan).astype("<f4"), "back_place": place.astype("<f4")}


def span(name: str, frame: Arrays) -> NDArray[np.float32]:
    """Whole powers of ten around all that a chart shows of a quantity, measured and expected, and its ticks.

    Shapes: [3], low, high, and the distance of ticks.
    """
    low, high = recorded.SPANS[name]
    shown = (name, *(f"theory_{name}{ending}" for ending in ("", "_low", "_high")))
    for curves in (frame[one] for one in shown if one in frame):
        powers = np.log10(curves[np.isfinite(curves) & (curves > 0)])
        if powers.size:
            low, high = min(low, float(powers.min())), max(high, float(powers.max()))
    low, high = np.floor(low), np.ceil(high)
    return np.array([low, high, np.ceil((high - low) / recorded.MOST_TICKS)], "<f4")


def between(samples: NDArray[np.float64], most: int = 500) -> NDArray[np.float64]:
    """Cosines between pairs of inputs of the same seed, as at most so many quantiles.

    Shapes: [S, N, C] -> [P].
    """
    u = samples / np.maximum(np.linalg.norm(samples, axis=2, keepdims=True), 1e-12)
    above = np.triu_indices(samples.shape[1], 1)
    cosines: NDArray[np.float64] = np.sort(np.concatenate([(one @ one.T)[above] for one in u]))
    if len(cosines) <= most:
        return cosines
    quantiles: NDArray[np.float64] = cosines[((np.arange(most) + 0.5) * len(cosines) / most).astype(int)]
    return quantiles


def _constants(spec: Signal) -> Arrays:
    edges = linear_edges(*NORM_RANGE)
    return {
        "layers": np.arange(1, spec.depth + 1, dtype="u1"),
        "bins": ((edges[1:] + edges[:-1]) / 2).astype("<f4"),
    }


def _with_spread(name: str, values_VS: NDArray[Any]) -> Arrays:
    """A quantity of every member, and its median, least and greatest over the seeds where it is finite."""
    none = ~np.isfinite(values_VS).any(1)
    # Where no seed is finite the answer is NaN, without numpy's warning.
    finite = np.where(np.isfinite(values_VS), values_VS, np.nan)
    finite = np.where(none[:, None], 0.0, finite)

    def over_seeds(function: Callable[..., Any]) -> NDArray[np.float32]:
        return np.where(none, np.nan, function(finite, axis=1)).astype("<f4")

    return {
        name: values_VS,
        f"{name}_median": over_seeds(np.nanmedian),
        f"{name}_low": over_seeds(np.nanmin),
        f"{name}_high": over_seeds(np.nanmax),
    }
