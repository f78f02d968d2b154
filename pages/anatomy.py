"""Anatomy: what is averaged over what, cell by cell."""

import streamlit as st

from normviz.specs.anatomy import Anatomy
from normviz.ui.anatomy import anatomy
from normviz.ui.course import heard
from normviz.ui.share import offer_link
from normviz.ui.takeaway import offer_page
from normviz.ui.words import _

st.title(_("What is averaged over what?"))
st.markdown(
    _(
        "Four real digits, four filters, one small tensor. Every norm is the same arithmetic; they differ in "
        "which cells share a mean. Point at a cell to see its group, and drag it to see who moves with it."
    )
)

spec, problems = heard(Anatomy, st.query_params)
for problem in problems:
    st.warning(problem, icon=":material/link_off:")
anatomy(spec)
with st.container(horizontal=True, gap="small"):
    offer_link(Anatomy)
    offer_page(Anatomy)

with st.expander(_("Where the numbers come from")):
    st.markdown(
        _(
            "The digits are the first four of scikit-learn's set. The 2d tensor is what four fixed 3×3 "
            "filters see (2×2 means, rounded to a tenth); the 1d tensor is the largest value of each of "
            "those maps; the sequence reads each digit from top to bottom. The running statistics are those "
            "of 40 batches of other digits. γ and β are set by hand, as if they had been learned; momentum "
            "is 0.1 as in torch (Keras calls it 0.9)."
        )
    )
