"""The script of Start."""

from __future__ import annotations

from normviz.export.experiments.settings import AGREEMENT, DIGITS, alike, pieces_of, told
from normviz.export.recipes import Recipe
from normviz.specs.start import TILES, Start


def start(spec: Start) -> Recipe:
    """The network that ships with the page, trained anew; it is the same but for rounding."""
    settings = {
        **told(spec),
        "DEPTH": 3,
        "WIDTH": 128,
        "OPTIMIZER": "momentum",
        "LR": 0.05,
        "BATCH_SIZE": 32,
        "STEPS": 20 * (DIGITS.n_train // 32),
        "CURVE_STEPS": (),
        "DEPLOY_BATCH": spec.batch,
        "TILES": TILES,
        "SHUFFLE": spec.shuffle,
        "BY_CLASS": spec.sorted,
        "SWAPS": spec.pairs,
    }
    return Recipe(
        spec,
        shows="A network is trained on handwritten digits, and then reads the same 64 test digits twice: "
        "after model.eval(), and in training mode, in the batches that are on the page.",
        expects=AGREEMENT,
        pieces=(*pieces_of(), "training", "statistics", "modes", "fitting", "start"),
        settings=settings,
        choices={"norm": ("batch",), **alike(settings)},
        lacks="the probabilities behind a single answer",
    )
