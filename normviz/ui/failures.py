"""What a visitor reads when a page fails: a sentence; the log gets everything."""

from __future__ import annotations

import logging
import uuid

import streamlit as st

from normviz.player import NotRunningError
from normviz.spec import SpecError
from normviz.ui.words import _, refusal

_LOG = logging.getLogger(__name__)


def tell(error: Exception) -> bool:
    """Show an uncaught error of a page as a sentence and log it in full; True suppresses the traceback."""
    if isinstance(error, SpecError):
        st.error(refusal(error), icon=":material/error:")
        return True
    if isinstance(error, NotRunningError):
        st.info(
            _("This server has nothing yet that computes its runs. Reload the page in a moment."),
            icon=":material/hourglass_empty:",
        )
        return True
    reference = uuid.uuid4().hex[:8]
    _LOG.error("page failed, reference %s", reference, exc_info=error)
    st.error(
        _(
            "This page could not be shown because of a fault in the program, not in your settings. "
            "Reload it; if the fault stays, report it with the reference {reference}.",
            reference=reference,
        ),
        icon=":material/error:",
    )
    return True
