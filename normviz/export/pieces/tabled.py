"""Printing

Mean and standard deviation over the seeds.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from statistics import mean, stdev


def spread(values: Sequence[float]) -> str:
    """Mean ± standard deviation of those that have a value."""
    told = [value for value in values if not math.isnan(value)]
    if not told:
        return "      –"
    return f"{mean(told):7.2f}" + (f" ± {stdev(told):.2f}" if len(told) > 1 else "")


def table(measured: Sequence[Mapping[str, float]]) -> None:
    """Print a row for each quantity; ``measured`` has one mapping for each seed."""
    for name in measured[0]:
        print(f"  {name:48}{spread([one[name] for one in measured])}")
