"""The Start page's board: 64 test digits that a trained network reads in evaluation and in training mode.

The network and the digits are shipped (``assets/start.bin``), the arithmetic runs in the browser
(``assets/norms.js``), and the settings live there too: they are read from the URL once and written back to it
without asking the server again.
"""

from __future__ import annotations

from typing import Any

import streamlit as st

from normviz.specs.start import MOST_SWAPS, Start
from normviz.ui import static
from normviz.ui.course import given, hidden
from normviz.ui.speech import heard
from normviz.ui.words import _

SHEET = "tiles.css"
"""Its styles."""
_FIELDS = ("mode", "batch", "shuffle", "sorted", "swaps")
_HTML = '<section class="nvt-start"></section>'

# Streamlit runs this text as a module without an address of its own, so it only finds the real modules.
# The weights are asked for at the same time: neither waits for the other.
_JS = """
export default async function (component) {
  const address = (path) => new URL(path, document.baseURI);
  const bytes = fetch(address(component.data.weights)).then((answer) => {
    if (!answer.ok) throw new Error(`the server answered ${answer.status}`);
    return answer.arrayBuffer();
  });
  bytes.catch(() => {}); // told by mount
  let mount;
  try {
    ({ default: mount } = await import(address(component.data.module)));
  } catch {
    component.parentElement.querySelector(".nvt-start").textContent = component.data.lost;
    return undefined;
  }
  return mount(component, bytes);
}
"""

_mount = st.components.v2.component(
    "normviz.tiles",
    html=_HTML,
    css=(static.FOLDER / SHEET).read_text(encoding="utf-8"),
    js=_JS,
    isolate_styles=False,
)


def tiles(spec: Start) -> None:
    """Draw the board with the settings of ``spec``; later changes stay in the browser and in the URL."""
    _mount(key="start", data=_data(spec))


def told(spec: Start) -> dict[str, Any]:
    """What the board needs to know wherever it stands: the settings, what they may be, and the words."""
    knobs = {name: knob for name, knob, _ in Start.knobs()}
    return {
        "values": {name: spec.values()[name] for name in _FIELDS},
        "batches": list(knobs["batch"].choices),
        "shuffles": int(knobs["shuffle"].high or 0),
        "swaps": MOST_SWAPS,
        "speech": heard(),
    }


def _data(spec: Start) -> dict[str, Any]:
    """The same, with where the page begins, what a teacher hides, and where the files are."""
    default = given(Start).values()
    return {
        **told(spec),
        "defaults": {name: default[name] for name in _FIELDS},
        "hidden": sorted(hidden() & set(_FIELDS)),
        "module": static.address("tiles.js"),
        "weights": static.address("start.bin"),
        "lost": _(
            "The digits could not be loaded: the server does not answer. Reload the page to try again."
        ),
    }
