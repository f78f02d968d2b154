"""What the pages rest on, at full size: batch size, learning rate × initialization, place of the norm.

The tests show these effects at the smallest size; here they are shown at the standard one.
"""

from __future__ import annotations

import json
import sys
from typing import Any

from normviz.bench.paired import in_engine_environment, machine


def measure(scale: int = 1) -> dict[str, Any]:
    """The summaries of three experiments, each with what is expected of it.

    ``batch_size``: MLP3 (64-128×3-10), 20 epochs, 5 seeds, statistics over 2 to 32 samples; batch norm errs
    over 35% at 2 and under 4% at 32, group and layer norm under 5%, batch renormalization in between at 2.
    ``lr_init``: 12 × 12 networks of ten layers, 200 steps; few cells learn without a norm, many with batch
    norm, fewer with layer norm.
    ``sequences``: transformers of width 128 up to 32 layers, 5 seeds; the gradient of the last feed-forward
    block is over 4 times larger with post-norm, and pre-norm's falls to about a half from 8 to 32 layers.

    ``scale`` above 1 divides epochs, cells and widths: a quick look that it works.
    """
    return in_engine_environment("normviz.bench.science", scale)


def _measure(scale: int) -> dict[str, Any]:
    from normviz.lab.runs import record
    from normviz.specs.batch_size import BatchSize
    from normviz.specs.lr_init import LrInit
    from normviz.specs.sequences import Sequences

    few = min(scale, 20)
    batch = BatchSize(
        norms=("none", "batch", "batch_renorm", "layer", "group"), epochs=20 // few, micro_batch=0,
        seeds=5 if few == 1 else 1,
    )  # fmt: skip
    maps = LrInit(norms=("none", "batch", "layer"), grid=max(5, 12 // few))
    deep = Sequences(norms=("layer",), deep_width=128 // min(few, 8), seeds=5 if few == 1 else 1)
    told = {spec.name: {"spec": spec.values(), **spec.summary(record(spec))} for spec in (batch, maps, deep)}
    return {**told, **machine()}


if __name__ == "__main__":
    print(json.dumps(_measure(int(sys.argv[1]))))
