"""Diagnose and choose: from a symptom to its cure, from a network to its norm, and what each norm costs."""

import streamlit as st

from normviz.figures.cost import figures
from normviz.specs.cost import NormCost
from normviz.ui.controls import controls
from normviz.ui.diagnosis import choose, diagnose, norms_table
from normviz.ui.stage import stage
from normviz.ui.words import _

st.title(_("What is wrong with my network, and which norm should it have?"))
st.markdown(
    _(
        "Start from what you see: each symptom has a test, an experiment that shows this very symptom and "
        "its cure, and a fix. Then choose a norm for your network; every reason leads to the page that shows "
        "it."
    )
)
diagnose()

st.header(_("Which norm should it have?"))
choose()

st.header(_("All norms, and what they cost here"))
st.markdown(
    _(
        "The cost is measured now, on this server's processor: the time of a layer with the norm, "
        "divided by the time without one, the middle half of the rounds in brackets. These are the machine's "
        "numbers: the same settings give others elsewhere, and slightly others when they are measured again."
    )
)
spec = controls(NormCost)
norms_table(spec)
stage(spec, figures)

with st.expander(_("How it is measured"), icon=":material/function:"):
    st.markdown(
        _(
            "Processor time on one thread. In every round each norm is timed right beside the network "
            "without one, in turning order; "
            "$\\text{cost}=\\operatorname{median}_r\\,t_r^\\text{norm}/t_r^\\text{none}$. The network "
            "without a norm is timed against itself too: its spread is the noise. The layers are those of "
            "this site, which compute several networks at once; other implementations and GPUs differ."
        )
    )
