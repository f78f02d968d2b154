"""What there is to see while norms are timed, as templates; the experiment supplies the numbers."""

from __future__ import annotations

_ALIKE = {
    "dearest_step": "{norm} costs most here: a training step takes {ratio:.2f} times as long as without a "
    "norm.",
    "cheapest": "{norm} costs least: {ratio:.2f} times.",
    "alike": "{norm} takes least and {other} most, but the middle halves of their rounds overlap: at these "
    "settings the cost gives no reason to choose.",
    "noise": "The network without a norm, timed against itself, lies between {low:.2f} and {high:.2f} in "
    "half of the rounds: smaller differences mean nothing.",
}
"""What is said on Diagnose and of a race alike."""

TEMPLATES: dict[str, str] = {
    "cost.dearest_layer": "{norm} costs most here: a hidden layer of the {network} takes {ratio:.2f} times "
    "as long as without a norm.",
    **{f"{spec}.{note}": words for spec in ("cost", "step_cost") for note, words in _ALIKE.items()},
}
"""Templates by the id of their note."""
