"""How long a race takes, said before it starts; and a smaller one of the same kind."""

from __future__ import annotations

import streamlit as st

from normviz.specs.train import Train
from normviz.ui.settings import settings
from normviz.ui.words import _, n_

QUICK = 4e11
"""Multiply-adds of a run that an idle core finishes in some twenty seconds (see `RATE`)."""
RATE = 1.6e10
"""Multiply-adds a second of one idle core, measured on convolutions; it differs by machine."""


def sized(spec: Train) -> None:
    """Say so if the run is a long one, and offer a quicker one."""
    asked = spec.cost().multiply_adds
    if asked <= 1.5 * QUICK:
        return
    quick = spec.smaller(QUICK)
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.caption(
            _(
                "A long run: roughly {span} on an idle core. The charts fill while it trains.",
                span=_span(asked / RATE),
            ),
            width="content",
        )
        if quick != spec:
            told = zip(settings(quick), settings(spec), strict=True)
            words = [f"{new['label'].lower()} {new['text']}" for new, old in told if new != old]
            fields = dict(quick.to_query(full=True).items() - spec.to_query(full=True).items())
            st.button(
                _("Quicker: {changes}", changes=", ".join(words)), icon=":material/bolt:", type="tertiary",
                on_click=st.query_params.update, args=(fields,),
            )  # fmt: skip


def _span(seconds: float) -> str:
    if seconds < 100:
        return n_("{n} second", "{n} seconds", round(seconds / 10) * 10)
    if seconds < 5400:
        return n_("{n} minute", "{n} minutes", round(seconds / 60))
    return n_("{n} hour", "{n} hours", round(seconds / 3600))
