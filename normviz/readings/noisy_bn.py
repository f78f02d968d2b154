"""What there is to see in the race of noisy batch norm: templates for the experiment's numbers.

Each sentence is shown only when the numbers bear it out (``normviz.lab.experiments.noisy_bn_notes``).
"""

from __future__ import annotations

TEMPLATES: dict[str, str] = {
    "noisy_bn.reached": "With {norm} the networks classify {target:.0%} of the training samples after "
    "{step:g} steps (median; {seeds} seeds from {first} to {last}).",
    "noisy_bn.reached_alone": "With {norm} the network classifies {target:.0%} of the training samples after "
    "{step:g} steps.",
    "noisy_bn.underway": "Step {step}, {norm}: {accuracy:.0%} of the training samples; {n} of {of} networks "
    "have reached {target:.0%}.",
    "noisy_bn.wanders": "The noise does what it should: from one step to the next the units' means move by "
    "{noisy:.2f} standard deviations with it, by {plain:.2f} without normalization.",
    "noisy_bn.shift": "From one step to the next the units' means move by {noisy:.2f} standard deviations "
    "with noise, by {plain:.2f} without normalization.",
    "noisy_bn.ahead_and_wanders": "Every network with noisy batch norm got there before every one without "
    "normalization, although its activations wander more. At these settings steadier activations are not "
    "what it takes.",
    "noisy_bn.ahead": "Every network with noisy batch norm got there before every one without normalization.",
    "noisy_bn.behind": "With this noise every network is later than every one without normalization.",
    "noisy_bn.overlaps": "Noisy batch norm and no normalization overlap: some seeds of either come first.",
    "noisy_bn.costs": "The noise is not free: every network with batch norm alone got there earlier.",
    "noisy_bn.diverged": "With {norm} {n} of {of} networks diverged, the first after {step} steps; they are "
    "left out from then on.",
}
"""Templates by the id of their note."""
