"""The operator's page: how this server is, and what may be done about it.

It is there only if ``NORMVIZ_OPERATOR_TOKEN`` is set, and no navigation lists it.  Whoever types the token
sees runs and numbers, nothing of visitors, and may end a run, and begin or end the drain.  English only, like
the log and the settings.
"""

from __future__ import annotations

import os
import platform
import time
from dataclasses import fields
from functools import partial
from importlib.metadata import version
from typing import Any

import psutil
import streamlit as st

import normviz
from normviz import player
from normviz.player import Player, Run, State
from normviz.player.settings import OPERATOR_TOKEN
from normviz.ui import gates, memory
from normviz.ui.drains import set_draining
from normviz.ui.metrics import sessions
from normviz.ui.pages import Page

_PAGE = Page("Operator", "operator", "operator.py", "admin_panel_settings")
_ADMITTED = "operator admitted"
_EVERY = 5  # seconds; each look costs some milliseconds of this process for each run's process
_MOST = 50  # runs shown of a kind
_IN_PROGRESS = (State.LIVE, State.WAITING)
_WRONG = "This is not the operator's token."
_TOO_MANY = "Too many wrong tokens came from your address. Wait a minute before the next one."
_DRAIN = (
    "While the server drains, `/lab/ready` answers 503, so that a proxy sends newcomers elsewhere. "
    "Whoever is here goes on as before."
)


def pages() -> tuple[Page, ...]:
    """The page, if there is an operator's token; Streamlit knows of none otherwise."""
    return (_PAGE,) if gates.token() else ()


def show() -> None:
    """Ask for the token, then show the board."""
    st.title("Operator")
    if st.session_state.get(_ADMITTED):
        _board()
    else:
        _ask()


def _ask() -> None:
    with st.form("operator", clear_on_submit=True, width=480):
        attempt = st.text_input("Token", type="password", autocomplete="off", max_chars=200)
        asked = st.form_submit_button("Enter", type="primary")
    if not asked:
        return
    try:
        st.session_state[_ADMITTED] = gates.GATE.admits(gates.token(), attempt, _address())
    except gates.TooManyError:
        st.error(_TOO_MANY, icon=":material/timer:")
        return
    if st.session_state[_ADMITTED]:
        st.rerun()
    st.error(_WRONG, icon=":material/block:")


def _address() -> str:
    """Where the visitor comes from; empty for this machine."""
    return st.context.ip_address or ""


@st.fragment(run_every=_EVERY)
def _board() -> None:
    playing = player.here()
    known = playing.runs()[::-1]
    _head(playing)
    _numbers(playing)
    _drain(playing)
    _progress(playing, sorted((run for run in known if run.state in _IN_PROGRESS), key=playing.place))
    _ended([run for run in known if run.state not in _IN_PROGRESS])
    _settings(playing.settings)


def _head(playing: Player) -> None:
    if playing.draining:
        st.badge("draining", icon=":material/logout:", color="orange")
    elif playing.able:
        st.badge("ready", icon=":material/check:", color="green")
    else:
        st.badge(f"not ready: {_lack(playing)}", icon=":material/error:", color="red")
    about = playing.about
    told = [f"NormViz {normviz.__version__}", f"up {_span(time.time() - psutil.Process().create_time())}"]
    if about:
        told += [f"torch {about.torch}", f"{about.form} form on {', '.join(about.devices)}", about.cpu]
    engine: Any = playing.report()["engine"]
    if "restarts" in engine:
        told += [f"engine restarted {engine['restarts']} times"]
    told += [f"Python {platform.python_version()}", f"Streamlit {version('streamlit')}"]
    st.caption(" · ".join(told))
    if "workers" in engine:
        _cluster(engine)


def _lack(playing: Player) -> str:
    """Why no runs can be computed."""
    engine: Any = playing.report()["engine"]
    if "workers" not in engine:
        return "no engine host is warm"
    return "there are no workers of this version" if engine["reached"] else "Redis does not answer"


def _cluster(engine: dict[str, Any]) -> None:
    """Who computes for this server, and who is there of another version."""
    own = f"{_counted(engine['workers'])} of this version (source `{engine['source']}`)"
    st.caption(f"{own}, by way of Redis at `{engine['redis']}`")
    for other in engine["others"]:
        told = f"source `{other['source']}`, torch `{other['torch']}`, `{other['cpu']}`"
        st.warning(
            f"{_counted(other['workers'])} of another version, not used here: {told}",
            icon=":material/difference:",
        )


def _counted(workers: int) -> str:
    return f"{workers} worker{'' if workers == 1 else 's'}"


def _numbers(playing: Player) -> None:
    report: dict[str, Any] = playing.report()
    held = memory.held()
    parts = ", ".join(f"{name} {_megabytes(size)}" for name, size in held.items())
    load = f"{os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else "unknown"
    told = {
        "Open pages": (sessions(), "Sessions of Streamlit."),
        "Open streams": (report["watching"], "Stages that play a run."),
        "Runs live": (report["runs"]["live"], f"Of {playing.settings.runs} that may be computed at once."),
        "Runs in line": (report["runs"]["waiting"], "They begin when another one ends."),
        "Recordings": (_megabytes(report["recordings_bytes"]), f"Of {playing.settings.recordings} MB."),
        "Memory": (_megabytes(sum(held.values())), f"All processes: {parts}."),
        "Load": (load, f"Processes that want a core, on average over a minute; {os.cpu_count()} cores."),
    }
    with st.container(horizontal=True, gap="xsmall"):
        for label, (value, about) in told.items():
            st.metric(label, value, help=about, border=True, width=150)


def _drain(playing: Player) -> None:
    label, icon = ("End the drain", "login") if playing.draining else ("Begin the drain", "logout")
    act = partial(set_draining, playing, not playing.draining)
    st.button(label, icon=f":material/{icon}:", on_click=act, help=_DRAIN)


def _progress(playing: Player, runs: list[Run]) -> None:
    st.subheader(f"Runs in progress ({len(runs)})")
    if not runs:
        st.caption("None.")
    for run in runs[:_MOST]:
        with st.container(border=True, horizontal=True, vertical_alignment="center", gap="small"):
            st.markdown(f"**{run.spec.name}** `{run.spec.key[:8]}`", width="content")
            st.caption(_standing(playing, run), width="stretch")
            with st.popover("Settings", key=f"operator settings {run.token}"):
                st.code(
                    "\n".join(f"{name} = {value}" for name, value in run.spec.to_query(full=True).items())
                )
            st.button(
                "End", key=f"operator end {run.token}", icon=":material/stop:", on_click=playing.end,
                args=(run.token,), help="Whoever watches it is told that the operator has ended it.",
            )  # fmt: skip
    if len(runs) > _MOST:
        st.caption(f"… and {len(runs) - _MOST} more.")


def _standing(playing: Player, run: Run) -> str:
    """How a run in progress stands, in words."""
    if place := playing.place(run):
        told = [f"number {place} in line"]
    else:
        told = ["resting" if run.resting else "live", _span(time.monotonic() - run.began)]
    told += [f"{run.frames} frames", f"{len(run.watches)} watching"]
    if broken := run.deaths + run.losses:
        told.append(f"broke off {broken} times")
    return " · ".join(told)


def _ended(runs: list[Run]) -> None:
    with st.expander(f"Recordings and ended runs ({len(runs)})"):
        rows = [
            {
                "run": run.spec.key[:8],
                "experiment": run.spec.name,
                "state": run.state.value,
                "frames": run.frames,
                "MB": round(run.nbytes / 1e6, 2),
                "watching": len(run.watches),
                "reason": run.sentence,
            }
            for run in runs[:_MOST]
        ]
        if rows:
            st.dataframe(rows, hide_index=True)
        else:
            st.caption("None.")


def _settings(settings: player.Settings) -> None:
    with st.expander("Settings in force"):
        rows = []
        for one in fields(settings):
            variable, value = f"NORMVIZ_{one.name.upper()}", getattr(settings, one.name)
            if variable == OPERATOR_TOKEN:
                value = "set" if value else ""
            rows.append({"variable": variable, "value": _shown(value), "as shipped": value == one.default})
        st.dataframe(rows, hide_index=True)


def _shown(value: object) -> str:
    if isinstance(value, tuple):
        return ", ".join(value)
    return f"{value:g}" if isinstance(value, float) else str(value)


def _megabytes(size: float) -> str:
    return f"{size / 1e6:,.0f} MB"


def _span(seconds: float) -> str:
    """A time in its two largest units."""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    parts = [(days, "d"), (hours, "h"), (minutes, "min"), (rest, "s")]
    first = next((k for k, (count, _) in enumerate(parts) if count), len(parts) - 1)
    return " ".join(f"{count} {unit}" for count, unit in parts[first : first + 2])
