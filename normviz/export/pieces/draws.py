"""Random numbers

One generator for each seed and purpose, so that networks of one seed share their data, their initial
weights and the order of their batches, whatever their norm.
"""

from __future__ import annotations

from normviz.lab.randoms import PURPOSES, generator, he_normal

__all__ = ["PURPOSES", "generator", "he_normal"]
