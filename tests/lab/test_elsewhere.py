"""The stand-in for a GPU is as strict as CUDA, and computes what the CPU computes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from tests.lab.elsewhere import DEVICE, Away, Elsewhere


@pytest.fixture
def stand_in() -> Iterator[Elsewhere]:
    with Elsewhere() as entered:
        yield entered


HERE = torch.arange(12.0).view(3, 4)

MIXED: dict[str, Callable[[Tensor], Any]] = {
    "a sum": lambda x: x + HERE,
    "a product": lambda x: HERE[:, :3] @ x,
    "a change in place": lambda x: x.mul_(HERE),
    "a change of what is here": lambda x: HERE.clone().mul_(x.sum()),
    "numbers side by side": lambda x: torch.stack([x.sum(), torch.tensor(1.0)]),
    "a list": lambda x: torch._foreach_add([x], [HERE]),
    "an output that is here": lambda x: torch.mul(x, x, out=torch.empty(3, 4)),
    "an index that is there": lambda x: HERE[torch.tensor([0, 1]).to(DEVICE)],
    "values that are here": lambda x: x.index_put_((torch.tensor([0]),), HERE[:1]),
    "a layer that is here": lambda x: nn.Linear(4, 2)(x),
    "an optimizer's step": lambda x: torch._fused_sgd_(
        [x], [HERE], [], weight_decay=0.0, momentum=0.0, lr=1.0, dampening=0.0, nesterov=False,
        maximize=False, is_first_step=False,
    ),
}  # fmt: skip


@pytest.mark.usefixtures("stand_in")
class TestRefusals:
    @pytest.mark.parametrize("name", MIXED)
    def test_two_devices_in_one_operation(self, name: str) -> None:
        with pytest.raises(RuntimeError, match="on the same device"):
            MIXED[name](HERE.to(DEVICE))

    def test_an_array_of_what_is_there(self) -> None:
        with pytest.raises(TypeError, match="Tensor"):
            HERE.to(DEVICE).numpy()
        with pytest.raises(TypeError, match="Tensor"):
            HERE.to(DEVICE)[0].numpy()

    def test_random_numbers_there(self) -> None:
        with pytest.raises(RuntimeError, match="generator"):
            torch.rand(3, device=DEVICE, generator=torch.Generator())
        with pytest.raises(RuntimeError, match="draws random numbers"):
            torch.randn(3, device=DEVICE)

    def test_double_precision_where_there_is_none(self) -> None:
        with Elsewhere(doubles=False), pytest.raises(TypeError, match="float64"):
            HERE.to(DEVICE).double()


@pytest.mark.usefixtures("stand_in")
class TestWhatIsAllowed:
    def test_to_and_fro(self) -> None:
        there = HERE.to(DEVICE)
        assert isinstance(there, Away)
        assert there.device == DEVICE
        assert type(there.cpu()) is Tensor
        assert torch.equal(there.cpu(), HERE)
        assert there.tolist() == HERE.tolist()
        assert float(there.sum()) == 66.0

    def test_numbers_and_indices_of_the_cpu(self) -> None:
        there = HERE.to(DEVICE)
        assert torch.equal((there * torch.tensor(2.0)).cpu(), 2 * HERE)
        for index in (torch.tensor([2, 0]), [2, 0], slice(1, 3), (slice(None), [1])):
            assert torch.equal(there[index].cpu(), HERE[index])

    def test_what_is_made_there_is_there_with_its_values(self) -> None:
        made = [
            torch.tensor([1.0, 2.0], device=DEVICE), torch.arange(3, device=DEVICE),
            HERE.to(DEVICE).new_zeros(2), torch.zeros(2, device=DEVICE),
            HERE.to(DEVICE).new_tensor([3.0]), torch.empty_like(HERE.to(DEVICE)),
        ]  # fmt: skip
        assert all(isinstance(one, Away) for one in made)
        assert [one.tolist() for one in made[:5]] == [[1, 2], [0, 1, 2], [0, 0], [0, 0], [3]]
        assert type(torch.zeros(2)) is Tensor

    def test_views_share_their_values(self) -> None:
        there = HERE.to(DEVICE)
        there[1].mul_(10)
        there.T[0, 0] = 5.0
        expected = HERE.clone()
        expected[1] *= 10
        expected[0, 0] = 5
        assert torch.equal(there.cpu(), expected)
        assert torch.equal(HERE, torch.arange(12.0).view(3, 4))


def test_training_there_is_training_here(stand_in: Elsewhere) -> None:
    def trained(device: torch.device) -> list[Tensor]:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            net = nn.Sequential(nn.Linear(8, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Linear(16, 3)).to(device)
            x, y = torch.randn(32, 8).to(device), torch.randint(3, (32,)).to(device)
        optimizer = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
        for _ in range(5):
            optimizer.zero_grad()
            nn.functional.cross_entropy(net(x), y).backward()
            optimizer.step()
        return [one.detach().cpu() for one in (*net.parameters(), *net.buffers())]

    here, there = trained(torch.device("cpu")), trained(DEVICE)
    assert all(torch.equal(one, other) for one, other in zip(here, there, strict=True))
    assert {"addmm", "native_batch_norm_backward"} <= stand_in.computed
