"""The time per step of each variant of a race, measured beside it when a visitor asks."""

from __future__ import annotations

import streamlit as st

from normviz.figures.step_cost import figures
from normviz.specs.step_cost import StepCost
from normviz.specs.train import Train
from normviz.ui.settings import settings
from normviz.ui.stage import stage
from normviz.ui.words import _, n_


def timed(race: Train) -> None:
    """Offer the measurement; it is not part of the race, whose frames do not depend on a clock."""
    if not st.toggle(_("Time per step of each variant"), key="time", bind="query-params"):
        return
    spec = StepCost.of_step(race)
    said = {one["name"]: one["text"] for one in settings(spec)}
    st.caption(
        _(
            "Timed is one training step of this race: the {network} on {data}, depth {depth}, width {width}, "
            "batch size {batch_size}, {optimizer}, {seeds}. Activation, place of the norm, dropout and the "
            "settings of the norms are the race's, too; learning rate, initialization and changes during the "
            "run are left out. These are this machine's times, measured now; other work on it makes them "
            "scatter.",
            network=said["network"],
            data=said["dataset"],
            depth=spec.depth,
            width=race.first_width,
            batch_size=spec.batch_size,
            optimizer=said["optimizer"],
            seeds=n_("one seed", "{n} seeds at once", spec.seeds),
        )
    )
    stage(spec, figures)
