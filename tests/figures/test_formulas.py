"""Formulas on the stage: well-formed, and every term leads to a chart that there is."""

import xml.etree.ElementTree as ET

import pytest

from normviz.figures import (
    batch_size,
    forgotten_eval,
    landscape,
    lr_init,
    mathml,
    noisy_bn,
    placement,
    regularization,
    scale,
    sequences,
    signal,
    train,
)
from normviz.figures.formulas import FORMULAS, formula
from normviz.specs import EXPERIMENTS

MODULES = {
    "batch_size": batch_size, "forgotten_eval": forgotten_eval, "landscape": landscape, "lr_init": lr_init,
    "noisy_bn": noisy_bn, "placement": placement, "regularization": regularization, "scale": scale,
    "sequences": sequences, "signal": signal, "train": train,
}  # fmt: skip

TAKES = {"mfrac": 2, "msub": 2, "msup": 2, "msubsup": 3}
"""Parts of what is built from a fixed number of them: one more, and a browser shows an error."""


def _figures(name):
    spec = EXPERIMENTS[name]()
    planes = [spec.replace(dataset="moons")] if name == "train" else []
    return {figure.key for one in (spec, *planes) for figure in MODULES[name].figures(one)}


def test_every_experiment_with_charts_of_its_own_has_one():
    assert set(FORMULAS) == set(MODULES)
    assert formula(EXPERIMENTS["claims"]()) is None


@pytest.mark.parametrize("name", FORMULAS)
def test_a_formula_is_mathml_whose_terms_are_those_declared(name):
    told = FORMULAS[name]
    tree = ET.fromstring(told.mathml)
    for node in tree.iter():
        if node.tag in TAKES:
            assert len(node) == TAKES[node.tag], ET.tostring(node, "unicode")
        if node.tag in ("mi", "mn", "mtext"):
            assert node.text
    assert {node.get("data-term") for node in tree.iter()} - {None} == set(told.terms)
    for part in told.parts:
        ET.fromstring(f"<mrow>{part}</mrow>")
    assert told.alt.endswith(".")
    assert "=" not in told.alt


@pytest.mark.parametrize("name", FORMULAS)
def test_every_term_is_seen_in_a_chart(name):
    known = _figures(name)
    for term in FORMULAS[name].terms.values():
        assert term.figures
        assert set(term.figures) <= known, term


@pytest.mark.parametrize("name", FORMULAS)
def test_other_words_change_nothing_but_the_words(name):
    text = FORMULAS[name].mathml
    upper = mathml.reworded(text, str.upper)
    assert mathml.beside(upper) == [words.upper() for words in mathml.beside(text)]
    assert mathml.reworded(text, str) == text
