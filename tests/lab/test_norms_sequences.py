"""Norms over the batch that leave the padding out: each member against a naive float64 loop.

Legend: E members, N samples, R rows (tokens), C channels, T steps.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
import torch
from torch import Tensor

from normviz.catalog.norms import NORMS
from normviz.lab import norms
from normviz.lab.nets.sequences import MASKED, STEPPED, at_step, tell
from normviz.lab.norms.sequences import Masked, Stepped

torch.set_num_threads(1)

MEMBERS, CHANNELS, STEPS = 3, 16, 4
OPTIONS = {
    "batch": {},
    "ghost_batch": {"ghost_size": 3},
    "batch_renorm": {"r_max": 1.5, "d_max": 0.4},
}
"""Ghost batches that leave a smaller one over; limits that some channels reach and others do not."""


def test_every_norm_over_the_batch_has_both_forms() -> None:
    over_batch = {name for name, fact in NORMS.items() if fact.family == "batch"}
    assert MASKED.keys() == STEPPED.keys() == OPTIONS.keys() == over_batch


class Plain:
    """One member's norm at one step, or of tokens, by the papers' own words; float64."""

    def __init__(self, name: str, norm: norms.Norm, member: int, momentum: float) -> None:
        self.name, self.momentum, self.options = name, momentum, OPTIONS[name]
        self.gamma, self.beta = (
            one.detach()[member].double().clone().requires_grad_() for one in (norm.gamma, norm.beta)
        )
        self.mean, self.var = torch.zeros(CHANNELS).double(), torch.ones(CHANNELS).double()

    def train(self, x_RC: Tensor, exists_R: Tensor, rows: int) -> Tensor:
        """Part by part of ``rows`` rows; the rows that do not exist come out as zero."""
        parts = zip(x_RC.split(rows), exists_R.split(rows), strict=True)
        return torch.cat([self._part(*part) for part in parts])

    def _part(self, x_RC: Tensor, exists_R: Tensor) -> Tensor:
        y = 0.0 * x_RC  # of what exists nothing may be left, and then the loss still has a graph
        there = [row for row in range(len(x_RC)) if exists_R[row]]
        if not there:
            return y
        for c in range(CHANNELS):
            values = [x_RC[row, c] for row in there]
            mean = sum(values) / len(values)
            var = sum((one - mean) ** 2 for one in values) / len(values)
            r, d = self._correction(mean, var, c)
            for row, value in zip(there, values, strict=True):
                xhat = (value - mean) / (var + 1e-5) ** 0.5
                y[row, c] = self.gamma[c] * (xhat * r + d) + self.beta[c]
            if len(values) > 1:
                unbiased = var.detach() * len(values) / (len(values) - 1)
                self.mean[c] += self.momentum * (mean.detach() - self.mean[c])
                self.var[c] += self.momentum * (unbiased - self.var[c])
        return y

    def _correction(self, mean: Tensor, var: Tensor, c: int) -> tuple[float, float]:
        if self.name != "batch_renorm":
            return 1.0, 0.0
        r_max, d_max = self.options["r_max"], self.options["d_max"]
        running = (self.var[c].item() + 1e-5) ** 0.5
        r, d = (var.item() + 1e-5) ** 0.5 / running, (mean.item() - self.mean[c].item()) / running
        return min(max(r, 1 / r_max), r_max), min(max(d, -d_max), d_max)

    def evaluate(self, x_RC: Tensor) -> Tensor:
        return (x_RC - self.mean) / (self.var + 1e-5).sqrt() * self.gamma + self.beta


def away_from_start(norm: norms.Norm) -> None:
    source = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in norm.parameters():
            parameter += 0.3 * torch.randn(parameter.shape, generator=source).to(parameter)


def drawn(samples: int, times: int, seed: int = 0) -> Iterator[tuple[Tensor, Tensor]]:
    """Batches of sequences [E, N, T, C] of other lengths for each member, and which steps exist."""
    source = torch.Generator().manual_seed(seed)
    for _ in range(times):
        x = torch.randn(MEMBERS, samples, STEPS, CHANNELS, generator=source, dtype=torch.float64)
        x = x * torch.linspace(0.2, 3.0, CHANNELS) + torch.linspace(-1.0, 1.0, CHANNELS)
        lengths = torch.randint(1, STEPS + 1, (MEMBERS, samples), generator=source)
        yield x, torch.arange(STEPS) < lengths[:, :, None]


def close(found: Tensor, expected: Tensor) -> None:
    torch.testing.assert_close(found, expected, rtol=1e-10, atol=1e-11)


@pytest.mark.parametrize("samples", [8, 7, 2])
@pytest.mark.parametrize("name", MASKED)
def test_tokens_by_a_naive_loop(name: str, samples: int) -> None:
    norm = MASKED[name](MEMBERS, CHANNELS, momentum=0.3, **OPTIONS[name]).double()
    away_from_start(norm)
    plain = [Plain(name, norm, member, 0.3) for member in range(MEMBERS)]
    size = 3 * STEPS if name == "ghost_batch" else samples * STEPS
    for x, exists in drawn(samples, 4):
        tokens = x.flatten(1, 2).requires_grad_()
        there = exists.flatten(1)
        tell(norm, there, STEPS)
        weights = torch.randn(tokens.shape, generator=torch.Generator().manual_seed(2)).double()
        y = norm(tokens).masked_fill(~there.unsqueeze(2), 0.0)
        gradients = torch.autograd.grad((y * weights).sum(), (tokens, norm.gamma, norm.beta))
        for member, one in enumerate(plain):
            own = tokens.detach()[member].clone().requires_grad_()
            expected = one.train(own, there[member], size)
            close(y[member], expected)
            theirs = torch.autograd.grad((expected * weights[member]).sum(), (own, one.gamma, one.beta))
            for ours, its in zip(gradients, theirs, strict=True):
                close(ours[member], its)
            close(norm.running_mean[member], one.mean)
            close(norm.running_var[member], one.var)
    norm.eval()
    for member, one in enumerate(plain):
        close(norm(tokens)[member], one.evaluate(tokens[member]))


@pytest.mark.parametrize("samples", [8, 2])
@pytest.mark.parametrize("name", STEPPED)
def test_steps_by_a_naive_loop(name: str, samples: int) -> None:
    norm = STEPPED[name](MEMBERS, CHANNELS, STEPS, momentum=0.3, **OPTIONS[name]).double()
    away_from_start(norm)
    plain = [[Plain(name, norm, member, 0.3) for _ in range(STEPS)] for member in range(MEMBERS)]
    lone = 0
    for x, exists in drawn(samples, 6):
        for step in range(STEPS):
            rows, there = x[:, :, step].clone().requires_grad_(), exists[:, :, step]
            at_step(norm, step, there)
            weights = torch.randn(rows.shape, generator=torch.Generator().manual_seed(2)).double()
            y = norm(rows).masked_fill(~there.unsqueeze(2), 0.0)
            gradients = torch.autograd.grad((y * weights).sum(), (rows, norm.gamma, norm.beta))
            for member in range(MEMBERS):
                one, own = plain[member][step], rows.detach()[member].clone().requires_grad_()
                lone += int(there[member].sum() == 1)
                expected = one.train(own, there[member], 3 if name == "ghost_batch" else samples)
                close(y[member], expected)
                wanted = own, one.gamma, one.beta
                theirs = torch.autograd.grad(
                    (expected * weights[member]).sum(), wanted, materialize_grads=True
                )
                for ours, its in zip(gradients, theirs, strict=True):
                    close(ours[member], its)
                close(norm.step_mean[member, step], one.mean)
                close(norm.step_var[member, step], one.var)
    assert lone or samples > 2  # a value that is alone has been met
    close(norm.running_mean, norm.step_mean.mean(1))
    norm.eval()
    for step in range(STEPS + 2):  # beyond the last step its statistics are used
        at_step(norm, step, None)
        found = norm(x[:, :, 0])
        for member in range(MEMBERS):
            close(found[member], plain[member][min(step, STEPS - 1)].evaluate(x[member, :, 0]))
    norm.by_step = False
    var = norm.step_var.mean(1) + norm.step_mean.var(1, correction=0)
    expected = (x[:, :, 0] - norm.step_mean.mean(1, keepdim=True)) / (var.unsqueeze(1) + 1e-5).sqrt()
    close(norm(x[:, :, 0]), expected * norm.gamma.unsqueeze(1) + norm.beta.unsqueeze(1))


def both(name: str, **options: float) -> Iterator[tuple[Masked, Masked, Callable[..., None]]]:
    """A norm and batch norm in each form, in 32-bit floats, and how to tell them what comes."""
    pairs = [
        (MASKED[name](MEMBERS, CHANNELS, **options), MASKED["batch"](MEMBERS, CHANNELS), _told_tokens),
        (
            STEPPED[name](MEMBERS, CHANNELS, STEPS, **options),
            STEPPED["batch"](MEMBERS, CHANNELS, STEPS),
            _told_step,
        ),
    ]
    for norm, plain, told in pairs:
        away_from_start(norm)
        away_from_start(plain)
        yield norm, plain, told


def _told_tokens(norm: Masked, exists: Tensor, step: int) -> None:
    tell(norm, exists.flatten(1), STEPS)


def _told_step(norm: Masked, exists: Tensor, step: int) -> None:
    at_step(norm, step, exists[:, :, step])


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("batch_renorm", {"r_max": 1.0, "d_max": 0.0}),
        ("ghost_batch", {"ghost_size": 8}),
        ("ghost_batch", {"ghost_size": 100}),
    ],
)
def test_what_is_batch_norm_bit_for_bit(name: str, options: dict[str, float]) -> None:
    for norm, plain, told in both(name, **options):
        for x, exists in drawn(8, 2):
            for step in range(STEPS):
                found = []
                for one in (norm, plain):
                    told(one, exists, step)
                    rows = x[:, :, step] if isinstance(one, Stepped) else x.flatten(1, 2)
                    rows = rows.float().contiguous().requires_grad_()
                    y = one(rows)
                    weights = torch.linspace(-1, 1, y.numel()).view_as(y)
                    gradients = torch.autograd.grad((y * weights).sum(), (rows, one.gamma, one.beta))
                    found.append((y, *gradients, *one.buffers()))
                assert all(torch.equal(*pair) for pair in zip(*found, strict=True))


def test_without_limits_renormalization_gives_the_eval_output_even_of_a_single_value() -> None:
    for norm, _, told in both("batch_renorm", r_max=1e9, d_max=1e9):
        for x, exists in drawn(3, 5):
            for step in range(STEPS):
                told(norm.train(), exists, step)
                rows = x[:, :, step].float() if isinstance(norm, Stepped) else x.flatten(1, 2).float()
                there = norm.exists
                kept = {name: one.clone() for name, one in norm.named_buffers()}
                y = norm(rows)
                norm.load_state_dict(kept, strict=False)
                expected = norm.eval()(rows)
                torch.testing.assert_close(y[there], expected[there], rtol=1e-4, atol=1e-4)


def test_each_sequence_lies_whole_in_one_ghost_batch() -> None:
    norm = MASKED["ghost_batch"](1, CHANNELS, ghost_size=2)
    x, exists = next(drawn(5, 1))
    x, exists = x[:1].float(), exists[:1]
    tell(norm, exists.flatten(1), STEPS)
    before = norm(x.flatten(1, 2)).view_as(x)
    for changed, moved in ((0, {0, 1}), (3, {2, 3}), (4, {4})):
        other = x.clone()
        other[0, changed, 0] += 1.0
        after = norm(other.flatten(1, 2)).view_as(x)
        differs = (after != before)[0].flatten(1).any(1)
        assert set(differs.nonzero().flatten().tolist()) == moved
    longer = torch.nn.functional.pad(x, (0, 0, 0, 7))
    tell(norm, torch.nn.functional.pad(exists, (0, 7)).flatten(1), STEPS + 7)
    after = norm(longer.flatten(1, 2)).view_as(longer)[:, :, :STEPS]
    torch.testing.assert_close(after[exists], before[exists])


def test_over_the_padding_too_ghost_batches_are_still_of_sequences() -> None:
    norm, plain = MASKED["ghost_batch"](1, CHANNELS, ghost_size=2), norms.GhostBatchNorm(1, CHANNELS, 2)
    x = next(drawn(5, 1))[0][:1].float()
    tell(norm, None, STEPS)
    expected = plain(x.movedim(3, 2)).movedim(2, 3)  # ghost batches of two samples over all their steps
    torch.testing.assert_close(norm(x.flatten(1, 2)).view_as(x), expected)
    torch.testing.assert_close(norm.running_var, plain.running_var)


@pytest.mark.parametrize(("name", "samples"), [(name, 1) for name in STEPPED] + [("ghost_batch", 7)])
def test_a_single_sample_at_a_step_is_refused_in_torchs_words(name: str, samples: int) -> None:
    norm = STEPPED[name](1, CHANNELS, STEPS, **OPTIONS[name])
    with pytest.raises(ValueError, match="Expected more than 1 value per channel when training"):
        norm(torch.zeros(1, samples, CHANNELS))
    assert norm.eval()(torch.zeros(1, samples, CHANNELS)).isfinite().all()


@pytest.mark.parametrize("name", STEPPED)
def test_a_look_moves_no_running_statistics(name: str) -> None:
    for kind, steps in ((MASKED, ()), (STEPPED, (STEPS,))):
        norm = kind[name](MEMBERS, CHANNELS, *steps, **OPTIONS[name])
        norm.update_statistics = False
        before = [one.clone() for one in norm.buffers()]
        x, exists = next(drawn(8, 1))
        for step in range(STEPS):
            at_step(norm, step, exists[:, :, step])
            norm(x[:, :, step].float())
        assert all(torch.equal(one, other) for one, other in zip(before, norm.buffers(), strict=True))


@pytest.mark.parametrize("name", STEPPED)
def test_the_mean_over_all_batches_so_far(name: str) -> None:
    """``momentum`` None, as in a recalibration: of K ghost batches each counts as one."""
    norm = STEPPED[name](MEMBERS, CHANNELS, STEPS, momentum=None, **OPTIONS[name]).double()
    seen: list[list[Tensor]] = [[] for _ in range(STEPS)]
    for x, _ in drawn(6, 3):
        for step in range(STEPS):
            at_step(norm, step, None)
            norm(x[:, :, step])
            parts = x[:, :, step].split(3 if name == "ghost_batch" else 6, 1)
            seen[step] += [part.var(1) for part in parts]
    for step in range(STEPS):
        close(norm.step_var[:, step], torch.stack(seen[step]).mean(0))
    assert norm.num_batches_tracked == len(seen[0])
