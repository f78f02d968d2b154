"""What a browser needs to play a run, wherever its frames come from: a server, or the file that holds it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import Any

from normviz.figures.bound import Figure
from normviz.figures.formulas import formula
from normviz.figures.headlines import headline
from normviz.figures.theme import STYLES
from normviz.readings import TEMPLATES
from normviz.readings.places import places
from normviz.spec import Spec
from normviz.ui.doors import leads
from normviz.ui.settings import settings
from normviz.ui.speech import asked, drawn, heard, written
from normviz.ui.words import language, spoken

SHEETS = ("stage.css", "cards.css", "question.css", "takeaway.css")
"""The stage's styles."""


Figures = Callable[[Any], Sequence[Figure]]
"""The figures of a spec."""
Cards = Callable[[Any], Sequence[Mapping[str, Any]]]
"""What is told beside its figures, a card for each."""


@dataclass(frozen=True)
class Played:
    """What plays a run: its figures, and ``data`` that the browser is sent, to be read only."""

    figures: tuple[Figure, ...]
    data: Mapping[str, Any]


def played(spec: Spec, figures: Figures, cards: Cards | None = None) -> Played:
    """What plays the run of a spec, in the visitor's language.

    Made once for everybody who looks at the same settings, whatever their seeds: a class opens a page at the
    same moment, or each of it with another seed.
    """
    plays = _played(spec if spec.draws_seed else spec.unseeded, figures, cards, language())
    return Played(plays.figures, {**plays.data, **_named(spec)})


@lru_cache(maxsize=16)  # half a megabyte each
def _played(spec: Spec, figures: Figures, cards: Cards | None, _language: str) -> Played:
    shown = tuple(figures(spec))
    return Played(shown, playable(spec, shown, cards(spec) if cards else ()))


def playable(
    spec: Spec, figures: Sequence[Figure], cards: Sequence[Mapping[str, Any]] = ()
) -> dict[str, Any]:
    """Figures, settings and words of a run; plain values only."""
    told, compared = formula(spec), headline(spec)
    return {
        **_named(spec),
        "experiment": spec.name,
        "figures": [drawn(_leading(figure.to_plain())) for figure in figures],
        "cards": [dict(card) for card in cards],
        "styles": {norm: {**asdict(style), "label": spoken(style.label)} for norm, style in STYLES.items()},
        "readings": spoken(_own(spec, TEMPLATES)),
        "places": {
            "of": _own(spec, places()),
            "variants": {one.label.lower(): norm for norm, one in STYLES.items()},
        },
        "formula": None if told is None else written(told.to_plain()),
        "headline": None if compared is None else asked(compared.to_plain()),
        "speech": heard(),
    }


def _named(spec: Spec) -> dict[str, Any]:
    """What tells a run from one with another seed."""
    return {"run": spec.key, "settings": settings(spec)}


def _leading(figure: dict[str, Any]) -> dict[str, Any]:
    """A figure whose cells lead nowhere if this server does not show the page behind them."""
    opens = figure["opens"]
    return figure if opens is None or leads(opens["to"]) else {**figure, "opens": None}


def _own(spec: Spec, by_note: Mapping[str, Any]) -> dict[str, Any]:
    """Of what is kept for every note only what belongs to this experiment: their ids begin with its name."""
    return {id_: one for id_, one in by_note.items() if id_.startswith(f"{spec.name}.")}
