"""The script of the forgotten eval()."""

from __future__ import annotations

from normviz.catalog.datasets import DATASETS
from normviz.catalog.networks import NETWORKS
from normviz.export.experiments.settings import AGREEMENT, alike, common, options, pieces_of
from normviz.export.recipes import Code, Recipe
from normviz.specs import forgotten_eval_frames as asked
from normviz.specs.forgotten_eval import ForgottenEval


def forgotten_eval(spec: ForgottenEval) -> Recipe:
    """The networks of all seeds in both modes."""
    net, data = NETWORKS[spec.network], DATASETS["digits"]
    sizes = sorted(set(asked.BATCH_SIZES) - {asked.VALIDATION_BATCH}, reverse=True)
    settings = {
        **common(net, data),
        "NORM": spec.norm,
        "SEEDS": spec.seed_values,
        "DEPTH": spec.depth,
        "WIDTH": spec.first_width,
        "PLACEMENT": "before",
        "ACTIVATION": Code("nn.ReLU"),
        "DROPOUT": 0.0,
        **options(eps=spec.eps, momentum=spec.momentum),
        "RENORM": False,
        "GAIN": 1.0,
        "OPTIMIZER": "momentum",
        "LR": spec.lr,
        "BATCH_SIZE": spec.batch_size,
        "STEPS": spec.steps,
        "CURVE_STEPS": spec.curve_steps,
        "DEPLOY_BATCH": spec.deploy_batch,
        "VALIDATION_BATCH": asked.VALIDATION_BATCH,
        "SMALLER_BATCHES": tuple(sizes),
        "SORTED_SIZES": tuple(sorted(asked.SORTED_SIZES, reverse=True)),
        "DRAWS": asked.DRAWS,
        "COMPANIES": asked.COMPANIES,
    }
    return Recipe(
        shows="Networks are trained on handwritten digits, and then asked for the labels of the test samples "
        "while they are still in training mode. What the page measures of other norms, of dropout and of the "
        "opposite mistakes is not in this script.",
        expects=AGREEMENT,
        pieces=(*pieces_of(net, data), "training", "statistics", "modes", "forgotten_eval"),
        settings=settings,
        choices={"norm": (spec.norm,), **alike(settings)},
    )
