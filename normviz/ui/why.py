"""The questions of the page "Why it works"."""

from __future__ import annotations

from normviz.figures import lr_init
from normviz.specs.lr_init import LrInit
from normviz.ui.questions import Question

QUESTIONS: tuple[Question, ...] = (
    Question(
        label="Learning rate and initialization",
        spec=LrInit,
        figures=lr_init.figures,
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
)
"""In the order of the buttons; the first is shown unless the URL names another."""
