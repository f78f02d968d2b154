"""Train: the race of one network with and without normalization."""

import streamlit as st

from normviz.catalog.norms import NORMS
from normviz.figures.train import figures
from normviz.specs.train import Train
from normviz.ui.controls import controls
from normviz.ui.stage import stage

st.title(Train.title)
st.markdown(
    "The same network trains once with each normalization, from the same weights, on the same batches, at "
    "the same learning rate. The rate is part of the question: at 0.3, the default, the four "
    "part; at 0.1 all of them learn."
)

spec = controls(Train)
stage(spec, *figures(spec))

with st.expander("Formulas and sources", icon=":material/function:"):
    for norm in (NORMS[name] for name in spec.norms):
        st.markdown(f"**{norm.label}**: {norm.axes}. Parameters: {norm.parameters}. State: {norm.state}.")
        st.latex(norm.formula)
        if norm.source:
            paper = f"[{norm.source.title}](https://arxiv.org/abs/{norm.source.arxiv})"
            st.caption(f"{norm.source.authors} ({norm.source.year}), {paper}")
