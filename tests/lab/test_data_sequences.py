"""Sequences: the marked symbol by hand, and the digits as rows."""

import pytest
import torch

from normviz.catalog.sequences import LENGTHS, SEQUENCE_DATASETS
from normviz.lab import data


@pytest.mark.parametrize("name", SEQUENCE_DATASETS)
def test_every_set_is_as_the_catalog_says(name):
    fact, split = SEQUENCE_DATASETS[name], data.load(name, 3)
    assert split.x_train.shape == (fact.n_train, *fact.shape)
    assert split.x_test.shape == (fact.n_test, *fact.shape)
    assert split.x_train.dtype == torch.float32
    assert set(split.y_train.tolist()) == set(range(fact.classes))
    assert (split.y_train.bincount() / fact.n_train - 1 / fact.classes).abs().max() < 0.06
    exists = split.x_train[:, -1]
    assert set(exists.unique().tolist()) <= {0.0, 1.0}
    assert (exists.diff(dim=1) <= 0).all()  # padding stands behind the end
    assert (split.x_train[:, :-1].abs().sum(1)[exists == 0] == 0).all()
    assert torch.equal(split.x_test, data.load(name, 3).x_test)
    assert not torch.equal(split.x_test, data.load(name, 4).x_test)


def test_marked_symbols_by_a_naive_loop():
    source = torch.Generator().manual_seed(8 * 5)
    length = torch.randint(4, 17, (1500,), generator=source)
    symbols = torch.randint(4, (1500, 16), generator=source)
    share = torch.rand(1500, generator=source)
    split = data.load("marked", 5)
    x, y = torch.cat((split.x_train, split.x_test)), torch.cat((split.y_train, split.y_test))
    for i in range(0, 1500, 61):
        n = int(length[i])
        at = int(share[i] * n)
        expected = torch.zeros(6, 16)
        for t in range(n):
            expected[symbols[i, t], t] = 2
            expected[5, t] = 1
        expected[4, at] = 2
        assert torch.equal(x[i], expected)
        assert int(y[i]) == int(symbols[i, at])
    assert (length.min(), length.max()) == LENGTHS


def test_rows_are_those_of_the_digits():
    rows, digits = data.load("digits_rows", 2), data.load("digits", 2)
    assert torch.equal(rows.y_test, digits.y_test)
    for step in range(8):
        assert torch.equal(rows.x_test[:, :8, step], digits.x_test[:, 0, step, :])
    assert (rows.x_test[:, 8] == 1).all()
