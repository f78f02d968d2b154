"""Closed forms for wide networks at initialization: what theory expects before anything is measured.

A layer computes h = W·a and a = φ(h), with weights of variance s/fan-in and no bias.  In a wide layer the
values h are Gaussian, N(0, q), and a few numbers say everything: the moments of φ under that Gaussian carry
q forward, and with it the gradient backward.  Where φ is linear or ReLU the moments are exact formulas;
elsewhere they are integrals over one Gaussian variable.

Legend: q second moment of the pre-activations h, L layers, B samples in a batch, n units in a layer.

Source: Poole et al. 2016, "Exponential expressivity in deep neural networks through transient chaos", eq. 3;
Schoenholz et al. 2017, "Deep information propagation", eq. 8-9; Yang et al. 2019, "A mean field theory of
batch normalization", theorems 7-9; Hanin 2018, "Which neural net architectures give rise to exploding and
vanishing gradients?" (finite width); Cho & Saul 2009, "Kernel methods for deep learning", eq. 6.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, lru_cache

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Function = Callable[[Array], Array]

_REACH = 10.0
"""Standard deviations to either side over which is integrated; beyond lies a probability of 1e-23."""
_POINTS = 1001


@dataclass(frozen=True)
class Response:
    """What happens to one value between a layer and the next: a function and its derivative."""

    value: Function
    slope: Function

    def after(self, first: Response) -> Response:
        """This response applied to what ``first`` gives."""
        return Response(
            lambda x: self.value(first.value(x)),
            lambda x: self.slope(first.value(x)) * first.slope(x),
        )


@dataclass(frozen=True)
class Moments:
    """Expectations under h ~ N(0, q)."""

    mean: float
    """E φ"""
    square: float
    """E φ²"""
    fourth: float
    """E φ⁴"""
    slope: float
    """E φ'²"""
    stretch: float
    """d log E φ² / d log q: how a relative error of q is handed on."""


def saturating(alpha: float) -> Response:
    """tanh(α·x), the core of dynamic tanh."""
    return Response(lambda x: np.tanh(alpha * x), lambda x: alpha * (1.0 - np.tanh(alpha * x) ** 2))


def response(activation: str) -> Response:
    """The activation function of that name."""
    return _RESPONSES[activation]


@lru_cache(maxsize=4096)
def moments(of: Response, q: float) -> Moments:
    """Moments of a response to h ~ N(0, q).

    Linear: E φ² = q.  ReLU: E φ² = q/2, E φ⁴ = 3q²/2, E φ'² = 1/2.  Others: the trapezoid rule, whose error
    decays exponentially for smooth functions and is of the order 1e-4 at a kink.
    """
    if not 0.0 < q < math.inf:
        return Moments(*(math.nan,) * 5)
    if of is _RESPONSES["linear"]:
        return Moments(0.0, q, 3 * q * q, 1.0, 1.0)
    if of is _RESPONSES["relu"]:
        return Moments(math.sqrt(q / (2 * math.pi)), q / 2, 1.5 * q * q, 0.5, 1.0)
    z, weight = _gaussian()
    h = math.sqrt(q) * z
    value, slope = of.value(h), of.slope(h)
    squares = value * value
    square = float(weight @ squares)
    return Moments(
        float(weight @ value), square, float(weight @ (squares * squares)), float(weight @ (slope * slope)),
        float(weight @ (value * slope * h)) / square if square else math.nan,
    )  # fmt: skip


# --- forward --------------------------------------------------------------------------------------------


def second_moments(of: Response, s: float, first: float, depth: int) -> Array:
    """q of each layer without normalization: q ← s·E φ(√q Z)², from ``first`` in layer 1.

    Shapes: [L].
    """
    q = [first]
    for _ in range(depth - 1):
        q.append(s * moments(of, q[-1]).square)
    return np.array(q)


def spread(of: Response, q: Array, width: int) -> Array:
    """Standard deviation of log q from one network to the next, for a single sample.

    Each layer adds the relative variance (E φ⁴/(E φ²)² - 1)/n of a mean over n units: 2/n in a linear
    layer, 5/n behind ReLU; an error is handed on by d log E φ²/d log q, which is 1 for both (a random
    walk) and less for a saturating function (the error fades).  The measured mean adds its own 2/n.
    To first order: where errors grow (GELU, whose q has an unstable fixed point) it is an underestimate.

    Shapes: [L] -> [L].
    """
    variances = [0.0]
    for one in q[:-1]:
        m = moments(of, float(one))
        with np.errstate(over="ignore", invalid="ignore"):
            own = np.float64(m.fourth) / np.float64(m.square) ** 2 - 1
        variances.append(m.stretch**2 * variances[-1] + float(own) / width)
    return np.sqrt(np.array(variances) + 2 / width)


# --- backward -------------------------------------------------------------------------------------------


def free_growth(of: Response, s: float, q: float) -> float:
    """Growth of the squared activation gradient through one layer without normalization: s·E φ'².

    Units: per layer towards the input.
    """
    return s * moments(of, q).slope


def normalized_growth(of: Response, *, centred: bool = False, q: float = 1.0) -> float:
    """The same where a norm keeps the values at one scale: q·E φ'²/E φ², which is 1 for ReLU.

    The norm divides by what the forward pass brings, so s cancels.  ``q`` is the second moment of what the
    activation sees: 1 behind a norm, s where the norm follows the activation.  ``centred``: the norm also
    takes away the mean of the activations, then it is q·E φ'²/Var φ, which is π/(π-1) for ReLU.
    """
    m = moments(of, q)
    return q * m.slope / (m.square - (m.mean**2 if centred else 0.0))


def few_values(count: int, *, centred: bool = True) -> float:
    """Factor by which a norm over so few Gaussian values lets the squared gradient grow besides.

    Of m values, standardizing takes 2 directions from the gradient ((m-2)/m is left), and divides by a
    variance that is itself uncertain (E 1/σ² = m/(m-3)): (m-2)/(m-3).  Without a mean, as in RMS norm:
    (m-1)/(m-2).  Infinite where the expectation is, for 3 (2) values and fewer.
    """
    taken = 2 if centred else 1
    return (count - taken) / (count - taken - 1) if count > taken + 1 else math.inf


def batch_norm_growth(activation: str, batch: int) -> float:
    """The same behind batch norm, at its fixed point; infinite for batches of up to 3.

    Linear: (B-2)/(B-3).  ReLU, with c = -1/(B-1): [B-1+J'(c)]/[(B-3)(1-J(c))] - 1/(B-3), towards
    π/(π-1) = 1.467 for large batches.  Other functions: the limit of large batches, E φ'²/Var φ, times the
    factor (B-2)/(B-3) of `few_values`, an approximation (for ReLU it is within 1% from B = 16 on).

    Source: Yang et al. 2019, theorems 7-9.
    """
    if batch <= 3:
        return math.inf
    if activation != "relu":
        return normalized_growth(response(activation), centred=True) * few_values(batch)
    c = -1.0 / (batch - 1)
    slope = (math.pi - math.acos(c)) / math.pi
    return (batch - 1 + slope) / ((batch - 3) * (1 - float(rectified(np.array(c))))) - 1 / (batch - 3)


# --- samples --------------------------------------------------------------------------------------------


def rectified(cosine: Array) -> Array:
    """Cosine between two samples behind a wide layer and ReLU: J(c) = [√(1-c²) + (π - acos c)·c]/π.

    Source: Cho & Saul 2009, eq. 6.
    """
    c = np.clip(cosine, -1.0, 1.0)
    result: Array = (np.sqrt(1 - c * c) + (np.pi - np.arccos(c)) * c) / np.pi
    return result


def cosines(activation: str, between_inputs: Array, depth: int) -> Array:
    """Mean cosine between samples behind each layer, where every sample is normalized alone or not at all.

    ReLU applies J once a layer, which pulls all samples together; a linear layer leaves the angles.

    Shapes: ``between_inputs`` [P] one for each pair, result [L].
    Raises:
        ValueError: there is no closed form for that activation.
    """
    if activation not in CLOSED_COSINES:
        raise ValueError(f"no closed form of the cosines for {activation!r}")
    c, means = between_inputs, []
    for _ in range(depth):
        c = rectified(c) if activation == "relu" else c
        means.append(float(c.mean()))
    return np.array(means)


def batch_norm_cosine(activation: str, batch: int) -> float:
    """Cosine between samples behind batch norm and its activation, at every depth.

    Batch norm makes the values of each unit sum to zero over the batch, so two samples have the cosine
    -1/(B-1) in the mean; ReLU turns it into J(-1/(B-1)), near 1/π.

    Source: Yang et al. 2019, section 3.
    """
    c = -1.0 / (batch - 1)
    if activation not in CLOSED_COSINES:
        raise ValueError(f"no closed form of the cosines for {activation!r}")
    return float(rectified(np.array(c))) if activation == "relu" else c


CLOSED_COSINES = ("relu", "linear")
"""Activations for which `cosines` and `batch_norm_cosine` are known in closed form."""


# --- functions and integrals ----------------------------------------------------------------------------


@cache
def _gaussian() -> tuple[Array, Array]:
    """Points of a standard normal variable and their weights."""
    z = np.linspace(-_REACH, _REACH, _POINTS)
    weight = np.exp(-z * z / 2)
    return z, weight / weight.sum()


@cache
def _normal_table() -> tuple[Array, Array]:
    """The standard normal distribution function Φ on a grid, dense enough to interpolate to 1e-7."""
    x = np.linspace(-8.0, 8.0, 8193)
    return x, np.array([0.5 * math.erfc(-one / math.sqrt(2)) for one in x])


def _phi(x: Array) -> Array:
    result: Array = np.interp(x, *_normal_table())
    return result


def _sigmoid(x: Array) -> Array:
    result: Array = 0.5 * (1.0 + np.tanh(0.5 * x))
    return result


_RESPONSES: dict[str, Response] = {
    "relu": Response(lambda x: np.maximum(x, 0.0), lambda x: (x > 0).astype(np.float64)),
    "tanh": Response(np.tanh, lambda x: 1.0 - np.tanh(x) ** 2),
    "sigmoid": Response(_sigmoid, lambda x: _sigmoid(x) * _sigmoid(-x)),
    "gelu": Response(
        lambda x: x * _phi(x),
        lambda x: _phi(x) + x * np.exp(-x * x / 2) / math.sqrt(2 * math.pi),
    ),
    "linear": Response(lambda x: x, np.ones_like),
}
