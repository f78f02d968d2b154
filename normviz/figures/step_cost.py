"""The charts of a timed step of a race: those of Cost."""

from __future__ import annotations

from normviz.figures.cost import figures

__all__ = ["figures"]
