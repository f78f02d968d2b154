"""Batch size: how few samples a norm's statistics can stand on."""

import streamlit as st

from normviz.figures.batch_size import figures
from normviz.specs.batch_size import BatchSize
from normviz.ui.controls import controls
from normviz.ui.stage import stage

st.title(BatchSize.title)
st.markdown(
    "Batch norm estimates a mean and a variance from the samples that happen to be together; the fewer they "
    "are, the noisier the estimate. One network is trained at every size, from the same weights on the same "
    "digits, and its error is watched while it learns."
)
spec = controls(BatchSize)
stage(spec, *figures(spec))

st.subheader("Why")
st.markdown("On normal inputs training and evaluation mode of one batch norm layer are apart by")
st.latex(
    r"\mathbb E\,(y_\text{train}-y_\text{eval})^2 = 2-2\sqrt{\tfrac2B}\,"
    r"\frac{\Gamma(B/2)}{\Gamma\big((B-1)/2\big)} \approx \frac{3}{2B}"
)
st.markdown(
    "At $B=2$ every output of training mode is $\\pm1$ (before $\\gamma$ and $\\beta$): the network learns "
    "on signs and is then evaluated on numbers. At $B=1$ the variance is zero, and torch refuses. "
    "Accumulated gradients do not help: each micro-batch is normalized by itself. Group and layer norm look "
    "at one sample at a time and never notice the batch."
)
st.caption(
    "Ioffe & Szegedy 2015, arXiv:1502.03167; ghost batches: Hoffer et al. 2017, arXiv:1705.08741; batch "
    "renormalization: Ioffe 2017, arXiv:1702.03275; group norm and small batches: Wu & He 2018, "
    "arXiv:1803.08494; filter response norm: Singh & Krishnan 2020, arXiv:1911.09737."
)
