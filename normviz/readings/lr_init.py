"""What there is to see on the maps of learning rate × initialization, as templates.

Each sentence is shown only when the numbers bear it out (``normviz.lab.experiments.lr_init_notes``).
"""

from __future__ import annotations

TEMPLATES: dict[str, str] = {
    "lr_init.start": "Before the first step every network guesses: between {low:.1%} and {high:.1%} of the "
    "test samples.",
    "lr_init.nowhere": "Step {step}: no network is over {accuracy:.0%} of the test samples yet.",
    "lr_init.alone": "Step {step}, {norm}: {most} of {of} networks classify more than {accuracy:.0%} of the "
    "test samples correctly (dots).",
    "lr_init.even": "Step {step}: with every normalization {most} of {of} networks classify more than "
    "{accuracy:.0%} of the test samples correctly (dots).",
    "lr_init.counts": "Step {step}: more than {accuracy:.0%} of the test samples correct (dots): {most} of "
    "{of} networks ({best}), {fewest} of {of} ({worst}).",
    "lr_init.reach": "{norm}: those over {accuracy:.0%} have learning rates from {rate_low:.3g} to "
    "{rate_high:.3g} and gains from {gain_low:.3g} to {gain_high:.3g}; not every pair of these works.",
    "lr_init.reach_whole": "{norm}: those over {accuracy:.0%} have learning rates from {rate_low:.3g} to "
    "{rate_high:.3g} and gains from {gain_low:.3g} to {gain_high:.3g}.",
    "lr_init.reach_one_rate": "{norm}: those over {accuracy:.0%} have a learning rate of {rate_low:.3g} and "
    "gains from {gain_low:.3g} to {gain_high:.3g}.",
    "lr_init.reach_one_gain": "{norm}: those over {accuracy:.0%} have learning rates from {rate_low:.3g} to "
    "{rate_high:.3g} and a gain of {gain_low:.3g}.",
    "lr_init.reach_one": "{norm}: only the network with learning rate {rate_low:.3g} and gain {gain_low:.3g} "
    "is over {accuracy:.0%}.",
    "lr_init.diverged": "{norm}: {n} of {of} networks diverged (crosses), some at a learning rate as low "
    "as {lr:.3g}: their loss was no longer a finite number.",
    "lr_init.limits": "{norm} does not make every choice work: {n} of its {of} networks stayed below "
    "{accuracy:.0%} or diverged.",
}
"""Templates by the id of their note."""
