"""NormViz as one ASGI application: ``streamlit run app.py``, or any ASGI server on ``app:app``."""

import streamlit as st
from starlette.middleware import Middleware

from normviz.ui import drains, failures, health, listings, logs, metrics, patience, static, stream
from normviz.ui.ahead import Ahead
from normviz.ui.bundles import Bundles
from normviz.ui.connections import Connections
from normviz.ui.environment import settings
from normviz.ui.lifespan import lifespan
from normviz.ui.policies import Policies
from normviz.ui.portions import Portions
from normviz.ui.site import SCRIPT
from normviz.ui.visitors import Visitors

ROUTED = (stream, static, health, metrics, drains, listings)
"""Modules that serve something beside Streamlit."""

logs.set_up(settings())
patience.teach(settings())

app = st.App(
    SCRIPT,
    lifespan=lifespan,
    routes=[route for part in ROUTED for route in part.routes()],
    middleware=[
        Middleware(Policies, settings()),
        Middleware(Portions),
        Middleware(Bundles),
        Middleware(Connections, settings()),
        Middleware(Visitors, settings()),
        Middleware(Ahead),
    ],
    on_script_error=failures.tell,
)
