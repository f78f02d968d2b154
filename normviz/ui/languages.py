"""The foot's choice of the language: links to this very page, with the settings that it has now.

A link loads the page anew, so everything that is said on it changes at once.  The choice becomes part of the
address (``lang=cs``).  The browser is told in which language the page is, for whoever has it read aloud, and
what Streamlit's own words are in it.
"""

from __future__ import annotations

import streamlit as st

from normviz.phrases import phrase
from normviz.spec import SpecError
from normviz.ui import static
from normviz.ui.loanwords import loanwords
from normviz.ui.words import LANGUAGES, PARAMETER, _, language, of_locale, refusal

_CSS = """
.nvl-languages { display: flex; flex-wrap: wrap; gap: 0.25rem 1rem; justify-content: flex-end;
  font-size: 0.875rem; font-family: var(--st-font); }
.nvl-languages a, .nvl-languages b { padding: 0.35rem 0; min-height: 1.5rem; }
.nvl-languages a { color: var(--st-link-color); }
"""

_JS = """
export default function ({ data, parentElement }) {
  document.documentElement.lang = data.language;
  const { lent } = data;
  if (lent) import(new URL(lent.from, document.baseURI).href).then(({ lend }) => lend(lent.words));
  const nav = parentElement.querySelector("nav");
  nav.setAttribute("aria-label", data.label);
  const address = (code) => {
    const url = new URL(location.href);
    url.searchParams.set(data.parameter, code);
    return url.href;
  };
  // Streamlit forgets the choice when it goes to another page; the session keeps it, and links shall hold it.
  if (data.chosen && address(data.language) !== location.href) {
    history.replaceState(history.state, "", address(data.language));
  }
  nav.replaceChildren(...data.languages.map(([code, name]) => {
    const here = code === data.language;
    const link = Object.assign(document.createElement(here ? "b" : "a"), { textContent: name, lang: code });
    if (here) link.setAttribute("aria-current", "true");
    else {
      Object.assign(link, { href: address(code), hreflang: code, target: "_self" });
      for (const event of ["pointerdown", "focus", "click"]) {
        link.addEventListener(event, () => { link.href = address(code); });
      }
    }
    return link;
  }));
}
"""

_mount = st.components.v2.component(
    "normviz.languages", html='<nav class="nvl-languages"></nav>', css=_CSS, js=_JS, isolate_styles=False
)


def switch() -> None:
    """Draw the choice; a language of the URL that there is not is named in a sentence."""
    code = language()
    asked = st.query_params.get(PARAMETER)
    if asked is not None and asked not in LANGUAGES:
        allowed = phrase("one of {listed}", listed=", ".join(LANGUAGES))
        problem = SpecError(_("Language"), asked, allowed)
        st.warning(refusal(problem), icon=":material/link_off:")
    data = {
        "language": code,
        "chosen": asked in LANGUAGES or code != of_locale(st.context.locale),
        "languages": list(LANGUAGES.items()),
        "parameter": PARAMETER,
        "label": _("Language"),
    }
    if words := loanwords(code):
        data["lent"] = {"from": static.address("loanwords.js"), "words": words}
    _mount(key="languages", data=data)
