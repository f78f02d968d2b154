"""The questions of Diagnose and choose: which symptom, and for which network a norm is chosen.

Nothing is computed for them: they are specs so that the answers live in the URL and are checked
like any other.
"""

from __future__ import annotations

from dataclasses import dataclass

from normviz.spec import Spec, knob

SYMPTOMS = {
    "deployment": "Good validation, bad deployment",
    "batch_mates": "The answer depends on the batch",
    "flat": "The loss stays flat",
    "nan": "The loss becomes NaN",
    "fine_tuning": "Worse after fine-tuning",
    "eight_gpus": "Fine on one GPU, bad on eight",
}
"""Every symptom and its words."""
NETS = {"mlp": "MLP", "cnn": "CNN", "rnn": "RNN", "transformer": "Transformer"}
BATCHES = {"one": "1", "small": "2 to 7", "medium": "8 to 31", "large": "32 or more"}
"""Samples that are normalized together: of one device, in one training step."""
TASKS = {
    "classify": "Train from scratch",
    "fine_tune": "Fine-tune a trained network",
    "online": "One sample at a time, also in training",
    "style": "Restyle or generate pictures",
}


@dataclass(frozen=True, kw_only=True)
class Diagnosis(Spec):
    """A symptom."""

    name = "diagnosis"
    title = "My network misbehaves: what is it?"

    seed: int = knob(0, label="Seed", choices=(0,), expert=True, help="Nothing is drawn at random.")
    symptom: str = knob(
        "deployment", label="What do you see?", choices=tuple(SYMPTOMS), names=tuple(SYMPTOMS.values()),
    )  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Choice(Spec):
    """A network that needs a norm."""

    name = "choice"
    title = "Which norm should it have?"

    seed: int = knob(0, label="Seed", choices=(0,), expert=True, help="Nothing is drawn at random.")
    net: str = knob("cnn", label="Your network", choices=tuple(NETS), names=tuple(NETS.values()))
    batch: str = knob(
        "large", label="Samples per device and step", choices=tuple(BATCHES), names=tuple(BATCHES.values()),
        help="How many samples are normalized together: those of one device, in one training step.",
    )  # fmt: skip
    task: str = knob("classify", label="Task", choices=tuple(TASKS), names=tuple(TASKS.values()))
