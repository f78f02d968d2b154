"""What there is to see in a deep network at initialization, as templates; the experiment supplies the numbers.

Each sentence is shown only when the numbers bear it out (``normviz.lab.experiments.signal_notes``).
"""

from __future__ import annotations

TEMPLATES: dict[str, str] = {
    "signal.overflow": "{norm}: from layer {layer} on the numbers are beyond the range of float32 (3e38); there is "
    "nothing to draw.",
    "signal.explodes": "{norm}, batch of {batch}: on its way back the squared gradient of the activations grows "
    "{growth:.3f}-fold per layer (closed form: {theory:.3f}), so that its norm is {times:.3g} times larger in "
    "layer 1 than in the last one. The smaller the batch, the steeper.",
    "signal.explodes_unbounded": "{norm}, batch of {batch}: on its way back the squared gradient of the activations "
    "grows {growth:.3f}-fold per layer here. For so few samples the closed form has no finite rate: single units "
    "with three nearly equal values decide.",
    "signal.explodes_alone": "{norm}, batch of {batch}: on its way back the squared gradient of the activations grows "
    "{growth:.3f}-fold per layer, so that its norm is {times:.3g} times larger in layer 1 than in the last one.",
    "signal.which_gradient": "Which gradient? Without normalization the squared gradient of the activations changes "
    "{growth:.3g}-fold per layer, while that of the weights stays nearly the same ({weight:.2f}-fold): as one factor "
    "of it grows, the other shrinks.",
    "signal.free_grows": "Without normalization the squared gradient of the activations grows {growth:.3g}-fold per "
    "layer on its way back; its norm is {times:.3g} times larger in layer 1 than in the last one.",
    "signal.free_fades": "Without normalization the squared gradient of the activations changes {growth:.3g}-fold per "
    "layer on its way back; its norm is {times:.3g} times smaller in layer 1 than in the last one.",
    "signal.free_flat": "Without normalization the gradient of the activations keeps its size at this gain: its square "
    "changes {growth:.3g}-fold per layer.",
    "signal.keeps": "Without normalization the signal keeps its size at this gain: SD {first:.2f} in layer 1, "
    "{last:.2f} in layer {depth} (theory for wide networks: {theory:.2f}).",
    "signal.grows": "{norm}: the signal grows from SD {first:.2g} in layer 1 to {last:.2g} in layer {depth} (theory for "
    "wide networks: {theory:.2g}).",
    "signal.dies": "{norm}: the signal fades from SD {first:.2g} in layer 1 to {last:.2g} in layer {depth} (theory for "
    "wide networks: {theory:.2g}).",
    "signal.alike": "{norm}: behind layer {depth} all samples look alike, with a mean cosine of {cosine:.2f} "
    "({first:.2f} behind layer 1).",
    "signal.alike_and_apart": "{norm}: behind layer {depth} all samples look alike, with a mean cosine of {cosine:.2f} "
    "({first:.2f} behind layer 1). {other} keeps them apart: {apart:.2f}.",
    "signal.dead": "{norm}: in {layers} of {depth} layers more than a quarter of the units are dead (zero for every "
    "sample of the batch); in layer {layer} {share:.0%}.",
    "signal.saturated": "{norm}: in {layers} of {depth} layers more than a quarter of the values are saturated; in "
    "layer {layer} {share:.0%}.",
    "signal.loss": "Loss before training: {loss:.3g} with {norm}, where guessing costs ln {classes} = {chance:.2f}. The "
    "head's outputs already differ from each other, without knowing anything.",
    "signal.guessing": "Loss before training: at most {loss:.3g} ({norm}), about what guessing costs, "
    "ln {classes} = {chance:.2f}.",
}
"""Templates by the id of their note."""
