"""The log as whoever collects it sees it: one object a line, with facts that are true, and nobody's name."""

from __future__ import annotations

import logging

import pytest

from normviz.player import Settings
from normviz.ui import logs
from tests.ui.operated import Operated, short


def test_every_line_is_an_object_with_time_level_and_message(operated: Operated) -> None:
    lines = operated.lines()
    assert len(lines) > 20
    for line in lines:
        assert {"time", "level", "logger", "message"} <= line.keys()
        assert line["time"].endswith("Z")
        assert line["level"] in ("debug", "info", "warning", "error", "critical")


def test_runs_are_told_from_start_to_end(operated: Operated) -> None:
    for spec in operated.walks:
        told = operated.lines(run=short(spec), experiment="walk")
        assert [line["event"] for line in told] == ["run_started", "run_done"]
        assert told[1]["frames"] == 100
        assert told[1]["bytes"] > 100 * 4000
        assert 0.5 <= told[1]["seconds"] < 600  # 100 pauses of 5 ms
    told = operated.lines(run=short(operated.exited))
    assert [line["event"] for line in told] == [
        "run_started", *["run_died", "run_restarted"] * 3, "run_died", "run_failed",
    ]  # fmt: skip
    assert "exit" in told[1]["reason"] or "ended with 3" in told[1]["reason"]


def test_a_traceback_in_a_run_is_one_line(operated: Operated) -> None:
    (line,) = [line for line in operated.lines(level="error") if "ZeroDivisionError" in str(line)]
    assert line["exc_info"].startswith("Traceback (most recent call last):\n")
    assert line["exc_info"].endswith("ZeroDivisionError: the inner secret")
    assert line["logger"] == "normviz.engine"
    assert f"run {short(operated.raised)} failed" in line["message"]


def test_the_server_and_its_engine_are_told(operated: Operated) -> None:
    assert operated.lines(event="server_ready")
    assert len(operated.lines(event="engine_ready")) == 2
    (ended,) = operated.lines(event="engine_ended")
    assert (ended["level"], ended["runs"]) == ("warning", 1)


def test_nothing_of_single_requests_is_in_it(operated: Operated) -> None:
    text = "\n".join(operated.server.log)
    assert "/open" not in text
    assert "lab/stream" not in text
    assert "no-such-token" not in text


@pytest.mark.parametrize("name", ["uvicorn.access", "uvicorn.error"])
def test_what_uvicorn_writes_about_requests_is_left_out(name: str) -> None:
    message = '%s - "WebSocket %s" [accepted]'
    record = logging.LogRecord(name, logging.INFO, "", 0, message, ("192.0.2.1:5", "/lab/stream/x"), None)
    assert not logs.impersonal(record)
    assert logs.impersonal(logging.LogRecord("uvicorn.error", logging.INFO, "", 0, "Shutting down", (), None))


@pytest.mark.parametrize(
    "text", ["connection open", "connection rejected (%d %s)", "HTTP response sent (%d %s)"]
)
def test_what_is_said_of_every_connection_is_left_out(text: str) -> None:
    assert not logs.impersonal(logging.LogRecord("uvicorn.error", logging.INFO, "", 0, text, (), None))
    assert logs.impersonal(logging.LogRecord("uvicorn.error", logging.WARNING, "", 0, text, (), None))
    assert logs.impersonal(logging.LogRecord("normviz.store", logging.INFO, "", 0, text, (), None))


def test_a_line_that_clients_can_have_written_is_told_now_and_then() -> None:
    def passed(text: str, second: float) -> bool:
        record = logging.LogRecord("uvicorn.error", logging.WARNING, "", 0, text, (), None)
        record.created = second
        return seldom.filter(record)

    seldom = logs.Seldom()
    told = [second for second in range(1000, 1150) if passed("Invalid HTTP request received.", second)]
    assert told == [1000, 1060, 1120]
    assert passed("Unsupported upgrade request.", 1001)
    assert all(passed("another", second) for second in (1001, 1002))


def test_lines_to_read_have_the_time_in_utc() -> None:
    record = logging.LogRecord(
        "normviz", logging.INFO, "", 0, "run %(run)s", ({"run": "a", "event": "b"},), None
    )  # fmt: skip
    record.created = 0.0
    assert logs._Lines().format(record) == "1970-01-01T00:00:00Z INFO normviz: run a"
    assert Settings().log == "text"
