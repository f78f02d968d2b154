"""Forgot eval(): the bug that no validation sees, its damage, and its repairs."""

import streamlit as st

from normviz.figures.forgotten_eval import figures
from normviz.specs.forgotten_eval import ForgottenEval
from normviz.ui.controls import controls
from normviz.ui.stage import stage

st.title(ForgottenEval.title)
st.markdown(
    "A network with batch norm is trained, then used without `model.eval()`: each prediction is normalized by the "
    "statistics of whatever batch it happens to be in. **Act 1**: validated in large batches, nothing looks wrong. "
    "**Act 2**: in use, in small batches, the same weights fail. **Repair**: what helps, measured."
)
spec = controls(ForgottenEval)
stage(spec, *figures(spec))

st.subheader("Why")
st.markdown(
    "In training mode batch norm subtracts the mean $\\mu_B$ of the *current batch* and divides by its deviation; "
    "in evaluation mode it uses averages collected while training:"
)
st.latex(
    r"\text{train: } \hat x=\frac{x-\mu_B}{\sqrt{\sigma_B^2+\varepsilon}}\qquad"
    r"\text{eval: } \hat x=\frac{x-\mu}{\sqrt{\sigma^2+\varepsilon}}\qquad"
    r"\mu\leftarrow(1-m)\,\mu+m\,\mu_B"
)
st.markdown(
    "The mean of $B$ samples scatters with variance $\\sigma^2/B$, so the harm grows as batches shrink; batches of one "
    "class shift the mean itself. And every forward pass in training mode moves $\\mu$ and $\\sigma^2$, even under "
    "`torch.no_grad()`: that damage stays when `eval()` is called later. Recalibration averages them anew; layer and "
    "group norm have nothing to forget, each sample is normalized by itself."
)
st.caption("Ioffe & Szegedy 2015, Batch Normalization, arXiv:1502.03167. Wu & Johnson 2021, arXiv:2105.07576.")
