"""What there is to see while norms are timed, as templates; the experiment supplies the numbers."""

from __future__ import annotations

TEMPLATES: dict[str, str] = {
    "cost.dearest_step": "{norm} costs most here: a training step takes {ratio:.2f} times as long as without "
    "a norm.",
    "cost.dearest_layer": "{norm} costs most here: a hidden layer of the {network} takes {ratio:.2f} times "
    "as long as without a norm.",
    "cost.cheapest": "{norm} costs least: {ratio:.2f} times.",
    "cost.alike": "{norm} takes least and {other} most, but the middle halves of their rounds overlap: at "
    "these settings the cost gives no reason to choose.",
    "cost.noise": "The network without a norm, timed against itself, lies between {low:.2f} and {high:.2f} "
    "in half of the rounds: smaller differences mean nothing.",
}
"""Templates by the id of their note."""
