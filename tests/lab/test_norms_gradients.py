"""Derivatives written by hand, against finite differences in float64."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor
from torch.autograd import gradcheck

from normviz.lab.norms.rowwise import standardize_rows
from normviz.lab.norms.standardize import scale, standardize, threshold

SHAPES = [(2, 4, 4), (2, 4, 4, 3), (2, 4, 4, 2, 3)]


def leaf(*shape: int, seed: int = 0) -> Tensor:
    source = torch.Generator().manual_seed(seed)
    return torch.randn(shape, generator=source, dtype=torch.float64).requires_grad_()


def as_written(x: Tensor) -> Tensor:
    return x


def turned(x: Tensor) -> Tensor:
    """The same values with the strides of another order of dimensions."""
    return x.transpose(0, 1).contiguous().transpose(0, 1)


def cut(x: Tensor) -> Tensor:
    """The same values as a slice of something larger."""
    return torch.cat((x, x), 2)[:, :, : x.shape[2]]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("parts", [1, 2, 4])
@pytest.mark.parametrize("pool", [1, 2])
@pytest.mark.parametrize("center", [True, False])
def test_standardize(shape: tuple[int, ...], parts: int, pool: int, center: bool) -> None:
    for strides in as_written, turned, cut:
        for parameters in (), (leaf(2, 4, seed=1), leaf(2, 4, seed=2)):

            def check(x: Tensor, *given: Tensor, strides: Callable[[Tensor], Tensor] = strides) -> Tensor:
                return standardize(strides(x), *given, eps=0.1, parts=parts, pool=pool, center=center)[0]

            # The output always has a gradient: the statistics, which have none, are the only other outputs.
            assert gradcheck(check, (leaf(*shape), *parameters), fast_mode=True, check_undefined_grad=False)


@pytest.mark.parametrize("strides", [as_written, turned, cut])
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("shifts", [True, False])
@pytest.mark.parametrize("each", [True, False])
def test_scale(strides: Callable[[Tensor], Tensor], shape: tuple[int, ...], shifts: bool, each: bool) -> None:
    of_parameter = (2, *shape[2:]) if each else (2, 4)
    parameters = [leaf(*of_parameter, seed=seed) for seed in (1, 2)[: 1 + shifts]]
    assert gradcheck(lambda x, *rest: scale(strides(x), *rest), (leaf(*shape), *parameters))


@pytest.mark.parametrize("strides", [as_written, turned, cut])
@pytest.mark.parametrize("shape", SHAPES)
def test_threshold(strides: Callable[[Tensor], Tensor], shape: tuple[int, ...]) -> None:
    assert gradcheck(lambda x, tau: threshold(strides(x), tau), (leaf(*shape), leaf(2, 4, seed=1)))


def test_at_the_threshold_the_gradient_goes_to_the_input() -> None:
    x, tau = torch.zeros(1, 2, 16, requires_grad=True), torch.zeros(1, 16, requires_grad=True)
    of_x, of_tau = torch.autograd.grad(threshold(x, tau).sum(), (x, tau))
    assert of_x.eq(1.0).all()
    assert of_tau.eq(0.0).all()


@pytest.mark.parametrize("strides", [as_written, turned, cut])
@pytest.mark.parametrize("center", [True, False])
@pytest.mark.parametrize("parameters", [0, 1, 2])
def test_standardize_rows(strides: Callable[[Tensor], Tensor], center: bool, parameters: int) -> None:
    def check(x: Tensor, *rest: Tensor) -> Tensor:
        return standardize_rows(strides(x), *rest, eps=0.1, center=center)

    given = [leaf(2, 5, seed=seed) for seed in (1, 2)[:parameters]]
    assert gradcheck(check, (leaf(2, 4, 5), *given))


def test_statistics_carry_no_gradient() -> None:
    for shape in SHAPES:
        _, mean, var = standardize(leaf(*shape), eps=0.1)
        assert not mean.requires_grad
        assert not var.requires_grad
