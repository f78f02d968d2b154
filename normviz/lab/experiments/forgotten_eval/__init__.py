"""Forgot eval(): train a network, then leave it in training mode on purpose, and mend it.

The run trains one network for each seed while both modes are measured side by side, then goes through the
acts: training mode at ever smaller batches, batches sorted by class, labels that change, batch-mates that
change an answer, what a pass does to the running statistics, and the repairs.
"""

from normviz.lab.experiments.forgotten_eval.course import run

__all__ = ["run"]
