"""What there is to see in a deep network at initialization: templates for the experiment's numbers.

Each sentence is shown only when the numbers bear it out (``normviz.lab.experiments.signal_notes``).
"""

from __future__ import annotations

TEMPLATES: dict[str, str] = {
    "signal.overflow": "{norm}: from layer {layer} on the numbers are beyond the range of float32 (3e38); "
    "there is nothing left to draw.",
    "signal.explodes": "{norm}, batch of {batch}: on its way back the squared gradient of the activations "
    "grows {growth:.3f}-fold per layer; the closed form says {theory:.3f}. Over the whole depth its norm "
    "grows {times:.3g}-fold. The smaller the batch, the steeper.",
    "signal.explodes_about": "{norm}, batch of {batch}: on its way back the squared gradient of the "
    "activations grows {growth:.3f}-fold per layer; theory for large batches says about {theory:.2f}. Over "
    "the whole depth its norm grows {times:.3g}-fold.",
    "signal.explodes_unbounded": "{norm}, batch of {batch}: on its way back the squared gradient of the "
    "activations grows {growth:.2f}-fold per layer here. Theory has no finite rate for so few samples: the "
    "mean is made by the rare units whose {batch} values almost coincide.",
    "signal.explodes_alone": "{norm}, batch of {batch}: on its way back the squared gradient of the "
    "activations grows {growth:.3f}-fold per layer. Over the whole depth its norm grows {times:.3g}-fold.",
    "signal.held": "{norm}: the squared gradient of the activations keeps its size, {growth:.3f}-fold per "
    "layer.",
    "signal.which_gradient": "Which gradient? Without normalization the squared gradient of the activations "
    "changes {growth:.3g}-fold per layer on its way back, and yet the norm of the weights' gradient stays "
    "nearly the same ({weight:.2f}-fold): as the gradients shrink, the activations that they are multiplied "
    "with grow, or the other way round.",
    "signal.free_grows": "Without normalization the squared gradient of the activations grows "
    "{growth:.3g}-fold per layer on its way back; over the whole depth its norm grows {times:.3g}-fold.",
    "signal.free_fades": "Without normalization the squared gradient of the activations shrinks to "
    "{growth:.3g} of its size per layer on its way back; in layer 1 its norm is {times:.3g} times smaller "
    "than in the last one.",
    "signal.free_flat": "Without normalization the squared gradient of the activations keeps its size at this"
    " gain, {growth:.3f}-fold per layer.",
    "signal.keeps": "Without normalization the signal nearly keeps its size at this gain: SD {first:.2f} in "
    "layer 1, {last:.2f} in layer {depth}. Of networks of width {width}, theory expects 95% between {low:.2g}"
    " and {high:.2g}.",
    "signal.grows": "{norm}: the signal grows from SD {first:.2g} in layer 1 to {last:.2g} in layer {depth}. "
    "Of networks of width {width}, theory expects 95% between {low:.2g} and {high:.2g}.",
    "signal.dies": "{norm}: the signal fades from SD {first:.2g} in layer 1 to {last:.2g} in layer {depth}. "
    "Of networks of width {width}, theory expects 95% between {low:.2g} and {high:.2g}.",
    "signal.alike": "{norm}: in layer {depth} all samples look alike, with a mean cosine of {cosine:.2f} "
    "between them ({first:.2f} in layer 1).",
    "signal.alike_and_apart": "{norm}: in layer {depth} all samples look alike, with a mean cosine of "
    "{cosine:.2f} between them ({first:.2f} in layer 1). {other} keeps them apart: {apart:.2f}.",
    "signal.dead": "{norm}: in {layers} of {depth} layers more than a quarter of the units are dead, that is,"
    " zero for every sample of the batch (layer {layer}: {share:.0%}).",
    "signal.saturated": "{norm}: in {layers} of {depth} layers more than a quarter of the values are "
    "saturated (layer {layer}: {share:.0%}).",
    "signal.loss": "{norm}: the loss is {loss:.3g} before any training, where guessing costs ln {classes} = "
    "{chance:.2f}. The head's outputs already differ, and know nothing.",
    "signal.guessing": "The loss before any training is at most {loss:.3g}, about what guessing costs: ln "
    "{classes} = {chance:.2f}.",
}
"""Templates by the id of their note."""
