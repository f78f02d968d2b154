"""The questions of the page "Why it works"."""

from __future__ import annotations

from normviz.figures import landscape, lr_init, noisy_bn, scale
from normviz.specs.landscape import Landscape
from normviz.specs.lr_init import LrInit
from normviz.specs.noisy_bn import NoisyBN
from normviz.specs.scale import Scale
from normviz.ui.question import Question

QUESTIONS: tuple[Question, ...] = (
    Question(
        label="Learning rate and initialization",
        spec=LrInit,
        figures=lr_init.figures,
        prediction=lr_init.prediction,
        prose="Every cell is a deep network, trained from the same seed by plain SGD at its own learning "
        "rate and with initial weights scaled by its own gain. A yellow cell with a dot learned the digits "
        "in these few steps; click one to see its whole training.",
        formula=r"W^{(0)}_\ell = \text{gain}\cdot\sqrt{\tfrac{2}{\text{fan-in}}}\;Z,\quad Z_{ij}\sim"
        r"\mathcal N(0,1) \qquad\qquad W^{(t+1)} = W^{(t)} - \eta\,\nabla_W L",
        explained="η is the learning rate, a column of the map; the gain is its row, and 1 is He "
        "initialization. In a ReLU network without normalization the outputs are proportional to the gain to "
        "the power of the number of layers: with ten hidden layers and the head, a gain of 2 makes them two "
        "thousand times larger. A norm behind each hidden layer takes that factor out of the forward pass "
        "(but for ε); what remains is the head's gain, and a gradient that is smaller for larger weights.",
        sources="[Ioffe & Szegedy 2015](https://arxiv.org/abs/1502.03167), section 3.3 (higher learning "
        "rates, scale of the weights); [Bjorck et al. 2018](https://arxiv.org/abs/1806.02375) (learning "
        "rates that diverge without it); [Santurkar et al. 2018](https://arxiv.org/abs/1805.11604) (why); "
        "initialization: [He et al. 2015](https://arxiv.org/abs/1502.01852), eq. 10.",
        known="**Believed.** Batch normalization was introduced as a cure for internal covariate shift: each "
        "layer would no longer have to follow the changing distribution of its inputs (Ioffe & Szegedy "
        "2015).\n\n"
        "**Known.** That it allows larger learning rates and depends less on the initialization was reported "
        "in the same paper, and is what the maps measure on a small network. Bjorck et al. (2018) ascribe "
        "the faster and better training mainly to the larger learning rates. Santurkar et al. (2018) found "
        "that how stable the layers' inputs are has little to do with it: noise added behind batch norm did "
        "not undo the benefit. They point to a smoother loss instead.\n\n"
        "**Open.** The maps show that more combinations work within these steps, not why, and not that the "
        "choice stops mattering: one seed, one network, one number of steps.",
    ),
    Question(
        label="Scale of the weights",
        spec=Scale,
        figures=scale.figures,
        prediction=scale.prediction,
        prose="The weights of one layer are multiplied by k, everything else stays: same network, same "
        "batch. Drag the slider below from W\u00a0×\u00a00.1 to W\u00a0×\u00a010 and watch which losses "
        "move, and what the gradients do.",
        formula=r"L(kW) = L(W) \quad\Rightarrow\quad \nabla L(kW) = \tfrac1k\,\nabla L(W),\qquad "
        r"\langle W,\nabla L(W)\rangle = 0,\qquad \eta_{\text{eff}} = \eta\,/\,\lVert W\rVert^2",
        explained="A norm behind the layer divides its output by a measure of its own size, so k cancels; "
        "what does not cancel is ε. Differentiating by W gives the second equation, by k the third: the "
        "gradient never points along the weights. Batch norm does so for each unit, layer and RMS norm for "
        "the whole matrix, group norm for each group. What is multiplied is the layer's weights and bias; "
        "where the norm acts on the weights themselves (weight norm, weight standardization), its parameter "
        "v.",
        sources="[Ioffe & Szegedy 2015](https://arxiv.org/abs/1502.03167), section 3.3; "
        "[Ba, Kiros & Hinton 2016](https://arxiv.org/abs/1607.06450), section 5.1; effective learning rate: "
        "[van Laarhoven 2017](https://arxiv.org/abs/1706.05350).",
        known="**Known.** The scale of weights before a norm makes no difference to what the network "
        "computes. It makes a difference to how fast they turn: the same step moves weights ten times as "
        "large a hundred times less, relative to their size. As each step is perpendicular to the weights, "
        "plain SGD makes them grow, and the effective learning rate falls by itself. Weight decay before a "
        "norm does not limit what the network can compute; it keeps the effective learning rate up (van "
        "Laarhoven 2017).\n\n"
        "**Open.** That the scale is free is one reason why the scale of the initialization matters less; "
        "it does not by itself make training faster.",
    ),
    Question(
        label="Smoothness",
        spec=Landscape,
        figures=landscape.figures,
        prediction=landscape.prediction,
        prose="Every few training steps we stop, walk from where the network stands along its gradient, "
        "half to four times as far as a step of the training goes, and look at loss and gradient of the "
        "same batch there. Then training goes on as if nobody had looked.",
        formula=r"\theta_a=\theta-a\,\eta\,\nabla L(\theta),\qquad L(\theta_a),\qquad "
        r"\frac{\lVert\nabla L(\theta_a)-\nabla L(\theta)\rVert}{\lVert\nabla L(\theta)\rVert},\qquad "
        r"\beta=\max_{a}\frac{\lVert\nabla L(\theta_a)-\nabla L(\theta)\rVert}"
        r"{\lVert\theta_a-\theta\rVert},\qquad a\in[\tfrac12,4]",
        explained="η is the learning rate. If the loss hardly varies along the line and the gradient there "
        "resembles the one here, a long step is as good as several short ones. The bands go from the least "
        "to the greatest value over a, medians over the seeds.",
        sources="After [Santurkar et al. 2018](https://arxiv.org/abs/1805.11604), section 3 and figure 4; "
        "the network and the range of steps are ours.",
        known="**Known.** Santurkar et al. (2018) measured this on a VGG network, found loss and gradient "
        "much steadier with batch norm, and proved bounds for a batch norm behind a linear layer. They also "
        "found that other ways of normalizing smooth the loss about as well: choose more normalizations "
        "above and see.\n\n"
        "**Open.** The looks are along one direction, at the points that each network passes, and these "
        "differ; β depends on the scale of the weights, which is free before a norm. A lower curve is not "
        "in itself a better network: compare the losses too.",
    ),
    Question(
        label="Noisy batch norm",
        spec=NoisyBN,
        figures=noisy_bn.figures,
        prediction=noisy_bn.prediction,
        prose="If batch norm helped by keeping the distribution of the activations steady, then spoiling "
        "just that should spoil the help. So behind every batch norm we give each unit a new mean and a new "
        "spread in every single step, and let the three networks race.",
        formula=r"y_{ij} = s_{ij}\,\mathrm{BN}(x)_{ij} + m_{ij},\quad m_{ij}\sim U(\mu_j\pm r),\ "
        r"s_{ij}\sim N(\sigma_j,r^2),\quad \mu_j\sim U(-\mu_{\max},\mu_{\max}),\ "
        r"\sigma_j\sim U(1,\sigma_{\max})",
        explained="For sample i and unit j; μ and σ are drawn anew in each step for each unit of each "
        "layer, m and s for each value. The greatest mean, the greatest factor and the spread r are the "
        "controls. In evaluation mode there is no noise. The shift of a network without normalization "
        "contains what changes from one batch to the next as well as what training changes.",
        sources="After [Santurkar et al. 2018](https://arxiv.org/abs/1805.11604), section 2.2; our network "
        "is smaller, and the constants of the noise are ours.",
        known="**Believed.** Batch norm helps because it reduces internal covariate shift, the change of "
        "each layer's inputs while the layers before it learn (Ioffe & Szegedy 2015).\n\n"
        "**Known.** Santurkar et al. (2018) trained networks with such noise, whose activations were less "
        "steady than without any norm, and they still trained faster than those. They conclude that the "
        "benefit does not rest on steadiness.\n\n"
        "**Open.** The noise costs something, and the more of it the more: noisy batch norm is not batch "
        "norm. Nor is noise the same as the drift that training causes, and nothing here says what batch "
        "norm does to that drift.",
    ),
)
"""In the order of the buttons; the first is shown unless the URL names another."""
