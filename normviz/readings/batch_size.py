"""What there is to see in the errors by batch size: templates for the experiment's numbers.

Each sentence is shown only when the numbers bear it out (``normviz.lab.experiments.batch_size_notes`` and
``batch_size_cases``).
"""

from __future__ import annotations

TEMPLATES: dict[str, str] = {
    "batch_size.start": "Before training everybody guesses: {low:.0f} to {high:.0f}% of the test digits are "
    "wrong.",
    "batch_size.left_out": "{norm} takes no part. {why}",
    "batch_size.diverged": "{norm}: {n} trainings diverged; means are over the others.",
    "batch_size.unstable": "{norm} is unstable at {size}: {small:.3g}% error ({low:.3g} to {high:.3g}% over "
    "{seeds} seeds), against {large:.2g}% at {batch}.",
    "batch_size.signs": "{norm} is unstable at {size}: {small:.3g}% error ({low:.3g} to {high:.3g}% over "
    "{seeds} seeds), against {large:.2g}% at {batch}. Of two values the larger always becomes +1 and the "
    "smaller −1: how far apart they were is lost.",
    "batch_size.worse": "{norm} is worse at {size} for every seed: {small:.3g}% error ({low:.3g} to "
    "{high:.3g}%), against {large:.2g}% at {batch}.",
    "batch_size.overlaps": "{norm} at {size} and at {batch}: {small:.3g}% and {large:.3g}% error; the seeds "
    "overlap, so there is no difference to speak of.",
    "batch_size.single": "{norm}: {small:.3g}% error at {size}, {large:.3g}% at {batch}. A single seed says "
    "nothing of the spread.",
    "batch_size.four_fine": "At 4 batch norm is already fine here: {at:.2g}%, against {large:.2g}% at 32.",
    "batch_size.four_costs": "At 4 batch norm still pays: {at:.2g}%, against {large:.2g}% at 32.",
    "batch_size.accumulated_part": "{norm} with gradients accumulated over {count} micro-batches of {micro}: "
    "{own:.3g}%, about what it reaches at {micro} ({part:.3g}%) and not at {batch} ({whole:.2g}%). "
    "Accumulation enlarges the update's batch, not the one that is normalized.",
    "batch_size.accumulated_whole": "{norm} with gradients accumulated over {count} micro-batches of "
    "{micro}: {own:.3g}%, about what it reaches at {batch} at once ({whole:.3g}%).",
    "batch_size.accumulated": "{norm} with gradients accumulated over {count} micro-batches of {micro}: "
    "{own:.3g}%; at {micro} it reaches {part:.3g}%, at {batch} {whole:.3g}%.",
    "batch_size.renorm_helps": "Batch renormalization helps at {size}: {renorm:.3g}% against {batch:.3g}%, "
    "better for every seed.",
    "batch_size.renorm_harms": "Batch renormalization does not help at {size}: {renorm:.3g}% against "
    "{batch:.3g}%, worse for every seed.",
    "batch_size.renorm_overlaps": "Batch renormalization at {size}: {renorm:.3g}% against batch norm's "
    "{batch:.3g}%; the seeds overlap, so nothing is settled.",
    "batch_size.steady": "Without batch statistics there is nothing to shrink: those norms train once and "
    "are drawn across, from {best} ({low:.2g}%) to {worst} ({high:.2g}%).",
    "batch_size.steady_alone": "Without batch statistics there is nothing to shrink: {best} trains once "
    "({low:.2g}%) and is drawn across.",
    "batch_size.others": "Without batch statistics, in real batches of {size}: from {best} ({low:.2g}%) to "
    "{worst} ({high:.2g}%).",
    "batch_size.other": "Without batch statistics, in real batches of {size}: {best}, {low:.2g}%.",
    "batch_size.crossing": "From {from} on batch norm has the lower mean error than group norm: at {size} "
    "{batch:.3g}% against {group:.2g}%, at {large} {batch_large:.2g}% against {group_large:.2g}%.",
    "batch_size.never": "At none of these sizes batch norm has a lower mean error than group norm: at {size} "
    "{batch:.3g}% against {group:.2g}%, at {large} {batch_large:.2g}% against {group_large:.2g}%.",
    "batch_size.refusal": "{case} while training, in torch's own words: “{words}”.",
    "batch_size.last": "A batch of one can come by itself: {samples} samples in batches of {size} leave one "
    "over, and an MLP with batch norm raises on it in train mode. With drop_last=True it does not come; "
    "a CNN runs, since its channels have a whole picture of values.",
    "batch_size.silent": "{case} raises nothing, and returns zeros whatever it is given: a group of one "
    "value is its own mean.",
}
"""Templates by the id of their note."""
