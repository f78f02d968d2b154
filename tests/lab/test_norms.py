"""Every norm against torch.nn or a naive loop: outputs, gradients, statistics, each member by itself."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from normviz.lab import norms
from normviz.lab.norms import Norm
from tests.lab.norm_references import CHANNELS, FAN_IN, FITTING, MEMBERS, SAMPLES, SPATIAL, reference

TOLERANCE = {torch.float32: (1e-6, 1e-5), torch.float64: (1e-13, 1e-12)}
"""Of outputs and of gradients, relative to the largest value, or to the size 1 of the terms of a sum."""


def randomize(norm: Norm, source: torch.Generator) -> None:
    """Give every parameter values of its own."""
    with torch.no_grad():
        for parameter in norm.parameters():
            parameter.add_(0.5 * torch.randn(parameter.shape, generator=source))


def assert_close(found: Tensor, expected: Tensor, tolerance: float, what: str) -> None:
    error = (found.detach().double() - expected.detach()).abs().max()
    scale = max(1.0, float(expected.detach().abs().max()))
    assert error <= tolerance * scale, f"{what}: error {error:.2e} at values of {scale:.2g}"


def compare(make: Callable[[], Norm], kind: str, dtype: torch.dtype) -> None:
    """Four train steps and one in eval mode, of a stack and of each member's reference."""
    source = torch.Generator().manual_seed(0)
    norm = make()
    randomize(norm, source)
    norm.to(dtype)
    members = [reference(norm, member, len(SPATIAL[kind])) for member in range(MEMBERS)]
    of_outputs, of_gradients = TOLERANCE[dtype]
    for step in range(5):
        if step == 4:
            norm.eval()
            for member in members:
                member.eval()
        shape = (MEMBERS, SAMPLES, CHANNELS, *SPATIAL[kind])
        offsets = torch.randn(MEMBERS, 1, CHANNELS, *[1] * len(SPATIAL[kind]), generator=source)
        x = (2.0 * torch.randn(shape, generator=source) + offsets).to(dtype).requires_grad_()
        w = torch.randn(MEMBERS, CHANNELS, FAN_IN, generator=source).to(dtype).requires_grad_()
        towards = torch.randn(shape, generator=source).to(dtype)
        towards_w = torch.randn(w.shape, generator=source).to(dtype)

        y, weights = norm(x), norm.weight(w)
        names, parameters = zip(*norm.named_parameters(), strict=True) if members[0].parameters else ((), ())
        loss = (y * towards).sum() + (weights * towards_w).sum()
        gradients = torch.autograd.grad(loss, (x, w, *parameters))

        for e, member in enumerate(members):
            x_e, w_e = (one[e].detach().double().requires_grad_() for one in (x, w))
            y_e, weights_e = member.forward(x_e), member.weight(w_e)
            loss_e = (y_e * towards[e]).sum() + (weights_e * towards_w[e]).sum()
            expected = torch.autograd.grad(loss_e, (x_e, w_e, *member.parameters.values()))
            at = f"step {step}, member {e}"
            assert_close(y[e], y_e, of_outputs, f"{at}: output")
            assert_close(weights[e], weights_e, of_outputs, f"{at}: weights")
            for name, found, right in zip(("x", "w", *names), gradients, expected, strict=True):
                assert_close(found[e], right, of_gradients, f"{at}: gradient of {name}")
            assert member.statistics().keys() == norm.statistics().keys()
            for name, right in member.statistics().items():
                assert_close(norm.statistics()[name][e], right, of_outputs, f"{at}: {name}")


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=["float32", "float64"])
@pytest.mark.parametrize(("name", "kind"), FITTING)
def test_members_agree_with_the_reference(name: str, kind: str, dtype: torch.dtype) -> None:
    options = {"ghost_size": 4} if name == "ghost_batch" else {}
    compare(lambda: norms.build(name, MEMBERS, CHANNELS, SPATIAL[kind], **options), kind, dtype)


@pytest.mark.parametrize("kind", SPATIAL)
@pytest.mark.parametrize(
    "make",
    [
        lambda _: norms.BatchNorm(MEMBERS, CHANNELS, 1e-2, 0.3),
        lambda _: norms.BatchNorm(MEMBERS, CHANNELS, momentum=None),
        lambda _: norms.BatchNorm(MEMBERS, CHANNELS, affine=False),
        lambda _: norms.BatchNorm(MEMBERS, CHANNELS, track_running_stats=False),
        lambda spatial: norms.LayerNorm(MEMBERS, (CHANNELS, *spatial), 1e-2, bias=False),
        lambda spatial: norms.LayerNorm(MEMBERS, (CHANNELS, *spatial), elementwise_affine=False),
        lambda spatial: norms.RMSNorm(MEMBERS, (CHANNELS, *spatial), 1e-2),
        lambda _: norms.GroupNorm(MEMBERS, 1, CHANNELS, 1e-2),
        lambda _: norms.GroupNorm(MEMBERS, 2, CHANNELS, affine=False),
        # A ghost batch of 5, and one of the 3 that are left.
        lambda _: norms.GhostBatchNorm(MEMBERS, CHANNELS, 5, 1e-2, 0.3),
        lambda _: norms.GhostBatchNorm(MEMBERS, CHANNELS, 100),
        lambda _: norms.BatchRenorm(MEMBERS, CHANNELS, r_max=1.1, d_max=0.1),
    ],
    ids=[
        *("batch eps momentum", "batch cumulative", "batch plain", "batch untracked", "layer without beta"),
        *("layer plain", "rms eps", "group one", "group plain", "ghost rest", "ghost one", "renorm limits"),
    ],
)
def test_arguments_mean_what_they_mean_in_torch(make: Callable[[tuple[int, ...]], Norm], kind: str) -> None:
    compare(lambda: make(SPATIAL[kind]), kind, torch.float32)


@pytest.mark.parametrize("kind", ["2d", "sequence"])
@pytest.mark.parametrize("affine", [False, True])
@pytest.mark.parametrize("tracked", [False, True])
def test_instance_norm_with_and_without_parameters_and_statistics(
    kind: str, affine: bool, tracked: bool
) -> None:
    compare(lambda: norms.InstanceNorm(MEMBERS, CHANNELS, 1e-3, 0.2, affine, tracked), kind, torch.float32)


@pytest.mark.parametrize("make", [norms.LayerNorm, norms.RMSNorm])
def test_trailing_norms_treat_each_step_of_a_sequence_by_itself(make: type[Norm]) -> None:
    """[E, N, T, C] with (C,) is [E, N·T, C]."""
    source = torch.Generator().manual_seed(0)
    norm = make(MEMBERS, CHANNELS)  # type: ignore[arg-type,call-arg]
    randomize(norm, source)
    x = torch.randn(MEMBERS, SAMPLES, 5, CHANNELS, generator=source)
    assert torch.equal(norm(x).flatten(1, 2), norm(x.flatten(1, 2)))


def test_weight_norm_starts_as_the_plain_layer() -> None:
    w = torch.randn(MEMBERS, CHANNELS, FAN_IN, generator=torch.Generator().manual_seed(0))
    norm = norms.WeightNorm(MEMBERS, CHANNELS)
    norm.init_from(w)
    for e in range(MEMBERS):
        linear = torch.nn.Linear(FAN_IN, CHANNELS, bias=False)
        linear.weight = torch.nn.Parameter(w[e].clone())
        torch.nn.utils.parametrizations.weight_norm(linear)
        torch.testing.assert_close(norm.g[e][:, None], linear.parametrizations.weight.original0)  # type: ignore[union-attr]
    torch.testing.assert_close(norm.weight(w), w, rtol=1e-6, atol=1e-6)


def test_running_statistics_move_under_no_grad_and_stay_when_told() -> None:
    """A train-mode forward under no_grad updates them, as in torch; `update_statistics` switches that off."""
    x = torch.randn(MEMBERS, SAMPLES, CHANNELS, generator=torch.Generator().manual_seed(0))
    for name, fact in norms.NORMS.items():
        if not fact.running_statistics:
            continue
        norm = norms.build(name, MEMBERS, CHANNELS)
        start = {key: value.clone() for key, value in norm.state_dict().items()}
        with torch.no_grad():
            norm.update_statistics = False
            still = norm(x)
            assert all(torch.equal(value, start[key]) for key, value in norm.state_dict().items())
            norm.update_statistics = True
            assert torch.equal(norm(x), still)
        assert all(not torch.equal(value, start[key]) for key, value in norm.statistics().items())
        assert norm.num_batches_tracked == 1
        norm.eval()
        before = {key: value.clone() for key, value in norm.state_dict().items()}
        norm(x)
        assert all(torch.equal(value, before[key]) for key, value in norm.state_dict().items())
