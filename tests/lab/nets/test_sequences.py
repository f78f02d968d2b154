"""Networks that read sequences: against torch's own, alone and in stacks, and blind to future and padding."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from normviz.catalog.norms import NORMS
from normviz.catalog.sequences import SEQUENCE_DATASETS, SEQUENCE_NETWORKS
from normviz.lab import data, nets
from normviz.lab.engine import Member, Plan, Probe, Stack
from normviz.lab.nets.layers import Tape
from normviz.lab.nets.sequences import SequenceNet
from normviz.lab.nets.transformer import positions
from normviz.lab.norms.sequences import MaskedBatchNorm, StepBatchNorm

torch.set_num_threads(1)

FITTING = [
    (name, norm) for name, network in SEQUENCE_NETWORKS.items() for norm in NORMS if not network.reason(norm)
]
PLANS = {
    "transformer": Plan("transformer", 2, 32, dataset="marked", dropout=0.1),
    "rnn": Plan("rnn", 2, 32, "tanh", dataset="marked", dropout=0.1),
    "gru": Plan("gru", 2, 32, "tanh", dataset="marked", dropout=0.1),
    "free": Plan("transformer", 2, 32, dataset="marked", dropout=0.1, causal=False),
}
SHAPE, CLASSES = (6, 16), 4
OVER_BATCH = ("batch", "batch_renorm", "ghost_batch")
GHOST = 6
"""Samples of a ghost batch: half of a batch here."""


def built(name: str, norm: str, seeds: list[int], dtype: torch.dtype = torch.float64, **more) -> SequenceNet:
    """A network with every parameter away from its start, so that none can be left out unseen.

    Running statistics stay as they are: batch renormalization would answer otherwise the second time.
    """
    chosen = {"depth": 2, "width": 32, "activation": "relu" if name == "transformer" else "tanh"} | more
    if norm == "ghost_batch":
        chosen["options"] = {"ghost_size": GHOST}
    net = nets.build(name, members=len(seeds), shape=SHAPE, classes=CLASSES, norm=norm, **chosen).to(dtype)
    net.draw(seeds, [0.7] * len(seeds))
    source = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in net.parameters():
            parameter += 0.1 * torch.randn(parameter.shape, generator=source, dtype=torch.float64).to(dtype)
    assert isinstance(net, SequenceNet)
    for one in net.norms:
        one.update_statistics = False
    return net


def batch(members: int, samples: int = 12, full: bool = False, dtype: torch.dtype = torch.float64) -> Tensor:
    """Marked sequences of other seeds for each member; ``full``: without padding."""
    chosen = []
    for seed in range(members):
        x = data.load("marked", seed).x_train
        x = x[x[:, -1].sum(1) == x.shape[2]] if full else x
        chosen.append(x[:samples])
    return torch.stack(chosen).to(dtype)


# --- against torch ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("activation", ["tanh", "relu"])
def test_a_plain_rnn_is_nn_rnn(activation: str) -> None:
    net = built("rnn", "none", [3, 4], activation=activation)
    x = batch(2)
    for member in range(2):
        single = nn.RNN(5, 32, 2, nonlinearity=activation, batch_first=True).double()
        with torch.no_grad():
            for i, block in enumerate(net.blocks):
                w = block.layer.flat_weight[member]
                getattr(single, f"weight_ih_l{i}").copy_(w[:, :-32])
                getattr(single, f"weight_hh_l{i}").copy_(w[:, -32:])
                getattr(single, f"bias_ih_l{i}").copy_(block.layer.bias[member, 0])
                getattr(single, f"bias_hh_l{i}").zero_()
        lengths = x[member, :, -1].sum(1).long()
        packed = nn.utils.rnn.pack_padded_sequence(
            x[member, :, :-1].mT, lengths, batch_first=True, enforce_sorted=False
        )
        expected = single(packed)[1][-1] @ net.head.weight[member, :, :4] + net.head.bias[member, 0, :4]
        torch.testing.assert_close(net(x)[member], expected, rtol=1e-11, atol=1e-11)


@pytest.mark.parametrize("placement", ["before", "after"])
@pytest.mark.parametrize("norm", ["layer", "rms", "dyt", "group", *OVER_BATCH])
def test_norms_inside_the_recurrence_by_a_naive_loop(norm: str, placement: str) -> None:
    net, x = built("rnn", norm, [3, 4], placement=placement, depth=1), batch(2, full=True)
    layer, own = net.blocks[0].layer, net.blocks[0].norm
    for member in range(2):
        h = torch.zeros(12, 32, dtype=torch.float64)
        for t in range(16):
            a = torch.cat((x[member, :, :-1, t], h), 1) @ layer.weight[member] + layer.bias[member]
            a = a if placement == "before" else a.tanh()
            a = _plain_norm(norm, own, member, a)
            h = a.tanh() if placement == "before" else a
        expected = h @ net.head.weight[member, :, :4] + net.head.bias[member, 0, :4]
        torch.testing.assert_close(net(x)[member], expected, rtol=1e-10, atol=1e-10)


def test_a_plain_gru_is_nn_gru() -> None:
    net, x = built("gru", "none", [3, 4]), batch(2)
    for member in range(2):
        single = nn.GRU(5, 32, 2, batch_first=True).double()
        with torch.no_grad():
            for i, (gates, new) in enumerate(zip(net.blocks[::2], net.blocks[1::2], strict=True)):
                w, b = gates.layer.flat_weight[member], gates.layer.bias[member, 0]
                one, other = new.layer, new.inner
                getattr(single, f"weight_ih_l{i}").copy_(torch.cat((w[:, :-32], one.flat_weight[member])))
                getattr(single, f"weight_hh_l{i}").copy_(torch.cat((w[:, -32:], other.flat_weight[member])))
                getattr(single, f"bias_ih_l{i}").copy_(torch.cat((b, one.bias[member, 0])))
                getattr(single, f"bias_hh_l{i}").copy_(torch.cat((0 * b, other.bias[member, 0])))
        lengths = x[member, :, -1].sum(1).long()
        packed = nn.utils.rnn.pack_padded_sequence(
            x[member, :, :-1].mT, lengths, batch_first=True, enforce_sorted=False
        )
        expected = single(packed)[1][-1] @ net.head.weight[member, :, :4] + net.head.bias[member, 0, :4]
        torch.testing.assert_close(net(x)[member], expected, rtol=1e-11, atol=1e-11)


@pytest.mark.parametrize("norm", ["layer", "rms", "dyt", *OVER_BATCH])
def test_norms_of_a_gru_by_a_naive_loop(norm: str) -> None:
    net, x = built("gru", norm, [3, 4], depth=1), batch(2, full=True)
    gates, new = net.blocks
    for member in range(2):
        h = torch.zeros(12, 32, dtype=torch.float64)
        for t in range(16):
            now = x[member, :, :-1, t]
            a = torch.cat((now, h), 1) @ gates.layer.weight[member] + gates.layer.bias[member]
            r, z = _plain_norm(norm, gates.norm, member, a).sigmoid().split(32, 1)
            a = now @ new.layer.weight[member] + new.layer.bias[member]
            a = a + r * (h @ new.inner.weight[member] + new.inner.bias[member])
            h = (1 - z) * _plain_norm(norm, new.norm, member, a).tanh() + z * h
        expected = h @ net.head.weight[member, :, :4] + net.head.bias[member, 0, :4]
        torch.testing.assert_close(net(x)[member], expected, rtol=1e-10, atol=1e-10)


def _plain_norm(norm: str, own: nn.Module, member: int, a: Tensor) -> Tensor:
    own_of = {name: value[member] for name, value in own.named_parameters()}
    if norm == "dyt":
        return own_of["gamma"] * (own_of["alpha"][0] * a).tanh() + own_of["beta"]
    if norm == "layer":
        return nn.functional.layer_norm(a, a.shape[1:], own_of["gamma"], own_of["beta"])
    if norm == "group":
        return nn.functional.group_norm(a, 4, own_of["gamma"], own_of["beta"])
    if norm in ("batch", "ghost_batch"):
        affine = own_of["gamma"], own_of["beta"]
        parts = a.split(GHOST if norm == "ghost_batch" else len(a))
        return torch.cat([nn.functional.batch_norm(one, None, None, *affine, training=True) for one in parts])
    if norm == "batch_renorm":  # of the first batch: the running statistics are those of the start, 0 and 1
        sigma = (a.var(0, correction=0) + own.eps).sqrt()
        r = (sigma / (1 + own.eps) ** 0.5).clamp(1 / own.r_max, own.r_max)
        d = (a.mean(0) / (1 + own.eps) ** 0.5).clamp(-own.d_max, own.d_max)
        return ((a - a.mean(0)) / sigma * r + d) * own_of["gamma"] + own_of["beta"]
    return nn.functional.rms_norm(a, a.shape[1:], own_of["gamma"])


@pytest.mark.parametrize("placement", ["before", "after"])
@pytest.mark.parametrize("causal", [True, False])
def test_a_transformer_is_torchs_encoder(placement: str, causal: bool) -> None:
    net, x = built("transformer", "layer", [5, 6], placement=placement, causal=causal), batch(2)
    exists = x[:, :, -1] > 0.5
    assert not exists.all()
    for member in range(2):
        layers = []
        for attention, forward in zip(net.blocks[::2], net.blocks[1::2], strict=True):
            single = nn.TransformerEncoderLayer(
                32, 2, 64, dropout=0.0, norm_first=placement == "before", batch_first=True
            ).double()
            parts = {
                "self_attn.in_proj": attention.inner, "self_attn.out_proj.": attention.layer,
                "linear1.": forward.inner, "linear2.": forward.layer,
            }  # fmt: skip
            state = {}
            for name, one in parts.items():
                end = "_" if name.endswith("proj") else ""
                state[f"{name}{end}weight"], state[f"{name}{end}bias"] = (
                    one.flat_weight[member],
                    one.bias[member, 0],
                )
            for name, one in (("norm1", attention.norm), ("norm2", forward.norm)):
                state[f"{name}.weight"], state[f"{name}.bias"] = one.gamma[member], one.beta[member]
            single.load_state_dict(state)
            layers.append(single)
        h = x[member, :, :-1].mT @ net.embedding.weight[member] + net.embedding.bias[member]
        h = h + _naive_positions(16, 32)
        future = nn.Transformer.generate_square_subsequent_mask(16, dtype=torch.float64)
        for single in layers:
            if causal:
                h = single(h, src_mask=future, is_causal=True)
            else:
                h = single(h, src_key_padding_mask=~exists[member])
        if net.last_norm is not None:
            h = nn.functional.layer_norm(h, (32,), net.last_norm.gamma[member], net.last_norm.beta[member])
        expected = h @ net.head.weight[member, :, :4] + net.head.bias[member, 0, :4]
        torch.testing.assert_close(net.answers(x)[member], expected, rtol=1e-9, atol=1e-9)
        last = expected[torch.arange(12), exists[member].sum(1) - 1]
        torch.testing.assert_close(net(x)[member], last, rtol=1e-9, atol=1e-9)


def _naive_positions(steps: int, width: int) -> Tensor:
    rows = torch.zeros(steps, width, dtype=torch.float64)
    for t in range(steps):
        for i in range(0, width, 2):
            angle = torch.tensor(t / 10000 ** (i / width), dtype=torch.float64)
            rows[t, i], rows[t, i + 1] = angle.sin(), angle.cos()
    return rows


def test_positions_by_hand() -> None:
    torch.testing.assert_close(
        positions(7, 16, torch.zeros((), dtype=torch.float64)), _naive_positions(7, 16)
    )


@pytest.mark.parametrize(
    ("norm", "plain"),
    [
        ("group", nn.GroupNorm(4, 32)),
        ("instance", nn.InstanceNorm1d(32)),
        ("batch", nn.BatchNorm1d(32)),
    ],
)
def test_norms_over_time_see_the_whole_sequence(norm: str, plain: nn.Module) -> None:
    net, x = built("transformer", norm, [5], depth=1, placement="after"), batch(1, full=True)
    tape = Tape()
    net.states(x, tape)
    own = net.blocks[0].norm
    expected = plain.double()(tape.entering[0][0])
    if own.gamma is not None:
        expected = expected * own.gamma[0][:, None] + own.beta[0][:, None]
    torch.testing.assert_close(tape.leaving[0][0], expected, rtol=1e-10, atol=1e-10)


# --- steps that exist -------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "norm"), FITTING)
def test_the_answer_is_that_of_the_last_step_that_exists(name: str, norm: str) -> None:
    net, x = built(name, norm, [0, 1]), batch(2)
    last = x[:, :, -1].sum(2).long() - 1
    answers = net.answers(x)
    expected = answers.gather(2, last[:, :, None, None].expand(-1, -1, 1, CLASSES)).squeeze(2)
    torch.testing.assert_close(net(x), expected)


@pytest.mark.parametrize(("name", "norm"), FITTING)
def test_training_and_evaluation_agree_without_batch_statistics(name: str, norm: str) -> None:
    net, x = built(name, norm, [0, 1]), batch(2)
    before = net.answers(x)
    net.eval()
    assert torch.equal(before, net.answers(x)) is not NORMS[norm].train_differs_from_eval


def _padded(x: Tensor, steps: int) -> Tensor:
    return nn.functional.pad(x, (0, steps))


@pytest.mark.parametrize(("name", "norm"), FITTING)
def test_who_is_moved_by_more_padding(name: str, norm: str) -> None:
    net, x = built(name, norm, [0, 1]), batch(2)
    for masked in (True, False):
        net.masked = masked
        over_time = norm in ("group", "instance") and name == "transformer"
        unmasked = norm in OVER_BATCH and name == "transformer" and not masked
        moved = (net(x) - net(_padded(x, 8))).abs().max()
        assert (moved > 1e-6) == (over_time or unmasked), (masked, moved)


@pytest.mark.parametrize("norm", OVER_BATCH)
@pytest.mark.parametrize("name", SEQUENCE_NETWORKS)
def test_masked_statistics_are_those_of_the_steps_that_exist(name: str, norm: str) -> None:
    net, x = built(name, norm, [0]), batch(1)
    filled = torch.where(x[:, :, -1:] > 0.5, x, 7.0)
    filled[:, :, -1] = x[:, :, -1]
    net.masked = True
    torch.testing.assert_close(net(x), net(filled), rtol=1e-12, atol=1e-12)
    net.masked = False
    assert (net(x) - net(filled)).abs().max() > 1e-3


def test_step_statistics_follow_each_step_and_ignore_what_has_ended() -> None:
    norm = StepBatchNorm(2, 16, 3, momentum=0.25)
    source = torch.Generator().manual_seed(0)
    x = torch.randn(3, 2, 8, 16, generator=source) * 3 + 1
    exists = torch.rand(3, 2, 8, generator=source) > 0.4
    exists[2, 1] = False
    exists[2, 1, 0] = True  # one value alone has no variance: nothing is learned from it
    for step in range(3):
        norm.step, norm.exists = step, exists[step]
        y = norm(x[step])
        for member in range(2):
            rows = x[step, member][exists[step, member]]
            plain = nn.BatchNorm1d(16, momentum=0.25)
            if len(rows) > 1:
                torch.testing.assert_close(y[member][exists[step, member]], plain(rows), rtol=1e-5, atol=1e-5)
            torch.testing.assert_close(norm.step_mean[member, step], plain.running_mean)
            torch.testing.assert_close(norm.step_var[member, step], plain.running_var)
    everything = norm.statistics()
    torch.testing.assert_close(everything["running_mean"], norm.step_mean.mean(1))
    spread = norm.step_var.mean(1) + norm.step_mean.var(1, correction=0)
    torch.testing.assert_close(everything["running_var"], spread)
    norm.eval()
    norm.step = 9  # beyond the last step its statistics are used
    expected = (x[0] - norm.step_mean[:, 2:]) / (norm.step_var[:, 2:] + norm.eps).sqrt()
    torch.testing.assert_close(norm(x[0]), expected, rtol=1e-5, atol=1e-5)
    norm.by_step = False
    expected = (x[0] - norm.running_mean[:, None]) / (norm.running_var[:, None] + norm.eps).sqrt()
    torch.testing.assert_close(norm(x[0]), expected, rtol=1e-5, atol=1e-5)


def test_masked_batch_norm_with_everything_there_is_batch_norm() -> None:
    norm, other = MaskedBatchNorm(2, 16), MaskedBatchNorm(2, 16)
    x = torch.randn(2, 8, 16, generator=torch.Generator().manual_seed(0))
    norm.exists = torch.ones(2, 8, dtype=torch.bool)
    torch.testing.assert_close(norm(x), other(x))
    torch.testing.assert_close(norm.running_var, other.running_var)


@pytest.mark.parametrize("norm", OVER_BATCH)
@pytest.mark.parametrize("name", ["rnn", "gru"])
def test_a_batch_of_one_is_refused_in_torchs_words(name: str, norm: str) -> None:
    net = built(name, norm, [0])
    with pytest.raises(ValueError, match="Expected more than 1 value per channel when training"):
        net(batch(1, 1, full=True))
    net.eval()
    assert net(batch(1, 1, full=True)).isfinite().all()


# --- the future -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "norm"), FITTING)
def test_who_sees_the_future_and_who_the_batch_mates(name: str, norm: str) -> None:
    net, x = built(name, norm, [0, 1]), batch(2, full=True)
    changed = x.clone()
    changed[:, 0, :-1, 9:] = x[:, 1, :-1, 9:]
    moved = (net.answers(changed) - net.answers(x)).abs().amax(-1)
    over_batch = norm in OVER_BATCH
    over_time = name == "transformer" and norm in (*OVER_BATCH, "group", "instance")
    assert bool((moved[:, 0, :9] > 0).any()) == over_time
    mates = slice(1, GHOST if norm == "ghost_batch" else None)
    assert bool((moved[:, mates, 9:] > 0).any()) == over_batch
    assert bool((moved[:, mates, :9] > 0).any()) == (over_batch and over_time)
    assert not (moved[:, GHOST:] > 0).any() or norm in ("batch", "batch_renorm")
    assert (moved[:, 0, 10:] > 0).all()  # at step 9 both may have the same symbol
    net.eval()
    moved = (net.answers(changed) - net.answers(x)).abs().amax(-1)
    assert bool((moved[:, 0, :9] > 0).any()) == (over_time and not over_batch)
    assert not (moved[:, 1:] > 0).any()


def test_attention_that_is_not_causal_sees_the_future_but_no_padding() -> None:
    net, x = built("transformer", "layer", [0, 1], causal=False), batch(2)
    longer, filled = _padded(x, 8), torch.where(x[:, :, -1:] > 0.5, x, 7.0)
    filled[:, :, -1] = x[:, :, -1]
    for other in (longer, filled):
        torch.testing.assert_close(net(other), net(x), rtol=1e-11, atol=1e-11)
    full = batch(2, full=True)
    changed = full.clone()
    changed[:, 0, :-1, 9:] = full[:, 1, :-1, 9:]
    moved = (net.answers(changed) - net.answers(full)).abs().amax(-1)
    assert (moved[:, 0] > 1e-6).all()
    assert not (moved[:, 1:] > 0).any()


# --- in the engine ----------------------------------------------------------------------------------------


def course(plan: Plan, members: list[Member], watched: Member, steps: int = 4) -> list[Tensor]:
    stack = Stack(plan, members, optimizer="adam", batch_size=24)
    place, losses = members.index(watched), []
    for _ in range(steps):
        stack.step()
        losses.append(stack.losses[place])
    group = next(group for group in stack.groups if place in group.places)
    buffers = [one[group.places.index(place)] for one in group.net.buffers() if one.ndim]
    logits = stack.logits(range(64))[place]
    return [torch.tensor(losses), *stack.parameters(place).values(), *buffers, logits]


@pytest.mark.parametrize(("name", "norm"), [*FITTING, ("free", "batch"), ("free", "layer")])
def test_a_member_is_bit_equal_alone_and_in_stacks(name: str, norm: str) -> None:
    watched = Member(norm, 11, 0.003, 0.7)
    alone = course(PLANS[name], [watched], watched)
    others = [Member(norm, seed, 0.003 * (1 + seed % 2), 0.8) for seed in range(6)]
    form = PLANS[name].network
    mixed = [Member(other, seed, 0.003) for of, other in FITTING if of == form for seed in (0, 11)]
    for company in ([*others[:2], watched, *others[2:]], [*others, watched], [*mixed, watched]):
        for one, other in zip(alone, course(PLANS[name], company, watched), strict=True):
            assert torch.equal(one, other)


def test_recalibration_averages_the_statistics_of_each_step() -> None:
    stack = Stack(
        Plan("rnn", 1, 16, "tanh", dataset="digits_rows"), [Member("batch", 3, 0.01)], batch_size=50
    )
    stack.step(2)
    stack.recalibrate(batches=3)
    block, x = stack.groups[0].net.blocks[0], stack.data(0).x_train
    firsts = [x[start : start + 50, :8, 0] @ block.layer.weight[0, :8] for start in (0, 50, 100)]
    expected = torch.stack([one.mean(0) for one in firsts]).mean(0) + block.layer.bias[0, 0]
    torch.testing.assert_close(block.norm.step_mean[0, 0], expected, rtol=1e-4, atol=1e-5)
    expected = torch.stack([one.var(0) for one in firsts]).mean(0)
    torch.testing.assert_close(block.norm.step_var[0, 0], expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", SEQUENCE_NETWORKS)
@pytest.mark.parametrize("norm", ["none", "layer", *OVER_BATCH])
def test_a_recorded_step_trains_as_an_unrecorded_one(name: str, norm: str) -> None:
    plan = PLANS[name]
    recorded, bare = (Stack(plan, [Member(norm, s, 0.01) for s in (0, 1)], batch_size=16) for _ in range(2))
    probe = Probe(recorded)
    for _ in range(3):
        seen = recorded.recorded_step(probe)
        bare.step()
    for one, other in zip(recorded.parameters(1).values(), bare.parameters(1).values(), strict=True):
        assert torch.equal(one, other)
    layers = SEQUENCE_NETWORKS[name].norm_layers(plan.depth)
    assert seen["grad_norm_weight"].shape == (2, layers)
    assert (seen["grad_norm_weight"] > 0).all()
    assert (seen["grad_norm_activation"] > 0).all()
    assert len(recorded.statistics()) == layers


@pytest.mark.parametrize("name", SEQUENCE_NETWORKS)
@pytest.mark.parametrize("dataset", SEQUENCE_DATASETS)
@pytest.mark.parametrize("depth", [1, 3])
def test_facts_are_those_of_the_built_network(name: str, dataset: str, depth: int) -> None:
    network, fact = SEQUENCE_NETWORKS[name], SEQUENCE_DATASETS[dataset]
    net = nets.build(name, members=1, shape=fact.shape, classes=fact.classes, depth=depth, width=48)
    assert len(net.blocks) == network.norm_layers(depth)
    counted = sum(parameter.numel() for parameter in net.parameters())
    assert counted == network.parameters(fact.shape, fact.classes, depth, 48)
    for block, layer in zip(net.blocks, network.hidden(fact.shape, depth, 48), strict=True):
        assert block.layer.bias.shape[-1] == layer.channels
        assert block.layer.flat_weight.shape[2] == layer.fan_in
    weights = counted - sum(p.numel() for n, p in net.named_parameters() if n.endswith("bias"))
    once = network.multiply_adds(fact.shape, fact.classes, depth, 48)
    head = net.head.weight.numel()
    attention = 2 * depth * 48 * fact.shape[1] ** 2 if name == "transformer" else 0
    assert once == (weights - head) * fact.shape[1] + head + attention


@pytest.mark.parametrize("name", SEQUENCE_NETWORKS)
def test_weights_are_drawn_from_input_to_output(name: str) -> None:
    from normviz.lab.randoms import generator, he_normal

    net = nets.build(name, members=2, shape=SHAPE, classes=CLASSES, depth=2, width=32)
    net.draw([4, 9], [1.0, 0.5])
    order = ["blocks.0.layer", "blocks.1.layer"]
    if name == "gru":
        order = [f"blocks.{i}" for i in ("0.layer", "1.layer", "1.inner", "2.layer", "3.layer", "3.inner")]
    if name == "transformer":
        order = ["embedding", *(f"blocks.{i}.{one}" for i in range(4) for one in ("inner", "layer"))]
    for member, (seed, gain) in enumerate(((4, 1.0), (9, 0.5))):
        source = generator(seed, "initialization")
        for path in order:
            flat = net.get_submodule(path).flat_weight[member]
            torch.testing.assert_close(flat, he_normal(*flat.shape, gain, source), rtol=0, atol=0)
        head = net.head.flat_weight[member, :CLASSES]
        torch.testing.assert_close(head, he_normal(*head.shape, gain, source), rtol=0, atol=0)


def test_networks_refuse_what_they_cannot_read() -> None:
    with pytest.raises(ValueError, match="Transformer reads sequences"):
        Plan("transformer", 2, 32)
    with pytest.raises(ValueError, match="a single value"):
        nets.build("rnn", members=1, shape=SHAPE, classes=4, depth=1, width=16, norm="instance")
    with pytest.raises(ValueError, match="no attention"):
        Plan("rnn", 2, 32, dataset="marked", causal=False)
    with pytest.raises(ValueError, match="residual stream"):
        nets.build("transformer", members=1, shape=SHAPE, classes=4, depth=1, width=16, norm="weight_norm")
