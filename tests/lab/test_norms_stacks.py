"""A member is bit-equal alone and in any stack, whatever its neighbours, for every norm.

Legend: E members, N samples, C channels.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

import pytest
import torch
from torch import Tensor

from normviz.lab import norms
from normviz.lab.norms import Norm
from normviz.lab.norms.standardize import arranged
from tests.lab.norm_references import FITTING

STACK = 60
ODD_SPATIAL: dict[str, tuple[int, ...]] = {"1d": (), "2d": (3, 3), "sequence": (5,)}
"""Positions that are no multiple of anything, against the tails of vectorized kernels."""
PARTS = [range(1), range(59, 60), range(2, 8), range(5, 12), range(1, 31)]
"""Members that are computed again: alone, 6, 7 and 30 of them."""


def together(x: Tensor) -> Tensor:
    """x [E, N, C, *spatial] in the memory of a channels-last grouped convolution (or as it is in an MLP)."""
    if x.ndim == 3:
        return x.contiguous()
    order = (1, *range(3, x.ndim), 0, 2)
    back = [order.index(dim) for dim in range(x.ndim)]
    return x.permute(order).contiguous().permute(back)


def passes(
    norm: Norm, inputs: Sequence[Tensor], weights: Tensor, towards: Sequence[Tensor]
) -> dict[str, Tensor]:
    """Everything that two train steps and an eval pass compute, each with the members first."""
    found: dict[str, Tensor] = {}
    for step, (values, direction) in enumerate(zip(inputs, towards, strict=True)):
        x, w = together(values).requires_grad_(), weights.clone().requires_grad_()
        y, w_used = norm(x), norm.weight(w)
        parameters = dict(norm.named_parameters())
        loss = (y * together(direction)).sum() + (w_used * weights).sum()
        gradients = torch.autograd.grad(loss, (x, w, *parameters.values()))
        found |= {f"y {step}": y, f"w {step}": w_used}
        found |= {
            f"d{name} {step}": one for name, one in zip(("x", "w", *parameters), gradients, strict=True)
        }
        found |= {f"{name} {step}": one.clone() for name, one in norm.statistics().items()}
        with torch.no_grad():
            for parameter, gradient in zip(parameters.values(), gradients[2:], strict=True):
                parameter -= 0.01 * gradient
    norm.eval()
    found["eval"] = norm(together(inputs[0]))
    return found


def stack(name: str, kind: str, channels: int, part: range, broken: Sequence[int] = ()) -> dict[str, Tensor]:
    """`passes` of these members of the stack of 60; the values of ``broken`` ones are not finite."""
    source = torch.Generator().manual_seed(1)
    shape = (STACK, 7, channels, *ODD_SPATIAL[kind])
    inputs = [torch.randn(shape, generator=source) * 3 + 1 for _ in range(2)]
    towards = [torch.randn(shape, generator=source) for _ in range(2)]
    weights = torch.randn(STACK, channels, 9, generator=source)
    options = {"ghost_size": 3} if name == "ghost_batch" else {}
    if name == "ghost_batch":  # 7 samples would leave one
        inputs, towards = [one[:, :6] for one in inputs], [one[:, :6] for one in towards]
    norm = norms.build(name, len(part), channels, ODD_SPATIAL[kind], **options)
    with torch.no_grad():
        for parameter in norm.parameters():
            drawn = torch.randn((STACK, *parameter.shape[1:]), generator=source)
            parameter.copy_((1.0 + 0.5 * drawn)[part.start : part.stop])
    for member in broken:
        inputs[0][member, 0] = float("nan")
        inputs[1][member, -1] = float("inf")
        weights[member, 0] = float("nan")
    cut = slice(part.start, part.stop)
    return passes(norm, [one[cut] for one in inputs], weights[cut], [one[cut] for one in towards])


@pytest.mark.parametrize("channels", [16, 48, 64])
@pytest.mark.parametrize(("name", "kind"), FITTING)
def test_a_member_is_bit_equal_alone_and_in_any_stack(name: str, kind: str, channels: int) -> None:
    whole = stack(name, kind, channels, range(STACK))
    for part in PARTS:
        for what, found in stack(name, kind, channels, part).items():
            assert torch.equal(found, whole[what][part.start : part.stop]), f"{what} of members {part}"


@pytest.mark.parametrize(("name", "kind"), FITTING)
def test_a_member_that_diverges_leaves_the_others_bit_equal(name: str, kind: str) -> None:
    fine = stack(name, kind, 16, range(8))
    hurt = stack(name, kind, 16, range(8), broken=(2, 5))
    others = [0, 1, 3, 4, 6, 7]
    assert not hurt["y 0"][2].isfinite().all() or not hurt["w 0"][2].isfinite().all()
    for what, found in hurt.items():
        assert torch.equal(found[others], fine[what][others]), what


@pytest.mark.parametrize(("name", "kind"), FITTING)
def test_a_segment_is_a_multiple_of_16_values(name: str, kind: str) -> None:
    norm = norms.build(name, 3, 16, ODD_SPATIAL[kind])
    for parameter in norm.parameters():
        assert parameter.shape[0] == 3
        assert prod(parameter.shape[1:]) % 16 == 0


@pytest.mark.parametrize(("name", "kind"), FITTING)
def test_any_strides_give_the_same(name: str, kind: str) -> None:
    """Of the input and of the gradient: as written, batch first, channels last, a slice, expanded."""
    source = torch.Generator().manual_seed(2)
    shape = (4, 8, 16, *ODD_SPATIAL[kind])
    x, towards = torch.randn(shape, generator=source), torch.randn(shape, generator=source)[:1].expand(shape)
    norm = norms.build(name, 4, 16, ODD_SPATIAL[kind])
    norm.update_statistics = False
    arrangements = {
        "members first": x.contiguous(),
        "batch first": x.transpose(0, 1).contiguous().transpose(0, 1),
        "channels last": together(x),
        "a slice of members": together(torch.cat((x, x)))[4:],
        "a slice of channels": torch.cat((x, x), 2)[:, :, :16],
    }
    results = {}
    for how, values in arrangements.items():
        inner = values.detach().requires_grad_()
        assert torch.equal(inner, x)
        y = norm(inner)
        results[how] = (
            y.detach(),
            *torch.autograd.grad(y, (inner, *norm.parameters()), towards, allow_unused=True),
        )
    for how, found in results.items():
        for one, right in zip(found, results["channels last"], strict=True):
            if right is not None:
                torch.testing.assert_close(one, right, rtol=1e-5, atol=1e-5, msg=how)


@pytest.mark.parametrize(("name", "kind"), FITTING)
def test_an_activation_in_place_after_the_norm_is_harmless(name: str, kind: str) -> None:
    """The output is no view (in-place changes of views are slow) and not needed by the backward pass."""
    source = torch.Generator().manual_seed(3)
    shape = (3, 8, 16, *ODD_SPATIAL[kind])
    x = together(torch.randn(shape, generator=source)).requires_grad_()
    towards = torch.randn(shape, generator=source)
    norm = norms.build(name, 3, 16, ODD_SPATIAL[kind])
    norm.update_statistics = False
    if not isinstance(norm, norms.Identity | norms.WeightNorm):
        assert norm(x)._base is None
    wanted = (x, *(() if isinstance(norm, norms.WeightNorm) else norm.parameters()))
    apart = torch.autograd.grad(torch.relu(norm(1.0 * x)), wanted, towards)
    in_place = torch.autograd.grad(torch.relu_(norm(1.0 * x)), wanted, towards)
    assert all(torch.equal(one, other) for one, other in zip(apart, in_place, strict=True))


def test_activations_of_a_grouped_convolution_are_read_without_a_copy() -> None:
    x = torch.randn(8, 4 * 16, 5, 5, generator=torch.Generator().manual_seed(4))
    x = x.contiguous(memory_format=torch.channels_last)
    stacked = x.unflatten(1, (4, 16)).transpose(0, 1)
    assert arranged(stacked).data_ptr() == x.data_ptr()
    y = norms.BatchNorm(4, 16)(stacked).transpose(0, 1).flatten(1, 2)
    assert y.is_contiguous(memory_format=torch.channels_last)
    for one in norms.LayerNorm(4, 16), norms.BatchNorm(4, 16):
        flat = torch.randn(4, 8, 16, generator=torch.Generator().manual_seed(5))
        assert one(flat).is_contiguous()


@pytest.mark.parametrize(("name", "kind"), FITTING)
def test_norms_draw_no_random_numbers(name: str, kind: str) -> None:
    x = torch.randn(2, 8, 16, *ODD_SPATIAL[kind], generator=torch.Generator().manual_seed(6))
    before = torch.get_rng_state()
    norm = norms.build(name, 2, 16, ODD_SPATIAL[kind])
    norm(x)
    norm.init_from(torch.ones(2, 16, 9))
    assert torch.equal(torch.get_rng_state(), before)
