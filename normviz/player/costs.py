"""What a run may cost on this server, said as a factor."""

from __future__ import annotations

import math
from typing import Any

from normviz.phrases import Phrase, phrase
from normviz.player.settings import MB, Settings
from normviz.spec import Spec, SpecError

WORK, MEMORY = "work", "memory"


class CostError(SpecError):
    """A spec whose run is larger than a server allows; ``what`` there is too much of."""

    def __init__(self, what: str, factor: float) -> None:
        self.what, self.factor = what, factor
        super().__init__("Cost", shown(factor), "at most 1")

    @property
    def sentence(self) -> str:
        """The message for a visitor."""
        if self.what == WORK:
            return phrase(
                "This run asks for {factor} times the work that this server allows. Choose fewer steps, "
                "fewer variants or seeds, or a smaller network.",
                factor=shown(self.factor),
            )
        return phrase(
            "This run asks for {factor} times the memory for its recording that this server allows. Record "
            "less often, or choose fewer steps, variants or layers.",
            factor=shown(self.factor),
        )

    def __reduce__(self) -> tuple[Any, ...]:
        return CostError, (self.what, self.factor)


def check_cost(spec: Spec, settings: Settings) -> None:
    """Compare the cost of a run with the server's limits.

    Raises:
        CostError: it is above one of them.
    """
    cost = spec.cost()
    asked = {
        WORK: cost.multiply_adds / settings.largest_run,
        MEMORY: cost.recording_bytes / (settings.largest_recording * MB),
    }
    what, factor = max(asked.items(), key=lambda one: one[1])
    if not factor <= 1:
        raise CostError(what, factor)


def shown(factor: float) -> Phrase:
    """A factor above 1, rounded up so that it never reads as 1.0."""
    if factor > 1e6 or not math.isfinite(factor):
        return phrase("more than a million")
    if factor >= 10:
        return Phrase("{factor:,}", {"factor": math.ceil(factor)})
    return Phrase("{factor:.1f}", {"factor": math.ceil(factor * 10 - 1e-9) / 10})
