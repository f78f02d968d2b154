"""The closed forms against integrals, random draws and the numbers of the papers."""

import math

import numpy as np
import pytest
import torch

from normviz.specs import mean_field
from normviz.specs.mean_field import moments, response

FUNCTIONS = {
    "relu": torch.relu,
    "tanh": torch.tanh,
    "sigmoid": torch.sigmoid,
    "gelu": torch.nn.functional.gelu,
    "linear": lambda x: x,
}
"""torch's own functions, whose derivatives come from autograd."""


def _expect(values, z):
    """Expectation over a standard normal variable by a fine midpoint rule."""
    return float((values * torch.exp(-z * z / 2)).sum() * (z[1] - z[0]) / math.sqrt(2 * math.pi))


@pytest.mark.parametrize("q", [0.01, 1.0, 30.0])
@pytest.mark.parametrize("name", list(FUNCTIONS))
def test_moments_are_the_integrals_over_torchs_functions(name, q):
    z = (torch.arange(400_000, dtype=torch.float64) + 0.5) / 20_000 - 10
    h = (math.sqrt(q) * z).requires_grad_()
    value = FUNCTIONS[name](h)
    (slope,) = torch.autograd.grad(value.sum(), h)
    value, h = value.detach(), h.detach()
    m = moments(response(name), q)
    assert m.mean == pytest.approx(_expect(value, z), rel=1e-6, abs=1e-9)
    assert m.square == pytest.approx(_expect(value**2, z), rel=1e-6)
    assert m.fourth == pytest.approx(_expect(value**4, z), rel=1e-6)
    assert m.slope == pytest.approx(_expect(slope**2, z), rel=1e-6)
    assert m.stretch == pytest.approx(_expect(value * slope * h, z) / m.square, rel=1e-6)


def test_the_response_of_a_chain_follows_the_chain_rule():
    chain = response("relu").after(mean_field.saturating(0.5))
    x = np.linspace(-3, 3, 1001)
    assert np.allclose(chain.value(x), np.maximum(np.tanh(0.5 * x), 0))
    assert np.allclose(
        chain.slope(x)[1:-1], np.gradient(chain.value(x), x)[1:-1], atol=2e-3 + 0.5 * (x[1:-1] == 0)
    )


def test_tanh_with_torchs_gain_has_the_known_fixed_point_and_its_gradients_still_explode():
    s = (5 / 3) ** 2
    q = mean_field.second_moments(response("tanh"), s, 1.0, 300)
    assert q[-1] == pytest.approx(1.1785, abs=1e-4)
    assert math.sqrt(moments(response("tanh"), q[-1]).square) == pytest.approx(0.6513, abs=1e-4)
    assert mean_field.free_growth(response("tanh"), s, q[-1]) == pytest.approx(1.210, abs=1e-3)


def test_linear_and_relu_multiply_the_second_moment():
    assert np.allclose(mean_field.second_moments(response("linear"), 1.5, 2.0, 4), 2.0 * 1.5 ** np.arange(4))
    assert np.allclose(mean_field.second_moments(response("relu"), 1.5, 2.0, 4), 2.0 * 0.75 ** np.arange(4))


@pytest.mark.parametrize(("name", "s"), [("linear", 1.0), ("relu", 2.0), ("tanh", 2.78), ("sigmoid", 4.0)])
def test_the_band_holds_95_percent_of_finite_networks(name, s):
    """Given the layer before, a layer's values are independent N(0, s·mean φ²): no weights are needed."""
    width, depth, networks = 64, 12, 3000
    source = torch.Generator().manual_seed(0)
    scale = torch.ones(networks, dtype=torch.float64)
    logs = []
    for _ in range(depth):
        h = scale.sqrt()[:, None] * torch.randn(networks, width, generator=source, dtype=torch.float64)
        logs.append(h.square().mean(1).log())
        scale = s * FUNCTIONS[name](h).square().mean(1)
    measured = torch.stack(logs).numpy()
    q = mean_field.second_moments(response(name), s, 1.0, depth)
    sd = mean_field.spread(response(name), q, width)
    assert measured.std(1) == pytest.approx(sd, rel=0.12)
    inside = np.abs(measured - (np.log(q) - sd**2 / 2)[:, None]) < 2 * sd[:, None]
    assert (inside.mean(1) > 0.92).all()
    assert (inside.mean(1) < 0.98).all()


@pytest.mark.parametrize(("batch", "relu"), [(5, 2.274), (8, 1.788), (16, 1.590), (32, 1.522), (128, 1.480)])
def test_batch_norms_growth_is_that_of_yang_and_others(batch, relu):
    assert mean_field.batch_norm_growth("relu", batch) == pytest.approx(relu, abs=5e-4)
    assert mean_field.batch_norm_growth("linear", batch) == pytest.approx((batch - 2) / (batch - 3))


def test_batch_norms_growth_at_both_ends():
    assert mean_field.batch_norm_growth("relu", 10**7) == pytest.approx(math.pi / (math.pi - 1), abs=1e-5)
    for name in FUNCTIONS:
        assert mean_field.batch_norm_growth(name, 3) == math.inf
        large = mean_field.normalized_growth(response(name), centred=True)
        assert mean_field.batch_norm_growth(name, 10**7) == pytest.approx(large, rel=1e-5)


def test_the_approximation_for_other_functions_is_close_to_the_exact_rate_of_relu():
    limit = mean_field.normalized_growth(response("relu"), centred=True)
    for batch in (16, 32, 128):
        exact = mean_field.batch_norm_growth("relu", batch)
        assert limit * mean_field.few_values(batch) == pytest.approx(exact, rel=0.01)


@pytest.mark.parametrize("centred", [True, False])
@pytest.mark.parametrize("count", [8, 16, 64])
def test_few_values_against_gradients_through_a_norm(count, centred):
    """Of a norm over a few Gaussian values, for a gradient of no particular direction."""
    source = torch.Generator().manual_seed(count)
    h = torch.randn(60_000, count, generator=source, dtype=torch.float64, requires_grad=True)
    middle = h.mean(1, keepdim=True) if centred else 0.0
    y = (h - middle) / ((h - middle) ** 2).mean(1, keepdim=True).sqrt()
    outer = torch.randn(y.shape, generator=source, dtype=torch.float64)
    (inner,) = torch.autograd.grad((y * outer).sum(), h)
    ratio = float(inner.square().mean() / outer.square().mean())
    assert ratio == pytest.approx(mean_field.few_values(count, centred=centred), rel=0.01)


def test_too_few_values_have_no_finite_growth():
    assert mean_field.few_values(3) == math.inf
    assert mean_field.few_values(2, centred=False) == math.inf


@pytest.mark.parametrize("cosine", [-1.0, -0.3, 0.0, 0.5, 0.95, 1.0])
def test_what_relu_does_to_an_angle(cosine):
    source = torch.Generator().manual_seed(1)
    u, v = torch.randn(2, 1_000_000, generator=source, dtype=torch.float64)
    v = cosine * u + math.sqrt(1 - cosine**2) * v
    product = float((u.relu() * v.relu()).mean()) / 0.5
    assert float(mean_field.rectified(np.array(cosine))) == pytest.approx(product, abs=4e-3)


def test_cosines_of_a_wide_network():
    width, depth, samples = 4000, 3, 12
    source = torch.Generator().manual_seed(2)
    a = torch.randn(samples, 64, generator=source) + 0.5
    above = torch.triu_indices(samples, samples, 1)

    def between():
        u = torch.nn.functional.normalize(a, dim=1)
        return (u @ u.T)[above[0], above[1]].double().numpy()

    expected = mean_field.cosines("relu", between(), depth)
    for layer in range(depth):
        weight = torch.randn(width, a.shape[1], generator=source) * math.sqrt(2 / a.shape[1])
        a = torch.relu(a @ weight.T)
        assert between().mean() == pytest.approx(expected[layer], abs=0.02)
    assert np.allclose(mean_field.cosines("linear", np.array([0.2, 0.4]), 3), 0.3)


def test_behind_batch_norm_samples_sum_to_zero():
    assert mean_field.batch_norm_cosine("linear", 5) == -0.25
    assert mean_field.batch_norm_cosine("relu", 10**6) == pytest.approx(1 / math.pi, abs=1e-5)


@pytest.mark.parametrize("name", ["tanh", "sigmoid", "gelu"])
def test_there_is_no_closed_form_of_other_cosines(name):
    with pytest.raises(ValueError, match=name):
        mean_field.cosines(name, np.array([0.5]), 2)
    with pytest.raises(ValueError, match=name):
        mean_field.batch_norm_cosine(name, 8)
