"""Claims: twelve statements about batch norm, each with its small experiment and its verdict."""

import streamlit as st

from normviz.figures.claims import figures
from normviz.specs.claims import Claims
from normviz.ui import blocks
from normviz.ui.claims import cards
from normviz.ui.controls import controls
from normviz.ui.stage import stage
from normviz.ui.words import _, spoken

st.title(spoken(Claims.title))
st.markdown(
    _(
        "An introductory article makes twelve claims about batch normalization; here each of them gets a "
        "small experiment, run now, and a verdict that follows from its numbers by a rule you can open and "
        "read. Numbers are means ± one standard deviation over the seeds; with other settings a verdict may "
        "change."
    )
)
spec = controls(Claims)
stage(spec, figures, cards=cards)

with st.expander(_("The article's building blocks, and where they run here"), icon=":material/category:"):
    blocks.draw()

with st.expander(_("How the intervals are made, and what is not claimed"), icon=":material/function:"):
    st.markdown(
        _(
            "Variants of one seed share data, initialization and batch order, so differences are taken seed "
            "by seed. Of $n$ differences $d$ with mean $\\bar d$ and standard deviation $s_d$, the 95% "
            "interval is"
        )
    )
    st.latex(r"\bar d \pm t_{0.975,\,n-1}\, s_d/\sqrt n")
    st.markdown(
        _(
            "The networks are small MLPs on 8×8 digits: a verdict speaks of what was measured here, not of "
            "every network. Of covariate shift it is measured how far the means of the units move from step "
            "to step, and nothing else; it is not measured whether layer norm makes sequence models more "
            "accurate."
        )
    )
    st.caption(
        _(
            "The claims: CORE SYSTEMS, “Batch Normalization: Stable Network Training”, 2024, in other words. "
            "Student's interval: Student 1908, Biometrika 6."
        )
    )
