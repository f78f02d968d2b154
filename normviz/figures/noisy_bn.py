"""The charts of the experiment NoisyBN: the race, and how the activations wander."""

from __future__ import annotations

from typing import Any

from normviz.catalog.datasets import DATASETS
from normviz.figures.bound import Figure, history, now, steps
from normviz.figures.predictions import Prediction
from normviz.figures.theme import STYLES, band, layout, line, reference
from normviz.phrases import phrase
from normviz.specs import noisy_bn_frames as recorded
from normviz.specs.noisy_bn import SAMPLES, NoisyBN

VALUES = (-4.0, 4.0)
"""Range of the axes of values that leave the norm."""
SHIFTS = (1e-3, 10.0)
"""Range of the axis of the means' shift, in standard deviations."""
STEP = "Training step"
HEIGHT = 360
"""Pixels of each chart: one of them has three panels above each other."""


def figures(spec: NoisyBN) -> list[Figure]:
    """All charts of a run, the most telling first."""
    return [accuracy(spec), shifts(spec), wandering(spec)]


def prediction(spec: NoisyBN) -> Prediction:
    """Who is first, batch norm with noise or no normalization, while both wander."""
    return Prediction(
        key="noisy_bn.first",
        question=phrase(
            "Noise behind batch norm makes its activations wander. Which networks classify {target:.0%} of "
            "the training samples first: batch norm with this noise, or those without any normalization?",
            target=recorded.TARGET,
        ),
        covers=("accuracy",),
        choices=recorded.FIRST,
        right=now("first", 0),
        answer=phrase(
            "Measured: {{right}}. Median steps: {{noisy:.0f}} with noise, {{plain:.0f}} without "
            "normalization, {{batch:.0f}} with batch norm alone (who never got there counts as {steps}).",
            steps=spec.steps,
        ),
        measured={
            name: now("arrival", recorded.VARIANTS.index(of))
            for name, of in (("noisy", "noisy_batch"), ("plain", "none"), ("batch", "batch"))
        },
        until=now("first", 0),
        notes=tuple(f"noisy_bn.{told}" for told in _TELLING),
    )


_TELLING = (
    "reached", "reached_alone", "underway", "ahead_and_wanders", "ahead", "behind", "overlaps", "costs",
)  # fmt: skip
"""Notes that tell who is ahead."""


def accuracy(spec: NoisyBN) -> Figure:
    """Accuracy on training samples: every seed thin, their median bold, a mark where one reaches 90%."""
    classes = DATASETS["digits"].classes
    traces: list[dict[str, Any]] = [
        reference([0, spec.steps], [1 / classes] * 2, "Guessing", says="guessing"),
        reference([0, spec.steps], [recorded.TARGET] * 2, "Target", dash="dot", says="the target"),
    ]
    thin: dict[str, Any] = {"width": 1, "opacity": 0.35, "ghost": False, "hoverinfo": "skip"}
    for v, name in enumerate(recorded.VARIANTS):
        if spec.seeds > 1:
            for s in range(spec.seeds):
                traces.append(line(steps("accuracy"), history("accuracy", v, s), name, **thin))
    for v, name in enumerate(recorded.VARIANTS):
        x, y = steps("accuracy_median"), history("accuracy_median", v)
        traces.append(line(x, y, name, width=2.5, hovertemplate="step %{x}: %{y:.1%}"))
        hover = "90% at step %{x}"
        marks = line(
            now("reached", v), [recorded.TARGET] * spec.seeds, name, ghost=False, hovertemplate=hover
        )
        traces.append({**marks, "mode": "markers"})
    plan = layout(
        STEP, "Share of the training samples", x_range=(0, spec.steps), y_range=(0, 1.01), height=HEIGHT
    )
    plan["yaxis"]["tickformat"] = ".0%"
    return Figure(
        "accuracy", "Training accuracy", tuple(traces), plan, roles={"x": "step"},
        alt=phrase("Accuracy on {samples} training samples in train mode, noise included, against the "
                   "training step, without normalization, with batch norm and with noisy batch norm: every "
                   "seed a thin line, their median a bold one. Marks on the dotted line at 90% show when the "
                   "seeds get there.", samples=SAMPLES),
    )  # fmt: skip


def wandering(spec: NoisyBN) -> Figure:
    """Means of some units of the chosen layer over time, one of them with its spread over the batch."""
    traces: list[dict[str, Any]] = []
    for panel, name in enumerate(recorded.VARIANTS, start=1):
        v, x = panel - 1, steps("unit_mean")
        traces += band(
            x, history("unit_low", v, "layer"), history("unit_high", v, "layer"), name, panel=panel
        )
        for unit in range(recorded.UNITS):
            look: dict[str, Any] = {"width": 2, "opacity": 1} if unit == 0 else {"width": 1, "opacity": 0.55}
            hover = phrase("unit {unit}, step %{{x}}: mean %{{y:.2f}}", unit=unit + 1)
            y = history("unit_mean", v, "layer", unit)
            traces.append(line(x, y, name, panel=panel, ghost=False, hovertemplate=hover, **look))
    plan = layout(
        STEP, "Value that leaves the norm", x_range=(0, spec.steps), y_range=VALUES, columns=1,
        panels=[STYLES[name].label for name in recorded.VARIANTS], height=HEIGHT, gap=0.09,
    )  # fmt: skip
    for axis in ("yaxis", "yaxis2", "yaxis3"):
        plan[axis].update(tickvals=[-2, 0, 2], title={"text": "Value" if axis == "yaxis2" else ""})
    return Figure(
        "wandering", "What leaves the norm, step by step", tuple(traces), plan, roles={"x": "step"},
        alt=phrase("Means over the batch of the first {units} units of the chosen layer, of the values that "
                   "leave the norm, against the training step, one panel for each variant; the band is one "
                   "standard deviation around the first unit's mean. First seed.", units=recorded.UNITS),
    )  # fmt: skip


def shifts(spec: NoisyBN) -> Figure:
    """How far the units' means move from one step to the next."""
    traces = tuple(
        line(
            steps("shift"), history("shift", v, "layer"), name,
            hovertemplate="step %{x}: %{y:.2g} SD",
        )
        for v, name in enumerate(recorded.VARIANTS)
    )  # fmt: skip
    plan = layout(
        STEP, "Shift of the means (SD)", y_log=True, x_range=(0, spec.steps), y_range=SHIFTS, height=HEIGHT
    )
    return Figure(
        "shift", "How far the means move in a step", traces, plan, roles={"x": "step"},
        alt=phrase("Root mean square change of the units' means from one training step to the next, divided "
                   "by the root mean square of their standard deviations over the batch, in the chosen "
                   "layer, against the training step, for each variant, on a logarithmic axis; median of "
                   "{seeds} seeds.", seeds=spec.seeds),
    )  # fmt: skip
