"""What there is to see where the norm stands before or after the activation; the experiment has the numbers.

No place is called better where the intervals over the seeds overlap.
"""

from __future__ import annotations

TEMPLATES: dict[str, str] = {
    "placement.start": "Before the first step every network guesses: between {low:.1%} and {high:.1%} of the "
    "test samples. Both places start from the same weights.",
    "placement.underway": "{norm}, step {step}: {target:.0%} is reached by {before} of {of} seeds with the "
    "norm before the activation, by {after} of {of} with the norm after it.",
    "placement.steps_overlap": "{norm}: {target:.0%} after {before:.0f} ± {before_margin:.0f} steps before "
    "the activation, {after:.0f} ± {after_margin:.0f} after it. The intervals overlap: these seeds do not "
    "tell which is quicker.",
    "placement.steps_before": "{norm}: {target:.0%} after {before:.0f} ± {before_margin:.0f} steps before "
    "the activation, {after:.0f} ± {after_margin:.0f} after it. The intervals do not overlap: before the "
    "activation is quicker in this network, at this learning rate.",
    "placement.steps_after": "{norm}: {target:.0%} after {before:.0f} ± {before_margin:.0f} steps before the "
    "activation, {after:.0f} ± {after_margin:.0f} after it. The intervals do not overlap: after it is "
    "quicker in this network, at this learning rate.",
    "placement.accuracy_overlap": "In the end, the intervals of the test accuracy overlap for {norms}: these "
    "seeds do not tell which place is better.",
    "placement.accuracy_before": "{norm}, test accuracy in the end: {before:.1%} ± {before_margin:.1%} "
    "before the activation, {after:.1%} ± {after_margin:.1%} after it. The intervals do not overlap: before "
    "the activation is more accurate here, after this many steps.",
    "placement.accuracy_after": "{norm}, test accuracy in the end: {before:.1%} ± {before_margin:.1%} "
    "before the activation, {after:.1%} ± {after_margin:.1%} after it. The intervals do not overlap: after "
    "it is more accurate here, after this many steps.",
    "placement.diverged_before": "{norm}, before the activation: {n} of {of} networks diverged, the first "
    "after {step} steps. There is no interval without them.",
    "placement.diverged_after": "{norm}, after the activation: {n} of {of} networks diverged, the first "
    "after {step} steps. There is no interval without them.",
}
"""Templates by the id of their note."""
