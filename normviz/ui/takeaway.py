"""What a visitor takes away: from a stage the whole run as one file; from every page the code that makes it.

Pictures and numbers of single charts are made in the browser (``ui/assets/takeaway.js``).  Nothing is made
here before somebody asks for it: the buttons hold functions, which Streamlit calls in a thread of their own.
What a page computed in the browser, the browser writes down itself (``ui/assets/page_tables.js``).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import streamlit as st

from normviz import player
from normviz.export import ExportError, chapters, file_name, notebook, script
from normviz.export.experiments import RECIPES
from normviz.frames import Recording
from normviz.spec import Spec
from normviz.ui import listings, static
from normviz.ui.controls import link
from normviz.ui.course import given
from normviz.ui.offline import offline
from normviz.ui.playable import Cards, Figures, played
from normviz.ui.settings import command
from normviz.ui.words import PARAMETER, _, language, spoken

# Streamlit runs this text as a module without an address of its own.  The settings are those of the URL at
# the moment of the click: the page changes them without asking the server.
_JS = """
export default function ({ parentElement, data }) {
  parentElement.querySelector(".nvl-links").replaceChildren(...data.files.map(({ label, path, file }) => {
    const link = document.createElement("a");
    Object.assign(link, { textContent: label, target: "_blank", rel: "noopener" });
    if (file) { // the numbers on screen
      Object.assign(link, { href: "#", download: file, target: "" });
      link.addEventListener("click", (event) => {
        const table = document.querySelector("[data-ready]")?.table;
        if (!table) return event.preventDefault();
        link.href = URL.createObjectURL(new Blob([table()], { type: "text/csv;charset=utf-8" }));
        setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
      });
      return link;
    }
    const follow = () => {
      const query = new URLSearchParams(data.settings), asked = new URL(location.href).searchParams;
      for (const name of Object.keys(data.settings)) if (asked.has(name)) query.set(name, asked.get(name));
      link.href = new URL(`${path}?${query}`, document.baseURI).href;
    };
    follow();
    for (const event of ["pointerdown", "focus", "click"]) link.addEventListener(event, follow);
    return link;
  }));
}
"""
_links = st.components.v2.component(
    "normviz.code",
    html='<div class="nvl-links"></div>',
    css=(static.FOLDER / "code_links.css").read_text(encoding="utf-8"),
    js=_JS,
    isolate_styles=False,
)

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
        _button(
            spec, _("Whole run (HTML)"), whole, f"{spec.name}.html", "text/html", ":material/play_circle:"
        )
        if spec.name in RECIPES:
            _code(spec)
        st.caption(_("Pictures and numbers of a single chart: the arrow at its upper right corner."))


def offer_page(kind: type[Spec]) -> None:
    """Draw the popover of a page that computes in the browser: page, numbers, code, as it is now."""
    with st.popover(_("Take away"), icon=":material/download:"):
        st.markdown(
            _("This page as one file, which opens and computes without a server, and the numbers on screen:")
        )
        page = {"label": _("This page (HTML)"), "path": listings.address(kind.name, "html")}
        numbers = {"label": _("Numbers on screen (CSV)"), "file": f"normviz-{kind.name}.csv"}
        _offer(kind, "page", [page, numbers])
        st.markdown(_("The experiment as plain PyTorch, which imports nothing of this project:"))
        labels = {"py": _("PyTorch script"), "ipynb": _("Notebook")}
        _offer(
            kind,
            "code",
            [{"label": label, "path": listings.address(kind.name, one)} for one, label in labels.items()],
        )


def _offer(kind: type[Spec], name: str, files: list[dict[str, str]]) -> None:
    settings = {**given(kind).to_query(full=True), PARAMETER: language()}
    _links(key=f"{name} {kind.name}", data={"settings": settings, "files": files})


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
        kinds = (
            (_("PyTorch script"), code, "py", "text/x-python", ":material/code:"),
            (_("Notebook"), book, "ipynb", "application/x-ipynb+json", ":material/book:"),
        )
        for label, make, ending, mime, icon in kinds:
            _button(spec, label, make, file_name(spec.name, chapter, ending), mime, icon)


def _button(spec: Spec, label: str, make: Callable[[], str], file: str, mime: str, icon: str) -> None:
    st.download_button(
        label, make, file, mime, key=f"take {mime} {spec.name}", on_click="ignore", icon=icon
    )  # fmt: skip


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
