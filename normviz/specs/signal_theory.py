"""What theory expects of each variant of the experiment Signal (closed forms: ``mean_field``).

Three kinds of variants behave alike in wide networks at initialization:

    free     nothing holds the scale: no norm; weight norm, which starts with the lengths that were drawn;
             dynamic tanh, which is one more activation function
    sample   every sample is brought to one scale, over its own units
    batch    every unit is brought to one scale, over the samples of the batch

Legend: L hidden layers, P pairs of samples.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from normviz.catalog.norms import NORMS
from normviz.specs import mean_field
from normviz.specs.mean_field import Response, moments

if TYPE_CHECKING:
    from normviz.specs.signal import Signal

Array = NDArray[np.float64]

SIGMAS = 2.0
"""Half width of the band around the expected SD, in standard deviations of one network."""

ENOUGH = 32
"""Values from which on the statistics of activations behind ReLU are close to those of very many (3%)."""

_FREE = ("none", "weight_norm", "dyt")
_BATCH = ("batch", "batch_renorm", "ghost_batch")


def scale_kind(norm: str) -> str:
    """Variants of one kind are expected to have the same SD by layer."""
    return {"none": "free", "weight_norm": "free", "dyt": "dyt"}.get(norm, "held")


def angle_kind(norm: str) -> str:
    """Variants of one kind are expected to have the same cosines."""
    return "batch" if norm in _BATCH else "kept"


def response(spec: Signal, norm: str) -> Response:
    """What happens to a value between two layers, apart from a common scale."""
    if norm != "dyt":
        return mean_field.response(spec.activation)
    return _squashed(spec.activation, spec.placement)


@cache
def _squashed(activation: str, placement: str) -> Response:
    own, squash = mean_field.response(activation), mean_field.saturating(NORMS["dyt"].options["alpha"])
    return own.after(squash) if placement == "before" else squash.after(own)


# --- forward --------------------------------------------------------------------------------------------


def scales(spec: Signal) -> tuple[str, ...]:
    """The variants whose SD by layer is predicted: all but those that change the weights' scale."""
    return tuple(norm for norm in spec.norms if norm != "weight_standardization")


def second_moments(spec: Signal, norm: str, input_square: float) -> Array:
    """q of the pre-activations of each layer; ``input_square`` is the mean square of the inputs.

    A norm before the activation hands it values of variance 1, so q = s·E φ(Z)²; one behind it hands the
    next layer values of mean square 1, so q = s.

    Shapes: [L].
    """
    s, first = spec.variance, spec.variance * input_square
    if norm in _FREE:
        return mean_field.second_moments(response(spec, norm), s, first, spec.depth)
    later = s * moments(response(spec, norm), 1.0).square if spec.placement == "before" else s
    return np.array([first, *(later,) * (spec.depth - 1)])


def spread(spec: Signal, norm: str, q: Array) -> Array:
    """Standard deviation of log q from one network of this width to the next, for a single sample, [L]."""
    if norm in _FREE:
        return mean_field.spread(response(spec, norm), q, spec.width)
    # Only the mean over one layer's units varies; the norm forgets what was before.
    m = moments(response(spec, norm), 1.0)
    own = m.fourth / m.square**2 - 1 if spec.placement == "before" else 0.0
    return np.sqrt(np.array([0.0, *(own,) * (spec.depth - 1)]) / spec.width + 2 / spec.width)


def deviations(spec: Signal, norm: str, input_square: float) -> tuple[Array, Array, Array]:
    """Expected SD of the pre-activations of each layer, and the band in which one finite network falls.

    The band is `SIGMAS` standard deviations of log q to either side; the median of log q lies half its
    variance below the logarithm of the mean.

    Shapes: three times [L].
    """
    q = second_moments(spec, norm, input_square)
    wide = spread(spec, norm, q)
    with np.errstate(over="ignore", invalid="ignore"):
        middle = np.log(q) - wide**2 / 2
        low, high = np.exp(0.5 * (middle - SIGMAS * wide)), np.exp(0.5 * (middle + SIGMAS * wide))
    return np.sqrt(q), low, high


# --- backward -------------------------------------------------------------------------------------------


def flows(spec: Signal) -> tuple[str, ...]:
    """The variants whose gradient growth is predicted.

    Behind the activation a norm meets values that are not Gaussian, and for few of those there is no formula.
    """
    enough = 4 if spec.placement == "before" else ENOUGH
    return tuple(norm for norm in spec.norms if norm in _FREE or values(spec, norm) >= enough)


def weight_flows(spec: Signal) -> tuple[str, ...]:
    """The same for the gradient of the weights, which sums over the samples of the batch.

    The sum depends on how alike the samples are.  With a sample norm they come to look alike from layer to
    layer, and the gradient of the weights grows less than theory expects of a single sample.
    """
    return tuple(norm for norm in flows(spec) if norm in _FREE or norm in _BATCH)


def held_growth(spec: Signal, norm: str) -> float:
    """Growth of the squared activation gradient per layer with a norm, the same in every layer.

    Infinite where the norm takes its statistics over 3 values or fewer.
    """
    if norm in _BATCH and spec.placement == "before":
        return mean_field.batch_norm_growth(spec.activation, samples(spec, norm))
    centred, q = norm == "weight_standardization", 1.0
    if spec.placement == "after":
        # There a norm meets the mean of the activations, and takes it away unless it is RMS norm.
        centred = norm != "rms"
        q = spec.width if norm == "weight_standardization" else spec.variance
    few = mean_field.few_values(values(spec, norm), centred=norm != "rms")
    return mean_field.normalized_growth(response(spec, norm), centred=centred, q=q) * few


def values(spec: Signal, norm: str) -> int:
    """Values over which a norm takes each of its statistics."""
    if norm in _BATCH:
        return samples(spec, norm)
    return spec.width // spec.groups if norm in ("group", "weight_standardization") else spec.width


def samples(spec: Signal, norm: str) -> int:
    """Samples over which a batch norm takes its statistics."""
    return spec.ghost_size if norm == "ghost_batch" else spec.batch_size


def growths(spec: Signal, norm: str, input_square: float) -> Array:
    """Factor of the squared activation gradient from the output of each layer to its input, [L]."""
    if norm not in _FREE:
        return np.full(spec.depth, held_growth(spec, norm))
    q = mean_field.second_moments(
        response(spec, norm), spec.variance, spec.variance * input_square, spec.depth
    )
    return np.array([mean_field.free_growth(response(spec, norm), spec.variance, float(one)) for one in q])


def activation_gradients(spec: Signal, norm: str, input_square: float) -> Array:
    """Norm of the gradient with respect to each layer's activations, relative to the last layer, [L]."""
    with np.errstate(divide="ignore"):
        steps = np.log(growths(spec, norm, input_square)[1:])
    return _up_from_last(steps)


def weight_gradients(spec: Signal, norm: str, input_square: float) -> Array:
    """Norm of the gradient with respect to each layer's weights, relative to the last layer, [L].

    The gradient of W is the product of the gradient behind it and the activations before it: where the
    latter shrink as the former grows (ReLU without a norm) it stays the same at any gain.
    """
    g, squares = growths(spec, norm, input_square), entering(spec, norm, input_square)
    with np.errstate(divide="ignore", invalid="ignore"):
        steps = np.log(g[:-1]) + np.log(squares[:-1]) - np.log(squares[1:])
    return _up_from_last(steps)


def entering(spec: Signal, norm: str, input_square: float) -> Array:
    """Squared length of what each layer multiplies with its weights, for one sample, [L]."""
    if norm in _FREE:
        q = second_moments(spec, norm, input_square)
        outputs = [moments(response(spec, norm), float(one)).square for one in q[:-1]]
    else:
        # Every layer sees activations of one scale; the scale of the inputs is divided out by the first norm.
        scale = moments(response(spec, norm), 1.0).square if spec.placement == "before" else 1.0
        input_square, outputs = scale, [scale] * (spec.depth - 1)
    squares: Array = np.array(spec.fan_ins) * np.array([input_square, *outputs])
    return squares


def _up_from_last(log_steps: Array) -> Array:
    """From logarithms of squared factors between layers to norms relative to the last layer, [L]."""
    with np.errstate(over="ignore"):
        return np.exp(0.5 * np.append(np.cumsum(log_steps[::-1])[::-1], 0.0))


# --- samples --------------------------------------------------------------------------------------------


def angles(spec: Signal) -> tuple[str, ...]:
    """The variants whose cosine between samples is predicted."""
    if spec.activation not in mean_field.CLOSED_COSINES:
        return ()
    return tuple(norm for norm in spec.norms if _keeps_angles(spec, norm) or _spreads(spec, norm))


def _keeps_angles(spec: Signal, norm: str) -> bool:
    """Whether the norm leaves the angles between samples to the activation."""
    if norm in ("none", "weight_norm", "rms"):
        return True
    return norm == "layer" and spec.placement == "before"


def _spreads(spec: Signal, norm: str) -> bool:
    return norm in ("batch", "batch_renorm") and spec.placement == "before"


def cosines(spec: Signal, norm: str, between_inputs: Array) -> Array:
    """Expected mean cosine between samples behind each layer, from those of the inputs, [P] -> [L]."""
    if _spreads(spec, norm):
        return np.full(spec.depth, mean_field.batch_norm_cosine(spec.activation, spec.batch_size))
    return mean_field.cosines(spec.activation, between_inputs, spec.depth)
