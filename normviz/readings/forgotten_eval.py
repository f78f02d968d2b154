"""What there is to see in the forgotten eval(), as templates; the experiment supplies the numbers.

Each sentence is shown only when the numbers bear it out.
"""

from __future__ import annotations

TEMPLATES: dict[str, str] = {
    "forgotten_eval.training": (
        "Step {step} of {steps}: eval mode errs {evaluated:.1f}%, train mode at batch {batch} errs "
        "{trained:.1f}%."
    ),
    "forgotten_eval.lag": (
        "Step {step}: the running statistics still hold {share:.0%} of their initial values, so eval "
        "mode errs {evaluated:.0f}% where train mode errs {trained:.0f}%. A network validated this "
        "early looks worse than it is."
    ),
    "forgotten_eval.diverged": (
        "{count} of {seeds} networks diverged; they are left out of every number below."
    ),
    "forgotten_eval.untrained": (
        "The network has hardly learned: it errs {evaluated:.0f}% in eval mode. Train it longer before you "
        "judge the rest."
    ),
    "forgotten_eval.blind": (
        "Act 1. At batch {batch}, train mode errs {trained:.1f}% and eval mode {evaluated:.1f}%: no "
        "validation at this batch size can see the bug."
    ),
    "forgotten_eval.visible": (
        "Act 1. At batch {batch}, train mode errs {trained:.1f}% and eval mode {evaluated:.1f}%: with these "
        "settings a validation would already show a difference."
    ),
    "forgotten_eval.grows": (
        "Act 2. The same weights err {at_8:.0f}% at batch 8, {at_4:.0f}% at 4 and {at_2:.0f}% at 2: the "
        "fewer samples share a mean and a variance, the noisier both are."
    ),
    "forgotten_eval.flat": (
        "Act 2. From batch 256 down to 2, train mode errs between {low:.1f}% and {high:.1f}%, in "
        "evaluation mode {evaluated:.1f}%: the batch size makes no difference here."
    ),
    "forgotten_eval.one_raises": "Batch 1: torch refuses. “{error}”",
    "forgotten_eval.one_silent": (
        "Batch 1 passes without a word, and {wrong:.0f}% of the answers are wrong."
    ),
    "forgotten_eval.sorted": (
        "Batches of {batch} sorted by class: {wrong:.0f}% wrong, against {shuffled:.1f}% shuffled. The "
        "mean of such a batch is the mean of one class; subtracting it removes what tells the classes "
        "apart."
    ),
    "forgotten_eval.flips": (
        "{share:.0f}% of the samples change their label when nothing but their batch-mates changes ({draws} "
        "random batches of {batch})."
    ),
    "forgotten_eval.no_flips": (
        "No sample changes its label in {draws} random batches of {batch}: each is normalized without "
        "regard to the others, so there is nothing to forget."
    ),
    "forgotten_eval.same_labels": ("No sample changes its label in {draws} random batches of {batch}."),
    "forgotten_eval.company": (
        "One picture of the digit {true}, {sets} different sets of batch-mates: read correctly {right} "
        "times; the probability of the right answer goes from {low:.0f}% to {high:.0f}%."
    ),
    "forgotten_eval.damaged": (
        "One pass in train mode over batches of {batch} sorted by class, without any learning: eval "
        "mode errs {after:.1f}% afterwards, {before:.1f}% before. The pass itself moved the running "
        "statistics."
    ),
    "forgotten_eval.dropout": (
        "Dropout has its own half: a network without any norm but with dropout {p:.1f}, left on, errs "
        "{large:.1f}% at batch 256 and {small:.1f}% at batch 2, in eval mode {evaluated:.1f}%. A validation "
        "would show it; the batch has nothing to do with it."
    ),
    "forgotten_eval.recalibrated": (
        "Repair. Averaging the statistics anew over the training batches (precise BN) brings the "
        "damaged network from {after:.1f}% back to {mended:.1f}%."
    ),
    "forgotten_eval.trained_in_eval": (
        "Opposite mistake: trained in eval mode, the norm keeps the statistics that it began with (mean 0, "
        "variance 1) and normalizes nothing. After {steps} steps at learning rate {lr:.3g} such networks err "
        "{evaluated:.1f}%, as usual {trained:.1f}%."
    ),
    "forgotten_eval.diverged_in_eval": (
        "At learning rate {lr:.3g}, {in_eval} of {seeds} networks diverge that are trained in eval mode, and "
        "{as_usual} of {seeds} that are trained as usual."
    ),
    "forgotten_eval.domain": (
        "Opposite mistake: running statistics of other pictures. Shown the same digits with half the "
        "contrast and brighter, eval mode errs {other:.0f}% ({same:.1f}% before). Recalibrated on such "
        "pictures: {mended:.1f}%; no weight has changed."
    ),
    "forgotten_eval.domain_back": (
        "The recalibrated network then errs {back:.0f}% on the old pictures ({same:.1f}% before): running "
        "statistics fit one kind of picture at a time."
    ),
    "forgotten_eval.tuned": (
        "Opposite mistake: model.train() before fine-tuning. After {steps} more steps on digits that it "
        "knows already, in batches of {batch} of one class each, the network errs {trained:.0f}%; with "
        "frozen statistics {frozen:.1f}% ({before:.1f}% before). In shuffled batches, in train mode: "
        "{shuffled:.1f}%."
    ),
    "forgotten_eval.dropout_before": (
        "Dropout just before batch norm: where {keep:.0%} of the values are kept, the input varies in use "
        "{measured:.2f} times as much as the norm has stored; the closed form says {formula:.2f} (mean over "
        "the channels)."
    ),
}
