"""Forgot eval(): the bug that no validation sees, its damage, and its repairs."""

import streamlit as st

from normviz.figures.forgotten_eval import figures, prediction
from normviz.specs.forgotten_eval import ForgottenEval
from normviz.ui.controls import controls
from normviz.ui.stage import stage

st.title(ForgottenEval.title)
st.markdown(
    "A network is trained, then used without `model.eval()`: each answer depends on the batch it comes "
    "in. **Act 1**: validated in large batches, nothing looks wrong. **Act 2**: in use, in small "
    "batches, the same weights fail. **Repair**: what helps, each measured."
)
spec = controls(ForgottenEval)
stage(spec, *figures(spec), predict=prediction(spec))

st.subheader("Why")
st.markdown(
    "Training mode normalizes by the mean and the variance of the *current batch*, evaluation mode by "
    "running averages of them, which every pass in training mode moves by the momentum $m$:"
)
st.latex(
    r"\begin{aligned}\text{train:}\quad \hat x&=(x-\mu_B)\,/\sqrt{\sigma_B^2+\varepsilon}\\"
    r"\text{eval:}\quad \hat x&=(x-\mu)\,/\sqrt{\sigma^2+\varepsilon},\quad"
    r"\mu\leftarrow(1-m)\,\mu+m\,\mu_B\end{aligned}"
)
st.markdown(
    "The mean of $B$ samples scatters with variance $\\sigma^2/B$: small batches are noisy, and a batch "
    "of one class has the mean of that class. The move of $\\mu$ and $\\sigma^2$ also happens under "
    "`torch.no_grad()`, and stays when `eval()` comes later; recalibration averages them anew. Layer "
    "and group norm look at each sample alone and have nothing to forget."
)
st.caption("Ioffe & Szegedy 2015, arXiv:1502.03167; recalibration: Wu & Johnson 2021, arXiv:2105.07576.")
