"""What there is to see while a layer's weights are dragged: templates for the experiment's numbers.

Each sentence is shown only when the numbers bear it out (``normviz.lab.experiments.scale_notes``).
"""

from __future__ import annotations

TEMPLATES: dict[str, str] = {
    "scale.diverged": "{norm}: no finite loss, or no gradient at all; the training before has broken this "
    "network. Train it at a lower learning rate.",
    "scale.untouched": "W × 1: the weights of layer {layer} as they are. Drag the slider either way.",
    "scale.moves": "{norm}, W × {k:.3g}: the loss goes from {first:.4g} to {loss:.4g}, the gradient is "
    "{gradient:.3g} times that at × 1.",
    "scale.stays": "{norm}, W × {k:.3g}: the loss is {loss:.4f}, at × 1 it was {first:.4f}; the gradient is "
    "{gradient:.3g} times that at × 1.",
    "scale.exact": "From W × 0.1 to × 10 the loss stays the same to rounding (largest relative change "
    "{most:.1e}): {norms}.",
    "scale.nearly": "From W × 0.1 to × 10 the loss stays the same but for ε = {eps:.1g} (largest relative "
    "change {most:.1e}): {norms}. The smaller the weights, the more ε weighs.",
    "scale.swamped": "With ε = {eps:.2g} the scale does not cancel here: the loss changes by up to {most:.1%}"
    " ({norms}). For small weights ε is no longer small beside the variance.",
    "scale.renorm": "{norms} corrects towards running statistics, and those still know the old scale: the "
    "loss changes by up to {most:.0%}.",
    "scale.dyt": "{norms} bounds each value and divides by nothing: the loss changes by up to {most:.0%}.",
    "scale.rows": "{norm}: each row of weights is perpendicular to its gradient (largest cosine {row:.1e}): "
    "each unit's scale is free.",
    "scale.whole": "{norm}: single rows are not perpendicular to their gradients (cosines up to {row:.2f}), "
    "but the whole matrix is ({whole:.1e}): only the common scale of all units is free.",
    "scale.effective_rate": "{norm}, W × {k:.3g}: a step of SGD at {lr:g} moves the weights by {here:.2g} of "
    "their size, at × 1 by {first:.2g}: divided by k² = {square:.3g}. The effective learning rate is "
    "lr/‖W‖² (van Laarhoven 2017).",
}
"""Templates by the id of their note."""
