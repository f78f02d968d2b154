"""What there is to see in networks that read sequences, as templates; the experiment supplies the numbers.

Each sentence is shown only when the numbers bear it out (``normviz.lab.experiments.sequences_notes``).
"""

from __future__ import annotations

TEMPLATES: dict[str, str] = {
    "sequences.diverged": "{norm}: {n} of {of} networks diverged and are left out of medians.",
    "sequences.start": "Untrained, the variants are right in {low:.0%} to {high:.0%} of the test sequences; "
    "guessing gives {chance:.0%}.",
    "sequences.best": "Step {step}: {best} answers {high:.1%} of the test sequences correctly.",
    "sequences.even": "Step {step}: every variant answers {high:.1%} of the test sequences correctly, in the "
    "median over the seeds.",
    "sequences.standing": "Step {step}: {best} answers {high:.1%} of the test sequences correctly, {worst} "
    "{low:.1%}.",
    "sequences.overlapping": "Step {step}: {best} answers {high:.1%} of the test sequences correctly, "
    "{worst} {low:.1%}. These are medians; single seeds of the two overlap.",
    "sequences.guessing": "Still guessing after {step} steps, at {chance:.0%}: {norms}.",
    "sequences.guessing_post": "Still guessing after {step} steps, at {chance:.0%}: {norms}, in post-norm. "
    "Post-norm wants a lower learning rate or a warm-up; put the norm before the block to compare.",
    "sequences.future_seen": "Who sees the future: {norms}. What a sequence says from step {start} on "
    "changes its answers before that step, by up to {share:.1%} ({worst}). In use there is no future to see.",
    "sequences.future_attended": "Attention is not causal here: every step attends to all others, so what a "
    "sequence says from step {start} on changes its answers before that step with every variant, by up to "
    "{low:.1%} to {high:.1%}. The chart cannot tell what the norm adds to that.",
    "sequences.future_blind": "Before step {start}, where the change begins, the answers move by exactly "
    "zero: {norms}.",
    "sequences.future_all_blind": "Before step {start}, where the change begins, no answer moves at all: "
    "every norm here looks at one step at a time.",
    "sequences.mates_seen": "{norm}: the answers for the other sequences of the batch move too, by up to "
    "{share:.1%}, though nothing in them was changed.",
    "sequences.mates_unseen": "No sequence is moved by what its batch-mates say.",
    "sequences.eval_blind": "{norm} in evaluation mode: exactly zero, before the change and for the "
    "batch-mates. The network in use is then another one than the one that was trained.",
    "sequences.post_larger": "{norm}, {depth} layers, untrained: the gradient of the last feed-forward block "
    "is {times:.1f} times larger with post-norm than with pre-norm.",
    "sequences.pre_falls": "With pre-norm that gradient falls with depth: {depth} layers have {ratio:.2f} of "
    "what 8 layers have. Theory expects √(8/{depth}) = {theory:.2f}.",
    "sequences.free_explodes": "Without normalization that gradient leaves the chart: {size:.1e} at {depth} "
    "layers.",
    "sequences.padding_batch": "{norm} over the padding too: {more} more empty steps behind every sequence "
    "change the answers by {share:.0%}. With the padding left out they change by nothing but rounding.",
    "sequences.padding_seen": "{norm} averages each sequence over its steps, empty ones included: {more} "
    "more of them change the answers by {share:.0%}.",
    "sequences.padding_unseen": "{more} more empty steps behind every sequence change no answer: each step "
    "is normalized by itself.",
    "sequences.alone_moved": "{norm}, a batch of one, in training mode: the answers differ by {share:.0%} "
    "from those that the same sequence gets among {batch}, in the median over the steps.",
    "sequences.alone_refused": "{norm} refuses a batch of one in training mode: “{words}”.",
    "sequences.alone_same": "Alone in its batch or among {batch}, a sequence gets the same answers, but for "
    "rounding: {norms}.",
    "sequences.gap": "{norm}: training mode (batches of {batch}) and evaluation mode give answers that "
    "differ by {share:.0%}, in the median over the steps.",
    "sequences.gap_closed": "{norm}: training mode (batches of {batch}) and evaluation mode give the same "
    "answers but for rounding, in the median over the steps: its corrections stay within their limits.",
    "sequences.gap_by_step": "{norm} at step 1: training and evaluation mode differ by {first:.0%} if "
    "every step has running statistics of its own, by {pooled:.0%} with one set for all steps.",
}
"""Templates by the id of their note."""
