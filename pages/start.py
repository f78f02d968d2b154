"""Start: the forgotten eval() as 64 tiles, one switch and a slider."""

import streamlit as st

from normviz.specs.start import Start
from normviz.ui.course import heard
from normviz.ui.share import offer_link
from normviz.ui.takeaway import offer_page
from normviz.ui.tiles import tiles
from normviz.ui.tour import doors
from normviz.ui.words import _

st.title(_("Same weights, same pictures: why do the answers change?"))
st.markdown(
    _(
        "A small network has learned to read digits, and nothing about it changes any more. "
        "Here are 64 that it has never seen. Flip the switch."
    )
)

spec, problems = heard(Start, st.query_params)
for problem in problems:
    st.warning(problem, icon=":material/link_off:")
tiles(spec)
with st.container(horizontal=True, gap="small"):
    offer_link(Start)
    offer_page(Start)
doors()
