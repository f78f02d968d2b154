"""The time per step of each variant of a race, measured beside it when a visitor asks."""

from __future__ import annotations

import streamlit as st

from normviz.figures.cost import figures
from normviz.specs.cost import NormCost
from normviz.specs.train import Train
from normviz.ui.stage import stage


def timed(race: Train) -> None:
    """Offer the measurement; it is not part of the race, whose frames do not depend on a clock."""
    if not st.toggle("Time per step of each variant", key="time", bind="query-params"):
        return
    spec = NormCost.of_step(race)
    if spec is None:
        st.caption("Steps are timed for the MLP and the CNN; choose one of them.")
        return
    seeds = "one seed" if spec.members == 1 else f"{spec.members} seeds at once"
    st.caption(
        f"A training step of the {spec.net.label}: {spec.depth} layers, batch size {spec.batch_size}, "
        f"{seeds}. These are this machine's times, measured now; other work on it makes "
        "them scatter."
    )
    stage(spec, *figures(spec))
