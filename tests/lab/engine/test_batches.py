"""Batches: what they hold, and that a plain loop draws the same."""

from __future__ import annotations

import pytest
import torch

from normviz.catalog.sequences import ALL_DATASETS
from normviz.lab import data
from normviz.lab.data import Split
from normviz.lab.engine import Member, Plan, Stack
from normviz.lab.engine.batches import Batches
from normviz.lab.randoms import generator

SEEDS = (3, 8)
LARGEST = 256
"""Samples of the largest batch that is offered."""


def splits(dataset: str = "digits", seeds: tuple[int, ...] = SEEDS) -> list[Split]:
    return [data.load(dataset, seed) for seed in seeds]


def drawn(size: int, count: int, of: str = "two_classes") -> list[tuple[torch.Tensor, torch.Tensor]]:
    batches = Batches(splits(), SEEDS, size, drawn=of)
    return [batches.next() for _ in range(count)]


def test_shuffled_batches_are_those_of_a_plain_loop() -> None:
    for split, seed, s in zip(splits(), SEEDS, (0, 1), strict=True):
        source = generator(seed, "batches")
        orders = [torch.randperm(1000, generator=source).split(96)[:10] for _ in range(2)]
        expected = [split.y_train[part] for order in orders for part in order]
        assert torch.equal(torch.stack(expected), torch.stack([y[s] for _, y in drawn(96, 20, "shuffled")]))


def test_batches_of_two_classes_are_those_of_a_plain_loop() -> None:
    """Written with other means than the engine: lists and sets."""
    for split, seed, s in zip(splits(), SEEDS, (0, 1), strict=True):
        source = generator(seed, "batches")
        for x, y in drawn(48, 25):
            first, second, *_ = torch.randperm(10, generator=source).tolist()
            own = [i for i, label in enumerate(split.y_train.tolist()) if label in {first, second}]
            places = torch.randperm(len(own), generator=source).tolist()[:48]
            chosen = [own[place] for place in places]
            assert torch.equal(x[s], split.x_train[chosen])
            assert torch.equal(y[s], split.y_train[chosen])


def test_each_holds_two_classes_and_no_sample_twice() -> None:
    pairs: dict[tuple[int, ...], int] = {}
    for x, y in drawn(64, 500):
        for s in range(len(SEEDS)):
            labels = tuple(sorted(set(y[s].tolist())))
            assert len(labels) == 2
            pairs[labels] = pairs.get(labels, 0) + 1
            # Two of the 1797 digits are alike only by accident; of 64 none are.
            assert len({picture.numpy().tobytes() for picture in x[s]}) == 64
    # 1000 batches over 45 pairs: 22 each, give or take 5.
    assert len(pairs) == 45
    assert 5 < min(pairs.values()) <= max(pairs.values()) < 45


def test_every_seed_draws_its_own() -> None:
    batches = drawn(32, 40)
    assert sum(set(y[0].tolist()) == set(y[1].tolist()) for _, y in batches) < 8
    again = drawn(32, 40)
    assert all(torch.equal(x, other) for (x, _), (other, _) in zip(batches, again, strict=True))


def test_another_size_from_the_next_batch_on() -> None:
    batches = Batches(splits(), SEEDS, 16, drawn="two_classes")
    sizes = []
    for size in (16, 100, 4):
        batches.resize(size)
        sizes += [batches.next()[1].shape for _ in range(2)]
    assert [one[1] for one in sizes] == [16, 16, 100, 100, 4, 4]


@pytest.mark.parametrize("of", ["shuffled", "two_classes"])
def test_they_go_on_from_where_a_state_was_taken(of: str) -> None:
    batches = Batches(splits(), SEEDS, 300 if of == "shuffled" else 30, drawn=of)
    for _ in range(2):
        batches.next()
    batches.peek()
    state = batches.state()
    expected = [batches.next()[0] for _ in range(5)]
    batches.restore(state)
    assert all(torch.equal(one, batches.next()[0]) for one in expected)


@pytest.mark.parametrize(("size", "of", "told"), [
    (1001, "shuffled", "1 to 1000"), (400, "two_classes", "samples of two classes"),
    (8, "sorted", "'sorted' are not one of shuffled, two_classes"),
])  # fmt: skip
def test_what_cannot_be_drawn_is_refused(size: int, of: str, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        Batches(splits(), SEEDS, size, drawn=of)


@pytest.mark.parametrize("name", [name for name, one in ALL_DATASETS.items() if one.classes > 2])
def test_two_classes_hold_what_the_catalog_promises(name: str) -> None:
    """The sizes that a spec lets through: those below the promise."""
    promised = ALL_DATASETS[name].surely_in_two_classes
    for seed in range(3 if name == "shapes" else 25):
        labels = data.load(name, seed).y_train
        held = torch.bincount(labels, minlength=ALL_DATASETS[name].classes).sort().values[:2].sum()
        assert held > promised
    assert (promised < LARGEST) == (name in ("digits", "digits_rows"))


def test_a_stack_takes_them() -> None:
    members = [Member("batch", seed, 0.1) for seed in SEEDS]
    stack = Stack(Plan("mlp", 1, 16), members, batch_size=20, batches="two_classes")
    for x, y in drawn(20, 3):
        ours = stack.next_batch()
        assert torch.equal(ours[0], x)
        assert torch.equal(ours[1], y)
        stack.step()
    assert stack.steps_per_epoch == 50
