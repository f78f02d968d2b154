"""What the judgement of the claims records: schema, size, and the answer read from it.

Arrays are called after their claim ("c7_error") and have the seeds first.  They are NaN until they are
measured and fill up while the run goes on; a claim is judged once all of its arrays are complete (``done``).

Legend: S seeds, R learning rates.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from normviz.catalog.claims import ARTICLE, CLAIMS, VERDICTS
from normviz.frames import Array, Recording, Schema
from normviz.specs import claims_rules as rules
from normviz.specs.claims_designs import (
    CHANGES,
    DEPTH_EVERY,
    DEPTH_RATES,
    DEPTHS,
    DROPOUTS,
    EPOCH_BATCH,
    EPOCH_DEPTH,
    FINE_EVERY,
    FINE_UNTIL,
    GAIN_DEPTH,
    GAIN_EVERY,
    GAIN_RATES,
    GAINS,
    GROWTH_BATCH,
    GROWTH_DEPTH,
    GROWTH_WIDTH,
    NOISES,
    NOISY_DEPTH,
    NOISY_EVERY,
    PAIR,
    RATE_DEPTH,
    RATE_EVERY,
    RATES,
    SMALL,
    STEP_BATCH,
)
from normviz.specs.train_frames import HEAD_BYTES

if TYPE_CHECKING:
    from normviz.specs.claims import Claims

NOTE_BYTES, MOST_NOTES = 900, 6
"""Of one note as JSON, and notes of one claim, at most."""


def evidence(spec: Claims, number: int) -> dict[str, tuple[tuple[int, ...], tuple[str, ...], str]]:
    """Arrays of one claim: shape after the seeds, axes, unit."""
    pair, rate = len(PAIR), len(RATES)
    share = "share of the test digits"
    told: dict[int, dict[str, tuple[tuple[int, ...], tuple[str, ...], str]]] = {
        1: {
            "c1_growth": ((pair,), ("variant",), "per layer"),
            "c1_steps": ((len(NOISES),), ("noise",), "steps"),
            "c1_shift": ((len(NOISES),), ("noise",), "SD"),
        },
        2: {"c2_error": ((2,), ("place",), "%")},
        3: {"c3_steps": ((pair, rate), ("variant", "rate"), "steps")},
        4: {"c4_accuracy": ((pair, rate), ("variant", "rate"), share)},
        5: {
            "c5_accuracy": (
                (pair, len(GAINS), len(GAIN_RATES)), ("variant", "gain", "gain_rate"), share,
            ),
            "c5_best": ((pair, len(GAINS)), ("variant", "gain"), share),
        },
        6: {"c6_error": ((len(DROPOUTS),), ("dropout",), "%")},
        7: {"c7_error": ((len(SMALL),), ("small",), "%")},
        8: {
            f"c8_{name}": ((), (), "") for name in ("raised", "works", "switched", "gap", "untracked")
        },
        9: {"c9_changed": ((), (), "%"), "c9_before": ((), (), ""), "c9_moved": ((), (), "SD")},
        10: {
            "c10_change": ((pair, len(CHANGES)), ("normed", "change"), ""),
            "c10_masked": ((), (), ""),
            "c10_evaluated": ((), (), ""),
        },
        11: {"c11_runs": ((2,), ("code",), "")},
        12: {
            "c12_accuracy": (
                (pair, len(DEPTHS), len(DEPTH_RATES)), ("variant", "depth", "depth_rate"), share,
            ),
            "c12_best": ((pair, len(DEPTHS)), ("variant", "depth"), share),
        },
    }  # fmt: skip
    return told[number]


def seeds_of(spec: Claims, number: int) -> int:
    """Seeds with which a claim is measured."""
    return 1 if number == 11 else spec.seeds


def arrays(spec: Claims) -> tuple[Array, ...]:
    """Everything in the frames.  A spread has the mean, mean - SD, mean + SD and SD over the seeds."""
    told = [Array("done", (max(CLAIMS),), "f4", ("claim",))]
    for number in spec.numbers:
        for name, (shape, axes, unit) in evidence(spec, number).items():
            told.append(Array(name, (seeds_of(spec, number), *shape), "f4", ("seed", *axes), unit))
            told.append(Array(f"{name}_spread", (4, *shape), "f4", ("spread", *axes), unit))
    if 3 in spec.numbers:
        told.append(Array("c3_median", (len(PAIR), len(RATES)), "f4", ("variant", "rate"), "steps"))
    return tuple(told)


def schema(spec: Claims) -> Schema:
    """The schema of a run."""
    labels: dict[str, tuple[str | int | float, ...]] = {
        "variant": PAIR, "noise": NOISES, "place": ("before", "after"), "dropout": DROPOUTS, "small": SMALL,
        "normed": ("batch", "layer"), "change": CHANGES, "code": ("sample", "corrected"),
        "rate": RATES, "gain": GAINS, "gain_rate": GAIN_RATES, "depth": DEPTHS, "depth_rate": DEPTH_RATES,
        "seed": spec.seed_values,
    }  # fmt: skip
    last = ticks(spec)
    cursor = {"name": "Measurement", "label": "measurement", "values": list(range(last + 1))}
    return Schema(arrays(spec), labels, {"steps": last, "frames": last + 1, "cursor": cursor})


# --- how long it takes ----------------------------------------------------------------------------------


def ticks(spec: Claims) -> int:
    """Frames after the first one."""
    chosen = set(spec.numbers)
    alone = len(chosen & {8, 10, 11})
    return (
        alone
        + (1 + _pieces(spec.noisy_steps, NOISY_EVERY)) * (1 in chosen)
        + spec.epochs * bool(chosen & {2, 6, 7})
        + (9 in chosen)
        + _pieces(spec.rate_steps, RATE_EVERY) * bool(chosen & {3, 4})
        + _pieces(spec.steps, GAIN_EVERY) * (5 in chosen)
        + _pieces(spec.steps, DEPTH_EVERY) * (12 in chosen)
    )


def _pieces(steps: int, every: int) -> int:
    return -(-steps // every)


def trainings(spec: Claims) -> Iterator[tuple[int, int, int, int, int, int]]:
    """Networks, depth, width, batch size, steps and evaluations of everything that is trained."""
    chosen, width, seeds = set(spec.numbers), spec.width, spec.seeds
    if 1 in chosen:
        yield len(NOISES) * seeds, NOISY_DEPTH, width, STEP_BATCH, spec.noisy_steps, 0
        yield len(PAIR) * seeds, GROWTH_DEPTH, GROWTH_WIDTH, GROWTH_BATCH, 1, 0
    if chosen & {3, 4}:
        evaluations = spec.rate_steps // RATE_EVERY + FINE_UNTIL // FINE_EVERY
        yield len(PAIR) * len(RATES) * seeds, RATE_DEPTH, width, STEP_BATCH, spec.rate_steps, evaluations
    if 5 in chosen:
        networks = len(PAIR) * len(GAINS) * len(GAIN_RATES) * seeds
        evaluations = _pieces(spec.steps, GAIN_EVERY)
        yield networks, GAIN_DEPTH, width, STEP_BATCH, spec.steps, evaluations
    side_by_side = {2: 2, 6: 4, 7: len(SMALL), 9: 1}
    several = sum(networks for number, networks in side_by_side.items() if number in chosen) * seeds
    yield several, EPOCH_DEPTH, width, EPOCH_BATCH, spec.epochs * spec.steps_per_epoch, spec.epochs + 10
    if 12 in chosen:
        networks_each = len(PAIR) * len(DEPTH_RATES) * seeds
        evaluations = _pieces(spec.steps, DEPTH_EVERY)
        for depth in DEPTHS:
            yield networks_each, depth, width // 2, STEP_BATCH, spec.steps, evaluations


def nbytes(spec: Claims) -> float:
    """Bytes of all frames, at most."""
    whole = sum(array.nbytes for array in arrays(spec))
    notes = NOTE_BYTES * MOST_NOTES * len(spec.numbers)
    return float((HEAD_BYTES + whole + notes) * (ticks(spec) + 1))


# --- the answer -----------------------------------------------------------------------------------------


def answer(spec: Claims, recording: Recording, number: int) -> dict[str, Any]:
    """One claim: statement, verdict, finding, evidence, source; no verdict (None) before it is complete."""
    fact = CLAIMS[number]
    told: dict[str, Any] = {"number": number, "statement": fact.statement}
    if recording.at("done")[number - 1]:
        values = {name: recording.at(name) for name in evidence(spec, number)}
        judged = rules.judge(number, values)
        told |= {
            "verdict": VERDICTS[judged.verdict].lower(),
            "finding": judged.finding,
            "evidence": judged.evidence,
        }
    else:
        told |= {"verdict": None, "finding": None, "evidence": {}}
    return {**told, "rule": fact.rule, "source": f"{ARTICLE}. {fact.sources}"}
