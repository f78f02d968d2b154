"""Benchmarks: the figures that this project quotes, as paired ratios of medians measured in one run.

Machines are shared and noisy, so a ratio's two sides always alternate within one process, and what is
quoted is the median.  (``science`` is not about speed: it repeats at full size what the tests show small.)
Each module has ``measure() -> dict`` of plain JSON values.
"""

from __future__ import annotations

BENCHES: dict[str, str] = {
    "stack": "normviz.bench.stack",
    "map": "normviz.bench.map",
    "probes": "normviz.bench.probes",
    "frames": "normviz.bench.frames",
    "science": "normviz.bench.science",
}
"""Name on the command line → module with ``measure``."""
