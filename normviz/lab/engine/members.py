"""What is trained: the members of a stack, and the plan that they share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from normviz.catalog.networks import ACTIVATIONS, PLACEMENTS
from normviz.catalog.sequences import ALL_DATASETS, ALL_NETWORKS
from normviz.lab.norms import Noise


@dataclass(frozen=True)
class Member:
    """One network of a stack.

    Members of one seed share data, initialization, batch order and dropout masks, whatever else differs.
    """

    norm: str
    seed: int
    lr: float
    gain: float = 1.0
    """Multiplies the standard deviation of every initial weight."""
    options: tuple[tuple[str, Any], ...] = ()
    """Options of this member's norm, on top of the plan's: (("ghost_size", 8),)."""
    noise: Noise | None = None
    """Disturbs what leaves every norm while training."""

    @property
    def kind(self) -> tuple[Any, ...]:
        """Members of one kind can be computed by one network."""
        return self.norm, self.options, self.noise


@dataclass(frozen=True)
class Plan:
    """The shape that the members of a stack share.

    Raises:
        ValueError: a name is unknown, or depth or width are out of the network's bounds.
    """

    network: str = "mlp"
    depth: int = 3
    width: int = 64
    activation: str = "relu"
    placement: str = "before"
    dropout: float = 0.0
    options: Mapping[str, Any] = field(default_factory=dict)
    """Options of the norms: eps, momentum, groups, ghost_size … each norm reads those that it knows."""
    dataset: str = "digits"
    causal: bool = True
    """Whether a transformer's steps attend only to themselves and those before."""
    n_train: int = 0
    """Training samples, the first ones of each seed's split; 0: all of them."""

    def __post_init__(self) -> None:
        for name, value, choices in (
            ("network", self.network, tuple(ALL_NETWORKS)),
            ("dataset", self.dataset, tuple(ALL_DATASETS)),
            ("activation", self.activation, ACTIVATIONS),
            ("placement", self.placement, PLACEMENTS),
        ):
            if value not in choices:
                raise ValueError(f"{name} {value!r} is not one of {', '.join(choices)}")
        network = ALL_NETWORKS[self.network]
        low, high = network.depths
        if not low <= self.depth <= high:
            raise ValueError(f"depth {self.depth} of network {self.network!r} is outside {low} to {high}")
        if self.width not in network.widths:
            allowed = ", ".join(map(str, network.widths))
            raise ValueError(f"width {self.width} of network {self.network!r} is not one of {allowed}")
        if not 0.0 <= self.dropout < 1.0:
            raise ValueError(f"dropout {self.dropout} is outside 0 (none) to below 1")
        if not self.causal and network.causal is None:
            raise ValueError(f"network {self.network!r} has no attention; causal must stay True")
        refusal = network.refusal(self.shape)
        if refusal:
            raise ValueError(refusal)

    @property
    def shape(self) -> tuple[int, ...]:
        """Of one sample."""
        return ALL_DATASETS[self.dataset].shape

    @property
    def classes(self) -> int:
        """Of the data set."""
        return ALL_DATASETS[self.dataset].classes
