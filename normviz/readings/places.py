"""Where on the stage a note's sentence can be seen: chart, layer, variants and step.

Layer, variants and step are read from the numbers of the note, so here stand only the names of those numbers.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from functools import cache
from typing import Any

_NAMED = ("norm", "norms", "old", "best", "worst", "other", "variant", "one", "least", "most")
"""Numbers of a note that hold the names of variants, if it has them and they are words."""


@dataclass(frozen=True)
class Place:
    """The place of one kind of note."""

    figures: tuple[str, ...]
    """Keys of charts; the first that is on the stage is meant."""
    layer: str = ""
    """The number that says which layer, as charts number them."""
    step: str = ""
    """The number that says where the cursor has to stand: a step, or what the bar counts instead."""
    variants: tuple[str, ...] = _NAMED


@cache
def places() -> dict[str, dict[str, Any]]:
    """Every place by the id of its note, as plain values."""
    return {note: asdict(place) for note, place in PLACES.items()}


def _at(*figures: str, layer: str = "", step: str = "") -> Place:
    return Place(figures, layer, step)


def _all(experiment: str, **of: Place) -> dict[str, Place]:
    return {f"{experiment}.{note}": place for note, place in of.items()}


_ACCURACY = _at("test_accuracy", step="step")
_HEALTH = _at("unit_health", layer="layer")
_BACKWARD = _at("grad_norm_activation")
_UPDATES = _at("update_ratio", layer="layer")

_TRAIN = _all(
    "train",
    start=_at("test_accuracy"),
    alone=_ACCURACY, even=_ACCURACY, even_left=_ACCURACY, standing=_ACCURACY, overlapping=_ACCURACY,
    guessing=_ACCURACY,
    two_classes=_at("train_accuracy"), two_classes_alone=_at("train_accuracy"),
    first=_ACCURACY, first_and_last=_ACCURACY,
    changed_lr=_at("loss", step="step"), changed_batch_size=_at("loss", step="step"),
    changed_norm=_at("loss", step="step"),
    diverged=_at("loss", step="step"),
    dead=_HEALTH, dead_alone=_HEALTH, saturated=_HEALTH, saturated_alone=_HEALTH,
    gradient_grows=_BACKWARD, gradient_explodes=_BACKWARD, gradient_fades=_BACKWARD,
    gradient_vanishes=_BACKWARD,
    update_large=_UPDATES, update_small=_UPDATES,
)  # fmt: skip

_FLOW = _at("grad_activation")
_SIZE = _at("sd", layer="depth")
_ANGLE = _at("cosine", layer="depth")

_SIGNAL = _all(
    "signal",
    overflow=_at("sd", layer="layer"),
    explodes=_FLOW, explodes_about=_FLOW, explodes_unbounded=_FLOW, explodes_alone=_FLOW, held=_FLOW,
    which_gradient=_FLOW, free_grows=_FLOW, free_fades=_FLOW, free_flat=_FLOW,
    keeps=_SIZE, grows=_SIZE, dies=_SIZE, alike=_ANGLE, alike_and_apart=_ANGLE,
    dead=_HEALTH, saturated=_HEALTH,
    loss=_at("initial_loss"), guessing=_at("initial_loss"),
)  # fmt: skip

_ACT_1 = _at("error_curves")
_ACT_2 = _at("error_by_batch_size")
_FLIPS = _at("changed_labels")

_FORGOTTEN = _all(
    "forgotten_eval",
    training=_at("error_curves", step="step"),
    lag=_at("lag", step="step"),
    diverged=_at("loss_curves"),
    untrained=_ACT_1, blind=_ACT_1, visible=_ACT_1,
    grows=_ACT_2, flat=_ACT_2, one_raises=_ACT_2, one_silent=_ACT_2, sorted=_ACT_2,
    flips=_FLIPS, no_flips=_FLIPS, same_labels=_FLIPS,
    company=_at("neighbours"),
    damaged=_at("error_after_a_pass"),
    dropout=_at("dropout"),
    recalibrated=_at("repairs"),
    trained_in_eval=_at("trained_in_eval"), diverged_in_eval=_at("trained_in_eval"),
    domain=_at("other_pictures"), domain_back=_at("other_pictures"),
    tuned=_at("fine_tuning"),
    dropout_before=_at("dropout_before"),
)  # fmt: skip

_SIZES = _at("error_by_batch_size")
_ONE = _at("batches_of_one")

_BATCH_SIZE = _all(
    "batch_size",
    **dict.fromkeys(
        (
            "start", "left_out", "diverged", "unstable", "signs", "worse", "overlaps", "single", "four_fine",
            "four_costs", "accumulated", "accumulated_part", "accumulated_whole", "renorm_helps",
            "renorm_harms", "renorm_overlaps", "steady", "steady_alone", "others", "other", "crossing",
            "never",
        ),
        _SIZES,
    ),
    refusal=_ONE, last=_ONE, silent=_ONE,
)  # fmt: skip

_INTERVALS = _at("test_errors")
_PAIRED = _at("differences")

_REGULARIZATION = _all(
    "regularization",
    learned=_at("gap"), learning=_at("gap"), underfit=_at("gap"),
    open=_INTERVALS, overlap=_INTERVALS, apart=_INTERVALS,
    control_alike=_INTERVALS, control_better=_INTERVALS, control_worse=_INTERVALS,
    paired=_PAIRED, paired_zero=_PAIRED,
)  # fmt: skip

_MAPS = _at("maps")
_LEARNED = _at("learned", step="step")

_LR_INIT = _all(
    "lr_init",
    start=_MAPS, nowhere=_LEARNED, alone=_LEARNED, even=_LEARNED, counts=_LEARNED,
    reach=_MAPS, reach_whole=_MAPS, reach_one_rate=_MAPS, reach_one_gain=_MAPS, reach_one=_MAPS,
    diverged=_MAPS, limits=_MAPS,
)  # fmt: skip

_SCALED = _at("loss", step="k")
_EXACT = _at("change", "loss")
_ANGLES = _at("angles")

_SCALE = _all(
    "scale",
    diverged=_at("loss"), untouched=_at("loss"), moves=_SCALED, stays=_SCALED,
    exact=_EXACT, nearly=_EXACT, swamped=_EXACT, renorm=_EXACT, dyt=_EXACT,
    rows=_ANGLES, whole=_ANGLES,
    effective_rate=_at("turn", step="k"),
)  # fmt: skip

_CUT = _at("loss")
_TURN = _at("change")
_SMOOTH = _at("smoothness")

_LANDSCAPE = _all(
    "landscape",
    here=_at("loss", step="step"),
    range=_CUT, range_overlaps=_CUT, change=_TURN, change_overlaps=_TURN,
    smoothness=_SMOOTH, smoothness_overlaps=_SMOOTH, turned=_TURN,
    diverged=_at("loss", step="step"),
)  # fmt: skip

_RACE = _at("accuracy")
_SHIFT = _at("shift")

_NOISY = _all(
    "noisy_bn",
    reached=_at("accuracy", step="step"), reached_alone=_at("accuracy", step="step"),
    underway=_at("accuracy", step="step"),
    wanders=_SHIFT, shift=_SHIFT, ahead_and_wanders=_RACE, ahead=_RACE, behind=_RACE, overlaps=_RACE,
    costs=_RACE,
    diverged=_at("accuracy", step="step"),
)  # fmt: skip

_PLACEMENT = _all(
    "placement",
    start=_at("curves"), underway=_at("curves", step="step"),
    steps_overlap=_at("reached"), steps_before=_at("reached"), steps_after=_at("reached"),
    accuracy_overlap=_at("test_accuracy"), accuracy_before=_at("test_accuracy"),
    accuracy_after=_at("test_accuracy"),
    diverged_before=_at("curves", step="step"), diverged_after=_at("curves", step="step"),
)  # fmt: skip

_ANSWERS = _at("accuracy", step="step")
_LEAKS = _at("leaks")
_DEPTHS = _at("gradients_by_depth")
_PADDING = _at("padding")
_MODES = _at("gap")
_LONE = _at("alone")

_SEQUENCES = _all(
    "sequences",
    diverged=_at("loss"), start=_at("accuracy"),
    best=_ANSWERS, even=_ANSWERS, standing=_ANSWERS, overlapping=_ANSWERS, guessing=_ANSWERS,
    guessing_post=_ANSWERS,
    future_seen=_LEAKS, future_attended=_LEAKS, future_blind=_LEAKS, future_all_blind=_LEAKS,
    mates_seen=_LEAKS, mates_unseen=_LEAKS, eval_blind=_LEAKS,
    post_larger=_DEPTHS, pre_falls=_DEPTHS, free_explodes=_DEPTHS,
    padding_batch=_PADDING, padding_seen=_PADDING, padding_unseen=_PADDING,
    gap=_MODES, gap_closed=_MODES, gap_by_step=_MODES,
    alone_moved=_LONE, alone_refused=_LONE, alone_same=_LONE,
)  # fmt: skip

_RATIO = _at("ratio")

_COST = _all("cost", dearest_step=_RATIO, dearest_layer=_RATIO, cheapest=_RATIO, alike=_RATIO, noise=_RATIO)
_STEP_COST = _all("step_cost", dearest_step=_RATIO, cheapest=_RATIO, alike=_RATIO, noise=_RATIO)

PLACES: dict[str, Place] = {
    **_TRAIN, **_SIGNAL, **_FORGOTTEN, **_BATCH_SIZE, **_REGULARIZATION, **_LR_INIT, **_SCALE, **_LANDSCAPE,
    **_NOISY, **_PLACEMENT, **_SEQUENCES, **_COST, **_STEP_COST,
}  # fmt: skip
"""By the id of the note.  The notes of the claims stand on their cards, beside their charts."""
