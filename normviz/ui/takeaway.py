"""What a visitor takes away from a stage: the whole run as one file, and the code that makes it.

Pictures and numbers of single charts are made in the browser (``ui/assets/takeaway.js``).  Nothing is made
here before somebody asks for it: the buttons hold functions, which Streamlit calls in a thread of their own.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable
from functools import partial

import streamlit as st

from normviz import player
from normviz.export import ExportError, chapters, notebook, script
from normviz.export.experiments import RECIPES
from normviz.frames import Recording
from normviz.spec import Spec
from normviz.ui.controls import link
from normviz.ui.offline import offline
from normviz.ui.playable import Cards, Figures, played
from normviz.ui.words import _, spoken

_TOO_EARLY = "This run has not sent anything yet. Wait for its first picture and try again."


def offer(spec: Spec, token: str, figures: Figures, cards: Cards | None, *, linked: bool) -> None:
    """Draw the popover of a stage that plays a run on these figures.

    ``linked``: the page's link holds the settings of this run.
    """
    origin = link(spec) if linked else command(spec)
    with st.popover(_("Take away"), icon=":material/download:"):
        st.markdown(
            _("The whole run as one file: it opens in a browser, plays and scrubs, without a server.")
        )
        whole = partial(_whole, spec, token, figures, cards, origin)
        _button(spec, _("Whole run (HTML)"), whole, "html", "text/html", ":material/play_circle:")
        if spec.name in RECIPES:
            _code(spec)
        st.caption(_("Pictures and numbers of a single chart: the arrow at its upper right corner."))


def command(spec: Spec) -> str:
    """The command that runs a spec."""
    words = [f"{name}={value}" for name, value in spec.to_query().items()]
    return " ".join(["python -m normviz run", spec.name, *(f"--set {shlex.quote(word)}" for word in words)])


@st.fragment
def _code(spec: Spec) -> None:
    """The script and the notebook; a page with several chapters asks which."""
    try:
        labels = chapters(spec)
    except ExportError as reason:
        st.caption(str(spoken(str(reason))))
        return
    st.markdown(_("The experiment as plain PyTorch, which imports nothing of this project:"))
    chapter = next(iter(labels))
    if len(labels) > 1:
        chapter = st.selectbox(
            _("Which part of the page?"),
            list(labels),
            format_func=lambda name: str(spoken(labels[name])),
            key=f"take chapter {spec.name}",
        )
    with st.container(horizontal=True):
        code, book = partial(script, spec, chapter), partial(notebook, spec, chapter)
        _button(spec, _("PyTorch script"), code, "py", "text/x-python", ":material/code:", chapter)
        _button(spec, _("Notebook"), book, "ipynb", "application/x-ipynb+json", ":material/book:", chapter)


def _button(
    spec: Spec, label: str, make: Callable[[], str], ending: str, mime: str, icon: str, chapter: str = ""
) -> None:
    st.download_button(
        label,
        make,
        f"{spec.name}{'-' if chapter else ''}{chapter}.{ending}",
        mime,
        key=f"take {ending} {spec.name}",
        on_click="ignore",
        icon=icon,
    )


def _whole(spec: Spec, token: str, figures: Figures, cards: Cards | None, origin: str) -> str:
    """The run so far; the recording is the one that everybody watches.

    Raises:
        RuntimeError: there is none.
    """
    run = player.current().run(token)
    recording: Recording | None = run.recording if run else None
    if run is None or recording is None or not len(recording):
        raise RuntimeError(_TOO_EARLY)
    whole = run.state is player.State.DONE
    return offline(spec, played(spec, figures, cards).data, recording, origin=origin, whole=whole)
