"""What theory says of the norms: identities between them, closed forms, invariances.

Legend: E members, N samples (B: of a batch), C channels.
"""

from __future__ import annotations

from collections.abc import Callable
from math import exp, lgamma, sqrt

import pytest
import torch
from torch import Tensor, nn

from normviz.lab import norms
from normviz.lab.norms import Norm


def normal(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


# --- identities --------------------------------------------------------------------------------------


def test_group_norm_with_one_group_is_layer_norm_over_the_picture() -> None:
    x = normal(2, 4, 16, 5, 5)
    group = norms.GroupNorm(2, 1, 16).double()
    layer = norms.LayerNorm(2, (16, 5, 5)).double()
    torch.testing.assert_close(group(x), layer(x))


def test_group_norm_with_a_group_for_each_channel_is_instance_norm() -> None:
    x = normal(2, 4, 16, 5, 5)
    torch.testing.assert_close(norms.GroupNorm(2, 16, 16).double()(x), norms.InstanceNorm(2, 16).double()(x))


def test_ghost_batches_of_the_whole_batch_are_batch_norm() -> None:
    x = normal(2, 8, 16)
    ghost, batch = norms.GhostBatchNorm(2, 16, 8).double(), norms.BatchNorm(2, 16).double()
    torch.testing.assert_close(ghost(x), batch(x))
    torch.testing.assert_close(ghost.statistics(), batch.statistics())


@pytest.mark.parametrize("shape", [(2, 8, 16), (2, 8, 16, 5, 5)])
def test_batch_renorm_without_room_is_batch_norm(shape: tuple[int, ...]) -> None:
    renorm = norms.BatchRenorm(2, 16, r_max=1.0, d_max=0.0).double()
    batch = norms.BatchNorm(2, 16).double()
    for step in range(3):
        x = 2.0 + 3.0 * normal(*shape, seed=step)
        torch.testing.assert_close(renorm(x), batch(x))
    torch.testing.assert_close(renorm.statistics(), batch.statistics())


@pytest.mark.parametrize("shape", [(2, 8, 16), (2, 8, 16, 5, 5)])
def test_batch_renorm_without_limits_gives_the_eval_output(shape: tuple[int, ...]) -> None:
    renorm = norms.BatchRenorm(2, 16, r_max=1e9, d_max=1e9).double()
    renorm(2.0 + 3.0 * normal(*shape, seed=1))
    x = 1.0 + 2.0 * normal(*shape)
    expected = renorm.eval()(x)
    torch.testing.assert_close(renorm.train()(x), expected)


def test_limits_of_batch_renorm_follow_the_papers_schedule() -> None:
    """1 and 0 for 5,000 steps; r reaches 3 at 40,000 and d reaches 5 at 25,000."""
    assert norms.renorm_limits(0) == norms.renorm_limits(5_000) == (1.0, 0.0)
    assert norms.renorm_limits(15_000) == pytest.approx((1.0 + 2.0 * 10 / 35, 2.5))
    assert norms.renorm_limits(25_000) == pytest.approx((1.0 + 2.0 * 20 / 35, 5.0))
    assert norms.renorm_limits(40_000) == norms.renorm_limits(10**9) == (3.0, 5.0)
    assert norms.renorm_limits(150, warmup=50) == pytest.approx(norms.renorm_limits(15_000))
    assert norms.renorm_limits(0, warmup=0) == (3.0, 5.0)


def test_batch_norm_of_two_samples_gives_plus_and_minus_one() -> None:
    x = normal(2, 2, 16)
    y = norms.BatchNorm(2, 16, eps=1e-20).double()(x)
    torch.testing.assert_close(y, (x - x.flip(1)).sign())


def test_frn_of_a_single_position_degenerates() -> None:
    """±γ+β, whatever the value: the reason why it does not apply to an MLP."""
    norm = norms.FRN(1, 16, eps=1e-20).double()
    with torch.no_grad():
        norm.tau.fill_(-10.0)
        norm.gamma.fill_(2.0)
        norm.beta.fill_(0.5)
    x = normal(1, 8, 16)
    torch.testing.assert_close(norm(x), 2.0 * x.sign() + 0.5)


# --- invariances -------------------------------------------------------------------------------------

SCALE_INVARIANT = {
    "batch": norms.BatchNorm(1, 16),
    "layer": norms.LayerNorm(1, 16),
    "rms": norms.RMSNorm(1, 16),
    "group": norms.GroupNorm(1, 4, 16),
    "ghost_batch": norms.GhostBatchNorm(1, 16, 16),
}


def _loss_and_gradient(norm: Norm, w: Tensor) -> tuple[float, Tensor]:
    x, targets = normal(1, 64, 12).float(), normal(1, 64, 16, seed=1).float()
    w = w.requires_grad_()
    loss = (torch.tanh(norm(x @ w)) - targets).square().mean()
    return loss.item(), torch.autograd.grad(loss, w)[0]


@pytest.mark.parametrize("name", SCALE_INVARIANT)
def test_ten_times_the_weights_leave_the_loss_and_divide_the_gradient_by_ten(name: str) -> None:
    w = normal(1, 12, 16, seed=2).float()
    loss, gradient = _loss_and_gradient(SCALE_INVARIANT[name], w)
    loss_10, gradient_10 = _loss_and_gradient(SCALE_INVARIANT[name], 10.0 * w)
    assert abs(loss_10 - loss) < 1e-4
    assert float(gradient.norm() / gradient_10.norm()) == pytest.approx(10.0, abs=0.01)


def test_the_gradient_is_orthogonal_to_the_weights() -> None:
    """Batch norm: for each unit; layer and RMS norm: only for the whole matrix."""
    w = normal(1, 12, 16, seed=2).float()
    for name, norm in SCALE_INVARIANT.items():
        _, gradient = _loss_and_gradient(norm, w.clone())
        products = (w * gradient).sum(1).flatten()
        size = w.norm() * gradient.norm()
        assert float(products.sum().abs() / size) < 1e-5, name
        by_unit = float(products.abs().max() / size)
        if name in ("batch", "ghost_batch"):
            assert by_unit < 1e-5
        else:
            assert by_unit > 1e-3, name


def test_gradients_of_batch_norm_add_up_to_zero() -> None:
    """Over the batch, so a bias before it learns nothing."""
    for shape in (1, 32, 16), (1, 32, 16, 4, 4):
        x = normal(*shape).requires_grad_()
        (gradient,) = torch.autograd.grad(norms.BatchNorm(1, 16).double()(x), x, normal(*shape, seed=1))
        assert gradient.abs().max() > 0.1
        assert gradient.sum((0, 1, *range(3, len(shape)))).abs().max() < 1e-12


# --- statistics --------------------------------------------------------------------------------------


@pytest.mark.parametrize("batch", [4, 32, 256])
def test_gap_between_train_and_eval_outputs(batch: int) -> None:
    """E(y_train - y_eval)² = 2 - 2√(2/B)·Γ(B/2)/Γ((B-1)/2) on Gaussian inputs, within 5%."""
    members, channels = 32, 256
    norm = norms.BatchNorm(members, channels, eps=0.0)
    norm.update_statistics = False  # they are the true ones: mean 0, variance 1
    x = normal(members, batch, channels).float()
    gap = (norm.train()(x) - norm.eval()(x)).square().mean().item()
    theory = 2.0 - 2.0 * sqrt(2.0 / batch) * exp(lgamma(batch / 2) - lgamma((batch - 1) / 2))
    assert gap == pytest.approx(theory, rel=0.05)


def test_steps_until_running_statistics_forget_their_start() -> None:
    """22, 29 and 44 steps at momentum 0.1 until 10, 5 and 1% are left."""
    norm = norms.BatchNorm(1, 16).double()
    x = 5.0 + 2.0 * normal(1, 32, 16)
    mean, var = x.mean(1), x.var(1, correction=1)
    left_by_step = []
    for _ in range(50):
        norm(x)
        found = norm.statistics()
        left = (found["running_mean"] - mean) / (0.0 - mean)
        torch.testing.assert_close(left, (found["running_var"] - var) / (1.0 - var))
        left_by_step.append(left.max().item())
    assert [1 + sum(left > share for left in left_by_step) for share in (0.10, 0.05, 0.01)] == [22, 29, 44]


@pytest.mark.parametrize("shape", [(2, 8, 16), (2, 8, 16, 3, 3)])
def test_running_variance_is_unbiased(shape: tuple[int, ...]) -> None:
    norm = norms.BatchNorm(2, 16, momentum=1.0)
    x = normal(*shape).float()
    norm(x)
    over = (1, *range(3, len(shape)))
    torch.testing.assert_close(
        norm.statistics()["running_var"], x.var(over, correction=1), rtol=1e-6, atol=1e-6
    )


@pytest.mark.parametrize("shape", [(2, 64, 16), (2, 64, 16, 4, 4), (2, 64, 16, 7)])
def test_variance_of_data_far_from_zero(shape: tuple[int, ...]) -> None:
    """Mean 100, SD 0.1: E x² - (E x)² would lose every digit in float32."""
    x = (100.0 + 0.1 * normal(*shape)).float()
    norm = norms.BatchNorm(2, 16, momentum=1.0, eps=1e-12)
    y = norm(x)
    over = (1, *range(3, len(shape)))
    torch.testing.assert_close(
        norm.statistics()["running_var"].double(), x.double().var(over, correction=1), rtol=1e-3, atol=0.0
    )
    torch.testing.assert_close(y.var(over, correction=0), torch.ones(2, 16), rtol=1e-3, atol=0.0)
    for other in norms.GroupNorm(2, 1, 16, eps=1e-12), norms.LayerNorm(2, shape[2:], eps=1e-12):
        spread = other(x).flatten(2).var(2, correction=0)
        torch.testing.assert_close(spread, torch.ones_like(spread), rtol=1e-3, atol=0.0)


# --- a batch of one ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("make", "torch_norm", "shape"),
    [
        (norms.BatchNorm, nn.BatchNorm1d, (1, 16)),
        (norms.BatchNorm, nn.BatchNorm1d, (1, 16, 1)),
        (norms.BatchNorm, nn.BatchNorm2d, (1, 16, 1, 1)),
        (norms.InstanceNorm, nn.InstanceNorm1d, (2, 16, 1)),
        (norms.InstanceNorm, nn.InstanceNorm2d, (2, 16, 1, 1)),
    ],
)
def test_a_single_value_is_refused_in_torchs_words(
    make: type[Norm], torch_norm: type[nn.Module], shape: tuple[int, ...]
) -> None:
    with pytest.raises(ValueError, match="Expected more than 1") as of_torch:
        torch_norm(16)(torch.zeros(shape))
    norm = make(3, 16)  # type: ignore[call-arg]
    with pytest.raises(ValueError, match="Expected more than 1") as ours:
        norm(torch.zeros(3, *shape))
    assert str(ours.value) == str(of_torch.value)


def test_a_single_value_in_eval_mode() -> None:
    """Batch norm uses its running statistics; without them, and in instance norm, it is refused as well."""
    x = torch.ones(3, 1, 16)
    torch.testing.assert_close(norms.BatchNorm(3, 16).eval()(x), x / sqrt(1.0 + 1e-5))
    with pytest.raises(ValueError, match="more than 1 value per channel"):
        norms.BatchNorm(3, 16, track_running_stats=False).eval()(x)
    with pytest.raises(ValueError, match="more than 1 spatial element"):
        norms.InstanceNorm(3, 16).eval()(x[..., None, None])
    with pytest.raises(ValueError, match="more than 1 spatial element"):
        norms.InstanceNorm(3, 16).eval()(x)  # torch would read (N, C) as (C, L)


def test_a_picture_of_one_sample_is_many_values() -> None:
    x = normal(3, 1, 16, 4, 4)
    y = norms.BatchNorm(3, 16).double()(x)
    torch.testing.assert_close(
        y.var((3, 4), correction=0), torch.ones(3, 1, 16).double(), rtol=1e-3, atol=0.0
    )


def test_group_norm_of_single_values() -> None:
    """As in torch: one sample is refused, two silently become zero."""
    norm = norms.GroupNorm(3, 16, 16)
    with pytest.raises(ValueError, match="Expected more than 1 value per channel"):
        norm(torch.ones(3, 1, 16))
    assert norm(normal(3, 2, 16).float()).abs().max() == 0.0


@pytest.mark.parametrize("make", [lambda: norms.GhostBatchNorm(3, 16, 4), lambda: norms.BatchRenorm(3, 16)])
def test_ghost_batches_and_renorm_refuse_a_single_value(make: Callable[[], Norm]) -> None:
    with pytest.raises(ValueError, match=r"more than 1 value per channel .* torch.Size\(\[1, 16\]\)"):
        make()(torch.ones(3, 1, 16))


def test_a_rest_of_one_is_refused_before_anything_is_updated() -> None:
    norm = norms.GhostBatchNorm(3, 16, 4)
    with pytest.raises(ValueError, match=r"torch.Size\(\[1, 16\]\)"):
        norm(normal(3, 9, 16).float())
    assert norm.num_batches_tracked == 0
