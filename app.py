"""NormViz as one ASGI application: ``streamlit run app.py``, or any ASGI server on ``app:app``."""

import streamlit as st
from starlette.middleware import Middleware

from normviz.ui import drains, failures, health, logs, metrics, patience, static, stream
from normviz.ui.ahead import Ahead
from normviz.ui.connections import Connections
from normviz.ui.environment import settings
from normviz.ui.lifespan import lifespan
from normviz.ui.policies import Policies
from normviz.ui.portions import Portions
from normviz.ui.site import SCRIPT

logs.set_up(settings())
patience.teach(settings())

app = st.App(
    SCRIPT,
    lifespan=lifespan,
    routes=[*stream.routes(), *static.routes(), *health.routes(), *metrics.routes(), *drains.routes()],
    middleware=[
        Middleware(Policies, settings()),
        Middleware(Portions),
        Middleware(Connections, settings()),
        Middleware(Ahead),
    ],
    on_script_error=failures.tell,
)
