"""Networks of stacked members: every forward pass computes all of them.

net = build("mlp", members=6, shape=(1, 8, 8), classes=10, depth=3, width=64, norm="batch")
net.draw(seeds=[0, 1, 2, 3, 4, 5], gains=[1.0] * 6)
net(x)                                # [E, N, 1, 8, 8] -> logits [E, N, 10]
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from normviz.catalog.sequences import ALL_NETWORKS
from normviz.lab.named import named
from normviz.lab.nets.layers import Net

__all__ = ["Net", "build"]


def build(
    network: str,
    *,
    members: int,
    shape: tuple[int, ...],
    classes: int,
    depth: int,
    width: int,
    norm: str = "none",
    activation: str = "relu",
    placement: str = "before",
    options: Mapping[str, Any] | None = None,
    causal: bool = True,
) -> Net:
    """A stack of networks with all weights zero; `Net.draw` fills them.

    ``options`` go to the norm; ``causal`` is for networks that attend (see `Network.causal`).
    """
    facts = ALL_NETWORKS[network]
    more = {} if facts.causal is None else {"causal": causal}
    net = named(facts.builder)(
        members, shape, classes, depth, width, norm, activation, placement, options or {}, **more
    )
    assert isinstance(net, Net)
    return net
