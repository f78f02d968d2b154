"""Claims: each statement gets its small experiment, the cheap ones first, and a verdict when it is complete."""

from normviz.lab.experiments.claims.court import run

__all__ = ["run"]
