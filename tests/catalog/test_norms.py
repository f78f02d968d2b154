"""The catalog of norms: names, completeness, reasons, and that it stays free of torch."""

from __future__ import annotations

import subprocess
import sys

import pytest

from normviz.catalog.norms import FORMS, NORMS, UnknownNormError, reason


def test_names_and_their_order() -> None:
    assert list(NORMS) == [
        "none", "batch", "layer", "group", "instance", "rms", "batch_renorm", "frn", "weight_norm",
        "weight_standardization", "ghost_batch", "dyt",
    ]  # fmt: skip
    assert all(name == fact.name for name, fact in NORMS.items())


@pytest.mark.parametrize("name", NORMS)
def test_every_fact_is_stated(name: str) -> None:
    fact = NORMS[name]
    assert all([fact.label, fact.short, fact.formula, fact.axes, fact.parameters, fact.state])
    assert fact.formula.count("{") == fact.formula.count("}")
    assert fact.formula.startswith(("y = ", "w = "))
    assert (fact.source is None) == (name == "none")
    if fact.source is not None:
        assert (
            str(fact.source.year % 100) in fact.source.arxiv[:2] or name == "frn"
        )  # FRN: arXiv 2019, CVPR 2020
        assert str(fact.source).endswith(f"arXiv:{fact.source.arxiv}")


def test_labels_differ() -> None:
    for field in ("label", "short", "layer"):
        assert len({getattr(fact, field) for fact in NORMS.values()}) == len(NORMS)


def test_reasons() -> None:
    for form in FORMS:
        for name in NORMS:
            why = reason(name, form)
            if (name, form) in {("instance", "mlp"), ("frn", "mlp")}:
                assert why is not None
                assert why.startswith(NORMS[name].label)
                assert why.endswith(".")
            else:
                assert why is None


def test_unknown_names_get_a_sentence() -> None:
    with pytest.raises(UnknownNormError) as near:
        reason("bacth", "mlp")
    assert str(near.value) == "There is no norm 'bacth'. Did you mean 'batch'?"
    with pytest.raises(KeyError) as far:
        NORMS["xyz"]
    assert str(far.value) == f"There is no norm 'xyz'. There are {', '.join(NORMS)}."
    assert "xyz" not in NORMS
    with pytest.raises(ValueError, match="There is no form 'rnn'"):
        reason("batch", "rnn")


def test_the_catalog_needs_no_torch() -> None:
    code = "import sys, normviz.catalog.norms; sys.exit('torch' in sys.modules or 'numpy' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
