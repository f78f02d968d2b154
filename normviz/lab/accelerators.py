"""Which device computes: what is asked for, what is there, and, if nothing is asked for, what is quicker.

Whatever touches a GPU here does so in a throwaway process, with a limit of time: a process that has looked
for CUDA may not fork any more, and a driver that hangs must not keep a server from starting.  It is

    python -m normviz.lab.accelerators [--measure]

and prints {"found": {"cuda:0": "its name", …}, "milliseconds": {"cpu": …, "cuda:0": …}}.
"""

from __future__ import annotations

import json
import logging
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import torch

from normviz.lab import devices
from normviz.lab.engine import Stack
from normviz.lab.experiments import train
from normviz.specs.train import Train

logger = logging.getLogger(__name__)

WITHIN = 45.0
"""Seconds that finding and measuring may take."""
_WARM, _STEPS, _ROUNDS = 20, 20, 5


@dataclass(frozen=True)
class Found:
    """GPUs that torch can use, by torch's names for them, and how long a step takes on whom."""

    gpus: dict[str, str] = field(default_factory=dict)
    milliseconds: dict[str, float] = field(default_factory=dict)
    """Of a training step of the race that the page Train shows at first; empty if it was not measured."""

    @property
    def told(self) -> list[str]:
        """All devices in words, the CPU first: ["cpu", "cuda:0 its name"]."""
        return ["cpu", *(f"{device} {name}".strip() for device, name in self.gpus.items())]


class DeviceError(Exception):
    """The device that is asked for cannot be used; the message is a sentence for the operator."""


def find(measure: bool = False) -> Found:
    """Look for GPUs in a throwaway process; ``measure``: and time a step on them and on the CPU.

    Without a torch that is built for GPUs no process is made.  One that fails or takes too long has found
    none.
    """
    if not (torch.backends.cuda.is_built() or torch.backends.mps.is_built()):  # type: ignore[no-untyped-call]
        return Found()
    command = [sys.executable, "-m", __name__, *["--measure"] * measure]
    try:
        looked = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=WITHIN, check=True
        )
        told = json.loads(looked.stdout)
        return Found(told["found"], told["milliseconds"])
    except (OSError, subprocess.SubprocessError, ValueError, KeyError) as error:
        logger.warning("no GPU is used: looking for one failed (%s)", error)
        return Found()


def choose(wanted: str, found: Found) -> str:
    """The device to compute on, by torch's name: the one that is wanted, or for "auto" the quickest.

    Raises:
        DeviceError: it is not there.
    """
    if wanted == "auto":
        times = {device: one for device, one in found.milliseconds.items() if device in ("cpu", *found.gpus)}
        return min(times, key=lambda device: times[device]) if "cpu" in times else "cpu"
    chosen = "cuda:0" if wanted == "cuda" else wanted
    if chosen != "cpu" and chosen not in found.gpus:
        raise DeviceError(
            f"NORMVIZ_DEVICE: {wanted} is not on this machine, or PyTorch {torch.__version__} cannot use it. "
            f"Found: {', '.join(found.told)}. Choose one of these, or auto."
        )
    return chosen


def main(arguments: Sequence[str]) -> None:
    """What the throwaway process does."""
    gpus = {f"cuda:{i}": torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())}
    if torch.backends.mps.is_available():
        gpus["mps"] = ""
    compared = ["cpu", *list(gpus)[:1]] if gpus and "--measure" in arguments else []
    print(json.dumps({"found": gpus, "milliseconds": timed(compared) if compared else {}}))


def timed(compared: Sequence[str]) -> dict[str, float]:
    """Milliseconds of a training step of the first race on each device: medians of rounds in turn."""
    torch.set_num_threads(1)
    stacks = {}
    for device in compared:
        devices.use(device)
        stacks[device] = train.stack(Train())
        stacks[device].step(_WARM)
    devices.use(devices.CPU)
    rounds = [{device: _milliseconds(stack) for device, stack in stacks.items()} for _ in range(_ROUNDS)]
    return {device: statistics.median(one[device] for one in rounds) for device in compared}


def _milliseconds(stack: Stack) -> float:
    # The loss of every step is read, so what a GPU has still to do of it is waited for; the update of the
    # last step may be on its way.
    began = time.perf_counter()
    stack.step(_STEPS)
    return 1000 * (time.perf_counter() - began) / _STEPS


if __name__ == "__main__":
    main(sys.argv[1:])
