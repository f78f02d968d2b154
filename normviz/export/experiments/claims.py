"""The scripts of the claims, one for each: a script judges nothing, it measures what the verdict rests on."""

from __future__ import annotations

from typing import Any

from normviz.catalog.claims import CLAIMS
from normviz.export.experiments.settings import AGREEMENT, alike, pieces_of, told
from normviz.export.recipes import Recipe
from normviz.phrases import phrase
from normviz.specs import claims_designs as designs
from normviz.specs.claims import Claims

_PIECES: dict[int, tuple[str, ...]] = {
    1: ("training", "weights", "signal", "noisy_bn", "claim_shift"),
    2: ("training", "statistics", "modes", "fitting", "claim_epochs"),
    3: ("training", "claim_rates"),
    4: ("training", "claim_rates"),
    5: ("training", "claim_rows"),
    6: ("training", "statistics", "modes", "fitting", "claim_epochs"),
    7: ("parts", "training", "statistics", "modes", "fitting", "claim_epochs"),
    8: ("claim_one",),
    9: ("training", "statistics", "modes", "fitting", "claim_last_batch"),
    10: ("claim_sequences",),
    11: ("claim_code",),
    12: ("training", "claim_rows"),
}
"""Pieces of the script of each claim."""


def claims(spec: Claims) -> tuple[Recipe, ...]:
    """The measurements of one claim, or of each."""
    return tuple(_claim(spec.replace(claim=str(number)), number) for number in spec.numbers)


def _claim(spec: Claims, number: int) -> Recipe:
    settings = {**_settings(spec), **_own(spec, number)}
    variants = settings["EPOCH_VARIANTS"].values()
    norms = {variant["norm"] for variant in variants} or set(designs.PAIR)
    different = {5: ("gain", "lr"), 12: ("depth", "lr"), 3: ("lr",), 4: ("lr",), 1: ("depth", "width")}
    own = different.get(number, tuple({name for variant in variants for name in variant} - {"norm"}))
    return Recipe(
        spec,
        shows=f"Claim {number}: {CLAIMS[number].statement}\n\nThe verdict on the page follows from these "
        f"numbers by this rule: {CLAIMS[number].rule}",
        expects=AGREEMENT,
        pieces=(*pieces_of(), *_PIECES[number]),
        settings=settings,
        choices={"norm": tuple(sorted(norms)), **alike(settings, *own)},
        chapter=str(number),
        label=phrase("Claim {number}: {statement}", number=number, statement=CLAIMS[number].statement),
    )


def _settings(spec: Claims) -> dict[str, Any]:
    """What most claims have in common."""
    return {
        **told(spec),
        "NORMS": designs.PAIR,
        "DEPTH": 0,
        "BATCH_SIZE": designs.STEP_BATCH,
        "EVERY": spec.steps,
        "EVALUATE_EVERY": spec.steps,
        "CURVE_STEPS": (),
        "EPOCH_VARIANTS": {},
        "PARTS": {},
        "MOVED_ONCE": False,
    }


def _own(spec: Claims, number: int) -> dict[str, Any]:
    """What is different in the measurements of one claim."""
    if number == 1:
        return {
            "DEPTH": designs.GROWTH_DEPTH, "WIDTH": designs.GROWTH_WIDTH, "BATCH_SIZE": designs.GROWTH_BATCH,
            "INPUTS": "digits", "STEPS": spec.noisy_steps, "LR": designs.NOISY_RATE,
            "RACE_DEPTH": designs.NOISY_DEPTH, "RACE_WIDTH": spec.width, "RACE_BATCH": designs.STEP_BATCH,
            "SMOOTHED": 5, "TARGET": 0.9,
            "SHIFT": designs.NOISE.shift, "STRETCH": designs.NOISE.stretch, "SPREAD": designs.NOISE.spread,
        }  # fmt: skip
    if number in (3, 4):
        fine = range(designs.FINE_EVERY, designs.FINE_UNTIL, designs.FINE_EVERY)
        coarse = range(designs.FINE_UNTIL, spec.rate_steps, designs.RATE_EVERY)
        steps = tuple(sorted({*(step for step in fine if step < spec.rate_steps), *coarse, spec.rate_steps}))
        return {
            "DEPTH": designs.RATE_DEPTH, "LEARNING_RATES": designs.RATES, "STEPS": spec.rate_steps,
            "EVERY": designs.FINE_EVERY, "EVALUATE_EVERY": designs.FINE_EVERY, "TARGET": 0.94,
            "EVALUATED_STEPS": steps,
        }  # fmt: skip
    if number in (5, 12):
        column = {"COLUMN": "gain" if number == 5 else "depth"}
        if number == 5:
            gains = {"GAINS": designs.GAINS, "LEARNING_RATES": designs.GAIN_RATES}
            return {**column, **gains, "DEPTH": designs.GAIN_DEPTH}
        rows = {"DEPTHS": designs.DEPTHS, "LEARNING_RATES": designs.DEPTH_RATES}
        return {**column, **rows, "WIDTH": spec.width // 2}
    return {
        "DEPTH": designs.EPOCH_DEPTH, "OPTIMIZER": "momentum", "LR": designs.EPOCH_RATE,
        "BATCH_SIZE": designs.EPOCH_BATCH, "STEPS": spec.epochs * spec.steps_per_epoch,
        "EPOCH_VARIANTS": _variants(number), "PARTS": _parts(number), "DEPLOY_BATCH": 8, "DRAWS": 5,
    }  # fmt: skip


def _variants(number: int) -> dict[str, dict[str, Any]]:
    """In what the networks of a claim differ, by name."""
    if number == 2:
        places = ("before", "after")
        return {f"{place} the activation": {"norm": "batch", "placement": place} for place in places}
    if number == 6:
        of_norm = {"none": "none", "batch": "batch norm"}
        return {
            name + (" and dropout" if dropout else ""): {"norm": norm, "dropout": dropout}
            for norm, name in of_norm.items()
            for dropout in (0.0, designs.DROPOUT)
        }
    if number == 7:
        return {**{name: {"norm": "batch"} for name in _parts(7)}, **{
            f"{norm} norm": {"norm": norm} for norm in ("group", "layer")
        }}  # fmt: skip
    return {"batch norm": {"norm": "batch"}} if number == 9 else {}


def _parts(number: int) -> dict[str, int]:
    """Batch sizes of batch norm's statistics where they are not the training's."""
    return {f"batch norm of {size}": size for size in designs.SIZES} if number == 7 else {}
