"""Forgot eval(): the bug that no validation sees, its damage, its repairs, and the opposite mistakes."""

import streamlit as st

from normviz.figures.forgotten_eval import figures, prediction
from normviz.specs.forgotten_eval import ForgottenEval
from normviz.ui.controls import controls
from normviz.ui.stage import stage
from normviz.ui.words import _, spoken

st.title(spoken(ForgottenEval.title))
st.markdown(
    _(
        "A network is trained, then used without `model.eval()`: each answer depends on the batch it comes "
        "in. **Act 1**: validated in large batches, nothing looks wrong. **Act 2**: in use, in small "
        "batches, the same weights fail. More charts tell **why**, the **repair**, and the **opposite "
        "mistakes**."
    )
)
spec = controls(ForgottenEval)
stage(spec, figures, predict=prediction(spec))

st.header(_("Why"))
st.markdown(
    _(
        "Training mode normalizes by the mean and the variance of the *current batch*, evaluation mode by "
        "running averages of them, which every pass in training mode moves by the momentum $m$ (Keras's 0.99 "
        "is $m=0.01$):"
    )
)
st.latex(
    r"\begin{aligned}\text{train:}\quad \hat x&=(x-\mu_B)\,/\sqrt{\sigma_B^2+\varepsilon}\\"
    r"\text{eval:}\quad \hat x&=(x-\mu)\,/\sqrt{\sigma^2+\varepsilon}\\"
    r"\mu&\leftarrow(1-m)\,\mu+m\,\mu_B\end{aligned}"
)
st.markdown(
    _(
        "The mean of $B$ samples scatters with variance $\\sigma^2/B$: small batches are noisy, and a batch "
        "of one class has the mean of that class. After $t$ steps $(1-m)^t$ of the initial statistics is "
        "left: with too few steps evaluation mode lags behind."
    )
)
st.header(_("Repair"))
st.markdown(
    _(
        "Call `model.eval()`. The move of $\\mu$ and $\\sigma^2$ also happens under `torch.no_grad()`, and "
        "stays when `eval()` comes later: then recalibrate, that is, average them anew over training "
        "batches. Layer and group norm look at each sample alone and have nothing to forget."
    )
)
st.header(_("The opposite mistakes"))
st.markdown(
    _(
        "*Training in eval mode*: the norm keeps $\\mu=0$, $\\sigma^2=1$ and normalizes nothing. *Statistics "
        "of other pictures*: they fit the data that they were averaged over; recalibrate where those change. "
        "*`model.train()` before fine-tuning* wakes the norms of a finished network: in small or one-sided "
        "batches keep them in eval mode. *Dropout before batch norm*: with mean $c$ and variance $v$ of the "
        "input, and a share $p$ of it kept, the variance in use over the stored one is"
    )
)
st.latex(r"\frac{v}{(c^2+v)/p-c^2}")
st.caption(
    _(
        "Ioffe & Szegedy 2015, arXiv:1502.03167; recalibration: Wu & Johnson 2021, arXiv:2105.07576; "
        "dropout: Li et al. 2018, arXiv:1801.05134."
    )
)
