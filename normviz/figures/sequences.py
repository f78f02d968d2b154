"""The charts of the experiment Sequences: the race, who sees the future, and gradients by depth."""

from __future__ import annotations

from dataclasses import replace
from math import log
from typing import Any

from normviz.catalog.norms import NORMS
from normviz.figures.bound import Figure, Ref, history, now, steps
from normviz.figures.predictions import Prediction
from normviz.figures.theme import STYLES, band, layout, line, marked, reference
from normviz.phrases import phrase
from normviz.specs import sequences_frames as recorded
from normviz.specs.sequences import Sequences

LOSSES = (1e-4, 10.0)
"""Range of the loss axis, nats."""
CHANGES = (recorded.NOTHING / 2, 30.0)
"""Range of an axis of relative changes; its lowest mark is an exact zero."""
GRADIENTS = (1e-2, 1e2)
"""Range of the axis of gradients."""
POST = "dot"
"""Dash of post-norm; pre-norm is solid."""

Trace = dict[str, Any]


def figures(spec: Sequences) -> list[Figure]:
    """All charts of a run, the most telling first."""
    deep = [gradients_by_depth(spec), gradients_by_layer(spec)] if spec.deep_norms else []
    last = mode_gaps(spec)
    if spec.network != "transformer":
        first, more = [last], [replace(one, expert=True) for one in deep]
    else:
        first, more = deep[:1], [*deep[1:], replace(last, expert=True)]
    return [accuracy(spec), leaks(spec), *first, loss_curves(spec), paddings(spec), lone(spec), *more]


def prediction(spec: Sequences) -> Prediction | None:
    """Whose answers move before the change; None where batch norm has nobody to be compared with."""
    others = [norm for norm in ("layer", "rms", "none") if norm in spec.norms]
    if "batch" not in spec.norms or not others:
        return None
    other = NORMS[others[0]].within
    last = spec.changed_from - 1
    return Prediction(
        key="sequences.future",
        question=phrase(
            "While the networks train, one sequence of a batch is changed from step {last} on, and all else "
            "stays. Whose answers move at the steps before that?",
            last=last + 2,
        ),
        covers=("leaks",),
        choices=("nobody's", "batch norm's", f"{other}'s", "everybody's"),
        said="You said {guess}.",
        answer=phrase(
            "Measured at step {last}, in training mode: batch norm's answer moves by {{batch:.2%}}, "
            "{other}'s by {{other:.2%}}.",
            last=last + 1, other=other,
        ),
        measured={
            "batch": now("leak_own", spec.norms.index("batch"), last),
            "other": now("leak_own", spec.norms.index(others[0]), last),
        },
        notes=tuple(
            f"sequences.{one}"
            for one in ("future_seen", "future_attended", "future_blind", "future_all_blind",
                        "mates_seen", "mates_unseen", "eval_blind")
        ),
    )  # fmt: skip


# --- the race -------------------------------------------------------------------------------------------


def accuracy(spec: Sequences) -> Figure:
    """Test accuracy: every seed a thin line, their median bold."""
    chance = 1 / spec.data.classes
    traces: list[Trace] = [_guessing(spec, chance)]
    thin: Trace = {"width": 1, "opacity": 0.35, "ghost": False, "hoverinfo": "skip"}
    x = steps("accuracy")
    for v, norm in enumerate(spec.norms):
        if spec.seeds > 1:
            traces += [line(x, history("accuracy", v, s), norm, **thin) for s in range(spec.seeds)]
    for v, norm in enumerate(spec.norms):
        hover = "step %{x}: %{y:.1%}"
        traces.append(
            line(
                steps("accuracy_median"), history("accuracy_median", v), norm, width=2.5, hovertemplate=hover
            )
        )
    plan = layout(
        "Training step", "Share of the test sequences", x_range=(0, spec.training_steps), y_range=(0, 1.01)
    )
    plan["yaxis"]["tickformat"] = ".0%"
    return Figure(
        "accuracy", "Test accuracy", tuple(traces), plan, roles={"x": "step"},
        alt=phrase(
            "Accuracy on {tested} test sequences in evaluation mode against the training step, for each "
            "normalization{spread}. The dashed line is guessing.",
            tested=recorded.TESTED, spread=_spread(spec),
        ),
    )  # fmt: skip


def loss_curves(spec: Sequences) -> Figure:
    """Training loss: median over the seeds, with the band from lowest to highest."""
    traces: list[Trace] = [_guessing(spec, log(spec.data.classes))]
    for v, norm in enumerate(spec.norms):
        if spec.seeds > 1:
            traces += band(steps("loss_low"), history("loss_low", v), history("loss_high", v), norm)
    for v, norm in enumerate(spec.norms):
        hover = "step %{x}: %{y:.3g} nats"
        traces.append(line(steps("loss_median"), history("loss_median", v), norm, hovertemplate=hover))
    plan = layout(
        "Training step", "Loss of the batch (nats)", y_log=True, x_range=(0, spec.training_steps),
        y_range=LOSSES,
    )  # fmt: skip
    return Figure(
        "loss", "Training loss", tuple(traces), plan, roles={"x": "step"}, expert=True,
        alt=phrase(
            "Cross entropy of the training batch against the training step, for each normalization{spread}. "
            "The dashed line is guessing.",
            spread=_spread(spec),
        ),
    )  # fmt: skip


def _guessing(spec: Sequences, y: float) -> Trace:
    return reference([0, spec.training_steps], [y, y], "Guessing", says="guessing")


# --- who looks where ------------------------------------------------------------------------------------


def leaks(spec: Sequences) -> Figure:
    """How answers move when a sequence's second half changes: its own ones, and its batch-mates'."""
    traces: list[Trace] = []
    for panel, name in enumerate(("leak_own", "leak_mates"), start=1):
        for v, norm in enumerate(spec.norms):
            traces.append(_moved(spec, name, v, norm, panel=panel))
    panels = ("The sequence that was changed", "Its batch-mates")
    plan = _changes(
        spec, "Step of the sequence", panels=panels, x_range=(0.5, spec.length + 0.5), columns=1, height=340
    )
    start = spec.changed_from + 0.5
    plan["shapes"] = [
        {
            "type": "line", "xref": f"x{end}", "x0": start, "x1": start, "yref": f"y{end} domain", "y0": 0,
            "y1": 1, "line": {"width": 1.5, "dash": "dash", "color": "#808080"},
        }
        for end in ("", "2")
    ]  # fmt: skip
    return Figure(
        "leaks", phrase(
            "Who sees the future? Changed from step {changed_from} on",
            changed_from=spec.changed_from + 1,
        ), tuple(traces), plan,
        alt=phrase(
            "Relative change of the answer at each step, in training mode, when one sequence of the batch "
            "is changed from step {changed_from} on, for each normalization: in that sequence itself, "
            "above, and in the other sequences of the batch, below. The lowest mark of the logarithmic axis "
            "is an exact zero; what moves before the dashed line has seen the future.",
            changed_from=spec.changed_from + 1,
        )
        + ("" if spec.causal else " Attention is not causal here, so it sees the future with every variant."),
    )  # fmt: skip


def mode_gaps(spec: Sequences) -> Figure:
    """How far training mode and evaluation mode are apart at each step."""
    traces = [_moved(spec, "gap", v, norm) for v, norm in enumerate(spec.norms)]
    words = ""
    if recorded.pooled(spec):
        for norm in recorded.over_batch(spec.norms):
            style = {"color": STYLES[norm].colour, "dash": POST, "width": 2}
            traces.append(_moved(spec, "gap_pooled", spec.norms.index(norm), norm, line=style))
        words = " Dotted: with one set of running statistics for all steps."
    plan = _changes(spec, "Step of the sequence", x_range=(0.5, spec.length + 0.5))
    if words:
        plan |= _remark("dotted: one set of statistics for all steps")
    return Figure(
        "gap", "Training mode against evaluation mode", tuple(traces), plan,
        alt=phrase(
            "Relative difference between the answers in training mode (a batch of {batch_size}) and in "
            "evaluation mode at each step of the sequence, for each normalization.{words}",
            batch_size=spec.batch_size, words=words,
        ),
    )  # fmt: skip


def lone(spec: Sequences) -> Figure:
    """How a sequence's answers move when it is the only one of its batch."""
    traces = [_moved(spec, "alone", v, norm) for v, norm in enumerate(spec.norms)]
    plan = _changes(spec, "Step of the sequence", x_range=(0.5, spec.length + 0.5))
    return Figure(
        "alone", "Alone in the batch", tuple(traces), plan, expert=True,
        alt=phrase(
            "Relative change of a sequence's answers at each of its steps, in training mode, when it is "
            "alone in its batch instead of among {batch_size}, for each normalization. The lowest mark of "
            "the logarithmic axis is an exact zero; a normalization that refuses a batch of one has no line.",
            batch_size=spec.batch_size,
        ),
    )  # fmt: skip


def paddings(spec: Sequences) -> Figure:
    """How answers move when the same batch gets more padding."""
    x = list(recorded.APPENDED)
    traces: list[Trace] = []
    over_batch = recorded.over_batch(spec.norms)
    for v, norm in enumerate(spec.norms):
        for masking in (0, 1) if norm in over_batch else (0,):
            style = {"color": STYLES[norm].colour, "dash": (STYLES[norm].dash, POST)[masking], "width": 2}
            words = ", padding left out" if norm in over_batch and not masking else ""
            words = ", over the padding too" if masking else words
            traces.append(
                line(
                    x,
                    now("padding_drawn", masking, v),
                    norm,
                    markers=True,
                    line=style,
                    hovertemplate=phrase(
                        "%{{x}} more steps: %{{y:.2g}}<extra>{label}{words}</extra>",
                        label=STYLES[norm].label,
                        words=words,
                    ),
                )
            )
    plan = _changes(spec, "Empty steps appended to every sequence", x_range=(0, x[-1] + 2))
    plan["xaxis"].update(tickvals=[0, *x])
    if over_batch:
        plan |= _remark("dotted: over the padding too")
    return Figure(
        "padding", "The same sequences, with more padding", tuple(traces), plan, expert=True,
        alt="Relative change of the final answers, in training mode, when empty steps are appended to every "
        "sequence of the batch, for each normalization; dotted: those over the batch, if they do not leave "
        "the padding out of their statistics. The lowest mark of the logarithmic axis is an exact zero; "
        "around 1e-7 numbers are only rounded differently.",
    )  # fmt: skip


def _moved(spec: Sequences, name: str, v: int, norm: str, panel: int = 1, **more: Any) -> Trace:
    hover = "step %{x}: %{y:.2g}"
    return line(
        now("time"), now(f"{name}_drawn", v), norm, panel=panel, markers=True, hovertemplate=hover, **more
    )


def _changes(spec: Sequences, x_title: str, **more: Any) -> dict[str, Any]:
    """The layout of a chart of relative changes."""
    y_title = "Relative change" if "panels" in more else "Relative change of the answer"
    plan = layout(x_title, y_title, y_log=True, y_range=CHANGES, **more)
    marks = {recorded.NOTHING: "exactly 0", 1e-6: "10<sup>−6</sup>", 1e-4: "10<sup>−4</sup>",
             1e-2: "1%", 1.0: "100%"}  # fmt: skip
    for axis in (name for name in plan if name.startswith("yaxis")):
        plan[axis].pop("dtick", None)
        plan[axis].update(tickvals=list(marks), ticktext=list(marks.values()))
    for axis in (name for name in plan if name.startswith("xaxis")):
        plan[axis]["dtick"] = 1 if spec.length <= 8 else 2
        plan[axis]["tick0"] = 0 if spec.length > 8 else 1
    plan["margin"] = {**plan["margin"], "l": 74}
    return plan


# --- depth ----------------------------------------------------------------------------------------------


def gradients_by_depth(spec: Sequences) -> Figure:
    """Gradient of the last feed-forward block at initialization by depth, pre-norm and post-norm."""
    x = list(spec.depths)
    traces: list[Trace] = []
    for g, norm in enumerate(spec.deep_norms):
        for place in (0, 1) if norm != "none" else (0,):
            y = now("grad_depth_median", g, place)
            traces.append(_placed(x, y, norm, place, "%{x} layers: %{y:.3g}"))
    known = any(norm in spec.deep_norms for norm in ("layer", "rms"))
    if known:
        told = "theory, %{x} layers: %{y:.3g}"
        traces.append(reference(x, now("theory_pre"), "Theory", says=told))
    plan = layout(
        "Layers of the transformer", "Norm of the gradient", x_log=True, y_log=True,
        x_range=(1.7, spec.depths[-1] * 1.2), y_range=GRADIENTS,
    )  # fmt: skip
    plan["xaxis"].pop("dtick", None)
    plan["xaxis"].update(tickvals=x, ticktext=[str(one) for one in x])
    theory = "; dashed: 1/√layers" if known else ""
    plan |= _remark(phrase("solid: pre-norm, dotted: post-norm{theory}", theory=theory))
    return Figure(
        "gradients_by_depth", "Untrained: pre-norm against post-norm", tuple(traces), plan,
        alt=phrase(
            "Norm of the gradient of the loss with respect to the second matrix of the last feed-forward "
            "block, in untrained transformers of width {deep_width}, against their depth, both axes "
            "logarithmic, for each normalization{spread}: solid with pre-norm, dotted with post-norm. "
            "Dashed: the fall with the square root of the depth that theory expects of pre-norm.",
            deep_width=spec.deep_width, spread=_spread(spec, 'median'),
        ),
    )  # fmt: skip


def gradients_by_layer(spec: Sequences) -> Figure:
    """Gradient of every feed-forward block in the deepest transformer."""
    deepest = spec.depths[-1]
    x = list(range(1, deepest + 1))
    traces = [
        marked(_placed(x, now("grad_layer", g, place), norm, place, "layer %{x}: %{y:.3g}"))
        for g, norm in enumerate(spec.deep_norms)
        for place in ((0, 1) if norm != "none" else (0,))
    ]
    plan = layout(
        "Layer", "Norm of the gradient", y_log=True, x_range=(0.5, deepest + 0.5), y_range=GRADIENTS
    )
    plan |= _remark("solid: pre-norm, dotted: post-norm")
    return Figure(
        "gradients_by_layer", phrase(
            "The same in every layer of {deepest}",
            deepest=deepest,
        ), tuple(traces), plan, expert=True,
        alt=phrase(
            "Norm of the gradient of each feed-forward block's second matrix in an untrained transformer of "
            "{deepest} layers, for each normalization{spread}: solid with pre-norm, dotted with post-norm.",
            deepest=deepest, spread=_spread(spec, 'median'),
        ),
    )  # fmt: skip


def _placed(x: list[int], y: Ref, norm: str, place: int, hover: str) -> Trace:
    """A line of one variant whose dash tells pre-norm from post-norm."""
    style = {"color": STYLES[norm].colour, "dash": ("solid", POST)[place], "width": 2}
    words = "" if norm == "none" else (", pre-norm", ", post-norm")[place]
    return line(
        x, y, norm, markers=True, line=style,
        hovertemplate=f"{hover}<extra>{STYLES[norm].label}{words}</extra>",
    )  # fmt: skip


# --- parts ----------------------------------------------------------------------------------------------


def _remark(text: str) -> dict[str, Any]:
    """What the dashes of a chart are, above it: for its layout."""
    words = {
        "text": text, "x": 1, "y": 1, "xref": "paper", "yref": "paper", "xanchor": "right",
        "yanchor": "bottom", "showarrow": False, "font": {"size": 11},
    }  # fmt: skip
    return {"annotations": [words], "margin": {"l": 74, "r": 12, "t": 22, "b": 44}}


def _spread(spec: Sequences, what: str = "median and spread") -> str:
    return phrase(" ({what} of {seeds} seeds)", what=what, seeds=spec.seeds) if spec.seeds > 1 else ""
