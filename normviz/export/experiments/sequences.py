"""The scripts of Sequences: who sees the future, both modes, deep transformers."""

from __future__ import annotations

from typing import Any

from normviz.catalog.sequences import SEQUENCE_NETWORKS
from normviz.export.experiments.settings import ACTIVATIONS, AGREEMENT, alike, pieces_of, special, told
from normviz.export.recipes import Recipe
from normviz.phrases import phrase
from normviz.specs import sequences_frames as recorded
from normviz.specs.sequences import Sequences


def sequences(spec: Sequences) -> tuple[Recipe, ...]:
    """The race and the future, both modes, and deep transformers."""
    chapters = (
        _trained(
            spec, "future", phrase("The race, and who sees the future"),
            ("sequence_training", "answers", "sequences"),
            "Networks that read sequences, with one normalization after the other: how fast they learn, and "
            "whose answers move when the future of one sequence is changed.",
        ),
        _trained(
            spec, "modes", phrase("Both modes, a batch of one, padding"),
            ("fitting", "answers", "sequence_modes"),
            "Networks that read sequences, with one normalization after the other: how evaluation mode "
            "differs from training mode, and what batch-mates and padding do to the answers.",
            POOLED=recorded.pooled(spec),
        ),
    )  # fmt: skip
    return (*chapters, _deep(spec)) if spec.deep_norms else chapters


def _trained(
    spec: Sequences, name: str, label: str, pieces: tuple[str, ...], shows: str, **own: Any
) -> Recipe:
    settings = {
        **_common(spec),
        "EVERY": recorded.EVERY,
        "EVALUATE_EVERY": recorded.EVALUATE_EVERY,
        "TESTED": recorded.TESTED,
        "WATCHED": recorded.WATCHED,
        "CHANGED_FROM": spec.changed_from,
        "APPENDED": recorded.APPENDED,
        "CURVE_STEPS": (),
        **own,
    }
    return Recipe(
        spec,
        shows=shows,
        expects=AGREEMENT,
        pieces=(*pieces_of(spec.net, spec.data), "training", *pieces),
        settings=settings,
        choices={"norm": spec.norms, **alike(settings)},
        chapter=name,
        label=label,
    )


def _deep(spec: Sequences) -> Recipe:
    settings = {
        **_common(spec),
        **special(spec.deep_norms),
        "NETWORK": "transformer",
        "NORMS": spec.deep_norms,
        "RENORM": False,
        "R_MAX": 1.0,  # untrained, batch renormalization is batch norm
        "D_MAX": 0.0,
        "MASKED": True,
        "WIDTH": spec.deep_width,
        "ACTIVATION": ACTIVATIONS["relu"],
        "PLACEMENT": "before",
        "PLACES": recorded.PLACES,
        "DEPTHS": spec.depths,
        "DEPTH": spec.depths[-1],
        "DEEP_BATCH": recorded.DEEP_BATCH,
    }
    return Recipe(
        spec,
        shows="Transformers as they are drawn: how the gradient of the last layers changes with the depth, "
        "with the norm before each block (pre-norm) or after the sum of input and block (post-norm).",
        expects="The numbers agree with those on the page within the rounding of 32-bit floats.",
        pieces=(*pieces_of(SEQUENCE_NETWORKS["transformer"], spec.data), "deep_sequences"),
        settings=settings,
        choices={"norm": spec.deep_norms, **alike(settings, "placement", "depth")},
        chapter="depth",
        label=phrase("Deep transformers, untrained"),
    )


def _common(spec: Sequences) -> dict[str, Any]:
    return {
        **told(spec, spec.net, spec.data),
        **special(spec.norms),
        "MASKED": spec.masked,
        "RENORM": "batch_renorm" in spec.norms,
        "DEPTH": spec.layers,
        "ACTIVATION": ACTIVATIONS[spec.activation],
        "GAIN": 0.5**0.5,
        "OPTIMIZER": "adam",
        "STEPS": spec.training_steps,
    }
