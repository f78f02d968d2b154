"""What a visitor reads when a page fails: a sentence; the log gets everything."""

from __future__ import annotations

import logging
import uuid

import streamlit as st

from normviz.spec import SpecError
from normviz.ui.words import _, refusal

_LOG = logging.getLogger(__name__)


def tell(error: Exception) -> bool:
    """Show an uncaught error of a page as a sentence and log it in full; True suppresses the traceback."""
    if isinstance(error, SpecError):
        st.error(refusal(error), icon=":material/error:")
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
