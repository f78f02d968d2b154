"""The small tensors of Anatomy: four digits, seen by four filters.

    python -m normviz.lab.experiments.anatomy --out normviz/ui/assets/anatomy.json

writes the file that ships.  Activations are rounded to a tenth, so the number in a cell is the whole value.

- 2d: pixels / 16 of the first four digits, four fixed filters of 3×3 (padding 1), means of 2×2: [4, 4, 4, 4].
- 1d: the largest value of each 2d channel (global max pooling): [4, 4].
- sequence: the digit read from top to bottom, two rows a step; the channels are its columns, two by two.
- weights: the four filters themselves, [4, 9].

The running statistics are what 40 batches of the next 160 digits leave behind (momentum 0.1).
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from normviz.lab.data.digits import FILE
from normviz.lab.norms import BatchNorm

BATCH, BATCHES = 4, 40
FILTERS = {
    "ink": [0.5] * 9,
    "edge below": [-1, -2, -1, 0, 0, 0, 1, 2, 1],
    "edge right": [-1, 0, 1, -2, 0, 2, -1, 0, 1],
    "spot": [-0.25, -0.5, -0.25, -0.5, 4, -0.5, -0.25, -0.5, -0.25],
}
"""Name and weights of each filter, row by row."""


def tensors() -> dict[str, Any]:
    """Everything that ships, as plain numbers."""
    with np.load(FILE) as stored:
        pixels = torch.from_numpy(stored["pixels"][: BATCH * (BATCHES + 1)].astype(np.float64))
        labels = stored["labels"][:BATCH].tolist()
    weights = torch.tensor(list(FILTERS.values()), dtype=torch.float64)
    forms = activations(pixels / 16.0, weights)
    return {
        "labels": labels,
        "pixels": pixels[:BATCH].to(torch.uint8).flatten(1).tolist(),
        "weights": {"shape": list(weights.shape), "x": weights.flatten().tolist()},
        "forms": {form: _shipped(x) for form, x in forms.items()},
    }


def activations(pictures: Tensor, weights: Tensor) -> dict[str, Tensor]:
    """The tensor of each form.

    Shapes: pictures [N, 8, 8], weights [4, 9] -> [N, 4], [N, 4, 4, 4], [N, 4, 4].
    """
    x_NCHW = F.avg_pool2d(F.conv2d(pictures[:, None], weights.view(-1, 1, 3, 3), padding=1), 2)
    # Steps go down the picture: 16 pixels make the mean of two rows and two columns, times 4 as in "ink".
    x_NTC = 4.0 * F.avg_pool2d(pictures[:, None], 2)[:, 0]
    return {
        "1d": _tenths(x_NCHW.amax((2, 3))),
        "2d": _tenths(x_NCHW),
        "sequence": _tenths(x_NTC.transpose(1, 2)),
    }


def _tenths(x: Tensor) -> Tensor:
    return x.mul(10.0).round().div(10.0) + 0.0  # no -0.0


def _shipped(x: Tensor) -> dict[str, Any]:
    """The first batch, and the running statistics of the others, to three digits."""
    norm = BatchNorm(1, x.shape[1]).double().train()
    for batch in torch.split(x[BATCH:], BATCH):
        norm(batch[None])
    running = {name: value[0].mul(1e3).round().div(1e3).tolist() for name, value in norm.statistics().items()}
    return {"shape": list(x[:BATCH].shape), "x": x[:BATCH].flatten().tolist(), **running}


def text() -> str:
    """The file that ships."""
    return json.dumps(tensors(), separators=(",", ":")) + "\n"


def main(arguments: Sequence[str] | None = None) -> None:
    """Write the file."""
    parser = argparse.ArgumentParser(prog="python -m normviz.lab.experiments.anatomy", description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.parse_args(arguments).out.write_text(text(), encoding="utf-8")


if __name__ == "__main__":
    main()
