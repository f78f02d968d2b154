"""The time per step of each variant of a race, measured beside it when a visitor asks."""

from __future__ import annotations

import streamlit as st

from normviz.figures.cost import figures
from normviz.specs.cost import NormCost
from normviz.specs.train import Train
from normviz.ui.stage import stage
from normviz.ui.words import _, n_, spoken


def timed(race: Train) -> None:
    """Offer the measurement; it is not part of the race, whose frames do not depend on a clock."""
    if not st.toggle(_("Time per step of each variant"), key="time", bind="query-params"):
        return
    spec = NormCost.of_step(race)
    if spec is None:
        st.caption(_("Steps are timed for the MLP and the CNN; choose one of them."))
        return
    st.caption(
        _(
            "A training step of the {network}: {depth} layers, batch size {batch_size}, {seeds}. These are "
            "this machine's times, measured now; other work on it makes them scatter.",
            network=spoken(spec.net.label),
            depth=spec.depth,
            batch_size=spec.batch_size,
            seeds=n_("one seed", "{n} seeds at once", spec.members),
        )
    )
    stage(spec, figures)
