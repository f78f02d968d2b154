"""What the cards of the claims say: templates for the experiment's numbers.

A note "claims.7.found.two" belongs to the card of claim 7, in its part "found" (``ui/assets/cards.js``).
Which sentence is shown follows from the rule of the claim (``normviz.specs.claims_rules``).
"""

from __future__ import annotations

from normviz.catalog.claims import CLAIMS, VERDICTS

_PROGRESS = {
    **dict.fromkeys((1, 3, 4, 5, 12), "So far, after {done} of {of} steps:"),
    **dict.fromkeys((2, 6, 7), "So far, after {done} of {of} epochs:"),
}
"""Before the numbers of a claim that is still being measured."""
_CAPPED = "Whoever is not there within {most} steps counts with {most}."
_NO_COUNTER = "Nothing that was measured here speaks against it."
_STATES = {**VERDICTS, "waiting": "Waiting", "measured": "Being measured"}

_CARDS: dict[str, str] = {
    # 1: covariate shift
    "1.evidence": "Squared gradient per layer towards the input, at initialization: ×{growth_none:.2f} ± "
    "{growth_none_sd:.2f} without a norm, ×{growth_batch:.2f} ± {growth_batch_sd:.2f} with batch norm "
    "(closed form: {growth_predicted:.2f}). Steps to 90% of the training batch: {steps_none:.0f} ± "
    "{steps_none_sd:.0f} without, {steps_batch:.0f} ± {steps_batch_sd:.0f} with batch norm, "
    "{steps_noisy:.0f} ± {steps_noisy_sd:.0f} with a random shift put back behind it. Until the network "
    "without a norm is there, the means of its units move by {shift_none:.2f} ± {shift_none_sd:.2f} standard "
    "deviations a step; with batch norm by {shift_batch:.4f} ± {shift_batch_sd:.4f}, with the shift put back "
    "by {shift_noisy:.3f} ± {shift_noisy_sd:.3f} ({n} seeds).",
    "1.evidence.open": "Squared gradient per layer towards the input, at initialization: ×{growth_none:.2f} "
    "± {growth_none_sd:.2f} without a norm, ×{growth_batch:.2f} ± {growth_batch_sd:.2f} with batch norm. 90% "
    "of the training batch are right for {reached_none} of {n} seeds without, for {reached_batch} with batch "
    "norm, for {reached_noisy} with a random shift put back behind it.",
    "1.found.both": "In a fresh network batch norm itself makes the gradients grow, and with a random shift "
    "put back behind it, its units move more than those of a network without a norm, and still it trains "
    "faster: its speed does not need a smaller shift.",
    "1.found.noise": "With a random shift put back behind batch norm, its units move more than those of a "
    "network without a norm, and still it trains faster: its speed does not need a smaller shift.",
    "1.found.grows": "In a fresh network batch norm itself makes the gradients grow.",
    "1.found.grows_faster": "In a fresh network batch norm itself makes the gradients grow. With a random "
    "shift put back behind it, it still trains faster than no normalization; but its units do not clearly "
    "move more, so that does not tell whether its speed needs a smaller shift.",
    "1.found.faster": "With a random shift put back behind it, batch norm still trains faster than no "
    "normalization; but its units do not clearly move more, so that does not tell whether its speed needs a "
    "smaller shift.",
    "1.found.calmer": "Here gradients grow less with batch norm, and with the shift put back the advantage "
    "is gone.",
    "1.found.overlap": "Here neither the gradients nor the put-back shift tell the two apart.",
    "1.counter.steadier": "Without the noise batch norm does steady its units: their means move by "
    "{shift_batch:.3f} standard deviations a step, against {shift_none:.2f} without a norm.",
    "1.counter.steadier_quicker": "Without the noise batch norm does steady its units ({shift_batch:.3f} "
    "standard deviations a step, against {shift_none:.2f} without a norm) and is quicker still: "
    "{steps_batch:.0f} steps against {steps_noisy:.0f}. That steadier units help as well is not ruled out.",
    # 2: place of the norm
    "2.evidence": "Test error: {error_before:.1f} ± {error_before_sd:.1f}% with the norm before the "
    "activation, {error_after:.1f} ± {error_after_sd:.1f}% after it ({n} seeds); difference "
    "{difference:+.1f} points, 95% interval {difference_low:+.1f} to {difference_high:+.1f}.",
    "2.found.alike": "The history is the wrong way round: the original paper puts it before the "
    "nonlinearity. In the measurement the order makes no difference that {n} seeds could show.",
    "2.found.before": "The history is the wrong way round: the original paper puts it before the "
    "nonlinearity. In the measurement that order errs less.",
    "2.found.after": "The history is the wrong way round: the original paper puts it before the "
    "nonlinearity. In the measurement the other order errs less.",
    "2.counter.either": "Either order trains: the worst seed errs {worst_before:.1f}% with the norm before "
    "the activation and {worst_after:.1f}% after it.",
    # 3: fewer epochs
    "3.evidence": "Steps to 94% of the test digits, each at its own best rate: {steps_none:.0f} ± "
    "{steps_none_sd:.0f} without (rate {rate_none:g}), {steps_batch:.0f} ± {steps_batch_sd:.0f} with batch "
    "norm (rate {rate_batch:g}): {times:.1f} times fewer, 95% interval {times_low:.1f} to {times_high:.1f} "
    "({n} seeds).",
    "3.evidence.open": "94% of the test digits are right at some learning rate for {reached_none} of {seeds} "
    "seeds without, for {reached_batch} with batch norm.",
    "3.found.at_best": "On condition of the higher learning rate that batch norm allows: there it takes "
    "{times:.1f} times fewer steps.",
    "3.found.everywhere": "{times:.1f} times fewer at the best rate, and {slow_times:.1f} times at the "
    "lowest one as well.",
    "3.found.doubt_best_below": "But the 95% interval reaches below twice, from {times_low:.1f} to "
    "{times_high:.1f}.",
    "3.found.doubt_slow_below": "But at the lowest rate the 95% interval reaches below twice, from "
    "{slow_low:.1f} to {slow_high:.1f}.",
    "3.found.unclear": "The interval does not settle whether it is twice as fast.",
    "3.found.not_faster": "Less than twice as fast, even at each variant's best rate.",
    "3.counter.slow": "At rate {rate_slow:g} for both it takes {slow_batch:.0f} ± {slow_batch_sd:.0f} steps "
    "with batch norm and {slow_none:.0f} ± {slow_none_sd:.0f} without: {slow_times:.1f} times fewer, 95% "
    "interval {slow_low:.1f} to {slow_high:.1f}.",
    # 4: learning rates
    "4.evidence": "Highest rate that trains, median (lowest to highest seed): {highest_none:g} ({low_none:g} "
    "to {high_none:g}) without, {highest_batch:g} ({low_batch:g} to {high_batch:g}) with batch norm; higher "
    "with batch norm for {higher} of {seeds} seeds. At rate {highest_batch:g}, right at the end: "
    "{at_highest_batch:.0%} ± {at_highest_batch_sd:.0%} with, {at_highest_none:.0%} ± "
    "{at_highest_none_sd:.0%} without.",
    "4.evidence.open": "Right at each variant's best rate: {right_none:.0%} ± {right_none_sd:.0%} without "
    "(rate {rate_none:g}), {right_batch:.0%} ± {right_batch_sd:.0%} with batch norm (rate {rate_batch:g}; "
    "{n} seeds).",
    "4.found.every_seed": "For every seed batch norm trains at a rate that is too high without it.",
    "4.found.doubt_overlap": "But the ranges of the seeds overlap: {low_none:g} to {high_none:g} without, "
    "{low_batch:g} to {high_batch:g} with batch norm.",
    "4.found.some_seeds": "Only for some of the seeds does batch norm train at a higher rate.",
    "4.found.no_seed": "For no seed does batch norm train at a higher rate.",
    "4.counter.limit": "There is a limit with batch norm too: the next rates do not train.",
    # 5: initialization
    "5.evidence": "Gains that train, of {gains} from {low:g} to {high:g}: {trained_none:.1f} ± "
    "{trained_none_sd:.1f} without, {trained_batch:.1f} ± {trained_batch_sd:.1f} with batch norm ({n} "
    "seeds).",
    "5.found.every_seed": "For every seed more gains train with batch norm.",
    "5.found.some_seeds": "Only for some of the seeds do more gains train with batch norm.",
    "5.found.no_seed": "For no seed do more gains train with batch norm.",
    "5.counter.dependent": "Less dependent, not independent: {at_best:.1%} ± {at_best_sd:.1%} right at "
    "gain {best_gain:g}, {at_worst:.1%} ± {at_worst_sd:.1%} at gain {worst_gain:g}.",
    # 6: dropout
    "6.evidence": "Test error: {error_none:.1f} ± {error_none_sd:.1f}% without either, "
    "{error_none_dropout:.1f} ± {error_none_dropout_sd:.1f}% with dropout, {error_batch:.1f} ± "
    "{error_batch_sd:.1f}% with batch norm, {error_batch_dropout:.1f} ± {error_batch_dropout_sd:.1f}% with "
    "both ({n} seeds). Gain of dropout without batch norm: {gain:+.1f} points, 95% interval {gain_low:+.1f} "
    "to {gain_high:+.1f}.",
    "6.found.no_gain": "No gain of dropout shows here, so there is nothing that batch norm could replace: "
    "this task and this dropout cannot tell.",
    "6.found.overlap": "Dropout gains without batch norm; whether it gains less with it, the intervals leave "
    "open.",
    "6.found.replaced": "Dropout gains less where there is batch norm.",
    "6.found.gains_more": "Dropout gains more where there is batch norm, so nothing is replaced.",
    "6.counter.still": "Dropout still gains beside batch norm: {still:+.1f} points, 95% interval "
    "{still_low:+.1f} to {still_high:+.1f}.",
    "6.counter.alone": "Batch norm alone errs less than neither, by {alone:.1f} points (95% interval "
    "{alone_low:.1f} to {alone_high:.1f}). That fits the claim, but batch norm also eases the training, so "
    "it does not show that its noise regularizes.",
    "6.counter.not_alone": "Nor do the seeds show that batch norm alone errs less than neither: by "
    "{alone:+.1f} points, 95% interval {alone_low:+.1f} to {alone_high:+.1f}.",
    # 7: small batches
    "7.evidence": "Test error with statistics over 2 / 4 / 8 samples: {error_batch_2:.1f} ± "
    "{error_batch_2_sd:.1f}% / {error_batch_4:.1f} ± {error_batch_4_sd:.1f}% / {error_batch_8:.1f} ± "
    "{error_batch_8_sd:.1f}%; group norm {error_group:.1f} ± {error_group_sd:.1f}%, layer norm "
    "{error_layer:.1f} ± {error_layer_sd:.1f}% ({n} seeds). Each step still sees 32 samples.",
    "7.found.two": "At 2 batch norm fails; group and layer norm do not notice.",
    "7.found.doubt_four": "Whether it fails at 4 as well the 95% interval leaves open: {behind_4_low:.1f} to "
    "{behind_4_high:.1f} points behind.",
    "7.found.also_four": "At 2 batch norm fails, and at 4 as well: the limit lies higher than claimed.",
    "7.found.stable": "Even at 2 batch norm stays close to group and layer norm.",
    "7.found.unclear": "The interval at 2 does not settle it.",
    "7.counter.four": "At 4 it stays closer on this MLP: {behind_4:.1f} points behind the better of the two, "
    "95% interval {behind_4_low:.1f} to {behind_4_high:.1f}, and {behind_8:.1f} at 8.",
    # 8: a batch of one
    "8.evidence": "In training mode a batch of one raises an error in torch's BatchNorm1d for {raised} of "
    "{seeds} networks; BatchNorm2d takes it in silence, and its output is {gap:.0%} ± {gap_sd:.0%} away from "
    "that after eval(). Switched by itself: {switched} of {seeds}. Works after eval(): {works} of {seeds}.",
    "8.found.only_eval": "Nothing switches by itself; eval() does it.",
    "8.found.by_itself": "A batch of one is normalized by the stored statistics without being told.",
    "8.found.mixed": "The networks do not agree.",
    "8.counter.untracked": "After eval() it does use its stored statistics, where it has any: with "
    "track_running_stats=False a batch of one raises in evaluation mode as well, for {untracked} of {seeds}.",
    "8.counter.after_eval": "After eval() it does use its stored statistics.",
    # 9: the last batch
    "9.evidence": "In training mode {changed:.0f} ± {changed_sd:.0f}% of the test digits change their label "
    "between five random batches of 8; with another batch before, the logits change by {before:g} ({n} "
    "seeds).",
    "9.found.current": "It uses the statistics of the current batch, not of the last one.",
    "9.found.last": "It uses the statistics of the batch before.",
    "9.found.both": "The batch before and the current one both matter.",
    "9.found.neither": "Neither the batch before nor the current one matters for every seed.",
    "9.counter.moves": "And each pass goes on moving the stored statistics: {moved:.2f} ± {moved_sd:.2f} "
    "running standard deviations in one pass over the test digits, which eval() will then use.",
    # 10: sequences
    "10.evidence": "Greatest change of a sequence's first half when its future / another sequence / the "
    "padding changes: batch norm in training mode {batch_future:.2f} ± {batch_future_sd:.2f} / "
    "{batch_sample:.2f} ± {batch_sample_sd:.2f} / {batch_padding:.2f} ± {batch_padding_sd:.2f}; layer norm "
    "{layer_future:g} / {layer_sample:g} / {layer_padding:g} ({n} seeds).",
    "10.found.kept": "True of the three properties measured here, of a single layer on random numbers: layer "
    "norm leaks nothing from the future, from other samples or from padding, batch norm in training mode all "
    "three. Whether a network is better for it is for the page Sequences, which trains some.",
    "10.found.batch_keeps": "Layer norm leaks nothing, but batch norm does not leak everywhere either.",
    "10.counter.avoidable": "Batch norm here counts the padding. By the statistics of the real steps alone, "
    "padding moves its output by no more than rounding ({masked:g}); and after eval() none of the three "
    "moves it ({evaluated:g}).",
    "10.found.layer_moves": "Layer norm changes too.",
    # 11: sample code
    "11.evidence": "torch.randn(batch_size=32, features=128), run as it is written; torch.randn(32, 128), "
    "run beside it.",
    "11.found.raises": "The sample code stops with a TypeError: torch.randn knows no such arguments.",
    "11.found.runs": "The sample code runs with this version of torch.",
    "11.counter.impossible": "There can be none: what arguments torch.randn takes depends on no data, seed "
    "or setting.",
    # 12: depth
    "12.evidence": "Right at the end, at 10 / 20 / 30 / 50 plain layers, median of {seeds} seeds (lowest to "
    "highest): {none_10:.0%} ({none_10_low:.0%} to {none_10_high:.0%}), {none_20:.0%} "
    "({none_20_low:.0%} to {none_20_high:.0%}), {none_30:.0%} ({none_30_low:.0%} to "
    "{none_30_high:.0%}), {none_50:.0%} ({none_50_low:.0%} to {none_50_high:.0%}) without; "
    "{batch_10:.0%} ({batch_10_low:.0%} to {batch_10_high:.0%}), {batch_20:.0%} ({batch_20_low:.0%} "
    "to {batch_20_high:.0%}), {batch_30:.0%} ({batch_30_low:.0%} to {batch_30_high:.0%}), "
    "{batch_50:.0%} ({batch_50_low:.0%} to {batch_50_high:.0%}) with batch norm.",
    "12.evidence.open": "Right at 10 / 20 / 30 / 50 plain layers, median of {seeds} seeds (lowest to "
    "highest): {none_10:.0%} ({none_10_low:.0%} to {none_10_high:.0%}), {none_20:.0%} ({none_20_low:.0%} to "
    "{none_20_high:.0%}), {none_30:.0%} ({none_30_low:.0%} to {none_30_high:.0%}), {none_50:.0%} "
    "({none_50_low:.0%} to {none_50_high:.0%}) without; {batch_10:.0%} ({batch_10_low:.0%} to "
    "{batch_10_high:.0%}), {batch_20:.0%} ({batch_20_low:.0%} to {batch_20_high:.0%}), {batch_30:.0%}"
    " ({batch_30_low:.0%} to {batch_30_high:.0%}), {batch_50:.0%} ({batch_50_low:.0%} to "
    "{batch_50_high:.0%}) with batch norm.",
    "12.found.deeper": "{deepest_batch} plain layers are learned with batch norm (80% right), {deepest_none} "
    "without.",
    "12.found.doubt_divided_batch": "But the seeds are divided: at {divided_batch} layers with batch norm "
    "some are on one side of 80% and some on the other.",
    "12.found.doubt_divided_none": "But the seeds are divided: at {divided_none} layers without a norm some "
    "are on one side of 80% and some on the other.",
    "12.found.deepest": "The deepest network is learned with batch norm; without it, {deepest_none} layers "
    "are.",
    "12.found.no_deeper": "Batch norm reaches no depth that is not learned without it.",
    "12.found.neither": "No depth is learned in so few steps.",
    "12.counter.limit": "{deepest} plain layers are not learned here with batch norm either: "
    "{batch_50:.0%} right ({batch_50_low:.0%} to {batch_50_high:.0%}).",
}

TEMPLATES: dict[str, str] = {
    **{f"claims.{name}": text for name, text in _CARDS.items()},
    **{f"claims.{number}.progress": text for number, text in _PROGRESS.items()},
    **{f"claims.{number}.counter.none": _NO_COUNTER for number in CLAIMS},
    **{f"claims.{number}.evidence.capped": _CAPPED for number in (1, 3)},
    **{
        f"claims.{number}.verdict.{state}": text
        for number in CLAIMS
        for state, text in _STATES.items()
    },
    "claims.tally": "Of twelve claims, {supported} are supported by what was measured here, {conditional} "
    "only on conditions, {inconclusive} inconclusive, {not_supported} not supported, {false} false, and "
    "{checked} were checked against the source. Other settings can give other verdicts: they follow from the "
    "numbers.",
}  # fmt: skip
"""Templates by the id of their note."""
