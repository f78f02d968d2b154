"""Batch size: how few samples a norm's statistics can stand on, and what their noise is good for."""

import streamlit as st

from normviz.figures import batch_size, regularization
from normviz.specs.batch_size import BatchSize
from normviz.specs.regularization import Regularization
from normviz.ui.controls import controls
from normviz.ui.questions import question
from normviz.ui.stage import stage

kind = question(BatchSize, Regularization)
st.title(kind.title)

if kind is Regularization:
    st.markdown(
        "Batch statistics differ from batch to batch, and it is often said that this noise regularizes like "
        "dropout. Few digits, many seeds: whether the 95% intervals are apart decides what may be said."
    )
    settings = controls(Regularization)
    stage(settings, *regularization.figures(settings))
    st.caption(
        "Intervals: mean ± t·s/√n over the seeds. Dropout: Srivastava et al. 2014; the claim: Ioffe & "
        "Szegedy 2015, arXiv:1502.03167, section 3.4; dropout in front of batch norm shifts its variance: Li et al. "
        "2018, arXiv:1801.05134."
    )
    st.stop()

st.markdown(
    "Batch norm estimates a mean and a variance from the samples that happen to be together; the fewer they "
    "are, the noisier the estimate. One network is trained at every size, from the same weights on the same "
    "digits, and its error is watched while it learns."
)
spec = controls(BatchSize)
stage(spec, *batch_size.figures(spec))

st.subheader("Why")
st.markdown("On normal inputs training and evaluation mode of one batch norm layer are apart by")
st.latex(
    r"\begin{aligned}\mathbb E\,(y_\text{train}-y_\text{eval})^2 &= 2-2\sqrt{\tfrac2B}\,"
    r"\frac{\Gamma(B/2)}{\Gamma\big((B-1)/2\big)}\\ &\approx \frac{3}{2B}\end{aligned}"
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
