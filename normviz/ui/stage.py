"""The stage: figures that play the run of a spec in the browser.

The script only says what to play and is done: frames come to the browser by websocket (``ui/stream.py``), the
cursor is the visitor's own (``ui/assets/stage.js``).  A change of the spec puts another run on the same
stage, into the same charts; the run before stays behind it in grey.

What the stage reads from a schema: ``labels["layer"]`` names the layers (else they are counted from 1), the
length of the axis "layer" says how many there are, and ``facts["steps"]`` is the last training step.  Where
frames do not follow training, ``facts["cursor"]`` says what they run over: ``{"name": "Scale of the weights",
"label": "W ×", "values": [0.1, …]}``, ascending, with the value of each frame at the place ``step``.  The bar
then shows "W × 0.1", and an axis of the role "step" holds these values.

With the figures goes what points at them: the experiment's formula (``normviz/figures/formulas.py``), the
places of its notes (``normviz/readings/places.py``), and the number by which two of its runs are compared
(``normviz/figures/headlines.py``).

A page may ask its visitors to predict what they are about to see (``normviz/figures/predictions.py``); with
``predict=0`` in the URL nobody is asked.
"""

from __future__ import annotations

import streamlit as st

from normviz import player
from normviz.figures.predictions import Prediction
from normviz.spec import Spec, SpecError
from normviz.ui import course, preludes, static, takeaway, visitors
from normviz.ui.exhibits import STAGED
from normviz.ui.playable import SHEETS, Cards, Figures, played
from normviz.ui.speech import asked
from normviz.ui.words import PARAMETER, language, refusal

# Streamlit runs this text as a module without an address of its own, so it only finds the real one.
_JS = """
export default async function (component) {
  const address = (name) => new URL(`${component.data.assets}/${name}`, document.baseURI).href;
  if (!window.Plotly) {
    const ahead = { rel: "preload", as: "script", href: address("plotly.min.js") };
    document.head.append(Object.assign(document.createElement("link"), ahead));
  }
  const { mount } = await import(address("stage.js"));
  return mount(component);
}
"""

_mount = st.components.v2.component(
    "normviz.stage",
    css="".join((static.FOLDER / name).read_text(encoding="utf-8") for name in SHEETS),
    js=_JS,
    isolate_styles=False,  # in a shadow root neither Plotly's styles nor its selectors would reach
)


_RENEWED = "stage renewed"
"""In a session's state: how often it was asked where its run is."""


def stage(
    spec: Spec,
    figures: Figures,
    *,
    predict: Prediction | None = None,
    cards: Cards | None = None,
    changeable: bool = False,
    sealed: bool = False,
    behind: Spec | None = None,
    apart: str = "",
) -> int | None:
    """Play the run of ``spec`` on its figures; join it if somebody watches it already.

    ``predict`` is asked before the charts that it covers are shown.  ``cards`` are filled in by the notes of
    the run (``ui/assets/cards.js``); a figure whose ``layout.meta.card`` is the key of one of them is shown
    there.  ``changeable`` offers "Change from here": the step under the cursor is returned in the script run
    after a click on it, never otherwise.

    ``sealed`` keeps back what gives the settings away: their names and values, and what there is to look for.
    ``behind`` is the run that stays behind this one in grey, whichever run came between.  A stage of another
    ``apart`` is another one: it begins without a run before it.
    """
    try:
        token = player.current().open(spec, visitors.of_page())
    except SpecError as problem:
        st.error(refusal(problem), icon=":material/block:")
        return None
    plays = played(spec, figures, cards)
    data = {
        **plays.data,
        "assets": static.address("").rstrip("/"),
        "stream": f"lab/stream/{token}?{PARAMETER}={language()}",
        "changeable": changeable,
        "renewed": st.session_state.get(_RENEWED, 0),
    }
    if sealed:
        data |= {"settings": [], "readings": {}, "formula": None}
    elif recorded := preludes.address(spec):
        data["prelude"] = recorded
    if behind:
        data["behind"] = behind.key
    if predict and course.predicts():
        data["prediction"] = asked(predict.to_plain(plays.figures))
    told = _mount(
        key=f"stage {spec.name} {apart}".rstrip(), data=data, on_renew_change=_renewed,
        on_here_change=_here,
    )  # fmt: skip
    if not sealed:
        takeaway.offer(spec, token, figures, cards, linked=spec.name in STAGED)
    return None if told.here is None else int(told.here)


def _renewed() -> None:
    """The browser asked where its run is.  It is opened again in this rerun; the count marks the answer."""
    st.session_state[_RENEWED] = st.session_state.get(_RENEWED, 0) + 1


def _here() -> None:
    """The browser told the step under its cursor."""
