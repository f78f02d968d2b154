"""Prediction: a question that visitors answer before the stage shows what was measured.

A page hands it to its stage.  Until the question is answered or skipped, the charts that hold the answer
are covered, and playback halts where the set-up ends; after that the measured numbers stand beside the
guess.  They come from the recording through references, so a prediction never holds an answer itself.

A guess is one of a few choices, or a few numbers, or a curve: points over given places of one chart, which
stay in that chart as a thin grey line.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from normviz.figures.bound import Figure, Ref

FEWEST, MOST = 2, 7
"""Choices of a question: six variants and "nobody" at most."""
MOST_NUMBERS = 3


@dataclass(frozen=True)
class Sketch:
    """A curve to be drawn over the first panel of a chart.

    ``x`` are the places of its points and ``start`` their height before they are moved, in the units of the
    axes.  ``words`` says a point: a template of ``{x}`` and ``{y}``.
    """

    figure: str
    x: tuple[float, ...]
    start: float
    words: str


@dataclass(frozen=True)
class Number:
    """A number to be guessed with a slider, from ``low`` to ``high`` in whole steps; 50 reads "50%"."""

    name: str
    """In the template ``said``."""
    label: str
    start: int
    low: int = 0
    high: int = 100
    unit: str = "%"


@dataclass(frozen=True, kw_only=True)
class Prediction:
    """One question, what stays hidden until it is answered, and what is said then.

    ``key`` names the question: who has answered it is not asked again in that browser window.
    ``covers`` are the keys of the figures that hold the answer, ``notes`` the ids of the notes that tell it
    (those of later frames need not be named).  The set-up ends before the first frame at which ``until``
    holds a number; without it the whole run plays.

    ``said`` and ``answer`` are templates (see `normviz.readings`).  ``said`` knows ``{guess}``: the chosen
    words, or, of a curve, its height at the place ``tells`` (a position in ``Sketch.x``), where it should
    stand as ``{guess:.0f}``; of numbers it knows each by its name.  ``answer`` knows the names in
    ``measured``, each a reference to one number; it is said as soon as all of them are there.

    ``right`` refers to the position of the choice that the measurement bears out, found in the experiment
    by a rule that the page can state.  That choice is marked, and ``answer`` knows its words as ``{right}``.

    Raises:
        ValueError: not exactly one of choices, numbers and a sketch; too few or too many of them.
    """

    key: str
    question: str
    covers: tuple[str, ...]
    answer: str
    measured: Mapping[str, Ref]
    choices: tuple[str, ...] = ()
    right: Ref | None = None
    numbers: tuple[Number, ...] = ()
    sketch: Sketch | None = None
    tells: int = 0
    said: str = "You said {guess}."
    until: Ref | None = None
    notes: tuple[str, ...] = field(default=())

    def __post_init__(self) -> None:
        if bool(self.choices) + bool(self.numbers) + bool(self.sketch) != 1:
            raise ValueError(f"prediction {self.key!r} needs choices, numbers or a sketch, and one of them")
        if len(self.numbers) > MOST_NUMBERS:
            raise ValueError(
                f"prediction {self.key!r} asks for {len(self.numbers)} numbers, not {MOST_NUMBERS} at most"
            )
        if self.right and not self.choices:
            raise ValueError(f"prediction {self.key!r} has a right one, but no choices")
        if self.choices and not FEWEST <= len(self.choices) <= MOST:
            raise ValueError(
                f"prediction {self.key!r} has {len(self.choices)} choices, not {FEWEST} to {MOST}"
            )
        if self.sketch and self.sketch.figure not in self.covers:
            raise ValueError(
                f"prediction {self.key!r} is drawn on {self.sketch.figure!r}, which it must cover"
            )

    def to_plain(self, figures: tuple[Figure, ...]) -> dict[str, Any]:
        """Plain values for the browser.

        Raises:
            ValueError: a figure to be covered is not among ``figures``.
        """
        unknown = set(self.covers) - {figure.key for figure in figures}
        if unknown:
            raise ValueError(
                f"prediction {self.key!r} covers {sorted(unknown)}, which the stage does not show"
            )
        sketch = self.sketch and {
            "figure": self.sketch.figure,
            "x": list(self.sketch.x),
            "start": self.sketch.start,
            "words": self.sketch.words,
            "tells": self.tells,
        }
        return {
            "key": self.key,
            "question": self.question,
            "covers": list(self.covers),
            "choices": list(self.choices),
            "right": self.right and self.right.to_plain(),
            "numbers": [asdict(number) for number in self.numbers],
            "sketch": sketch,
            "said": self.said,
            "answer": self.answer,
            "measured": {name: ref.to_plain() for name, ref in self.measured.items()},
            "until": self.until and self.until.to_plain(),
            "notes": list(self.notes),
        }
