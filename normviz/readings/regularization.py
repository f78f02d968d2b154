"""What there is to see of batch noise and dropout: templates for the experiment's numbers.

Each sentence is shown only when the numbers bear it out (``normviz.lab.experiments.regularization_notes``).
None of them says that batch norm replaces dropout: a lower error alone does not say what lowered it.
"""

from __future__ import annotations

TEMPLATES: dict[str, str] = {
    "regularization.learned": "Every variant knows its training samples by heart (at most {train:.2g}% "
    "wrong); on new digits it errs by {low:.2g} to {high:.2g} points more. Smallest gap: {least}; largest: "
    "{most}.",
    "regularization.learning": "Not every variant has learned its training samples yet (up to {train:.3g}% "
    "wrong).",
    "regularization.underfit": "{variant} still gets {train:.3g}% of its own training samples wrong: with "
    "too few or too noisy updates there is no overfitting to judge.",
    "regularization.open": "{one} ({low:.2f} to {high:.2f}%) and {other} ({other_low:.2f} to "
    "{other_high:.2f}%): the 95% intervals overlap. Whether batch noise does what dropout does stays open "
    "here.",
    "regularization.overlap": "{one} ({low:.2f} to {high:.2f}%) and {other} ({other_low:.2f} to "
    "{other_high:.2f}%): the intervals overlap.",
    "regularization.apart": "{one} ({low:.2f} to {high:.2f}%) lies below {other} ({other_low:.2f} to "
    "{other_high:.2f}%): the intervals do not overlap.",
    "regularization.control_alike": "The control: layer norm has no batch noise, and its interval overlaps "
    "with that of batch norm ({layer:.2f} and {batch:.2f}% in the mean). What batch norm gains need not come "
    "from its noise.",
    "regularization.control_better": "The control: layer norm has no batch noise and ends at {layer:.2f}%, "
    "batch norm at {batch:.2f}%, intervals apart. Noise may be the reason, but the two differ in more.",
    "regularization.control_worse": "The control: layer norm has no batch noise and ends at {layer:.2f}%, "
    "below batch norm's {batch:.2f}%, intervals apart. Noise is no advantage here.",
    "regularization.paired": "Within a seed, with the same digits and the same initial weights, batch norm's "
    "error minus dropout's is {mean:+.2f} points ({low:+.2f} to {high:+.2f}): zero lies outside.",
    "regularization.paired_zero": "Within a seed, with the same digits and the same initial weights, batch "
    "norm's error minus dropout's is {mean:+.2f} points ({low:+.2f} to {high:+.2f}): zero lies inside.",
}
"""Templates by the id of their note."""
