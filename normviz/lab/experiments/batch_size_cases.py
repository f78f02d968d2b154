"""What torch does with a batch of one, tried out; and the two modes of one batch norm layer compared.

Everything here is torch's own: the layers, the data loader, the words of the error.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

from normviz.catalog.datasets import DATASETS
from normviz.frames import Note
from normviz.lab import data, norms
from normviz.lab.randoms import generator
from normviz.specs import batch_size_frames as recorded

_ZERO = 1e-2
"""Largest output that counts as zero, for inputs of size 1."""
_VALUES = 2**17
"""Values over which the two modes of a layer are compared."""
_LAYERS: dict[str, tuple[Any, tuple[int, ...]]] = {
    "BatchNorm1d(8) on (1, 8)": (lambda: nn.BatchNorm1d(8), (1, 8)),
    "BatchNorm1d(8) on (1, 8, 1)": (lambda: nn.BatchNorm1d(8), (1, 8, 1)),
    "BatchNorm1d(8, track_running_stats=False) on (1, 8)": (
        lambda: nn.BatchNorm1d(8, track_running_stats=False),
        (1, 8),
    ),
    "BatchNorm2d(8) on (1, 8, 1, 1)": (lambda: nn.BatchNorm2d(8), (1, 8, 1, 1)),
    "BatchNorm2d(8) on (1, 8, 4, 4)": (lambda: nn.BatchNorm2d(8), (1, 8, 4, 4)),
    "InstanceNorm2d(8) on (1, 8, 1, 1)": (lambda: nn.InstanceNorm2d(8), (1, 8, 1, 1)),
    "GroupNorm(8, 8) on (1, 8)": (lambda: nn.GroupNorm(8, 8), (1, 8)),
    "GroupNorm(8, 8) on (2, 8)": (lambda: nn.GroupNorm(8, 8), (2, 8)),
    "GroupNorm(4, 8) on (1, 8)": (lambda: nn.GroupNorm(4, 8), (1, 8)),
    "LayerNorm(8) on (1, 8)": (lambda: nn.LayerNorm(8), (1, 8)),
}
_LOADERS: dict[str, tuple[str, int, bool]] = {
    "MLP, last of 797 digits by 2": ("mlp", 2, False),
    "MLP, last of 797 digits by 4": ("mlp", 4, False),
    "MLP, the same by 4, drop_last=True": ("mlp", 4, True),
    "CNN, last of 797 digits by 4": ("cnn", 4, False),
}
"""Network, batch size, drop_last."""


def outcomes(seed: int) -> tuple[dict[str, NDArray[Any]], tuple[Note, ...]]:
    """The table of cases, and what there is to say of it."""
    nothing = np.full((len(recorded.MODES), len(recorded.CASES)), np.nan, "<f4")
    table = {one: nothing.copy() for one in recorded.OUTCOMES}
    said: dict[str, str] = {}
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(seed)  # torch's own layers draw their weights from the global generator
        for c, case in enumerate(recorded.CASES):
            module, x = trial(case, seed)
            for m, mode in enumerate(recorded.MODES):
                outcome, words = tried(module.train(mode == "train()"), x)
                table[outcome][m, c] = c
                if words:
                    said.setdefault(case, words)
    return {f"case_{one}": rows for one, rows in table.items()}, tuple(_notes(table, said))


def trial(case: str, seed: int) -> tuple[nn.Module, Tensor]:
    """The module of a case and what it is given."""
    if case in _LAYERS:
        make, shape = _LAYERS[case]
        return make(), torch.randn(shape)
    network, size, drop_last = _LOADERS[case]
    split = data.load("digits", seed)
    loader = DataLoader(TensorDataset(split.x_test), size, drop_last=drop_last)
    *_, (last,) = loader
    first: list[nn.Module] = (
        [nn.Flatten(), nn.Linear(64, 16), nn.BatchNorm1d(16), nn.ReLU()]
        if network == "mlp"
        else [nn.Conv2d(1, 16, 3), nn.BatchNorm2d(16), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten()]
    )
    return nn.Sequential(*first, nn.Linear(16, 10)), last


def tried(module: nn.Module, x: Tensor) -> tuple[str, str]:
    """Which of the recorded outcomes a forward pass has, and torch's words if it raises."""
    try:
        y = module(x)
    except ValueError as error:
        return "raises", str(error)
    return ("zero" if float(y.abs().max()) < _ZERO else "runs"), ""


def _notes(table: dict[str, NDArray[Any]], said: dict[str, str]) -> list[Note]:
    def found(case: str) -> str:
        """What happens in training mode."""
        c = recorded.CASES.index(case)
        return next(one for one, rows in table.items() if np.isfinite(rows[0, c]))

    told = []
    one, silent = recorded.LAYERS[0], "GroupNorm(8, 8) on (2, 8)"
    by_two, _, dropped, cnn = recorded.LOADERS
    if one in said:
        told.append(Note("batch_size.refusal", {"case": one, "words": said[one]}))
    if (found(by_two), found(dropped), found(cnn)) == ("raises", "runs", "runs"):
        told.append(Note("batch_size.last", {"samples": DATASETS["digits"].n_test, "size": 2}))
    if found(silent) == "zero":
        told.append(Note("batch_size.silent", {"case": silent}))
    return told


def gap(seed: int) -> dict[str, NDArray[Any]]:
    """E(y_train - y_eval)² of one batch norm layer whose running statistics are those of its inputs.

    Standard normal inputs, from ``generator(seed, "trials")``; beside it the closed form and 3/(2B).
    """
    source = generator(seed, "trials")
    measured = []
    with torch.no_grad():
        for size in recorded.GAP_SIZES:
            x = torch.randn(1, size, _VALUES // size, generator=source)
            layer = norms.BatchNorm(1, x.shape[2])  # starts with running mean 0 and variance 1
            layer.update_statistics = False
            measured.append(float((layer.train()(x) - layer.eval()(x)).square().mean()))
    return {
        "gap_measured": np.array(measured, "<f4"),
        "gap_formula": np.array([recorded.gap(size) for size in recorded.GAP_SIZES], "<f4"),
        "gap_rule": np.array([1.5 / size for size in recorded.GAP_SIZES], "<f4"),
    }
