"""Figures of the repairs of a forgotten eval(), and of dropout's half of the story."""

from __future__ import annotations

from normviz.figures.bound import Figure, now
from normviz.figures.forgotten_eval_marks import MEAN, Trace, error_bars
from normviz.figures.theme import NEUTRAL, STYLES, faded, layout
from normviz.phrases import phrase
from normviz.specs import forgotten_eval_frames as recorded
from normviz.specs.forgotten_eval import ForgottenEval

_HARMS = ("train_mode", "after_pass")
_REPAIRS = {
    "train_mode": "train mode",
    "after_pass": "eval(), after a<br>train-mode pass",
    "eval": "eval()",
    "recalibrated": "recalibrated<br>after that pass",
    "frozen": "frozen during<br>that pass",
    "layer": "layer norm,<br>train mode",
    "group": "group norm,<br>train mode",
}


def repairs(spec: ForgottenEval) -> Figure:
    """The harm and what mends it, as bars."""
    names = recorded.repairs(spec)
    norms = [name if name in spec.others else spec.norm for name in names]
    fills = [faded(norm, 0.85 if name in _HARMS else 0.4) for name, norm in zip(names, norms, strict=True)]
    bars: Trace = {
        "type": "bar", "orientation": "h", "x": now("repair_spread", MEAN),
        "y": [_REPAIRS[name] for name in names], "error_x": error_bars("repair", NEUTRAL),
        "marker": {"color": fills, "line": {"color": [STYLES[norm].colour for norm in norms], "width": 1}},
        "showlegend": False, "hovertemplate": "%{y}: %{x:.2f}%<extra></extra>",
    }  # fmt: skip
    plan = layout(
        phrase("Test error (%), batches of {deploy_batch}", deploy_batch=spec.deploy_batch), "", height=340
    )
    plan["xaxis"].update(rangemode="tozero")
    plan["yaxis"].update(type="category", autorange="reversed", showgrid=False, ticks="")
    plan["margin"]["l"] = 112
    return Figure(
        "repairs", "Repair: each one measured", (bars,), plan, expert=True,
        alt="Test error of the network in training mode, and in evaluation mode after a training-mode pass "
        "over batches sorted by class; then with each repair: evaluation mode, recalibrated statistics, "
        "frozen statistics, other norms.",
    )  # fmt: skip


def dropout(spec: ForgottenEval) -> Figure:
    """Dropout's half of the story: the harm of a forgotten eval() without any norm."""
    bars: Trace = {
        "type": "bar", "x": ["eval mode", *(phrase(
            "train mode,<br>batch {n}",
            n=n,
        ) for n in recorded.DROPOUT_SIZES)],
        "y": now("dropout_spread", MEAN), "error_y": error_bars("dropout", NEUTRAL),
        "showlegend": False, "width": 0.5,
        "marker": {"color": faded("none", 0.6), "line": {"color": STYLES["none"].colour, "width": 1}},
        "hovertemplate": "%{x}: %{y:.2f}%<extra></extra>",
    }  # fmt: skip
    plan = layout("", "Test error (%)")
    plan["xaxis"].update(type="category")
    plan["yaxis"].update(rangemode="tozero")
    return Figure(
        "dropout", phrase(
            "Dropout {dropout:g} instead of a norm, left on",
            dropout=recorded.DROPOUT,
        ), (bars,), plan, expert=True,
        alt="Test error of a network without normalization but with dropout: in evaluation mode, and with "
        "dropout left on, in large and in small batches.",
    )  # fmt: skip
