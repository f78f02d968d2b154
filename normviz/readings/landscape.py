"""What there is to see along the gradient: templates for the experiment's numbers.

Each sentence is shown only when the numbers bear it out (``normviz.lab.experiments.landscape_notes``).
"""

from __future__ import annotations

_MEAN = "On average over {looks} looks (median of {seeds} seeds) "

TEMPLATES: dict[str, str] = {
    "landscape.here": "Step {step}: with {norm} the loss of this batch is {here:.3g}; steps of {near:g} to "
    "{far:g} times the learning rate along its gradient would lead to between {low:.3g} and {high:.3g}.",
    "landscape.range": _MEAN + "the loss along the gradient ranges over {most:.2g} nats with {norm}, over "
    "{least:.2g} with {other}; no seeds overlap.",
    "landscape.range_overlaps": _MEAN + "the loss along the gradient ranges over {most:.2g} nats with {norm} "
    "and over {least:.2g} with {other}, but single seeds overlap.",
    "landscape.change": _MEAN
    + "the gradient changes by up to {most:.2f} times its own length with {norm}, by "
    "{least:.2f} with {other}; no seeds overlap.",
    "landscape.change_overlaps": _MEAN + "the gradient changes by up to {most:.2f} times its own length with "
    "{norm} and {least:.2f} with {other}, but single seeds overlap.",
    "landscape.smoothness": _MEAN
    + "the effective smoothness β, change of the gradient for the way to it, is "
    "{most:.1f} with {norm}, {least:.1f} with {other}; no seeds overlap. Smaller is smoother.",
    "landscape.smoothness_overlaps": _MEAN + "the effective smoothness β is {most:.1f} with {norm} and "
    "{least:.1f} with {other}, but single seeds overlap.",
    "landscape.turned": "In this look the gradient changes by more than its own length within {far:g} "
    "learning rates ({norms}): the gradient that led there is no longer a guide where such a step arrives.",
    "landscape.diverged": "With {norm} {n} of {of} networks diverged, the first after {step} steps; they are "
    "left out from then on.",
}
"""Templates by the id of their note."""
