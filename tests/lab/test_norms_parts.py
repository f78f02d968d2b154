"""Batch renormalization over parts of a batch: against a loop over parts, channels and values in float64."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from normviz.lab import norms

SHAPES = [(12, 16), (12, 16, 3, 2)]


def by_hand(x: Tensor, gamma: Tensor, beta: Tensor, mean: Tensor, var: Tensor, size: int) -> Tensor:
    """One member, [N, C, *spatial]: each part by its own statistics, all corrected towards the same ones."""
    y = torch.empty_like(x)
    for start in range(0, len(x), size):
        for c in range(x.shape[1]):
            values = x[start : start + size, c]
            mu, sigma = values.mean(), (values.var(correction=0) + 1e-5).sqrt()
            running = (var[c] + 1e-5).sqrt()
            r = (sigma.detach() / running).clip(1 / 3, 3)
            d = ((mu.detach() - mean[c]) / running).clip(-5, 5)
            y[start : start + size, c] = gamma[c] * ((values - mu) / sigma * r + d) + beta[c]
    return y


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("size", [2, 4, 6, 12])
def test_outputs_gradients_and_statistics_agree_with_a_loop(shape: tuple[int, ...], size: int) -> None:
    source = torch.Generator().manual_seed(1)
    norm = norms.build("batch_renorm", 2, 16, shape[2:], statistics_size=size).double()
    with torch.no_grad():
        for one in (norm.gamma, norm.beta):
            one.copy_(torch.randn(2, 16, generator=source, dtype=torch.float64))
        norm.running_mean.copy_(torch.randn(2, 16, generator=source, dtype=torch.float64))
        norm.running_var.copy_(0.5 + torch.rand(2, 16, generator=source, dtype=torch.float64))
    before = {name: value.clone() for name, value in norm.statistics().items()}
    x = (1 + 2 * torch.randn(2, *shape, generator=source, dtype=torch.float64)).requires_grad_()
    ahead = torch.randn(2, *shape, generator=source, dtype=torch.float64)
    y = norm(x)
    mean, var = before["running_mean"], before["running_var"]
    expected = torch.stack(
        [by_hand(x[e], norm.gamma[e], norm.beta[e], mean[e], var[e], size) for e in range(2)]
    )
    torch.testing.assert_close(y, expected, rtol=1e-9, atol=1e-9)
    inputs = [x, norm.gamma, norm.beta]
    for own, hand in zip(
        torch.autograd.grad((y * ahead).sum(), inputs),
        torch.autograd.grad((expected * ahead).sum(), inputs),
        strict=True,
    ):
        torch.testing.assert_close(own, hand, rtol=1e-9, atol=1e-9)
    for part in x.detach().split(size, 1):
        over = (1, *range(3, x.dim()))
        mean, var = 0.9 * mean + 0.1 * part.mean(over), 0.9 * var + 0.1 * part.var(over, correction=1)
    torch.testing.assert_close(norm.running_mean, mean)
    torch.testing.assert_close(norm.running_var, var)


def test_the_whole_batch_is_one_part() -> None:
    x = torch.randn(2, 8, 16, generator=torch.Generator().manual_seed(0))
    whole, part = (norms.BatchRenorm(2, 16, statistics_size=size) for size in (0, 8))
    assert torch.equal(whole(x), part(x))


@pytest.mark.parametrize("shape", [(16,), (16, 3, 2)])
def test_a_member_is_bit_equal_alone_and_in_a_stack(shape: tuple[int, ...]) -> None:
    x = torch.randn(3, 8, *shape, generator=torch.Generator().manual_seed(0))
    together, alone = norms.BatchRenorm(3, 16, statistics_size=2), norms.BatchRenorm(1, 16, statistics_size=2)
    for _ in range(2):
        assert torch.equal(together(x)[1], alone(x[1:2])[0])


def test_a_batch_that_does_not_come_out_even_is_refused() -> None:
    with pytest.raises(ValueError, match="8 is no whole number of parts of 3"):
        norms.BatchRenorm(1, 16, statistics_size=3)(torch.zeros(1, 8, 16))
    with pytest.raises(ValueError, match="more than 1 value per channel"):
        norms.BatchRenorm(1, 16, statistics_size=1)(torch.zeros(1, 8, 16))
