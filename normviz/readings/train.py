"""What there is to see while networks train, as templates; the experiment supplies the numbers.

Each sentence is shown only when the numbers bear it out (``normviz.lab.experiments.train_notes``).
"""

from __future__ import annotations

TEMPLATES: dict[str, str] = {
    "train.start": "Before the first step all variants hold the same weights, and guess: between {low:.1%} "
    "and {high:.1%} of the test samples.",
    "train.alone": "Step {step}: {best} classifies {high:.1%} of the test samples correctly.",
    "train.even": "Step {step}: every variant classifies {high:.1%} of the test samples correctly, in the "
    "median over the seeds.",
    "train.even_left": "Step {step}: every variant that has not diverged classifies {high:.1%} of the test "
    "samples correctly, in the median over the seeds.",
    "train.standing": "Step {step}: {best} classifies {high:.1%} of the test samples correctly, "
    "{worst} {low:.1%}.",
    "train.overlapping": "Step {step}: {best} classifies {high:.1%} of the test samples correctly, {worst} "
    "{low:.1%}. These are medians; single seeds of the two overlap.",
    "train.guessing": "Step {step}: {best} classifies {high:.1%} of the test samples correctly; {worst}, "
    "with {low:.1%}, is still guessing.",
    "train.two_classes": "Each batch holds two classes. {norm} classifies {train:.0%} of this one correctly "
    "in training mode, and {high:.1%} of the test samples in eval mode, where it normalizes by running "
    "averages over all pairs of classes. {other}, which has one mode only: {other_train:.0%} and "
    "{other_high:.1%}.",
    "train.two_classes_alone": "Each batch holds two classes. {norm} classifies {train:.0%} of this one "
    "correctly in training mode, and {high:.1%} of the test samples in eval mode, where it normalizes by "
    "running averages over all pairs of classes.",
    "train.first": "{norm} is the first to reach {accuracy:.0%}, at step {step}.",
    "train.first_and_last": "{norm} reached {accuracy:.0%} at step {step}, the first of {n} so far; {other} "
    "at step {later}.",
    "train.changed_lr": "From step {step} on the learning rate is {value:g}. Everything before is the run "
    "without this change.",
    "train.changed_batch_size": "From step {step} on the batch size is {value}. Everything before is the run "
    "without this change.",
    "train.changed_norm": "From step {step} on: {old} → {new}. Weights stay; the new norm starts with γ = 1, "
    "β = 0 and fresh running statistics (mean 0, variance 1), so eval mode needs some steps to catch up.",
    "train.diverged": "{norm}: {n} of {of} networks diverged, the first after {step} steps. The loss was no "
    "longer a finite number; such a network is frozen, and left out of medians and bands.",
    "train.dead": "Layer {layer}: {share:.0%} of the units are dead with {norm} (zero for every sample of "
    "the batch), {less:.0%} with {other}.",
    "train.dead_alone": "Layer {layer}: {share:.0%} of the units are dead with {norm} (zero for every sample "
    "of the batch).",
    "train.saturated": "Layer {layer}: {share:.0%} of the values are saturated with {norm}, {less:.0%} with "
    "{other}.",
    "train.saturated_alone": "Layer {layer}: {share:.0%} of the values are saturated with {norm}.",
    "train.gradient_grows": "{norm}: the gradient of the activations is {times:,.0f} times larger in layer 1 "
    "than in layer {last}. It grows on its way back.",
    "train.gradient_explodes": "{norm}: the gradient of the activations is more than a million times larger "
    "in layer 1 than in layer {last}.",
    "train.gradient_fades": "{norm}: the gradient of the activations is {times:,.0f} times smaller in "
    "layer 1 than in layer {last}. It fades on its way back.",
    "train.gradient_vanishes": "{norm}: the gradient of the activations is more than a million times "
    "smaller in layer 1 than in layer {last}. Nothing arrives there.",
    "train.update_large": "{norm}, layer {layer}: this step changes the weights by {ratio:.1%} of their "
    "size; the rule of thumb is 0.1%, and at most 1%.",
    "train.update_small": "{norm}, layer {layer}: this step changes the weights by {ratio:.1e} of their "
    "size; below 0.0001 next to nothing is learned.",
}
"""Templates by the id of their note."""
