"""Claims: each statement gets a small experiment, the cheap ones first, and a verdict in the end."""

from normviz.lab.experiments.claims.court import run

__all__ = ["run"]
