"""Places of notes: every sentence leads to a chart of its experiment, by numbers that it has."""

import string

import pytest

from normviz.figures import (
    batch_size,
    cost,
    forgotten_eval,
    landscape,
    lr_init,
    noisy_bn,
    placement,
    regularization,
    scale,
    sequences,
    signal,
    step_cost,
    train,
)
from normviz.readings import TEMPLATES
from normviz.readings.places import PLACES, places
from normviz.specs import experiment

MODULES = {
    "batch_size": batch_size, "cost": cost, "forgotten_eval": forgotten_eval, "landscape": landscape,
    "lr_init": lr_init, "noisy_bn": noisy_bn, "placement": placement, "regularization": regularization,
    "scale": scale, "sequences": sequences, "signal": signal, "step_cost": step_cost,
    "train": train,
}  # fmt: skip


def _fields(template):
    return {name for _, name, _, _ in string.Formatter().parse(template) if name}


def test_every_note_that_stands_on_no_card_has_a_place():
    loose = {note for note in TEMPLATES if note.partition(".")[0] in MODULES}
    assert set(PLACES) == loose
    assert {note.partition(".")[0] for note in set(TEMPLATES) - loose} == {"claims"}


@pytest.mark.parametrize("name", MODULES)
def test_its_charts_are_on_the_stage_of_its_experiment(name):
    specs = [experiment(name)()]
    if name == "train":
        specs += [specs[0].replace(activation="tanh"), specs[0].replace(dataset="moons")]
    keys = [{figure.key for figure in MODULES[name].figures(spec)} for spec in specs]
    for note, place in PLACES.items():
        if note.startswith(f"{name}."):
            assert any(set(place.figures) & shown for shown in keys), note
            assert set(place.figures) <= set.union(*keys), note


@pytest.mark.parametrize("note", PLACES)
def test_layer_and_step_are_numbers_of_the_sentence(note):
    place = PLACES[note]
    assert {place.layer, place.step} - {""} <= _fields(TEMPLATES[note])


def test_they_travel_as_plain_values():
    assert places()["train.dead"]["figures"] == ("unit_health",)
    assert places()["train.dead"]["layer"] == "layer"
