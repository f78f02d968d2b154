"""The charts of the experiment LrInit: the maps, how many cells learned, and what the best choices reach."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from normviz.catalog.norms import NORMS
from normviz.figures.bound import Door, Figure, history, now, steps
from normviz.figures.predictions import Number, Prediction
from normviz.figures.theme import NEUTRAL, STYLES, layout, line, reference, variant
from normviz.phrases import phrase
from normviz.specs import lr_init_frames as recorded
from normviz.specs.lr_init import LrInit

ACCURACY_SCALE = [[0.0, "#2c3654"], [0.5, "#7d7c78"], [0.8, "#bdaf6c"], [0.9, "#dcc45e"], [1.0, "#ffe94a"]]
"""Blue, grey, yellow: rises evenly in lightness, and no variant's colour."""
_RATE = "Learning rate"
_GAIN = "Gain of the initialization"
_ANSWERING = (
    "counts", "even", "reach", "reach_whole", "reach_one_rate", "reach_one_gain", "reach_one", "limits",
)  # fmt: skip
"""Notes that would tell the answer to the prediction."""
_SHARE = {"tickformat": ".0%"}
_WIDTH_OF_SCALE = 60  # pixels to the right of the maps


def figures(spec: LrInit) -> list[Figure]:
    """All charts of a run, the most telling first."""
    return [maps(spec), cells_that_learned(spec), best_choices(spec)]


def prediction(spec: LrInit) -> Prediction | None:
    """What share of the networks will learn, without normalization and with batch norm (or another)."""
    norm = next((one for one in ("batch", *spec.norms) if one in spec.norms and one != "none"), None)
    if norm is None or "none" not in spec.norms:
        return None
    called = NORMS[norm].within
    return Prediction(
        key=f"lr_init.share.{norm}",
        question=phrase(
            "Each of these {grid} combinations of learning rate and initialization trains a network of "
            "{depth} layers. How many will classify more than {learned:.0%} of the test samples correctly "
            "after {steps} steps?",
            grid=spec.grid**2,
            depth=spec.depth,
            learned=recorded.LEARNED,
            steps=spec.steps,
        ),
        covers=("learned", "best"),
        numbers=(
            Number("plain", "without normalization", 50),
            Number("normed", phrase("with {called}", called=called), 50),
        ),
        said=phrase("You said {{plain}}% without normalization, {{normed}}% with {called}.", called=called),
        answer=phrase(
            "Measured: {{plain:.0%}} without normalization, {{normed:.0%}} with {called}.", called=called
        ),
        measured={
            "plain": now("ended", spec.norms.index("none")),
            "normed": now("ended", spec.norms.index(norm)),
        },
        until=now("share", 0),
        notes=tuple(f"lr_init.{note}" for note in _ANSWERING),
    )


def maps(spec: LrInit) -> Figure:
    """Test accuracy of every network, a map for each norm; a cell leads to its run."""
    traces: list[dict[str, Any]] = []
    for v, norm in enumerate(spec.norms):
        axes = {"xaxis": f"x{v + 1 if v else ''}", "yaxis": f"y{v + 1 if v else ''}"}
        traces += [
            {
                "type": "heatmap", "x": now("rates"), "y": now("gains"), "z": now("test_accuracy", v),
                "coloraxis": "coloraxis", "xgap": 1, "ygap": 1, "zsmooth": False, "hoverongaps": False,
                "hovertemplate": "learning rate %{x:.3g}, gain %{y:.3g}: %{z:.1%}",
                **variant(norm), **axes,
            },
            _marks(norm, now("learned_at", v), "circle", "#1d232e", 5, hoverinfo="skip", **axes),
            _marks(
                norm, now("diverged_at", v), "x-thin-open", NEUTRAL, 7,
                customdata=now("diverged_step", v),
                hovertemplate="learning rate %{x:.3g}, gain %{y:.3g}: diverged at step %{customdata}",
                **axes,
            ),
        ]  # fmt: skip
    n = len(spec.norms)
    plan = _maps_layout(spec, n if n < 4 else (n + 1) // 2, 260)
    plan["meta"] = {"wide": True, "narrow": _maps_layout(spec, 1 if n < 4 else 2, 190)}
    return Figure(
        "maps", "Test accuracy of every network", tuple(traces), plan, opens=_door(spec),
        alt=phrase(
            "For each normalization a map of {grid} learning rates, from {lr_low:g} to {lr_high:g}, by "
            "{grid} gains of the initialization, from {gain_low:g} to {gain_high:g}. The brighter a cell, "
            "the more test samples its network classifies correctly. A dot marks those over {learned:.0%}, "
            "a cross those that diverged.",
            grid=spec.grid, lr_low=spec.lr_low, lr_high=spec.lr_high, gain_low=spec.gain_low,
            gain_high=spec.gain_high, learned=recorded.LEARNED,
        ),
    )  # fmt: skip


def _marks(norm: str, y: Any, symbol: str, colour: str, size: int, **more: Any) -> dict[str, Any]:
    marks = line(now("cell_rates"), y, norm, ghost=False)
    marker = {"symbol": symbol, "color": colour, "size": size, "line": {"color": colour, "width": 1.5}}
    return {**marks, "mode": "markers", "marker": marker, **more}


def _maps_layout(spec: LrInit, columns: int, high: int) -> dict[str, Any]:
    """The maps in so many columns, each row of them ``high`` pixels."""
    rows = -(-len(spec.norms) // columns)
    step_x, step_y = (hi / lo for lo, hi in ((spec.lr_low, spec.lr_high), (spec.gain_low, spec.gain_high)))
    half_x, half_y = (step ** (0.5 / (spec.grid - 1)) for step in (step_x, step_y))
    plan = layout(
        _RATE, _GAIN, x_log=True, y_log=True,
        x_range=(spec.lr_low / half_x, spec.lr_high * half_x),
        y_range=(spec.gain_low / half_y, spec.gain_high * half_y),
        height=80 + high * rows, panels=[STYLES[norm].label for norm in spec.norms], columns=columns,
    )  # fmt: skip
    for name in plan:
        if name.startswith(("xaxis", "yaxis")):
            step = step_x if name[0] == "x" else step_y
            plan[name].update(showgrid=False, dtick=2 if step >= 1e3 else 1 if step >= 30 else "D2")
    plan["margin"] = {**plan["margin"], "r": _WIDTH_OF_SCALE}
    plan["coloraxis"] = {
        "cmin": 0, "cmax": 1, "colorscale": ACCURACY_SCALE,
        "colorbar": {
            "thickness": 10, "outlinewidth": 0, "tickformat": ".0%", "tickvals": [0, 0.5, 0.9, 1.0],
            "x": 1.01, "len": 1.0,
        },
    }  # fmt: skip
    return plan


def _door(spec: LrInit) -> Door:
    """The run of a cell on the page Train: the same network, step by step the same."""
    cell = spec.cell("none", 1.0, 1.0).to_query()
    fixed = {name: text for name, text in cell.items() if name not in ("norms", "lr", "gain")}
    return Door(
        to=f"train?norms={{variant}}&lr={{x}}&gain={{y}}&{urlencode(fixed)}",
        says="{name}, learning rate {x:.3g}, gain {y:.3g}",
        value="{z:.1%} of the test samples",
        nothing="diverged",
    )


def cells_that_learned(spec: LrInit) -> Figure:
    """How many networks are over 90%, while training goes on."""
    hover = phrase("step %{{x}}: %{{y}} of {grid} networks", grid=spec.grid**2)
    traces = [
        line(steps("learned"), history("learned", v), norm, width=2.5, hovertemplate=hover)
        for v, norm in enumerate(spec.norms)
    ]
    plan = layout(
        "Training step",
        phrase("Networks over {learned:.0%}, of {grid}", learned=recorded.LEARNED, grid=spec.grid**2),
        x_range=(0, spec.steps), y_range=(0, spec.grid**2),
    )  # fmt: skip
    return Figure(
        "learned", "How many learned", tuple(traces), plan, roles={"x": "step"},
        alt=phrase(
            "For each normalization, how many of the {grid} networks classify more than {learned:.0%} of "
            "the test samples correctly, against the training step.",
            grid=spec.grid**2, learned=recorded.LEARNED,
        ),
    )  # fmt: skip


def best_choices(spec: LrInit) -> Figure:
    """The best accuracy at each learning rate over all gains, and at each gain over all learning rates."""
    traces: list[dict[str, Any]] = []
    ends = ((spec.lr_low, spec.lr_high), (spec.gain_low, spec.gain_high))
    for panel, (x, y, limits) in enumerate(
        (("rates", "best_by_rate", ends[0]), ("gains", "best_by_gain", ends[1])), start=1
    ):
        traces.append(reference(limits, [recorded.LEARNED] * 2, "90%", panel=panel, hoverinfo="skip"))
        traces += [
            line(now(x), now(y, v), norm, panel=panel, markers=True, hovertemplate="%{x:.3g}: %{y:.1%}")
            for v, norm in enumerate(spec.norms)
        ]
    plan = layout(
        _RATE, "Best test accuracy", x_log=True, y_range=(0, 1.02),
        panels=("at any gain", "at any learning rate"), meta={"double": True},
    )  # fmt: skip
    for axis, title, (low, high) in (("xaxis", _RATE, ends[0]), ("xaxis2", _GAIN, ends[1])):
        limits = layout("", "", x_log=True, x_range=(low * 0.8, high / 0.8))["xaxis"]
        plan[axis] = {**plan[axis], **limits, "title": {"text": title}}
        plan[axis].pop("matches", None)
    for axis in ("yaxis", "yaxis2"):
        plan[axis].update(_SHARE)
    return Figure(
        "best", "The best choice", tuple(traces), plan,
        alt="For each normalization, left the best test accuracy at each learning rate over all gains, right "
        "the best at each gain over all learning rates. The dashed line is 90%.",
    )  # fmt: skip
