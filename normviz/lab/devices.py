"""The device on which this process computes: the CPU, or one GPU for the whole of its life.

Networks, their data and their training are there.  Random numbers are always drawn on the CPU and then
moved, so that every device sees the same ones (`normviz.lab.randoms`); what is measured comes back to the CPU
where a stack, a probe or a look hands it on, and only there it is taken in double precision, which not every
GPU has.

What measures the processor itself (`normviz.lab.experiments.cost`), and small demonstrations that train
nothing (the arithmetic of Anatomy, calls of torch's own layers), stay on the CPU.
"""

from __future__ import annotations

import torch

CPU = torch.device("cpu")

_here = CPU


def here() -> torch.device:
    """Where this process computes; the CPU until `use` says otherwise."""
    return _here


def use(device: torch.device | str) -> None:
    """Compute there from now on; networks that exist stay where they are."""
    global _here
    _here = torch.device(device)


def is_cpu() -> bool:
    """This process computes on the CPU, so it may fork."""
    return _here.type == CPU.type
