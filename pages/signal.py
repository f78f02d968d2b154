"""Signal: a deep network at initialization, and what becomes of values, gradients and samples in it."""

import streamlit as st

from normviz.figures.signal import figures, prediction
from normviz.specs.signal import Signal
from normviz.ui.controls import controls
from normviz.ui.stage import stage
from normviz.ui.words import _, spoken

st.title(spoken(Signal.title))
st.markdown(
    _(
        "One batch goes through freshly drawn networks, forward and back, and nothing is trained: what each "
        "layer does to sizes, gradients and angles is repeated in every layer, so small differences grow "
        "exponentially. This is where a network starts; an initialization alone does not decide how it "
        "learns."
    )
)
spec = controls(Signal)
stage(spec, figures, predict=prediction(spec))

with st.expander(_("Formulas and sources"), icon=":material/function:"):
    st.markdown(
        _(
            "Weights have variance $s/\\text{fan-in}$ with $s=2\\,\\text{gain}^2$; $q$ is the mean square of "
            "the pre-activations, $g$ the squared gradient of the activations. In a wide network without "
            "normalization a layer changes them, on their way forward and back, by"
        )
    )
    st.latex(
        r"q \leftarrow s\,\mathbb E\,\varphi(\sqrt q Z)^2 \qquad "
        r"g \leftarrow g\cdot s\,\mathbb E\,\varphi'(\sqrt q Z)^2,\qquad Z\sim\mathcal N(0,1)"
    )
    st.caption(_("Poole et al. 2016, arXiv:1606.05340; Schoenholz et al. 2017, arXiv:1611.01232."))
    st.markdown(
        _("Behind batch norm the squared gradient grows per layer by, for a linear network and for ReLU,")
    )
    st.latex(
        r"\frac{B-2}{B-3} \qquad \frac{B-1+J'(c)}{(B-3)\,(1-J(c))}-\frac1{B-3},\quad c=\frac{-1}{B-1},\quad "
        r"J(c)=\frac{\sqrt{1-c^2}+(\pi-\arccos c)\,c}{\pi}"
    )
    st.markdown(
        _(
            "which is $\\pi/(\\pi-1)\\approx1.47$ for ReLU and large batches: subtracting the mean over the "
            "batch removes what the samples have in common, and what is left is scaled up. $J$ is also what "
            "ReLU does to the cosine between two samples: layer after layer it pulls them together, unless a "
            "batch norm pushes them apart."
        )
    )
    st.caption(
        _("Yang et al. 2019, arXiv:1902.08129; Cho & Saul 2009; finite width: Hanin 2018, arXiv:1801.03744.")
    )
