"""The scripts of the forgotten eval(): a chapter for each act of the page."""

from __future__ import annotations

from typing import Any

from normviz.catalog.networks import NETWORKS
from normviz.catalog.norms import NORMS
from normviz.export.experiments.settings import AGREEMENT, DIGITS, alike, pieces_of, told
from normviz.export.recipes import Recipe
from normviz.phrases import phrase
from normviz.specs import forgotten_eval_frames as asked
from normviz.specs.forgotten_eval import ForgottenEval

_SIZES = (asked.VALIDATION_BATCH, *sorted(set(asked.BATCH_SIZES) - {asked.VALIDATION_BATCH}, reverse=True))
_LACKS = "the statistics of single channels"


def forgotten_eval(spec: ForgottenEval) -> tuple[Recipe, ...]:
    """Training mode at every batch size, batch-mates, repairs, opposite mistakes, dropout."""
    chapters = [_modes(spec), _neighbours(spec), _repairs(spec)]
    if NORMS[spec.norm].running_statistics:
        chapters.append(_opposites(spec))
    return (*chapters, _dropout(spec))


def _modes(spec: ForgottenEval) -> Recipe:
    return _chapter(
        spec, "modes", phrase("Training mode, batch by batch"), ("forgotten_eval",),
        "Networks are trained on handwritten digits, and then asked for the labels of the test samples while "
        "they are still in training mode: in large batches, in small ones, and sorted by class.",
        CURVE_STEPS=spec.curve_steps,
        VALIDATION_BATCH=asked.VALIDATION_BATCH,
        SMALLER_BATCHES=_SIZES[1:],
        SORTED_SIZES=tuple(sorted(asked.SORTED_SIZES, reverse=True)),
    )  # fmt: skip


def _neighbours(spec: ForgottenEval) -> Recipe:
    return _chapter(
        spec, "neighbours", phrase("Batch-mates that change an answer"), ("neighbours",),
        "The same networks in training mode, in random batches: the labels of some samples depend on the "
        "samples that happen to be in the batch.",
        DRAWN_BEFORE=_drawn_by_modes(spec), DRAWS=asked.DRAWS, COMPANIES=asked.COMPANIES,
    )  # fmt: skip


def _repairs(spec: ForgottenEval) -> Recipe:
    return _chapter(
        spec, "repairs", phrase("What a pass leaves behind, and the repairs"), ("repairs",),
        "Also under torch.no_grad() a pass in training mode moves the running statistics, and eval mode is "
        "wrong afterwards. What mends it: the trained statistics, averaging them anew, freezing them, or a "
        "norm that has none.",
        DRAWN_BEFORE=_drawn_by_modes(spec) + asked.DRAWS + asked.COMPANIES,
        SORTED_SIZES=asked.SORTED_SIZES, ALL_SIZES=asked.BATCH_SIZES, OTHERS=spec.others,
    )  # fmt: skip


def _opposites(spec: ForgottenEval) -> Recipe:
    contrast, brightness = asked.DOMAIN
    return _chapter(
        spec, "opposites", phrase("The opposite mistakes"), ("opposites",),
        "What else goes wrong with running statistics: training in eval mode, statistics of other pictures "
        "than those in use, and model.train() before a fine-tuning.",
        OPPOSITE_STEPS=spec.opposite_steps, TIMES_LR=asked.RATES, CONTRAST=contrast, BRIGHTNESS=brightness,
        OTHERS=spec.others, SLOWER=asked.SLOWER, TUNING_STEPS=asked.TUNING_STEPS,
        VALIDATION_BATCH=asked.VALIDATION_BATCH,
    )  # fmt: skip


def _dropout(spec: ForgottenEval) -> Recipe:
    return _chapter(
        spec, "dropout", phrase("Dropout's half of the story"), ("forgotten_dropout",),
        "Dropout is left on as well where eval() is forgotten; and behind a dropout a norm stores another "
        "variance than its input has in use.",
        LEFT_ON=asked.DROPOUT, DROPOUT_SIZES=asked.DROPOUT_SIZES, KEEPS=asked.KEEPS,
        HAS_RUNNING=NORMS[spec.norm].running_statistics, VALIDATION_BATCH=asked.VALIDATION_BATCH,
    )  # fmt: skip


def _drawn_by_modes(spec: ForgottenEval) -> int:
    """Random orders of the test samples that have been drawn when the chapter "modes" is over."""
    return 1 + len(_SIZES) - spec.refuses_one


def _chapter(
    spec: ForgottenEval, name: str, label: str, pieces: tuple[str, ...], shows: str, **own: Any
) -> Recipe:
    net = NETWORKS[spec.network]
    settings = {
        **told(spec, net),
        "RENORM": spec.norm == "batch_renorm",
        "WIDTH": spec.first_width,
        "OPTIMIZER": "momentum",
        "STEPS": spec.steps,
        "CURVE_STEPS": (),
        "DEPLOY_BATCH": spec.deploy_batch,
        **own,
    }
    compared = spec.others if "OTHERS" in own else ()
    norms = ("none", spec.norm) if "LEFT_ON" in own else (spec.norm, *compared)
    given: dict[str, tuple[Any, ...]] = {"dropout": (0.0, asked.DROPOUT)} if "LEFT_ON" in own else {}
    different = ("dropout",) if given else ("lr",) if "TIMES_LR" in own else ()
    return Recipe(
        spec,
        shows=shows,
        expects=AGREEMENT,
        pieces=(*pieces_of(net, DIGITS), "training", "statistics", "modes", "fitting", "tabled", *pieces),
        settings=settings,
        choices={"norm": norms, **given, **alike(settings, *different)},
        chapter=name,
        label=label,
        lacks=_LACKS,
    )
