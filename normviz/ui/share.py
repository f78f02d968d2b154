"""Links to share: every field, the seed and the version of the program that made them.

A link of another version is played like any other; a sentence says that its run may come out differently.
"""

from __future__ import annotations

import streamlit as st

from normviz import __version__
from normviz.spec import Spec, quoted
from normviz.ui.course import given
from normviz.ui.words import _, plain

VERSION = "version"
"""The URL's parameter."""

# Streamlit runs this text as a module without an address of its own.  The settings are those of the URL at
# the moment: the page changes them without asking the server.
_JS = """
export default function ({ parentElement, data }) {
  const [code, button] = parentElement.querySelector(".nvl-share").children;
  const show = () => {
    const asked = new URL(location.href).searchParams, query = new URLSearchParams();
    for (const [name, value] of asked) if (!(name in data.settings)) query.append(name, value);
    for (const [name, value] of Object.entries(data.settings)) query.set(name, asked.get(name) ?? value);
    query.set(data.parameter, data.version);
    code.textContent = `${location.origin}${location.pathname}?${String(query).replaceAll("%2C", ",")}`;
  };
  show();
  addEventListener("nv-address", show);
  button.textContent = data.copy;
  button.hidden = !navigator.clipboard; // browsers offer it to secure pages alone
  button.onclick = () => navigator.clipboard.writeText(code.textContent).then(() => {
    button.textContent = data.copied;
  }, () => {});
  return () => removeEventListener("nv-address", show);
}
"""
_CSS = """
.nvl-share { display: grid; gap: 0.75rem; justify-items: start; max-width: 32rem; }
.nvl-share code { padding: 0.75rem; border-radius: var(--st-base-radius, 0.5rem); overflow-wrap: anywhere;
  user-select: all; font-family: var(--st-code-font); font-size: 0.875rem;
  background: var(--st-secondary-background-color); color: var(--st-text-color); }
.nvl-share button { min-height: 2.75rem; padding: 0 0.9rem; border: 1px solid var(--st-border-color);
  border-radius: var(--st-button-radius, 0.5rem); background: none; color: var(--st-text-color);
  font: inherit; cursor: pointer; }
.nvl-share [hidden] { display: none; }
"""
_link = st.components.v2.component(
    "normviz.share", html='<div class="nvl-share"><code></code><button type="button"></button></div>',
    css=_CSS, js=_JS, isolate_styles=False,
)  # fmt: skip


def offer_link(kind: type[Spec]) -> None:
    """Draw the popover of a page whose settings live in the browser: its link as it is when looked at."""
    with st.popover(_("Share"), icon=":material/share:"):
        st.markdown(_("This link holds every setting, the seed included."))
        data = {
            "settings": given(kind).to_query(full=True), "parameter": VERSION, "version": __version__,
            "copy": _("Copy the link"), "copied": _("Copied"),
        }  # fmt: skip
        _link(key=f"share {kind.name}", data=data)


def told() -> None:
    """Say if the link by which this page was opened was made by another version of the program."""
    made = st.query_params.get(VERSION, __version__)
    if made != __version__:
        st.info(
            _(
                "This link was made with NormViz {made}; this is {here}. Its run may come out differently.",
                made=plain(quoted(made)), here=__version__,
            ),
            icon=":material/history:",
        )  # fmt: skip
