"""The maps

Every cell is one network: a learning rate and a gain of the initialization.
"""

from __future__ import annotations

import math

import torch

from normviz.export.pieces.settings import GAINS, LEARNED, LEARNING_RATES, NORMS, SEEDS
from normviz.export.pieces.training import training


def main() -> dict[str, list[list[float]]]:
    """Test accuracy at the end of the training, for each norm a row for each gain."""
    torch.set_num_threads(1)  # quicker than several, for networks as small as these
    maps: dict[str, list[list[float]]] = {}
    for norm in NORMS:
        print(f"\n{norm}: test accuracy; rows are gains, columns learning rates")
        print("       " + "".join(f"{rate:>8g}" for rate in LEARNING_RATES))
        maps[norm] = []
        for gain in GAINS:
            maps[norm].append([cell(norm, rate, gain) for rate in LEARNING_RATES])
            print(f"{gain:>6g} " + "".join(f"{share:8.1%}" for share in maps[norm][-1]))
        cells = [share for row in maps[norm] for share in row]
        print(f"over {LEARNED:.0%}: {sum(share > LEARNED for share in cells)} of {len(cells)} cells")
    return maps


def cell(norm: str, lr: float, gain: float) -> float:
    """Test accuracy of one cell; NaN if its network has diverged."""
    *_, (_, _, accuracy) = training(norm, SEEDS[0], gain=gain, lr=lr)
    return math.nan if accuracy is None else accuracy
