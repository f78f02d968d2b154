"""Cases: networks with a hidden fault, to be named from the charts and then repaired.

[steps.case]
experiment = "train"
settings = { lr = 1.0 }                # not shown to anybody before the fault is named
charts = ["loss", "update_ratio"]      # the figures that are shown, by their keys
titles = { loss = "…" }                # other titles for them, where their own tell too much
fault = "rate-high"                    # one of the lesson's [faults]
told = "…"                             # said once a fault is chosen
[[steps.case.repairs]]
words = "Divide the learning rate by ten"
settings = { lr = 0.1 }                # what the repair changes
works = true                           # tested by running it
told = "…"                             # what to compare, once it is chosen
charts = ["…"]                         # other charts for this repair, if any
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from normviz.figures import forgotten_eval, signal, train
from normviz.figures.bound import Figure
from normviz.spec import Spec, SpecError
from normviz.specs import experiment
from normviz.ui.entries import LessonError, checked

_FIGURES = {"train": train.figures, "forgotten_eval": forgotten_eval.figures, "signal": signal.figures}
"""Experiments that can be cases."""


@dataclass(frozen=True)
class Repair:
    """Something to try."""

    words: str
    spec: Spec
    works: bool
    told: str
    charts: tuple[str, ...]


@dataclass(frozen=True)
class Case:
    """One network with a fault.  Texts are Markdown."""

    spec: Spec
    charts: tuple[str, ...]
    titles: Mapping[str, str]
    fault: str
    told: str
    repairs: tuple[Repair, ...]

    def figures(self, spec: Spec, charts: Sequence[str] = ()) -> list[Figure]:
        """The charts of a run of this case, all of them at first sight.

        Raises:
            SpecError: one of them does not exist with these settings.
        """
        found = {figure.key: figure for figure in _FIGURES[spec.name](spec)}  # type: ignore[operator]
        shown: list[Figure] = []
        for key in charts or self.charts:
            if key not in found:
                raise SpecError("Chart", key, f"one of {', '.join(found)}", field="charts")
            title = self.titles.get(key, found[key].title)
            shown.append(dataclasses.replace(found[key], title=title, expert=False))
        return shown


class Showing:
    """Some charts of a case as a function of the spec; of the same case and charts always the same function.

    What plays a run is made once for everybody who has the same function (``ui/playable.py``).  A case cannot
    be hashed by what is in it, but there is only one of each: lessons are read once (``ui/shelf.py``).
    """

    def __init__(self, case: Case, charts: Sequence[str] = ()) -> None:
        self._case, self._charts = case, tuple(charts)

    def __call__(self, spec: Spec) -> list[Figure]:
        """The charts of a run."""
        return self._case.figures(spec, self._charts)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Showing) and self._case is other._case and self._charts == other._charts

    def __hash__(self) -> int:
        return hash((id(self._case), self._charts))


def case_of(told: Any, where: str, faults: Mapping[str, str]) -> Case:
    """A case from its decoded text, checked.

    Raises:
        SpecError: a setting, a chart or a fault is not known.
        LessonError: an entry is not known or of the wrong type.
    """
    allowed = {"experiment": str, "settings": dict, "charts": list, "titles": dict, "fault": str, "told": str,
               "repairs": list}  # fmt: skip
    values = checked(told, allowed, where)
    name = values.get("experiment", "")
    if name not in _FIGURES:
        raise SpecError("Experiment", name, f"one of {', '.join(_FIGURES)}", field="experiment")
    fault = values.get("fault", "")
    if fault not in faults:
        known = ", ".join(faults) or "none; the lesson's [faults] are missing"
        raise SpecError("Fault", fault, f"one of {known}", field="fault")
    spec = experiment(name).from_values(values.get("settings", {}))
    repairs = tuple(
        _repair(one, spec, f"{where}, repair {n}") for n, one in enumerate(values.get("repairs", []), 1)
    )
    titles = {str(key): str(title) for key, title in values.get("titles", {}).items()}
    charts = tuple(map(str, values.get("charts", ())))
    case = Case(spec, charts, titles, fault, values.get("told", ""), repairs)
    if not case.charts:
        raise SpecError("Charts", "none", "at least one chart", field="charts")
    case.figures(spec)
    for one in repairs:
        case.figures(one.spec, one.charts)
    return case


def _repair(told: Any, broken: Spec, where: str) -> Repair:
    allowed = {"words": str, "settings": dict, "works": bool, "told": str, "charts": list}
    values = checked(told, allowed, where)
    if not values.get("words"):
        raise LessonError(where, "words are missing; say what the repair does.")
    changed = {**broken.values(), **values.get("settings", {})}
    spec = type(broken).from_values(changed)
    charts = tuple(map(str, values.get("charts", ())))
    return Repair(values["words"], spec, values.get("works", False), values.get("told", ""), charts)
