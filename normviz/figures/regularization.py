"""Figures of the regularization: intervals side by side, differences within the seeds, the gap over time."""

from __future__ import annotations

from typing import Any

from normviz.figures.bound import Figure, history, now, steps
from normviz.figures.theme import NEUTRAL, STYLES, band, faded, layout, line, marked, reference
from normviz.phrases import phrase
from normviz.specs.regularization import Regularization
from normviz.specs.regularization_frames import HALF, HIGH, LOW, MEAN, PAIRS, VARIANTS

ERRORS = (1.5, 100.0)
"""Range of the axes of errors, in percent."""
_TICKS = [2, 5, 10, 20, 50, 100]
_LABELS = {
    "none": "neither", "dropout": "dropout", "batch": "batch norm", "both": "batch norm<br>and dropout",
    "layer": "layer norm",
}  # fmt: skip
_SHORT = {"none": "neither", "batch": "batch norm", "layer": "layer norm"}

Trace = dict[str, Any]


def figures(spec: Regularization) -> list[Figure]:
    """All figures, the most telling first."""
    return [test_errors(spec), differences(spec), gaps(spec), error_curves(spec)]


def test_errors(spec: Regularization) -> Figure:
    """Test error of every variant with its 95% interval, and every seed as a dot."""
    traces: list[Trace] = []
    for v, (name, variant) in enumerate(VARIANTS.items()):
        traces += [
            line(
                now("test_error", v), [v + 0.22] * spec.seeds, variant.norm, mode="markers", ghost=False,
                marker={"size": 5, "color": faded(variant.norm, 0.45)}, hovertemplate="%{x:.2f}%",
            ),
            line(
                now("test_error_mean", v), [v], variant.norm, mode="markers", ghost=False,
                marker=_mark(variant.norm, variant.dropout),
                error_x={
                    "type": "data", "array": now("test_error_half", v), "thickness": 2, "width": 6,
                },
                hovertemplate=f"{_LABELS[name].replace('<br>', ' ')}: %{{x:.2f}}%",
            ),
        ]  # fmt: skip
    plan = layout(
        phrase("Test error (%), {n_train} training samples", n_train=spec.n_train),
        "",
        x_log=True,
        x_range=ERRORS,
    )
    _log_ticks(plan["xaxis"])
    _rows(plan, list(_LABELS.values()))
    return Figure(
        "test_errors", "Test error, with 95% intervals of the mean", tuple(traces), plan,
        alt="Test error of each variant: the mean over the seeds with its 95% interval by Student's t, and "
        "each seed as a dot; intervals that overlap leave open which variant is better.",
    )  # fmt: skip


def differences(spec: Regularization) -> Figure:
    """Differences of the test error within the seeds, with their 95% intervals."""
    names = [f"{_SHORT.get(one, one)} −<br>{_SHORT.get(other, other)}" for one, other in PAIRS]
    zero = reference([0, 0], [-0.5, len(PAIRS) - 0.5], "No difference", hoverinfo="skip")
    dots: Trace = {
        "type": "scatter", "mode": "markers", "x": now("difference_interval", MEAN),
        "y": list(range(len(PAIRS))), "showlegend": False, "meta": {"ghost": False},
        "marker": {"color": NEUTRAL, "size": 8},
        "error_x": {
            "type": "data", "array": now("difference_interval", HALF), "thickness": 2, "width": 6,
            "color": NEUTRAL,
        },
        "hovertemplate": "%{x:+.2f} points<extra></extra>",
    }  # fmt: skip
    plan = layout("Difference of the test error (points)", "", x_range=(-6, 6))
    _rows(plan, names)
    return Figure(
        "differences", "Differences within a seed", (zero, dots), plan,
        alt="Difference of the test errors of two variants that share digits and initial weights, mean over "
        "the seeds with its 95% interval, for several pairs; an interval across the dashed zero line settles "
        "nothing.",
    )  # fmt: skip


def gaps(spec: Regularization) -> Figure:
    """Test error minus training error while training."""
    return _curves(
        spec, "gap", "Gap between test and training", "Test − training error (points)", (-5, 25), log=False,
        alt="Test error minus training error, both in evaluation mode, against the training step: mean over "
        "the seeds with its 95% interval, dashed with dropout.",
    )  # fmt: skip


def error_curves(spec: Regularization) -> Figure:
    """Test error while training."""
    return _curves(
        spec, "test_error", "Test error while training", "Test error (%)", ERRORS, log=True, expert=True,
        alt="Test error in evaluation mode, on a logarithmic axis, against the training step: mean over the "
        "seeds with its 95% interval, dashed with dropout.",
    )  # fmt: skip


# --- parts ----------------------------------------------------------------------------------------------


def _curves(
    spec: Regularization, name: str, title: str, y_title: str, y_range: tuple[float, float], *, log: bool,
    alt: str, expert: bool = False,
) -> Figure:  # fmt: skip
    of, x = f"{name}_interval", steps(f"{name}_interval")
    traces: list[Trace] = []
    for v, variant in enumerate(VARIANTS.values()):
        traces += band(x, history(of, LOW, v), history(of, HIGH, v), variant.norm)
    for v, variant in enumerate(VARIANTS.values()):
        look = {
            "color": STYLES[variant.norm].colour,
            "dash": "dash" if variant.dropout else "solid",
            "width": 2,
        }
        traces.append(
            marked(line(
                x, history(of, MEAN, v), variant.norm, line=look,
                hovertemplate=phrase("{label}, step %{{x}}: %{{y:.2f}}<extra></extra>", label=variant.label),
            ))
        )  # fmt: skip
    plan = layout("Training step", y_title, y_log=log, x_range=(0, spec.steps), y_range=y_range)
    if log:
        _log_ticks(plan["yaxis"])
    plan["annotations"] = [
        {
            "text": "dashed: with dropout", "x": 1, "y": 1, "xref": "paper", "yref": "paper",
            "xanchor": "right", "yanchor": "bottom", "showarrow": False, "font": {"size": 11},
        }
    ]  # fmt: skip
    plan["margin"] = {**plan["margin"], "t": 24}
    return Figure(name, title, tuple(traces), plan, roles={"x": "step"}, alt=alt, expert=expert)


def _mark(norm: str, dropout: bool) -> Trace:
    """Filled without dropout, hollow with it."""
    colour = STYLES[norm].colour
    return {
        "symbol": "circle-open" if dropout else "circle", "size": 10, "color": colour,
        "line": {"width": 2, "color": colour},
    }  # fmt: skip


def _rows(plan: Trace, names: list[str]) -> None:
    """A vertical axis of named rows, the first at the top."""
    plan["yaxis"].update(
        tickvals=list(range(len(names))), ticktext=names, range=[len(names) - 0.5, -0.5], autorange=False,
        zeroline=False, ticks="", fixedrange=True,
    )  # fmt: skip
    plan["margin"] = {**plan["margin"], "l": 110}


def _log_ticks(axis: Trace) -> None:
    axis.pop("dtick", None)
    axis.update(tickvals=_TICKS, ticktext=[str(tick) for tick in _TICKS])
