"""What to look for: sentences about what is on screen now, made from the numbers of a frame.

A runner puts ``Note(id, numbers)`` into a frame; the browser fills the template of that id
(``ui/assets/notes.js``).  Templates are in Python's format language; understood are ``{name}``, ``{name:d}``,
``{name:.2f}``, ``{name:.3g}``, ``{name:.1e}``, ``{name:.0%}``, ``{name:,}`` and a leading ``+``.
"""

from normviz.catalog.networks import NETWORKS
from normviz.catalog.norms import NORMS
from normviz.readings import (
    batch_size,
    claims,
    cost,
    forgotten_eval,
    landscape,
    lr_init,
    noisy_bn,
    placement,
    regularization,
    scale,
    sequences,
    signal,
    train,
)
from normviz.specs.batch_size import GHOST_TWICE
from normviz.specs.batch_size_frames import CASES
from normviz.specs.noisy_bn_frames import LABELS
from normviz.specs.regularization_frames import VARIANTS

TEMPLATES: dict[str, str] = {
    **train.TEMPLATES,
    **forgotten_eval.TEMPLATES,
    **signal.TEMPLATES,
    **batch_size.TEMPLATES,
    **regularization.TEMPLATES,
    **lr_init.TEMPLATES,
    **scale.TEMPLATES,
    **landscape.TEMPLATES,
    **noisy_bn.TEMPLATES,
    **placement.TEMPLATES,
    **sequences.TEMPLATES,
    **claims.TEMPLATES,
    **cost.TEMPLATES,
}
"""Every template by the id of its note."""

VALUES: tuple[str, ...] = (
    *(fact.within for fact in NORMS.values()),
    *LABELS.values(),
    *(variant.label for variant in VARIANTS.values()),
    *(part for network in NETWORKS.values() for part in network.parts),
    *CASES,
    *dict.fromkeys(why for fact in NORMS.values() for why in fact.unfit.values()),
    GHOST_TWICE,
    "Without normalization",
    "No normalization",
    *("Measurement", "measurement", "Scale of the weights", "W ×", "Round", "round"),  # what frames run over
)
"""What runs say in notes and schemas besides labels of norms."""
