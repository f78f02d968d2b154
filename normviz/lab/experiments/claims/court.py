"""The court: takes evidence, one experiment after the other, and judges what is complete."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import torch

from normviz.catalog.claims import CLAIMS, VERDICTS
from normviz.frames import Frame, Note, Schema
from normviz.lab.dealt import Lot, in_a_row
from normviz.lab.experiments.claims import calls, epochs, steps
from normviz.lab.experiments.claims.docket import Docket
from normviz.specs import claims_rules as rules
from normviz.specs.claims import Claims
from normviz.specs.claims_frames import evidence
from normviz.specs.claims_so_far import so_far


def no_jobs(spec: Claims) -> Lot:
    """Of a measurement that trains nothing."""
    return ()


class Measurement(NamedTuple):
    """What is measured together."""

    claims: tuple[int, ...]
    hear: Callable[[Docket], Iterator[None]]
    """Fills the docket, and yields whenever there is something new to see."""
    jobs: Callable[[Claims], Lot] = no_jobs
    """What is trained for it; the docket has what they tell."""


MEASUREMENTS = (
    Measurement((11,), calls.sample_code),
    Measurement((8,), calls.batch_of_one),
    Measurement((10,), calls.sequences),
    Measurement((1,), steps.covariate_shift, steps.noisy_jobs),
    Measurement((2, 6, 7, 9), epochs.side_by_side, epochs.jobs),
    Measurement((3, 4), steps.learning_rates, steps.rate_jobs),
    Measurement((5,), steps.gains, steps.gain_jobs),
    Measurement((12,), steps.depths, steps.depth_jobs),
)
"""All of them, in the order in which they are heard."""


def run(spec: Claims, workers: int | None = None) -> Iterator[Schema | Frame]:
    """Judge the claims of ``spec``.

    ``workers``: processes to use; by default the free cores decide.  The frames are the same.
    """
    yield spec.schema()
    torch.set_num_threads(1)
    docket = Docket(spec)
    yield docket.frame(notes(spec, docket, ()))
    chosen = [one for one in MEASUREMENTS if any(number in spec.numbers for number in one.claims)]
    with in_a_row([one.jobs(spec) for one in chosen], workers) as lots:
        for one, docket.told in zip(chosen, lots, strict=True):
            yield from _heard(spec, docket, one)


def _heard(spec: Claims, docket: Docket, measurement: Measurement) -> Iterator[Frame]:
    """The frames of one measurement; its claims are told again whenever their news change."""
    measured = tuple(number for number in measurement.claims if number in spec.numbers)
    told: tuple[Any, ...] = ()
    for _ in measurement.hear(docket):
        news = docket.news
        yield docket.frame(notes(spec, docket, measured) if news != told else ())
        told = news


def notes(spec: Claims, docket: Docket, measured: tuple[int, ...]) -> tuple[Note, ...]:
    """The state of every card: waiting, being measured, or judged; and how many got which verdict."""
    told: list[Note] = []
    counts = dict.fromkeys(VERDICTS, 0)
    for number in spec.numbers:
        if docket.done[number - 1]:
            values = {name: docket[name] for name in evidence(spec, number)}
            judged = rules.judge(number, values)
            counts[judged.verdict] += 1
            told += _judged(number, judged)
            most = spec.rate_steps if number == 3 else spec.noisy_steps
            if rules.not_there(number, values, most):
                told.append(Note(f"claims.{number}.evidence.capped", {"most": most}))
        else:
            told += _open(spec, docket, number) if number in measured else [_stands(number, "waiting")]
    if sum(counts.values()) == len(CLAIMS):
        told.append(Note("claims.tally", counts))
    return tuple(told)


def _stands(number: int, state: str) -> Note:
    return Note(f"claims.{number}.verdict.{state}", {})


def _open(spec: Claims, docket: Docket, number: int) -> list[Note]:
    """A claim that is being measured: no verdict, but the numbers so far and after how much they are so."""
    told = [_stands(number, "measured")]
    known = so_far(number, {name: docket[name] for name in evidence(spec, number)})
    if known is not None and number in docket.reached:
        done, of = docket.reached[number]
        sentence, numbers = known
        told += [
            Note(f"claims.{number}.progress", {"done": done, "of": of}),
            Note(f"claims.{number}.{sentence}", flat(numbers)),
        ]
    return told


def _judged(number: int, judged: rules.Judgement) -> list[Note]:
    numbers = flat(judged.evidence)
    names = [f"verdict.{judged.verdict}", f"found.{judged.finding}"]
    names += [f"found.doubt_{doubt}" for doubt in judged.doubts]
    names.append("evidence")
    if judged.counter:
        names.append(f"counter.{judged.counter}")
    return [Note(f"claims.{number}.{name}", numbers if i else {}) for i, name in enumerate(names)]


def flat(evidence: dict[str, Any]) -> dict[str, float | int | str]:
    """Evidence as the numbers of a note: a spread x becomes x, x_sd and, for all of them, n."""
    told: dict[str, float | int | str] = {}
    for name, value in evidence.items():
        if isinstance(value, dict):
            told |= {name: _rounded(value["mean"]), f"{name}_sd": _rounded(value["sd"]), "n": value["seeds"]}
        else:
            told[name] = _rounded(value) if isinstance(value, float) else value
    return told


def _rounded(value: float) -> float:
    """Four significant digits: the sentences show fewer, and a frame should be small."""
    return float(f"{value:.4g}") if math.isfinite(value) else value
