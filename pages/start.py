"""Start: the forgotten eval() as 64 tiles, one switch and a slider."""

import streamlit as st

from normviz.specs.start import Start
from normviz.ui.pages import PAGES
from normviz.ui.tiles import tiles

DOORS = {
    "forgotten-eval": "Train the network, ship the mistake, watch validation miss it, and repair it.",
    "train": "Race the same network with and without normalization, every layer in view, live.",
}

st.title("Same weights, same pictures: why do the answers change?")
st.markdown(
    "A small network has learned to read digits, and nothing about it changes any more. "
    "Here are 64 that it has never seen. Flip the switch."
)

spec, problems = Start.from_query(st.query_params)
for problem in problems:
    st.warning(problem.sentence, icon=":material/link_off:")
tiles(spec)

st.header("Where to go from here")
for column, (path, words) in zip(st.columns(len(DOORS)), DOORS.items(), strict=True):
    page = next(page for page in PAGES if page.url_path == path)
    with column.container(border=True):
        st.page_link(page.file, label=f"**{page.title}**", icon=f":material/{page.icon}:")
        st.markdown(words)
