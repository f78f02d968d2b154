"""Anatomy's tensor: a norm taken apart, cell by cell.

The tensors are shipped (``assets/anatomy.json``), the arithmetic runs in the browser
(``assets/norms_dissected.js``), and the settings live there too: they are read from the URL once and written
back to it without asking the server again.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import streamlit as st

from normviz.catalog.norms import NORMS, NormFact, reason
from normviz.specs import anatomy_edits as edits
from normviz.specs.anatomy import BETA, CHANNELS, GAMMA, LIMITS, SHAPES, Anatomy
from normviz.ui import static
from normviz.ui.course import given, hidden
from normviz.ui.speech import heard
from normviz.ui.words import _, spoken

SHEET = "anatomy.css"
"""Its styles."""
_FIELDS = [name for name, _knob, _default in Anatomy.knobs() if name != "seed"]
_HTML = '<section class="nva-anatomy"></section>'

# Streamlit runs this text as a module without an address of its own, so it only finds the real modules.
_JS = """
export default async function (component) {
  const address = (path) => new URL(path, document.baseURI);
  const tensors = fetch(address(component.data.tensors)).then((answer) => {
    if (!answer.ok) throw new Error(`the server answered ${answer.status}`);
    return answer.json();
  });
  tensors.catch(() => {}); // told by mount
  let mount;
  try {
    ({ default: mount } = await import(address(component.data.module)));
  } catch {
    component.parentElement.querySelector(".nva-anatomy").textContent = component.data.lost;
    return undefined;
  }
  return mount(component, tensors);
}
"""

_LAYOUTS = {"1d": "mlp", "2d": "cnn", "sequence": "sequence"}
"""The catalog's name of each form."""
_WEIGHT_EPS = {"weight_norm": 0.0, "weight_standardization": 1e-6}
"""ε in the norms of weights, of which the catalog lists no option."""

_mount = st.components.v2.component(
    "normviz.anatomy",
    html=_HTML,
    css=(static.FOLDER / SHEET).read_text(encoding="utf-8"),
    js=_JS,
    isolate_styles=False,
)


def anatomy(spec: Anatomy) -> None:
    """Draw the tensor with the settings of ``spec``; later changes stay in the browser and in the URL."""
    _mount(key="anatomy", data=_data(spec))


def told(spec: Anatomy) -> dict[str, Any]:
    """What the tensor needs wherever it stands: settings and what they may be, norms, words."""
    return {
        "values": {name: spec.values()[name] for name in _FIELDS},
        "choices": {
            name: [[choice, spoken(knob.name_of(choice))] for choice in knob.choices]
            for name, knob, _ in Anatomy.knobs()
            if name in _FIELDS and knob.choices
        },
        "channels": spoken(CHANNELS),
        "limits": LIMITS,
        "learned": {"gamma": GAMMA, "beta": BETA},
        "most": edits.MOST,
        "norms": [_told(fact) for fact in NORMS.values()],
        "facts": {name: _constants(fact) for name, fact in NORMS.items()},
        "speech": heard(),
    }


def _data(spec: Anatomy) -> dict[str, Any]:
    """The same, with where the page begins, what a teacher hides, and where the files are."""
    default = given(Anatomy).values()
    return {
        **told(spec),
        "defaults": {name: default[name] for name in _FIELDS},
        "hidden": sorted(hidden() & set(_FIELDS)),
        "module": static.address("anatomy.js"),
        "tensors": static.address("anatomy.json"),
        "lost": _(
            "The tensor could not be loaded: the server does not answer. Reload the page to try again."
        ),
    }


def _told(fact: NormFact) -> dict[str, Any]:
    """What the page says of a norm."""
    reasons = {form: reason(fact.name, _LAYOUTS[form]) for form in SHAPES}
    return {
        "name": fact.name,
        "label": spoken(fact.label),
        "short": fact.short,
        "family": fact.family,
        "axes": spoken(fact.axes),
        "parameters": spoken(fact.parameters),
        "state": spoken(fact.state),
        "source": str(fact.source) if fact.source else "",
        "unfit": {form: spoken(why) for form, why in reasons.items() if why},
    }


def _constants(fact: NormFact) -> dict[str, float]:
    """The numbers in a norm's formula that are not learned; ε None is that of float32, as in torch."""
    eps = _WEIGHT_EPS.get(fact.name, fact.options.get("eps", 0.0))
    return {
        "eps": float(np.finfo(np.float32).eps) if eps is None else eps,
        "momentum": fact.options.get("momentum", 0.0),
        "alpha": fact.options.get("alpha", 0.0),
        "tau": 0.0,
    }
