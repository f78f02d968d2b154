"""NormViz as one ASGI application: ``streamlit run app.py``, or any ASGI server on ``app:app``."""

import streamlit as st

from normviz.ui import failures, health, static, stream
from normviz.ui.site import SCRIPT

app = st.App(
    SCRIPT,
    lifespan=stream.lifespan,
    routes=[*stream.routes(), *static.routes(), *health.routes()],
    on_script_error=failures.tell,
)
