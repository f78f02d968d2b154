"""What to look for: sentences about what is on screen now, made from the numbers of a frame.

A runner puts ``Note(id, numbers)`` into a frame; the browser fills the template of that id
(``ui/assets/notes.js``).  Templates are in Python's format language; understood are ``{name}``, ``{name:d}``,
``{name:.2f}``, ``{name:.3g}``, ``{name:.1e}``, ``{name:.0%}``, ``{name:,}`` and a leading ``+``.
"""

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

VALUES: tuple[str, ...] = ()
"""Texts other than names of norms that runs put into the places of templates."""
