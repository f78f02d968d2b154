"""Noise behind a norm: what it is drawn from, and that it disturbs nothing else."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from normviz.lab.engine import Member, Plan, Stack
from normviz.lab.norms import BatchNorm, Disturbance, Noise, Noisy, WeightNorm
from tests.lab import plain

NOISE = Noise(shift=0.8, stretch=1.5, spread=0.2)
PLAN = Plan(depth=3, width=32)
MEMBER = Member("batch", 3, 0.1, noise=NOISE)


class PlainNoise(nn.Module):
    """The noise as a plain script would write it, for one network."""

    def __init__(self, noise: Noise, generator: torch.Generator) -> None:
        super().__init__()
        self.noise, self.generator = noise, generator

    def forward(self, y: Tensor) -> Tensor:
        if not self.training:
            return y
        of, draws = self.noise, {"generator": self.generator}
        u_mean, u_sd = torch.rand(2, y.shape[1], **draws)
        mean = (2 * u_mean - 1) * of.shift
        sd = 1 + u_sd * (of.stretch - 1)
        m = mean + (2 * torch.rand(y.shape, **draws) - 1) * of.spread
        s = sd + torch.randn(y.shape, **draws) * of.spread
        return s.to(y.dtype) * y + m.to(y.dtype)


def plain_network(dtype: torch.dtype) -> nn.Sequential:
    net = plain.network(
        form="mlp", shape=PLAN.shape, classes=PLAN.classes, depth=PLAN.depth, width=PLAN.width, norm="batch",
        seed=MEMBER.seed, dtype=dtype,
    )  # fmt: skip
    source = torch.Generator().manual_seed(8 * MEMBER.seed + 6)
    layers: list[nn.Module] = []
    for layer in net:
        layers.append(layer)
        if isinstance(layer, nn.BatchNorm1d):
            layers.append(PlainNoise(NOISE, source))
    return nn.Sequential(*layers)


def test_training_with_noise_agrees_with_a_plain_script() -> None:
    torch.set_num_threads(1)
    dtype = torch.float64
    others = [Member("batch", 3, 0.1), Member("batch", 4, 0.1, noise=NOISE), Member("none", 3, 0.1)]
    stack = Stack(PLAN, [*others, MEMBER], batch_size=32, dtype=dtype)
    losses = []
    for _ in range(40):  # more than an epoch
        stack.step()
        losses.append(stack.losses[3])
    net, split = plain_network(dtype), stack.data(3)
    x = split.x_train.to(dtype)
    optimizer = plain.optimizer("sgd", net, MEMBER.lr)
    expected = plain.train(net, optimizer, x, split.y_train, MEMBER.seed, 32, 40)
    assert np.allclose(losses, expected, rtol=1e-9)
    net.eval()
    with torch.no_grad():
        assert torch.allclose(stack.logits()[3], net(split.x_test.to(dtype)), rtol=1e-8, atol=1e-10)


def course(members: list[Member], watched: Member, *, look: bool = False) -> list[float]:
    stack, losses = Stack(PLAN, members, batch_size=32), []
    for _ in range(12):
        stack.step()
        if look:
            stack.logits(None, "train", 64)
            stack.trace([1, 2, 3], "train")
            stack.test_error()
        losses.append(float(stack.losses[members.index(watched)]))
    return losses


def test_a_noisy_member_is_bit_equal_alone_and_in_company() -> None:
    torch.set_num_threads(1)
    company = [Member("none", 3, 0.1), Member("batch", 3, 0.1), Member("batch", 0, 0.1, noise=NOISE), MEMBER]
    assert course([MEMBER], MEMBER) == course(company, MEMBER)


def test_looks_leave_the_noise_of_the_training_alone() -> None:
    assert course([MEMBER], MEMBER) == course([MEMBER], MEMBER, look=True)


def test_without_strength_it_is_the_norm_itself() -> None:
    silent = Member("batch", 3, 0.1, noise=Noise(0.0, 1.0, 0.0))
    bare = Member("batch", 3, 0.1)
    assert course([silent], silent) == course([bare], bare)
    assert course([MEMBER], MEMBER) != course([bare], bare)


def test_a_snapshot_brings_the_noise_back() -> None:
    stack = Stack(PLAN, [MEMBER], batch_size=32)
    stack.step(3)
    before = stack.snapshot()
    stack.step(5)
    first = stack.losses
    stack.restore(before)
    stack.step(5)
    assert np.array_equal(first, stack.losses)


def test_recalibration_reaches_the_norm_behind_the_noise() -> None:
    noisy, bare = (Stack(PLAN, [Member("batch", 3, 0.1, noise=one)]) for one in (NOISE, None))
    for stack in (noisy, bare):
        stack.recalibrate(batch_size=64)
    # What enters the first norm has not passed any noise.
    assert np.allclose(noisy.statistics()[0]["var"], bare.statistics()[0]["var"])
    assert not np.allclose(noisy.statistics()[0]["var"], 1.0)


def test_the_distribution_is_the_one_that_is_described() -> None:
    disturb = Disturbance(NOISE, [0])
    draws = torch.stack([disturb(torch.zeros(1, 400, 512))[0] for _ in range(4)])  # m alone
    means = draws.mean(1)
    assert means.abs().max() <= NOISE.shift + 0.02
    assert means.std().item() == pytest.approx(NOISE.shift / 3**0.5, rel=0.05)
    assert (means[0] - means[1]).abs().mean() > 0.1  # another one in every step
    assert (draws - means[:, None]).std().item() == pytest.approx(NOISE.spread / 3**0.5, rel=0.02)
    disturb = Disturbance(Noise(0.0, 1.5, 0.0), [0])
    factors = disturb(torch.ones(1, 5, 4096))[0]
    assert torch.equal(factors[0], factors[4])
    assert 1.0 <= factors.min() < 1.01
    assert 1.49 < factors.max() <= 1.5


def test_in_eval_mode_nothing_is_disturbed() -> None:
    norm = Noisy(BatchNorm(1, 16), Disturbance(NOISE, [0])).eval()
    x = torch.randn(1, 8, 16, generator=torch.Generator().manual_seed(0))
    assert torch.equal(norm(x), norm.norm(x))
    assert norm.statistics().keys() == {"running_mean", "running_var"}


def test_norms_of_weights_are_refused() -> None:
    with pytest.raises(ValueError, match="WeightNorm"):
        Noisy(WeightNorm(1, 16), Disturbance(NOISE, [0]))
