"""The questions of the page "Train"."""

from __future__ import annotations

from normviz.figures import placement, train
from normviz.specs.placement import Placement
from normviz.specs.train import Train
from normviz.ui.question import Question

QUESTIONS: tuple[Question, ...] = (
    Question(
        label="The race",
        spec=Train,
        figures=train.figures,
        prediction=train.prediction,
        prose="The same network trains once with each normalization, from the same weights, on the same "
        "batches, at the same learning rate. The rate is part of the question: with the settings at first "
        "the four part at 0.3, while at 0.1 all of them learn.",
        formula=r"W \leftarrow W - \eta\,\nabla_W L,\qquad L = -\tfrac1B\sum_{n}\log p(y_n\mid x_n)",
        explained="η is the learning rate, B the batch size, L the cross entropy of the training batch. The "
        "test accuracy is measured in eval mode.\n\n"
        "A change in the middle of a run keeps the weights and what the optimizer remembers of them. Another "
        "batch size ends the running epoch; a new one is drawn. Another norm starts with γ = 1, β = 0, fresh "
        "running statistics (mean 0, variance 1) and no memory in the optimizer; weight norm starts with the "
        "length of the present weights. The frames before the change are those of the run without it.\n\n"
        "Batches of two classes each (under Expert) give batch norm the mean and the variance of two classes "
        "at a time, while its running averages, which eval mode uses, are of all pairs. To see what follows, "
        "take three hidden layers of 128 units, SGD with momentum at 0.05, 600 steps of 32 samples and "
        "several seeds: compare the test accuracy of batch norm with that of batch renormalization, layer "
        "norm and group norm, and each with its own in shuffled batches. Without normalization, look at how "
        "far the seeds lie apart.",
        sources="A residual network's basic block and its skip connections without parameters (option A): "
        "[He et al. 2016](https://arxiv.org/abs/1512.03385), fig. 2 and section 4.2. The schedule of batch "
        "renormalization: [Ioffe 2017](https://arxiv.org/abs/1702.03275), section 4, scaled to the run.",
        known="**Believed.** That batch norm shortens training by a fixed factor. **Known.** It depends on "
        "the learning rate: the networks that trained so much faster in [Ioffe & Szegedy "
        "2015](https://arxiv.org/abs/1502.03167) (section 4.2) also had a higher one. Give each variant "
        "several rates before you call one quicker.",
    ),
    Question(
        label="Before or after the activation?",
        spec=Placement,
        figures=placement.figures,
        prediction=placement.prediction,
        prose="Each network is trained twice, with the norm before the activation and with the norm after "
        "it, from the same weights and on the same batches. No place is called better unless the intervals "
        "over the seeds lie apart.",
        formula=r"\text{before: } a = \varphi(\operatorname{norm}(Wx))\qquad "
        r"\text{after: } a = \operatorname{norm}(\varphi(Wx))",
        explained="Intervals are the mean ± t·SD/√S over S seeds, 95%, Student's t with S-1 degrees of "
        "freedom. Intervals that overlap do not show that the places are equal; they show that these seeds "
        "do not tell.",
        sources="[Ioffe & Szegedy 2015](https://arxiv.org/abs/1502.03167), section 3.2: immediately before "
        "the nonlinearity.",
        known="**Believed.** That the original paper placed batch norm after the activation, and that one "
        "place is better. **Known.** The paper places it immediately before the nonlinearity.",
    ),
)
"""In the order of the buttons; the first is shown unless the URL names another."""
