"""The scripts of Batch size: the error by the batch of a norm, and what torch does with a batch of one."""

from __future__ import annotations

from normviz.catalog.networks import NETWORKS
from normviz.export.experiments.settings import AGREEMENT, DIGITS, alike, pieces_of, told
from normviz.export.recipes import Recipe
from normviz.phrases import phrase
from normviz.specs import batch_size_frames as recorded
from normviz.specs.batch_size import BatchSize


def batch_size(spec: BatchSize) -> tuple[Recipe, ...]:
    """The trained networks, and single layers."""
    return _trained(spec), _of_one(spec)


def _trained(spec: BatchSize) -> Recipe:
    net, over_parts = NETWORKS[spec.network], spec.changes == "statistics"
    settings = {
        **told(spec, net),
        "NORMS": spec.variants,
        "REAL_SIZES": recorded.SIZES,
        "FULL_BATCH": recorded.LARGEST,
        "RENORM": "batch_renorm" in spec.variants,
        "MOVED_ONCE": True,
        "IN_PARTS": recorded.OVER_PARTS if over_parts else (),
        "ACCUMULATED": spec.accumulated,
        "MICRO_BATCH": spec.micro_batch,
        "WIDTH": spec.first_width,
        "OPTIMIZER": "momentum",
        "STEPS": spec.steps,
    }
    return Recipe(
        spec,
        shows="How the error of the trained network depends on the batch from which its norm takes the "
        "statistics.",
        expects=AGREEMENT,
        pieces=(*pieces_of(net, DIGITS), "parts", "training", "batch_size"),
        settings=settings,
        choices={"norm": spec.variants, **alike(settings, "lr")},
        chapter="training",
        label=phrase("Error against batch size"),
    )


def _of_one(spec: BatchSize) -> Recipe:
    return Recipe(
        spec,
        shows="What torch's layers do with a batch of one, also as the last one of a data loader; and how "
        "far the two modes of one batch norm layer are apart.",
        expects="The same layers on the same numbers: the page shows the same.",
        pieces=("draws", "digits", "batch_of_one"),
        settings={**told(spec), "GAP_SIZES": recorded.GAP_SIZES},
        chapter="one",
        label=phrase("A batch of one"),
    )
