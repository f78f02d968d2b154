"""Sequences: RNN and transformer, who sees the future and the batch-mates, pre-norm and post-norm."""

import streamlit as st

from normviz.figures.sequences import figures, prediction
from normviz.specs.sequences import Sequences
from normviz.ui.controls import controls
from normviz.ui.stage import stage
from normviz.ui.words import _, spoken

st.title(spoken(Sequences.title))
st.markdown(
    _(
        "A network reads a sequence step by step and must not look ahead; does its normalization keep to "
        "that? While the variants train, the second half of one sequence is changed: every answer that moves "
        "before that point has seen the future."
    )
)
spec = controls(Sequences)
stage(spec, figures, predict=prediction(spec))

with st.expander(_("Formulas and sources"), icon=":material/function:"):
    st.markdown(_("Layer norm in a recurrence looks at one sequence and one step:"))
    st.latex(
        r"a_t=W_h h_{t-1}+W_x x_t+b,\qquad h_t=\tanh\!\Big(\gamma\odot\frac{a_t-\mu_t}{\sqrt{\sigma_t^2+"
        r"\varepsilon}}+\beta\Big),\quad \mu_t=\tfrac1C\textstyle\sum_i a_{t,i}"
    )
    st.caption(
        _("Ba, Kiros & Hinton 2016, arXiv:1607.06450; RMS norm: Zhang & Sennrich 2019, arXiv:1910.07467.")
    )
    st.markdown(
        _(
            "Batch norm there averages each step over the sequences of the batch that have not ended, and "
            "keeps running statistics for each step (Cooijmans et al. 2017, arXiv:1603.09025; γ starts at 1 "
            "here, at 0.1 there). In the transformer it averages over all steps of the batch, the padding "
            "left out; group and instance norm average over the steps of one sequence. The two places of a "
            "norm there:"
        )
    )
    st.latex(
        r"\text{pre-norm: }x\leftarrow x+F(\mathrm{norm}(x))\qquad\text{post-norm: }x\leftarrow\mathrm{norm}"
        r"(x+F(x))"
    )
    st.caption(
        _(
            "Xiong et al. 2020, arXiv:2002.04745: at initialization the gradient of the last feed-forward "
            "block falls as 1/√L with pre-norm and does not fall with post-norm; they explain the warm-up by "
            "it."
        )
    )
