"""What a run may cost on this server, said as a factor."""

from __future__ import annotations

import math
from typing import Any

from normviz.player.settings import MB, Settings
from normviz.spec import Spec, SpecError


class CostError(SpecError):
    """A spec whose run is larger than a server allows."""

    def __init__(self, what: str, factor: float, remedy: str) -> None:
        self.what, self.factor = what, factor
        super().__init__("Cost", shown(factor), "at most 1", remedy)

    @property
    def sentence(self) -> str:
        """The message for a visitor."""
        asked = f"This run asks for {shown(self.factor)} times the {self.what} that this server allows."
        return f"{asked} {self.remedy}"

    def __reduce__(self) -> tuple[Any, ...]:
        return CostError, (self.what, self.factor, self.remedy)


def check_cost(spec: Spec, settings: Settings) -> None:
    """Compare the cost of a run with the server's limits.

    Raises:
        CostError: it is above one of them.
    """
    cost = spec.cost()
    asked = [
        (
            "work", cost.multiply_adds / settings.largest_run,
            "Choose fewer steps, fewer variants or seeds, or a smaller network.",
        ),
        (
            "memory for its recording", cost.recording_bytes / (settings.largest_recording * MB),
            "Record less often, or choose fewer steps, variants or layers.",
        ),
    ]  # fmt: skip
    what, factor, remedy = max(asked, key=lambda one: one[1])
    if not factor <= 1:
        raise CostError(what, factor, remedy)


def shown(factor: float) -> str:
    """A factor above 1, rounded up so that it never reads as 1.0."""
    if factor > 1e6 or not math.isfinite(factor):
        return "more than a million"
    return f"{math.ceil(factor):,}" if factor >= 10 else f"{math.ceil(factor * 10 - 1e-9) / 10:.1f}"
