"""The operator's page: how this server is, and what may be done about it.

It is there only if ``NORMVIZ_OPERATOR_TOKEN`` is set, and no navigation lists it.  Whoever types the token
sees runs and numbers, nothing of visitors, and may end a run, and begin or end the drain.  Experiments and
settings are called as in the log and on the command line, whatever the language.
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
from normviz.store.servers import masked
from normviz.ui import gates, memory
from normviz.ui.drains import set_draining
from normviz.ui.metrics import sessions
from normviz.ui.pages import Page
from normviz.ui.words import _, n_, numeral, spoken

_PAGE = Page("Operator", "operator", "operator.py", "admin_panel_settings")
_ADMITTED = "operator admitted"
_EVERY = 5  # seconds; each look costs some milliseconds of this process for each run's process
_MOST = 50  # runs shown of a kind
_IN_PROGRESS = (State.LIVE, State.WAITING)


def pages() -> tuple[Page, ...]:
    """The page, if there is an operator's token; Streamlit knows of none otherwise."""
    return (_PAGE,) if gates.token() else ()


def show() -> None:
    """Ask for the token, then show the board."""
    st.title(_("Operator"))
    if st.session_state.get(_ADMITTED):
        _board()
    else:
        _ask()


def _ask() -> None:
    with st.form("operator", clear_on_submit=True, width=480):
        attempt = st.text_input(_("Token"), type="password", autocomplete="off", max_chars=200)
        asked = st.form_submit_button(_("Enter"), type="primary")
    if not asked:
        return
    try:
        st.session_state[_ADMITTED] = gates.GATE.admits(gates.token(), attempt, _address())
    except gates.TooManyError:
        st.error(
            _("Too many wrong tokens came from your address. Wait a minute before the next one."),
            icon=":material/timer:",
        )
        return
    if st.session_state[_ADMITTED]:
        st.rerun()
    st.error(_("This is not the operator's token."), icon=":material/block:")


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
        st.badge(_("draining"), icon=":material/logout:", color="orange")
    elif playing.able:
        st.badge(_("ready"), icon=":material/check:", color="green")
    else:
        st.badge(_("not ready: {lack}", lack=_lack(playing)), icon=":material/error:", color="red")
    about = playing.about
    up = _span(time.time() - psutil.Process().create_time())
    told = [f"NormViz {normviz.__version__}", _("up {time}", time=up)]
    if about:
        form = _("{form} form on {device}", form=about.form, device=about.device)
        if others := [one for one in about.devices if one != about.device]:
            form = _("{form} (there are also: {others})", form=form, others=", ".join(others))
        told += [f"torch {about.torch}", form, about.cpu]
    engine: Any = playing.report()["engine"]
    if "restarts" in engine:
        told += [n_("engine restarted {n} time", "engine restarted {n} times", engine["restarts"])]
    told += [f"Python {platform.python_version()}", f"Streamlit {version('streamlit')}"]
    st.caption(" · ".join(told))
    if "workers" in engine:
        _cluster(engine)


def _lack(playing: Player) -> str:
    """Why no runs can be computed."""
    engine: Any = playing.report()["engine"]
    if "workers" not in engine:
        return _("no engine host is warm")
    return _("there are no workers of this version") if engine["reached"] else _("Redis does not answer")


def _cluster(engine: dict[str, Any]) -> None:
    """Who computes for this server, and who is there of another version."""
    st.caption(
        n_(
            "{n} worker of this version (source `{source}`), by way of Redis at `{redis}`",
            "{n} workers of this version (source `{source}`), by way of Redis at `{redis}`",
            engine["workers"], source=engine["source"], redis=engine["redis"],
        )
    )  # fmt: skip
    for other in engine["others"]:
        st.warning(
            n_(
                "{n} worker of another version, not used here: source `{source}`, torch `{torch}`, `{cpu}`",
                "{n} workers of another version, not used here: source `{source}`, torch `{torch}`, `{cpu}`",
                other["workers"], source=other["source"], torch=other["torch"], cpu=other["cpu"],
            ),
            icon=":material/difference:",
        )  # fmt: skip


def _numbers(playing: Player) -> None:
    report: dict[str, Any] = playing.report()
    held = memory.held()
    parts = {name: _megabytes(size) for name, size in held.items()}
    load = numeral(f"{os.getloadavg()[0]:.1f}") if hasattr(os, "getloadavg") else _("unknown")
    most, room = playing.settings.runs, playing.settings.recordings
    told = {
        _("Open pages"): (sessions(), _("Sessions of Streamlit.")),
        _("Open streams"): (report["watching"], _("Stages that play a run.")),
        _("Runs live"): (report["runs"]["live"], _("Of {most} that may be computed at once.", most=most)),
        _("Runs in line"): (report["runs"]["waiting"], _("They begin when another one ends.")),
        _("Recordings"): (_megabytes(report["recordings_bytes"]), _("Of {room} MB.", room=room)),
        _("Memory"): (
            _megabytes(sum(held.values())),
            _("Server {server}, engine {engine}, runs {runs}.", **parts),
        ),
        _("Load"): (
            load,
            n_(
                "Processes that want a core, on average over a minute; {n} core.",
                "Processes that want a core, on average over a minute; {n} cores.",
                os.cpu_count() or 1,
            ),
        ),
    }
    with st.container(horizontal=True, gap="xsmall"):
        for label, (value, about) in told.items():
            st.metric(label, value, help=about, border=True, width=150)


def _drain(playing: Player) -> None:
    label, icon = (_("End the drain"), "login") if playing.draining else (_("Begin the drain"), "logout")
    act = partial(set_draining, playing, not playing.draining)
    about = _(
        "While the server drains, `/lab/ready` answers 503, so that a proxy sends newcomers elsewhere. "
        "Whoever is here goes on as before."
    )
    st.button(label, icon=f":material/{icon}:", on_click=act, help=about)


def _progress(playing: Player, runs: list[Run]) -> None:
    st.subheader(_("Runs in progress ({n})", n=len(runs)))
    if not runs:
        st.caption(_("None."))
    for run in runs[:_MOST]:
        with st.container(border=True, horizontal=True, vertical_alignment="center", gap="small"):
            st.markdown(f"**{run.spec.name}** `{run.spec.key[:8]}`", width="content")
            st.caption(_standing(playing, run), width="stretch")
            with st.popover(_("Settings"), key=f"operator settings {run.token}"):
                st.code(
                    "\n".join(f"{name} = {value}" for name, value in run.spec.to_query(full=True).items())
                )
            st.button(
                _("End"), key=f"operator end {run.token}", icon=":material/stop:", on_click=playing.end,
                args=(run.token,), help=_("Whoever watches it is told that the operator has ended it."),
            )  # fmt: skip
    if len(runs) > _MOST:
        st.caption(n_("… and {n} more.", "… and {n} more.", len(runs) - _MOST))


def _standing(playing: Player, run: Run) -> str:
    """How a run in progress stands, in words."""
    if place := playing.place(run):
        told = [_("number {place} in line", place=place)]
    else:
        told = [_how(run), *([_span(time.monotonic() - run.began)] if run.number else [])]
    told += [
        n_("{n} frame", "{n} frames", run.frames),
        n_("{n} watching", "{n} watching", len(run.watches)),
    ]
    if broken := run.deaths + run.losses:
        told.append(n_("broke off {n} time", "broke off {n} times", broken))
    return " · ".join(told)


def _how(run: Run) -> str:
    if run.held:
        return _("waiting for others of its visitor")
    return _("resting") if run.resting else _named(run.state)


def _ended(runs: list[Run]) -> None:
    with st.expander(_("Recordings and ended runs ({n})", n=len(runs))):
        rows = [
            {
                _("Run"): run.spec.key[:8],
                _("Experiment"): run.spec.name,
                _("State"): _named(run.state),
                _("Frames"): run.frames,
                "MB": round(run.nbytes / 1e6, 2),
                _("watching"): len(run.watches),
                _("reason"): spoken(run.sentence),
            }
            for run in runs[:_MOST]
        ]
        if rows:
            st.dataframe(rows, hide_index=True)
        else:
            st.caption(_("None."))


def _named(state: State) -> str:
    """How a run that is not in progress stands."""
    names = {State.IDLE: _("idle"), State.DONE: _("done"), State.FAILED: _("failed")}
    return names.get(state, state.value)


def _settings(settings: player.Settings) -> None:
    with st.expander(_("Settings in force")):
        rows = []
        for one in fields(settings):
            variable, value = f"NORMVIZ_{one.name.upper()}", getattr(settings, one.name)
            shown = _shown(value)
            if variable == OPERATOR_TOKEN:
                shown = _("set") if value else ""
            rows.append({_("variable"): variable, _("value"): shown, _("as shipped"): value == one.default})
        st.dataframe(rows, hide_index=True)


def _shown(value: object) -> str:
    if isinstance(value, tuple):
        return ", ".join(map(masked, value))
    return f"{value:g}" if isinstance(value, float) else masked(str(value))


def _megabytes(size: float) -> str:
    return _("{size:,.0f} MB", size=size / 1e6)


def _span(seconds: float) -> str:
    """A time in its two largest units."""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    parts = [(days, "d"), (hours, "h"), (minutes, "min"), (rest, "s")]
    first = next((k for k, (count, _) in enumerate(parts) if count), len(parts) - 1)
    return " ".join(f"{count} {unit}" for count, unit in parts[first : first + 2])
