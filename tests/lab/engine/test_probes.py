"""Probes against hooks on the plain network, and against training without them."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from normviz.catalog.networks import ACTIVATIONS, NETWORKS, OPTIMIZERS
from normviz.catalog.norms import NORMS, reason
from normviz.lab.engine import Member, Plan, Probe, Stack
from normviz.lab.engine.probes import UNITS
from tests.lab import plain

FITTING = [
    (network, norm) for network in NETWORKS for norm in NORMS if not reason(norm, NETWORKS[network].form)
]
PLANS = {"mlp": Plan("mlp", 3, 32), "cnn": Plan("cnn", 2, 16), "resnet": Plan("resnet", 3, 16)}


def test_everything_in_the_schema_is_recorded_in_its_form() -> None:
    stack = Stack(
        PLANS["mlp"],
        [Member(norm, seed, 0.1) for norm in ("none", "batch") for seed in (0, 1)],
        batch_size=32,
    )
    probe = Probe(stack)
    assert probe.shown == (0, 2)
    arrays = stack.recorded_step(probe)
    schema = {one.name: one for one in probe.schema()}
    assert list(arrays) == list(schema)
    for name, array in arrays.items():
        assert array.shape == schema[name].shape
        assert array.dtype == np.dtype(schema[name].dtype)
    assert set(probe.edges) == {name for name in schema if name.startswith("hist_")}
    assert arrays["hist_pre"].sum(2).tolist() == [[32 * 32] * 3] * 2
    assert arrays["hist_grad_weight"][0].sum(1).tolist() == [64 * 32, 32 * 32, 32 * 32]
    assert np.isfinite(arrays["grad_norm_activation"]).all()
    assert np.isnan(arrays["gamma_mean"][:2]).all()
    assert (arrays["gamma_mean"][2:] == 1).all()


def test_counts_beyond_16_bits_get_32() -> None:
    stack = Stack(Plan("mlp", 1, 256), [Member("none", 0, 0.1)], batch_size=256)
    arrays = stack.recorded_step(Probe(stack))
    assert arrays["hist_pre"].dtype == np.uint32
    assert arrays["hist_pre"].sum() == 256 * 256


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize(("network", "norm"), FITTING)
def test_recording_leaves_training_bit_identical(network: str, norm: str, optimizer: str) -> None:
    members = [Member(norm, seed, 0.01) for seed in (0, 1, 2)]
    recorded, bare = (Stack(PLANS[network], members, optimizer=optimizer, batch_size=16) for _ in range(2))
    probe = Probe(recorded)
    for step in range(4):
        recorded.recorded_step(probe) if step % 2 else recorded.step()
        bare.step()
    np.testing.assert_array_equal(recorded.losses, bare.losses)
    for member in range(3):
        for name, value in recorded.parameters(member).items():
            assert torch.equal(value, bare.parameters(member)[name])
    for one, other in zip(recorded.statistics(), bare.statistics(), strict=True):
        np.testing.assert_array_equal(one["mean"], other["mean"])


def test_observing_takes_no_step() -> None:
    plan = Plan("mlp", 2, 32, dropout=0.3)
    watched, bare = (Stack(plan, [Member("batch", 0, 0.1)], batch_size=16) for _ in range(2))
    watched.step()
    bare.step()
    seen = watched.observe(Probe(watched))
    assert watched.steps_done == 1
    again = watched.recorded_step(Probe(watched))
    bare.step()
    assert watched.losses == bare.losses
    for name, array in seen.items():
        np.testing.assert_array_equal(array, again[name])


# ---------------------------------------------------------------- the numbers themselves


class Watched:
    """One training step of the plain network with hooks on all its layers."""

    def __init__(
        self, plan: Plan, norm: str, seed: int, lr: float, batch_size: int, x: Tensor, y: Tensor
    ) -> None:
        self.net = plain.network(
            form=plan.network, shape=plan.shape, classes=plan.classes, depth=plan.depth, width=plan.width,
            norm=norm, seed=seed, activation=plan.activation, placement=plan.placement, dtype=torch.float64,
        )  # fmt: skip
        kinds = (nn.Linear, nn.Conv2d, *plain.ACTIVATIONS.values(), plain.Dropout)
        self.seen: dict[str, list[Tensor]] = {
            "norm in": [],
            "norm out": [],
            "activation": [],
            "block": [],
            "grad": [],
        }
        normed = plan.depth
        for layer in self.net:
            if not isinstance(layer, (*kinds, nn.Flatten, nn.AdaptiveAvgPool2d)) and normed:
                layer.register_forward_hook(self._norm)
            if isinstance(layer, tuple(plain.ACTIVATIONS.values())):
                layer.register_forward_hook(lambda _, __, out: self.seen["activation"].append(out))
            if isinstance(layer, plain.Dropout):
                layer.register_forward_hook(self._block)
        self.weights = [layer.weight for layer in self.net if isinstance(layer, nn.Linear | nn.Conv2d)][:-1]
        before = [weight.detach().clone() for weight in self.weights]
        indices = next(plain.batches(seed, len(y), batch_size))
        optimizer = plain.optimizer("adam", self.net, lr)
        nn.functional.cross_entropy(self.net(x[indices]), y[indices]).backward()
        self.weight_gradients = [weight.grad.clone() for weight in self.weights]
        optimizer.step()
        self.ratio = [
            ((weight.detach() - old).norm() / old.norm()).item()
            for weight, old in zip(self.weights, before, strict=True)
        ]
        self.gradients = [out.grad for out in self.seen["block"]]

    def _norm(self, _: nn.Module, inputs: tuple[Tensor], out: Tensor) -> None:
        self.seen["norm in"].append(inputs[0])
        self.seen["norm out"].append(out)

    def _block(self, _: nn.Module, __: tuple[Tensor], out: Tensor) -> None:
        out.retain_grad()
        self.seen["block"].append(out)


@pytest.mark.parametrize("placement", ["before", "after"])
@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("network", ["mlp", "cnn"])
@pytest.mark.parametrize("norm", ["none", "batch", "group"])
def test_agrees_with_hooks_on_the_plain_network(
    network: str, norm: str, activation: str, placement: str
) -> None:
    depth, width = (3, 32) if network == "mlp" else (2, 16)
    plan = Plan(network, depth, width, activation, placement)
    members = [Member("layer", 0, 0.002), Member(norm, 1, 0.002), Member(norm, 0, 0.002)]
    stack = Stack(plan, members, optimizer="adam", batch_size=16, dtype=torch.float64)
    probe = Probe(stack, shown=[2, 1])
    arrays = stack.recorded_step(probe)
    split = stack.data(1)
    plainly = Watched(plan, norm, 1, 0.002, 16, split.x_train.double(), split.y_train)

    for name, kind in (("hist_pre", "norm in"), ("hist_post", "norm out"), ("hist_activation", "activation")):
        for layer, values in enumerate(plainly.seen[kind]):
            inside = (
                values.detach().clamp(probe.edges[name][0], np.nextafter(probe.edges[name][-1], -1)).float()
            )
            expected, _ = np.histogram(inside.numpy().ravel().astype(np.float64), probe.edges[name])
            assert (
                np.abs(arrays[name][1, layer].astype(int) - expected).sum() <= 2
            )  # a value on an edge may fall either way
    for name, gradients in (("hist_grad", plainly.gradients), ("hist_grad_weight", plainly.weight_gradients)):
        for layer, values in enumerate(gradients):
            expected, _ = np.histogram(values.numpy().ravel(), probe.edges[name])
            assert np.abs(arrays[name][1, layer].astype(int) - expected).sum() <= 2

    def norms(tensors: list[Tensor]) -> list[float]:
        return [one.norm().item() for one in tensors]

    np.testing.assert_allclose(arrays["grad_norm_activation"][1], norms(plainly.gradients), rtol=1e-5)
    np.testing.assert_allclose(arrays["grad_norm_weight"][1], norms(plainly.weight_gradients), rtol=1e-5)
    np.testing.assert_allclose(arrays["update_ratio"][1], plainly.ratio, rtol=1e-4)

    activated = [one.detach() for one in plainly.seen["activation"]]
    if activation == "relu":
        dead = [(one == 0).transpose(0, 1).flatten(1).all(1).double().mean().item() for one in activated]
        np.testing.assert_allclose(arrays["dead"][1], dead, atol=1e-6)
        assert np.isnan(arrays["saturated"]).all()
    elif activation in ("tanh", "sigmoid"):
        outside = [
            (one.abs() > 0.97) if activation == "tanh" else (one < 0.03) | (one > 0.97) for one in activated
        ]
        np.testing.assert_allclose(
            arrays["saturated"][1], [one.double().mean().item() for one in outside], atol=1e-6
        )
        assert np.isnan(arrays["dead"]).all()

    for layer, values in enumerate(plainly.seen["norm in"]):
        channels = values.detach().transpose(0, 1).flatten(1)[:UNITS]
        np.testing.assert_allclose(arrays["batch_mean"][1, layer], channels.mean(1), atol=1e-6)
        np.testing.assert_allclose(
            arrays["batch_var"][1, layer], channels.var(1, correction=0), rtol=1e-5, atol=1e-9
        )


def test_affine_and_running_statistics() -> None:
    stack = Stack(
        PLANS["mlp"], [Member("layer", 0, 0.01), Member("batch", 0, 0.01)], optimizer="adam", batch_size=32
    )
    for _ in range(5):
        stack.step()
    gammas = [stack.parameters(1)[f"blocks.{layer}.norm.gamma"] for layer in range(3)]
    betas = [stack.parameters(0)[f"blocks.{layer}.norm.beta"] for layer in range(3)]
    arrays = stack.observe(Probe(stack))
    np.testing.assert_allclose(arrays["gamma_mean"][1], [one.mean().item() for one in gammas], rtol=1e-5)
    np.testing.assert_allclose(
        arrays["gamma_sd"][1], [one.std(correction=0).item() for one in gammas], rtol=1e-4
    )
    np.testing.assert_allclose(
        arrays["beta_mean"][0], [one.mean().item() for one in betas], rtol=1e-4, atol=1e-7
    )
    np.testing.assert_allclose(arrays["gamma"][1], torch.stack(gammas)[:, :UNITS], rtol=1e-6)
    np.testing.assert_allclose(arrays["beta"][0], torch.stack(betas)[:, :UNITS], rtol=1e-6)
    assert np.isnan(arrays["running_mean"][0]).all()
    stack.step()
    after = [layer["var"][1, :UNITS] for layer in stack.statistics()]
    np.testing.assert_allclose(arrays["running_var"][1], after, rtol=1e-6)


@pytest.mark.parametrize("other", ["none", "batch"])
def test_a_frozen_member_shows_nothing(other: str) -> None:
    """Whether its group goes on ("none": it lives on in the other member) or stands still."""
    stack = Stack(Plan("mlp", 4, 32), [Member("none", 0, 1e4, 10.0), Member(other, 0, 0.01)], batch_size=32)
    while stack.diverged_at[0] < 0:
        stack.step()
    arrays = stack.recorded_step(Probe(stack, shown=[0, 1]))
    for name, array in arrays.items():
        assert np.isnan(array[0]).all() if array.dtype == np.float32 else not array[0].any(), name
    assert np.isfinite(arrays["grad_norm_weight"][1]).all()
    assert arrays["hist_pre"][1].sum() == 4 * 32 * 32
