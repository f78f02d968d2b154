"""Specs: one module a question, and the registry that names them."""

from __future__ import annotations

import difflib
import json

from normviz.phrases import phrase
from normviz.spec import Spec, SpecError
from normviz.specs.anatomy import Anatomy
from normviz.specs.batch_size import BatchSize
from normviz.specs.claims import Claims
from normviz.specs.cost import NormCost
from normviz.specs.forgotten_eval import ForgottenEval
from normviz.specs.landscape import Landscape
from normviz.specs.lr_init import LrInit
from normviz.specs.noisy_bn import NoisyBN
from normviz.specs.placement import Placement
from normviz.specs.regularization import Regularization
from normviz.specs.scale import Scale
from normviz.specs.sequences import Sequences
from normviz.specs.signal import Signal
from normviz.specs.step_cost import StepCost
from normviz.specs.train import Train

EXPERIMENTS: dict[str, type[Spec]] = {
    spec.name: spec
    for spec in (
        ForgottenEval,
        Anatomy,
        BatchSize,
        Regularization,
        Signal,
        Train,
        Placement,
        LrInit,
        Scale,
        Landscape,
        NoisyBN,
        Sequences,
        Claims,
        NormCost,
    )
}
"""Every experiment by its name, in the order of the tour."""

MEASURED: dict[str, type[Spec]] = {StepCost.name: StepCost}
"""What is measured beside an experiment when a visitor asks: no question of the site, listed nowhere."""

_LONGEST_JSON = 10_000  # characters; a spec has some hundred


def experiment(name: str) -> type[Spec]:
    """The spec class of an experiment, or of what is measured beside one.

    Raises:
        SpecError: there is none of that name; the nearest one is suggested.
    """
    found = EXPERIMENTS.get(name) or MEASURED.get(name)
    if found:
        return found
    near = difflib.get_close_matches(name, EXPERIMENTS, 1, cutoff=0.4)
    remedy = phrase("Did you mean {name}?", name=near[0]) if near else ""
    listed = phrase("one of {listed}", listed=", ".join(EXPERIMENTS))
    raise SpecError("Experiment", name, listed, remedy, field="experiment")


def from_json(text: str) -> Spec:
    """The spec that ``Spec.to_json`` wrote, whatever its experiment.

    Raises:
        SpecError: it is not JSON, names no known experiment, or has a field or value that does not work.
    """
    if len(text) > _LONGEST_JSON:
        raise SpecError("Spec", text, phrase("JSON of at most {most} characters", most=_LONGEST_JSON))
    try:
        told = json.loads(text)
    except (ValueError, RecursionError):
        raise SpecError("Spec", text, "a JSON object with the experiment and its fields") from None
    if not isinstance(told, dict) or not isinstance(told.get("experiment"), str):
        raise SpecError("Spec", text, "a JSON object with the experiment and its fields")
    return experiment(told.pop("experiment")).from_values(told)
