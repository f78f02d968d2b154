"""Data: the shipped digits, and splits as the contract of random numbers says."""

from __future__ import annotations

import math
import subprocess
import sys

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits

from normviz.catalog.datasets import DATASETS
from normviz.lab import data
from normviz.lab.data import digits, shapes


def test_shipped_digits_are_those_of_scikit_learn() -> None:
    bunch = load_digits()
    with np.load(digits.FILE) as stored:
        np.testing.assert_array_equal(stored["pixels"], bunch.images)
        np.testing.assert_array_equal(stored["labels"], bunch.target)


def test_digits_are_standardized_by_one_mean_and_sd_and_split_at_random() -> None:
    bunch = load_digits()
    scaled = bunch.images / 16
    expected = torch.tensor((scaled - scaled.mean()) / scaled.std(), dtype=torch.float32)
    order = torch.randperm(1797, generator=torch.Generator().manual_seed(8 * 7))
    split = data.load("digits", 7)
    torch.testing.assert_close(split.x_train, expected[order[:1000]].unsqueeze(1), rtol=0, atol=1e-6)
    torch.testing.assert_close(split.x_test, expected[order[1000:]].unsqueeze(1), rtol=0, atol=1e-6)
    labels = torch.tensor(bunch.target)
    assert torch.equal(split.y_train, labels[order[:1000]])
    assert torch.equal(split.y_test, labels[order[1000:]])


@pytest.mark.parametrize("name", DATASETS)
def test_every_set_is_as_the_catalog_says(name: str) -> None:
    fact, split = DATASETS[name], data.load(name, 0)
    assert split.x_train.shape == (fact.n_train, *fact.shape)
    assert split.x_test.shape == (fact.n_test, *fact.shape)
    assert split.x_train.dtype == torch.float32
    assert set(split.y_train.tolist()) == set(split.y_test.tolist()) == set(range(fact.classes))
    shares = split.y_train.bincount() / fact.n_train
    assert (shares - 1 / fact.classes).abs().max() < 0.06
    assert split.x_train.isfinite().all()
    assert 0.4 < split.x_train.std() < 1.6


@pytest.mark.parametrize("name", DATASETS)
def test_a_split_is_a_function_of_its_seed(name: str) -> None:
    one, again, other = data.load(name, 3), data.load(name, 3), data.load(name, 4)
    assert torch.equal(one.x_train, again.x_train)
    assert torch.equal(one.y_test, again.y_test)
    assert not torch.equal(one.x_train, other.x_train)


def test_no_sample_is_in_both_parts() -> None:
    split = data.load("digits", 1)
    order = torch.randperm(1797, generator=torch.Generator().manual_seed(8))
    assert len(set(order.tolist())) == len(split.y_train) + len(split.y_test)
    assert torch.equal(torch.cat((split.y_train, split.y_test)), digits.standardized()[1][order])


def test_moons_by_hand() -> None:
    source = torch.Generator().manual_seed(8 * 2)
    y = torch.randint(2, (1500,), generator=source)
    t = torch.rand(1500, generator=source)
    noise = torch.randn(1500, 2, generator=source)
    split = data.load("moons", 2)
    x = torch.cat((split.x_train, split.x_test))
    for i in range(0, 1500, 97):
        angle = math.pi * t[i].item()
        clean = (math.cos(angle) - 0.5, math.sin(angle) - 0.25)
        if y[i]:
            clean = (-clean[0], -clean[1])
        expected = [clean[0] + 0.1 * noise[i, 0].item(), clean[1] + 0.1 * noise[i, 1].item()]
        assert x[i].tolist() == pytest.approx(expected, abs=1e-5)


def test_circles_have_their_radii() -> None:
    split = data.load("circles", 0)
    radius = split.x_train.norm(dim=1)
    assert radius[split.y_train == 0].mean().item() == pytest.approx(0.7, abs=0.03)
    assert radius[split.y_train == 1].mean().item() == pytest.approx(1.4, abs=0.03)


def test_xor_classes_are_opposite_corners() -> None:
    split = data.load("xor", 0)
    differ = (split.x_train[:, 0] > 0) != (split.x_train[:, 1] > 0)
    assert (differ == (split.y_train == 1)).float().mean() > 0.98


def test_spiral_needs_more_than_a_line() -> None:
    # Each arm makes a whole turn, so its mean direction nearly cancels.
    split = data.load("spiral", 0)
    directions = torch.nn.functional.normalize(split.x_train, dim=1)
    for arm in range(3):
        assert directions[split.y_train == arm].mean(0).norm() < 0.25


def test_scikit_learn_is_not_needed_at_run_time() -> None:
    code = (
        "import sys; sys.modules['sklearn'] = None\n"
        "from normviz.lab import data\n"
        "assert len(data.load('digits', 0).y_train) == 1000"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_circle_and_a_ring_by_hand() -> None:
    # Columns: centre, radius 9 + 4/2, no turn, dark ground 0.1 0.2 0.3, bright figure 0.6 0.7 0.8, no light.
    u = torch.tensor([[0.5, 0.5, 0.5, 0.5, 0.2, 0.4, 0.6, 0.2, 0.4, 0.6, 0.0, 0.0]] * 2)
    circle, ring = shapes.pictures(torch.tensor([0, 1]), u)
    ground, figure = torch.tensor([0.1, 0.2, 0.3]), torch.tensor([0.6, 0.7, 0.8])
    for i in range(32):
        for j in range(32):
            from_centre = math.hypot(i + 0.5 - 16, j + 0.5 - 16)
            for picture, inside in (
                (circle, 0.85 * 11 - from_centre), (ring, 0.2 * 11 - abs(from_centre - 0.75 * 11)),
            ):  # fmt: skip
                cover = min(1.0, max(0.0, inside + 0.5))
                torch.testing.assert_close(picture[:, i, j], ground + cover * (figure - ground))


def test_turning_a_star_by_a_fifth_of_a_circle_changes_nothing() -> None:
    angle = torch.rand(2, 200, generator=torch.Generator().manual_seed(0)) * 2 * math.pi
    radius = torch.linspace(0, 1.2, 200)
    turned = angle + 2 * math.pi / 5
    star = shapes.FIGURES["star"]
    one = star(radius * angle.cos(), radius * angle.sin())
    torch.testing.assert_close(star(radius * turned.cos(), radius * turned.sin()), one, atol=1e-5, rtol=0)
    tip, notch = torch.tensor([1.0, 0.0]), 0.45 * torch.tensor([math.cos(math.pi / 5), math.sin(math.pi / 5)])
    for point in (tip, notch):  # both lie on the edge
        assert abs(star(*point).item()) < 1e-6


def test_shapes_are_standardized_by_one_mean_and_sd_of_the_training_pictures() -> None:
    split = data.load("shapes", 5)
    assert split.x_train.double().mean().abs() < 1e-5
    assert split.x_train.double().std(correction=0).item() == pytest.approx(1.0, abs=1e-4)


def test_the_class_of_a_shape_does_not_follow_from_its_colours() -> None:
    split = data.load("shapes", 2)
    corners = split.x_train[:, :, [0, 0, -1, -1], [0, -1, 0, -1]].mean(2)
    means = torch.stack([corners[split.y_train == label].mean(0) for label in range(6)])
    assert means.std(0).max() < 0.1  # by chance alone: about 0.03
