"""Figures of the opposite mistakes: training in eval mode, other pictures, `model.train()`, dropout before.

As everywhere in this experiment colour is the norm and the dash is the mode: training mode solid, evaluation
mode (or frozen statistics) dashed, batches sorted by class dotted.
"""

from __future__ import annotations

from normviz.figures.bound import Figure, now
from normviz.figures.forgotten_eval_marks import (
    EVAL,
    MEAN,
    PERCENT,
    SD,
    SORTED,
    Trace,
    dashed,
    error_bars,
    key,
)
from normviz.figures.theme import NEUTRAL, STYLES, faded, layout, line, reference, variant
from normviz.phrases import phrase
from normviz.specs import forgotten_eval_frames as recorded
from normviz.specs.forgotten_eval import ForgottenEval

_DASHES = {"train": "solid", "eval": EVAL}


def trained_in_eval(spec: ForgottenEval) -> Figure:
    """Networks whose norm never looks at the batch while they train, at two learning rates."""
    x, traces = list(spec.opposite_steps), []
    for m, mode in enumerate(recorded.TRAINED_IN):
        for r, rate in enumerate(recorded.RATES):
            words = phrase("trained in {mode} mode, learning rate {rate:.3g}", mode=mode, rate=rate * spec.lr)
            look: Trace = {**dashed(spec.norm, _DASHES[mode]), "marker": _marks(spec.norm, r)}
            for panel, y in enumerate(
                (now("opposite_spread", MEAN, m, r), now("opposite_diverged", m, r)), start=1
            ):
                template = phrase("step %{{x}}: %{{y:.1f}}%<extra>{words}</extra>", words=words)
                traces.append(
                    line(x, y, spec.norm, panel=panel, markers=True, **look, hovertemplate=template)
                )
    low, high = (rate * spec.lr for rate in recorded.RATES)
    words = phrase(
        "solid: as usual<br>dashed: eval mode<br>● rate {low:.3g}<br>○ rate {high:.3g}", low=low, high=high
    )
    plan = layout(
        "Training step", "%", x_log=True, x_range=(0.9, max(10, x[-1] * 1.15)), y_range=(-3, 103),
        panels=("Test error (of those left)", "Diverged networks"),
    )  # fmt: skip
    plan["annotations"] = [*plan["annotations"], {**key(words), "y": 0.66}]
    return Figure(
        "trained_in_eval", "Opposite mistake: trained in eval mode", tuple(traces), plan, expert=True,
        alt="Left: test error in evaluation mode against the training step, for networks trained as usual "
        "and for networks whose norm stays in evaluation mode, at two learning rates. Right: the share "
        "of them that diverged.",
    )  # fmt: skip


def _marks(norm: str, rate: int) -> Trace:
    colour = STYLES[norm].colour
    symbol = ("circle", "circle-open")[rate]
    return {"color": colour, "symbol": symbol, "size": 7, "line": {"width": 1.5, "color": colour}}


_DOMAIN = {
    "same": "eval mode,<br>old pictures",
    "other": "eval mode,<br>new pictures",
    "train_mode": "train mode,<br>new pictures",
    "recalibrated": "recalibrated,<br>new pictures",
    "back": "recalibrated,<br>old pictures",
    "layer": "layer norm,<br>new pictures",
    "group": "group norm,<br>new pictures",
}


def other_pictures(spec: ForgottenEval) -> Figure:
    """Running statistics of other pictures than those in use, and what recalibration makes of it."""
    names = (*recorded.DOMAIN_STATES, *spec.others)
    norms = [name if name in spec.others else spec.norm for name in names]
    fills = [faded(norm, 0.85 if name == "other" else 0.4) for name, norm in zip(names, norms, strict=True)]
    bars: Trace = {
        "type": "bar", "orientation": "h", "x": now("domain_spread", MEAN),
        "y": [_DOMAIN[name] for name in names], "error_x": error_bars("domain", NEUTRAL), "showlegend": False,
        "marker": {"color": fills, "line": {"color": [STYLES[norm].colour for norm in norms], "width": 1}},
        "hovertemplate": "%{y}: %{x:.2f}%<extra></extra>",
    }  # fmt: skip
    plan = layout("Test error (%)", "", x_range=PERCENT, height=340)
    plan["yaxis"].update(type="category", autorange="reversed", showgrid=False, ticks="")
    plan["margin"]["l"] = 112
    return Figure(
        "other_pictures", "Opposite mistake: statistics of other pictures", (bars,), plan, expert=True,
        alt="Test error on the old pictures and on pictures with half the contrast and brighter: with the "
        "running statistics of the old ones, in training mode, with recalibrated statistics, and with other "
        "norms.",
    )  # fmt: skip


def fine_tuning(spec: ForgottenEval) -> Figure:
    """Training goes on in small batches, with the norm in training mode and with frozen statistics."""
    x = list(recorded.TUNING_STEPS)
    traces = []
    for o, order in enumerate(recorded.ORDERS):
        for s, state in enumerate(recorded.STATES):
            dash = EVAL if state == "frozen" else SORTED if order == "sorted" else "solid"
            words = f"{order}, {'frozen statistics' if state == 'frozen' else 'model.train()'}"
            traces.append(
                line(
                    x, now("tuned_spread", MEAN, o, s), spec.norm, markers=True, **dashed(spec.norm, dash),
                    error_y={**error_bars("tuned"), "array": now("tuned_spread", SD, o, s)},
                    hovertemplate=phrase("step %{{x}}: %{{y:.1f}}%<extra>{words}</extra>", words=words),
                )
            )  # fmt: skip
    words = "dotted: model.train(), batches of one class<br>solid: model.train(), shuffled<br>dashed: frozen"
    plan = layout(
        phrase(
            "Step of fine-tuning, batches of {deploy_batch}",
            deploy_batch=spec.deploy_batch,
        ), "Test error in eval mode (%)",
        x_range=(-3, x[-1] + 5), y_range=PERCENT, annotations=[key(words)],
    )  # fmt: skip
    return Figure(
        "fine_tuning", "Opposite mistake: model.train() before fine-tuning", tuple(traces), plan, expert=True,
        alt="Test error in evaluation mode against the step of fine-tuning in small batches: shuffled and of "
        "one class each, with the norm in training mode and with frozen statistics.",
    )  # fmt: skip


def dropout_before(spec: ForgottenEval) -> Figure:
    """The variance behind a dropout, in use and as the norm stored it: measured against the closed form."""
    traces = [reference((0, 1), (0, 1), "equal")]
    for i, (keep, symbol) in enumerate(zip(recorded.KEEPS, ("circle", "x", "circle-open"), strict=True)):
        dots = line(
            now("keep_formula", i), now("keep_measured", i), spec.norm,
            hovertemplate=phrase(
                "closed form %{{x:.3f}}, measured %{{y:.3f}}<extra>{keep:.0%} kept</extra>",
                keep=keep,
            ),
        )  # fmt: skip
        traces.append(
            {**dots, **variant(spec.norm), "mode": "markers", "marker": {**dots["marker"], "symbol": symbol}}
        )
    keeps = [f"{keep:.0%}" for keep in recorded.KEEPS]
    words = phrase(
        "● {first} of the values kept<br>✕ {second}<br>○ {third}<br>dashed: equal",
        first=keeps[0],
        second=keeps[1],
        third=keeps[2],
    )
    plan = layout(
        "Variance in use / stored, closed form", "The same, measured", x_range=(0.3, 1), y_range=(0.3, 1),
        annotations=[{**key(words), "x": 0.02, "xanchor": "left"}],
    )  # fmt: skip
    return Figure(
        "dropout_before", "Dropout before batch norm: the variance shifts", tuple(traces), plan, expert=True,
        alt=phrase(
            "For {channels} channels and three dropout rates, the variance of a norm's input without "
            "dropout divided by the one that the norm stored with it, measured against the closed form; "
            "equal values lie on the diagonal.",
            channels=recorded.CHANNELS,
        ),
    )  # fmt: skip
