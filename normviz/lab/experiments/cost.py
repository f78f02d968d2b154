"""Cost: time of a layer or a training step with each norm, relative to the same without one.

What is measured is processor time, on one thread, in the environment of the engine host.  Each norm is timed
right beside the network without a norm, in turning order, and the two times of a pair are divided: what else
the machine does, and how fast its clock runs just then, falls out of the ratio.  The norm "none" is timed in
the same way against a second network without a norm: its spread is that of the measurement.

It is the processor that is measured, also where networks train on another device.  The frames differ from
run to run.

Legend: V variants (norms), R rounds so far.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from normviz.catalog.norms import NORMS
from normviz.frames import Frame, Note, Schema
from normviz.lab import nets
from normviz.lab.engine import Member, Plan, Stack
from normviz.lab.randoms import generator
from normviz.specs.cost import LONGEST, NormCost
from normviz.specs.step_cost import Timed

Call = Callable[[], object]
Arrays = dict[str, NDArray[Any]]

_CLEAR = 5  # rounds before anything is said of them


def run(spec: NormCost) -> Iterator[Schema | Frame]:
    """Time all norms of ``spec``."""
    yield spec.schema()
    torch.set_num_threads(1)
    prepare = training_step if spec.part == "step" else layer
    plain, *calls = (prepare(spec, norm) for norm in ("none", *spec.measured))
    for call in (plain, *calls):  # a first pass allocates what later ones find
        call()
    yield from timed(spec, plain, calls, networks=spec.members * spec.passes)


def timed(spec: Timed, plain: Call, calls: Sequence[Call], *, networks: int) -> Iterator[Frame]:
    """Time the calls of all norms round by round, until the rounds or the time are used up.

    ``plain`` is that without a norm.  ``networks``: what one call computes is that of so many.
    """
    pairs: list[list[tuple[float, float]]] = []
    began = time.thread_time()
    for done in range(1, spec.rounds + 1):
        pairs.append([pair(plain, call, first=done % 2 == 0) for call in calls])
        arrays = condensed(np.array(pairs), networks)
        yield Frame(done, arrays, notes(spec, arrays) if done >= _CLEAR else ())
        if time.thread_time() - began > LONGEST:
            break


def pair(plain: Call, call: Call, *, first: bool) -> tuple[float, float]:
    """Seconds of the network without a norm and of the other one, each timed twice.

    The order is plain, own, own, plain (``first``: the other way round), so a drift of the clock falls out.
    """
    if first:
        own, other = pair(call, plain, first=False)
        return other, own
    before, own = seconds(plain), seconds(call) + seconds(call)
    return (before + seconds(plain)) / 2, own / 2


def seconds(call: Call) -> float:
    """Processor time of a call, of this one thread (on a CPU the backward pass runs in it too)."""
    # Not the process's clock: where a limit of processor time is set on the process, as on every run of a
    # fork host, the kernel moves that clock only some hundred times a second.
    start = time.thread_time()
    call()
    return time.thread_time() - start


def condensed(pairs_RV2: NDArray[np.float64], networks: int) -> Arrays:
    """Medians and quartiles over the rounds.

    Shapes: pairs [R, V, 2] in seconds (without the norm, with it) -> [V, 1], [V, 2], [V, 1].
    """
    low, middle, high = np.quantile(pairs_RV2[..., 1] / pairs_RV2[..., 0], (0.25, 0.5, 0.75), axis=0)
    each = np.median(pairs_RV2[..., 1], axis=0) * 1e6 / networks
    return {
        "ratio": middle[:, None].astype("<f4"),
        "quartiles": np.stack((low, high), 1).astype("<f4"),
        "microseconds": each[:, None].astype("<f4"),
    }


def notes(spec: Timed, arrays: Arrays) -> tuple[Note, ...]:
    """What can be said of the ratios: the dearest, the cheapest if it is clearly cheaper, and the noise."""
    norms = [v for v, norm in enumerate(spec.measured) if norm != "none"]
    told = []
    if norms:
        ratio, (low, high) = arrays["ratio"][:, 0], arrays["quartiles"].T
        dear, cheap = max(norms, key=lambda v: ratio[v]), min(norms, key=lambda v: ratio[v])
        of: dict[str, float | int | str] = {
            "norm": _label(spec, dear),
            "ratio": float(ratio[dear]),
        }
        if spec.part == "layer":
            of["network"] = spec.net.label
        told.append(Note(f"{spec.name}.dearest_{spec.part}", of))
        if high[cheap] < low[dear]:
            told.append(
                Note(f"{spec.name}.cheapest", {"norm": _label(spec, cheap), "ratio": float(ratio[cheap])})
            )
        elif cheap != dear:
            told.append(
                Note(f"{spec.name}.alike", {"norm": _label(spec, cheap), "other": _label(spec, dear)})
            )
    if "none" in spec.measured:
        v = spec.measured.index("none")
        own = {"low": float(arrays["quartiles"][v, 0]), "high": float(arrays["quartiles"][v, 1])}
        told.append(Note(f"{spec.name}.noise", own))
    return tuple(told)


def _label(spec: Timed, v: int) -> str:
    return NORMS[spec.measured[v]].label


# --- what is timed --------------------------------------------------------------------------------------


def layer(spec: NormCost, norm: str) -> Call:
    """Some passes forward and backward through the last hidden layer, its norm and its activation."""
    net = nets.build(
        spec.network,
        members=spec.members,
        shape=(1, 8, 8),
        classes=10,
        depth=spec.depth,
        width=spec.width,
        norm=norm,
        options={name: one for name, one in spec.norm_options.items() if name in NORMS[norm].options},
    )
    net.draw([spec.seed] * spec.members, [1.0] * spec.members)
    block, source = net.blocks[-1], generator(spec.seed, "batches")
    x = torch.randn(spec.members, spec.batch_size, *spec.input_shape, generator=source).requires_grad_()
    dy = torch.randn(block(x).shape, generator=source)
    watched = [x, *block.parameters()]

    def passes() -> None:
        for _ in range(spec.passes):
            torch.autograd.grad(block(x), watched, dy, allow_unused=True)

    return passes


def training_step(spec: NormCost, norm: str) -> Call:
    """One step of SGD on digits."""
    plan = Plan(
        network=spec.network, depth=spec.depth, width=spec.width, options=spec.norm_options, dataset="digits"
    )
    stack = Stack(
        plan, [Member(norm, spec.seed, 0.01)] * spec.members, batch_size=spec.batch_size, device="cpu"
    )
    return stack.step
