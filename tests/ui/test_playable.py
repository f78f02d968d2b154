"""What the browser is told of a run, and that it is no more than it needs."""

from __future__ import annotations

import importlib
import json

import pytest

from normviz.frames import Recording
from normviz.readings import TEMPLATES
from normviz.readings.places import places
from normviz.specs import EXPERIMENTS, MEASURED, experiment
from normviz.ui import preludes, static
from normviz.ui.claims import cards
from normviz.ui.exhibits import STAGED
from normviz.ui.playable import playable, played


@pytest.mark.parametrize("name", sorted(STAGED))
def test_the_words_for_all_notes_of_a_run_come_and_no_others(name: str) -> None:
    told = playable(experiment(name)(), ())
    recording, _ = Recording.from_bytes((static.FOLDER / preludes.name(name)).read_bytes())
    noted = {note.id for k in range(len(recording)) for note in recording.frame(k).notes}
    assert noted & set(TEMPLATES)
    assert set(told["readings"]) >= noted & set(TEMPLATES)
    assert set(told["places"]["of"]) >= noted & set(places())
    assert len(json.dumps(told["readings"])) < len(json.dumps(TEMPLATES)) / 2


@pytest.mark.parametrize("name", sorted(STAGED))
def test_what_another_seed_shares_is_what_it_would_have_of_its_own(name: str) -> None:
    figures = importlib.import_module(f"normviz.figures.{name}").figures
    told = cards if name == "claims" else None
    first, other = experiment(name)(), experiment(name)(seed=7)
    played(first, figures, told)
    own = playable(other, figures(other), told(other) if told else ())
    assert own["run"] != playable(first, ())["run"]
    assert played(other, figures, told).data == own


def test_every_note_belongs_to_an_experiment() -> None:
    """By its name, so that each note's words come with one of them."""
    for id_ in [*TEMPLATES, *places()]:
        assert id_.partition(".")[0] in {**EXPERIMENTS, **MEASURED}
