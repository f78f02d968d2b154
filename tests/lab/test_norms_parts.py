"""Batch norm and batch renormalization over parts of a batch, against torch and loops in float64."""

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
    assert_moved_once(norm, x.detach(), size, before)


def assert_moved_once(norm: norms.BatchNorm, x: Tensor, size: int, before: dict[str, Tensor]) -> None:
    """A tenth of the way to the mean of the parts' own statistics, the unbiased variance among them."""
    parts = x.split(size, 1)
    over = (1, *range(3, x.dim()))
    mean = sum(part.mean(over) for part in parts) / len(parts)
    var = sum(part.var(over, correction=1) for part in parts) / len(parts)
    torch.testing.assert_close(norm.running_mean, 0.9 * before["running_mean"] + 0.1 * mean)
    torch.testing.assert_close(norm.running_var, 0.9 * before["running_var"] + 0.1 * var)
    assert norm.num_batches_tracked == 1


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("size", [2, 4, 6, 12])
def test_batch_norm_over_parts_is_torchs_on_each_of_them(shape: tuple[int, ...], size: int) -> None:
    x = 1 + 2 * torch.randn(2, *shape, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    norm = norms.build("batch", 2, 16, shape[2:], statistics_size=size).double()
    before = {name: value.clone() for name, value in norm.statistics().items()}
    y = norm(x)
    for e in range(2):
        parts = x[e].split(size)
        expected = [torch.nn.functional.batch_norm(part, None, None, training=True) for part in parts]
        torch.testing.assert_close(y[e], torch.cat(expected), rtol=1e-9, atol=1e-9)
    assert_moved_once(norm, x, size, before)


def test_running_statistics_scatter_as_the_docstring_says() -> None:
    """Parts of two normal samples, 16 in a batch: √(m/(2-m)·2/16) for one move, √(m/(2-m)·2) for each."""
    source = torch.Generator().manual_seed(0)
    once, each = norms.BatchNorm(1, 1024, statistics_size=2), norms.GhostBatchNorm(1, 1024, ghost_size=2)
    for _ in range(60):
        x = torch.randn(1, 32, 1024, generator=source)
        for norm in (once, each):
            norm(x)
    for norm, moves in ((once, 1), (each, 16)):
        expected = (0.1 / 1.9 * 2 * moves / 16) ** 0.5
        assert float(norm.running_var.std()) == pytest.approx(expected, rel=0.12)


def test_the_whole_batch_is_one_part() -> None:
    x = torch.randn(2, 8, 16, generator=torch.Generator().manual_seed(0))
    for kind in (norms.BatchRenorm, norms.BatchNorm):
        whole, part = (kind(2, 16, statistics_size=size) for size in (0, 8))
        assert torch.equal(whole(x), part(x))


@pytest.mark.parametrize("shape", [(16,), (16, 3, 2)])
def test_a_member_is_bit_equal_alone_and_in_a_stack(shape: tuple[int, ...]) -> None:
    x = torch.randn(3, 8, *shape, generator=torch.Generator().manual_seed(0))
    for kind in (norms.BatchRenorm, norms.BatchNorm):
        together, alone = kind(3, 16, statistics_size=2), kind(1, 16, statistics_size=2)
        for _ in range(2):
            assert torch.equal(together(x)[1], alone(x[1:2])[0])
        assert torch.equal(together.running_var[1], alone.running_var[0])


def test_a_batch_that_does_not_come_out_even_is_refused() -> None:
    with pytest.raises(ValueError, match="8 is no whole number of parts of 3"):
        norms.BatchRenorm(1, 16, statistics_size=3)(torch.zeros(1, 8, 16))
    with pytest.raises(ValueError, match="more than 1 value per channel"):
        norms.BatchRenorm(1, 16, statistics_size=1)(torch.zeros(1, 8, 16))
