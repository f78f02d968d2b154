"""The Start page's network: trained here, shipped with the page, asked again in both modes.

    python -m normviz.lab.experiments.start --out normviz/ui/assets/start.bin

writes the file that ships.  It is the recording of ``run(Start())``, a single frame (all little endian, see
`normviz.frames`), and holds:

| array | shape, dtype | |
| --- | --- | --- |
| images, labels | [797, 8, 8] u1 (0 to 16), [797] u1 | the test split of seed 0, in the order of the draw |
| dense1 … dense4 .weight, .bias | [out, in] f4, [out] f4 | the linear layers, in torch's order |
| norm1 … norm3 .weight, .bias, .running_mean, .running_var | [128] f4 | the batch norm before each ReLU |
| answers.eval | [797] u1 | labels that the network gives in eval mode |
| answers.train | [64] u1 | the first 64 in train mode, in the spec's batches; 255 where torch raises |

Its facts: ``tiles`` (64), ``pixel_mean`` and ``pixel_sd`` (of pixels / 16), ``eps``, ``layers`` (4).

The network is MLP3: 64-128×3-10 with batch norm, SGD with momentum 0.9, lr 0.05, batch 32, 20 epochs.
"""

from __future__ import annotations

import argparse
import platform
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from normviz.frames import Array, Frame, Recording, Schema
from normviz.lab.data.digits import FILE
from normviz.lab.engine import Member, Plan, Stack
from normviz.specs.start import NO_ANSWER, TILES, Start

PLAN = Plan(network="mlp", depth=3, width=128, activation="relu", dataset="digits")
EPOCHS = 20
EPS = 1e-5  # torch's default, and the stack's

Arrays = dict[str, NDArray[Any]]


def run(spec: Start) -> Iterator[Schema | Frame]:
    """Train the network, then ask it in both modes, in the batches that ``spec`` describes."""
    torch.set_num_threads(1)
    stack = trained(spec.seed)
    images, mean, sd = pixels(stack)
    labels = stack.test_labels()[0].astype(np.uint8)
    arrays: Arrays = {"images": images, "labels": labels, **weights(stack), **answers(stack, spec)}
    facts = {"tiles": TILES, "pixel_mean": mean, "pixel_sd": sd, "eps": EPS, "layers": PLAN.depth + 1}
    yield Schema(tuple(_declared(name, value) for name, value in arrays.items()), facts=facts)
    yield Frame(stack.steps_done, arrays)


def trained(seed: int) -> Stack:
    """MLP3 with batch norm, after its last epoch."""
    stack = Stack(PLAN, [Member("batch", seed, lr=0.05)], optimizer="momentum", batch_size=32)
    for _ in range(EPOCHS * stack.steps_per_epoch):
        stack.step()
    return stack


def pixels(stack: Stack) -> tuple[NDArray[np.uint8], float, float]:
    """The test digits as they were scanned, and the mean and SD by which all pixels / 16 are standardized.

    Shapes: [797, 8, 8].
    """
    with np.load(FILE) as stored:
        every = stored["pixels"] / 16.0
    mean, sd = float(every.mean()), float(every.std())
    x = stack.data(0).x_test.double().numpy()[:, 0]
    return np.rint((x * sd + mean) * 16.0).astype(np.uint8), mean, sd


def weights(stack: Stack) -> Arrays:
    """Parameters and running statistics of the only member, as torch would lay them out."""
    parameters, found = stack.parameters(0), {}
    for layer in range(PLAN.depth + 1):
        head = layer == PLAN.depth
        path, outputs = ("head", PLAN.classes) if head else (f"blocks.{layer}.layer", PLAN.width)
        # The stack keeps [in, out], and a head that is padded to a multiple of 16.
        found[f"dense{layer + 1}.weight"] = parameters[f"{path}.weight"][:, :outputs].T
        found[f"dense{layer + 1}.bias"] = parameters[f"{path}.bias"].flatten()[:outputs]
        if not head:
            for part, ours in (("weight", "gamma"), ("bias", "beta")):
                found[f"norm{layer + 1}.{part}"] = parameters[f"blocks.{layer}.norm.{ours}"]
            for part in ("mean", "var"):
                running = torch.from_numpy(stack.statistics()[layer][part][0])
                found[f"norm{layer + 1}.running_{part}"] = running
    return {name: value.float().contiguous().numpy() for name, value in found.items()}


def answers(stack: Stack, spec: Start) -> Arrays:
    """Labels that the network gives: in eval mode to all test digits, in train mode to the tiles."""
    labels = stack.test_labels()[0][:TILES]
    order = dealt(labels, shuffle=spec.shuffle, by_class=spec.sorted, swaps=spec.pairs)
    given = np.full(TILES, NO_ANSWER, np.uint8)
    if spec.batch > 1:  # torch raises at 1
        logits = stack.logits(order, "train", batch_size=spec.batch)
        given[order] = logits[0].argmax(-1).numpy()
    return {
        "answers.eval": stack.logits()[0].argmax(-1).numpy().astype(np.uint8),
        "answers.train": given,
    }


def dealt(
    labels: NDArray[Any], *, shuffle: int, by_class: bool, swaps: Sequence[tuple[int, int]] = ()
) -> NDArray[np.int64]:
    """The order in which digits are dealt into batches, the same as in ``start.js``.

    Shuffle 0 is the order of the draw; every other number is a permutation of its own (Fisher and Yates).
    Then the two digits of each of ``swaps`` change places.
    """
    order, draw = list(range(len(labels))), _numbers(shuffle)
    if shuffle:
        for i in range(len(order) - 1, 0, -1):
            j = next(draw) * (i + 1) >> 32
            order[i], order[j] = order[j], order[i]
    if by_class:
        order.sort(key=lambda i: int(labels[i]))
    for one, other in swaps:
        here, there = order.index(one), order.index(other)
        order[here], order[there] = other, one
    return np.array(order)


def _numbers(seed: int) -> Iterator[int]:
    """32-bit whole numbers from a seed: mulberry32, which JavaScript computes alike.

    Source: Tommy Ettinger, public domain, 2017.
    """
    mask, state = 0xFFFFFFFF, seed
    while True:
        state = (state + 0x6D2B79F5) & mask
        t = (state ^ state >> 15) * (state | 1) & mask
        t ^= (t + ((t ^ t >> 7) * (t | 61) & mask)) & mask
        yield (t ^ t >> 14) & mask


def _declared(name: str, value: NDArray[Any]) -> Array:
    """The array's line in the schema."""
    axes = {1: ("unit",), 2: ("unit", "input")}.get(value.ndim, ())
    if name in ("images", "labels") or name.startswith("answers"):
        axes = ("digit", "row", "column")[: value.ndim]
    return Array(name, value.shape, value.dtype.str[1:], axes)


def main(arguments: Sequence[str] | None = None) -> None:
    """Write the file that ships with the Start page."""
    parser = argparse.ArgumentParser(
        prog="python -m normviz.lab.experiments.start",
        description="Train the Start page's network and write it, with its test digits, to one file.",
    )
    parser.add_argument(
        "--out", type=Path, required=True, help="file to write; normviz/ui/assets/start.bin ships"
    )
    path = parser.parse_args(arguments).out
    spec = Start()
    schema, frame = run(spec)
    assert isinstance(schema, Schema)
    assert isinstance(frame, Frame)
    recording = Recording(schema, [schema.encode(frame)])
    made = {"torch": torch.__version__, "machine": platform.machine()}
    recording.save(path, {"spec": spec.to_json(), "made with": made})
    told = spec.summary(recording)
    print(f"{path}: {path.stat().st_size} bytes; test error {told['eval_error']:.2f}%; wrong {told['wrong']}")


if __name__ == "__main__":
    main()
