"""The questions of the page "Batch size"."""

from __future__ import annotations

from normviz.figures import batch_size, regularization
from normviz.specs.batch_size import BatchSize
from normviz.specs.regularization import Regularization
from normviz.ui.question import Question

QUESTIONS: tuple[Question, ...] = (
    Question(
        label="Error against batch size",
        spec=BatchSize,
        figures=batch_size.figures,
        prediction=batch_size.prediction,
        prose="Batch norm estimates a mean and a variance from the samples that happen to be together; the "
        "fewer they are, the noisier the estimate. Here one network is trained at every size, from the same "
        "weights on the same digits, and its error is watched while it learns.",
        formula=r"\begin{aligned}\mathbb E\,(y_\text{train}-y_\text{eval})^2 &= 2-2\sqrt{\tfrac2B}\,"
        r"\frac{\Gamma(B/2)}{\Gamma\big((B-1)/2\big)}\\ &\approx \frac{3}{2B}\end{aligned}",
        explained="How far training and evaluation mode of one batch norm layer are apart, on normal inputs "
        "in batches of $B$. At $B=2$ every output of training mode is $\\pm1$ (before γ and β): the network "
        "learns on signs and is then evaluated on numbers. As $\\pm1$ does not change with the two values, "
        "no gradient (but for ε) comes through to the layers before; batch renormalization, whose correction "
        "no gradient passes, cannot change that. At $B=1$ the variance is zero.\n\n"
        "Where only the statistics change, the parts of a batch are normalized side by side, as on several "
        "devices, and the running statistics move once an update, by the mean over the parts. Batch "
        "renormalization is batch norm for the first 5% of the run (the warm-up under Expert); then its "
        "limits grow, $d$ until five times as far and $r$ until eight times: the paper's schedule, scaled to "
        "the run.",
        sources="[Ioffe & Szegedy 2015](https://arxiv.org/abs/1502.03167); ghost batches: [Hoffer et al. "
        "2017](https://arxiv.org/abs/1705.08741); batch renormalization: [Ioffe 2017]"
        "(https://arxiv.org/abs/1702.03275); group norm and small batches: [Wu & He 2018]"
        "(https://arxiv.org/abs/1803.08494); filter response norm: [Singh & Krishnan 2020]"
        "(https://arxiv.org/abs/1911.09737).",
        known="**Believed.** Below a batch size of four, batch norm is unstable; gradient accumulation makes "
        "small batches large.\n\n"
        "**Known.** Wu and He (2018) found batch norm's error to grow quickly below 16 samples on large "
        "image models, and group norm's not. Accumulated gradients enlarge the batch of the update, not "
        "that of the statistics: each micro-batch is normalized by itself. A convolution averages over "
        "the picture as well, so that its statistics stand on more values.\n\n"
        "**Open.** Where the trouble begins depends on the network, the data and how long one trains; the "
        "charts hold for this one.",
    ),
    Question(
        label="Batch noise and dropout",
        spec=Regularization,
        figures=regularization.figures,
        prose="Batch statistics differ from batch to batch, and it is often said that this noise regularizes "
        "as dropout does. Few digits, many seeds: whether the intervals are apart decides what may be said.",
        formula=r"\bar e \pm t_{0.975,\,n-1}\,\frac{s}{\sqrt n}",
        explained="The 95% interval of the mean error over $n$ seeds, whose standard deviation is $s$. Two "
        "intervals that overlap settle nothing. Differences within a seed are sharper, since both networks "
        "have the same digits and the same initial weights.",
        sources="The claim: [Ioffe & Szegedy 2015](https://arxiv.org/abs/1502.03167), section 3.4; dropout: "
        "Srivastava et al. 2014, Journal of Machine Learning Research 15; dropout in front of batch norm: "
        "[Li et al. 2018](https://arxiv.org/abs/1801.05134).",
        known="**Believed.** Batch norm's noise regularizes, so that dropout can go.\n\n"
        "**Known.** Ioffe and Szegedy (2015) removed dropout from their image network without more "
        "overfitting. Dropout in front of batch norm changes the variance that it sees between training and "
        "evaluation (Li et al. 2018).\n\n"
        "**Open.** Whether what batch norm gains comes from its noise: layer norm, which has none, is the "
        "control here. The learning rate and the batch size move all variants, and not alike.",
    ),
)
"""In the order of the buttons; the first is shown unless the URL names another."""
