"""The three websocket routes of a running server, in the hands of clients that keep to no rule.

The server has room for few connections here, so that crowds are small: 12 from one address, 16 in all.
"""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from urllib.parse import quote, urlencode
from urllib.request import urlopen

import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st
from streamlit.proto.BackMsg_pb2 import BackMsg
from websockets.exceptions import ConnectionClosed, InvalidMessage, InvalidStatus
from websockets.protocol import State
from websockets.sync.client import ClientConnection
from websockets.typing import Origin

from normviz.specs import EXPERIMENTS
from normviz.specs.train import Train
from normviz.ui.connections import SESSION, STREAM
from normviz.ui.exhibits import QUESTIONS, SPECS
from normviz.ui.patience import LARGEST_MESSAGE
from tests.browser.visitors import Server, serving
from tests.hostile.servers import ELSEWHERE, ask, open_socket, page, serves, shown
from tests.hostile.texts import ANY, tried
from tests.player.processes import until

EACH, ALL = 12, 16
THIRD = "127.0.0.3"
AHEAD = "lab/open/"
PAGES = [*SPECS, *QUESTIONS]
SHORT = ANY.map(lambda text: text[:300])  # so that a whole address fits into the 8 kB that the server reads
FIELDS = sorted(
    {name for kind in EXPERIMENTS.values() for name, _, _ in kind.knobs()} | {"question", "lesson"}
)
EDGES = st.sampled_from(
    ["", "0", "-1", "1e400", "nan", "9" * 400, "relu,relu", "batch,layer", "200:lr=0.03", "½"]
)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NORMVIZ_CONNECTIONS", str(ALL))
        patch.setenv("NORMVIZ_CONNECTIONS_PER_ADDRESS", str(EACH))
        with serving(tmp_path_factory.mktemp("server") / "log") as server:
            yield server
            log = server.log.read_text()
    assert "Traceback" not in log
    assert "Exception in ASGI" not in log
    assert log.count("connections are refused") == 1, "told, but not each time"


def end(socket: ClientConnection, seconds: float = 30) -> int:
    """The code with which the server closes."""
    with suppress(ConnectionClosed):
        while True:
            socket.recv(seconds)
    code = socket.close_code
    assert code is not None
    return code


@pytest.mark.parametrize(
    "data", ["text", "", b"", b"\x00" * 50, b"\xff" * 300, b"\x0a\xff\xff\xff\xff\x0f",
    json.dumps({"seen": 1})],
    ids=range(7),
)  # fmt: skip
def test_what_is_no_message_ends_its_session_only(server: Server, data: str | bytes) -> None:
    with open_socket(server, SESSION) as socket:
        socket.send(data)
        assert end(socket) == 1002
    serves(server)


@pytest.mark.parametrize("whole", [True, False], ids=["whole", "in pieces that never end"])
def test_a_long_message_is_not_kept(server: Server, whole: bool) -> None:
    with open_socket(server, SESSION) as socket:
        with suppress(ConnectionClosed):
            if whole:
                socket.send(b"x" * (LARGEST_MESSAGE + 1))
            else:
                socket.send(growing(socket))
        assert end(socket) == 1009


def growing(socket: ClientConnection) -> Iterator[bytes]:
    """A message that grows a byte too long and never ends.

    Then it waits: whoever went on talking could lose the reason, because their connection would be reset.
    """
    whole, rest = divmod(LARGEST_MESSAGE, 10_000)
    yield from [b"x" * 10_000] * whole
    yield b"x" * rest
    yield b"x"
    until(lambda: socket.state is not State.OPEN)


@pytest.mark.parametrize(
    "path",
    [
        "",
        "train",
        "lab/stream",
        "lab/stream/",
        "lab/stream/a/b",
        "_stcore/stream/x",
        "_stcore",
        "media/x",
        "%00",
    ],
)
def test_there_are_no_other_routes(server: Server, path: str) -> None:
    with pytest.raises(InvalidStatus) as refused:
        open_socket(server, path)
    assert refused.value.response.status_code == 403


@pytest.mark.parametrize("path", [SESSION, STREAM + "token", AHEAD + "train"])
@pytest.mark.parametrize(
    "origin", ["http://evil.example", "null", "http://127.0.0.1.evil.example", "file://", "//["]
)
def test_pages_of_others_do_not_connect(server: Server, path: str, origin: str) -> None:
    with pytest.raises(InvalidStatus) as refused:
        open_socket(server, path, origin=Origin(origin))
    assert refused.value.response.status_code == 403


def test_a_protocol_that_is_not_ours_harms_nobody(server: Server) -> None:
    with suppress(InvalidStatus), open_socket(server, SESSION, subprotocols=None):
        pass
    serves(server)


@pytest.mark.parametrize(
    "kind", ["clear_cache", "load_git_info", "set_run_on_save", "debug_shutdown_runtime"]
)
def test_what_pages_never_ask_for_is_passed_over(server: Server, kind: str) -> None:
    asked = BackMsg()
    setattr(asked, kind, True)
    with open_socket(server, SESSION) as socket:
        socket.send(asked.SerializeToString())
        socket.send(page())
        assert shown(socket)


@tried(12)
@given(query=st.dictionaries(ANY, ANY, max_size=3), name=ANY, key=ANY, value=ANY, number=st.floats())
def test_any_address_in_any_message_is_answered(
    server: Server, query: dict[str, str], name: str, key: str, value: str, number: float
) -> None:
    """Messages that no page would send: names, hashes, states of widgets that there are not."""
    asked = BackMsg()
    rerun = asked.rerun_script
    rerun.query_string = "&".join(f"{one}={text}" for one, text in query.items())[:50_000]
    rerun.page_name, rerun.page_script_hash, rerun.fragment_id = name[:99], value[:9], key[:9]
    state = rerun.widget_states.widgets.add()
    state.id, state.double_value = f"$$ID-{key[:99]}-train.lr", number
    other = rerun.widget_states.widgets.add()
    other.id, other.json_value = "$$WIDGET_ID-x-None", value
    with open_socket(server, SESSION) as socket:
        socket.send(asked.SerializeToString())
        socket.send(page())
        for told in shown(socket):
            assert told.WhichOneof("type") != "session_event" or not told.session_event.HasField(
                "script_compilation_exception"
            )
            assert told.delta.new_element.WhichOneof("type") != "exception"


@tried(40)
@given(
    page=st.sampled_from(PAGES) | SHORT,
    query=st.dictionaries(st.sampled_from(FIELDS) | SHORT, EDGES | SHORT, max_size=4),
)
def test_any_address_ahead_of_its_page_is_answered(server: Server, page: str, query: dict[str, str]) -> None:
    """With a run, or with the sentence that there is none."""
    answer = ahead(server, page, query)
    assert answer in (403, 4404) or re.fullmatch(r"[0-9a-f]{64}", str(answer))


def test_ahead_of_a_page_runs_the_page_and_nothing_else(server: Server) -> None:
    asked: dict[str, str] = {"seed": "12345", "steps": "100"}
    assert ahead(server, "train", asked) == Train(seed=12345, steps=100).key
    for name in ("nothing", "operator", "anatomy", "train.py", "..", "x" * 5000):
        assert ahead(server, name, {}) == 4404
    for name in ("", "a/b", "../stream", "train/"):
        assert ahead(server, name, {}) == 403
    assert ahead(server, "train", {"lesson": "x"}) == 4404
    serves(server)


@pytest.mark.parametrize("length", [10_000, 100_000, 1_000_000])
def test_an_address_that_is_too_long_begins_nothing_and_is_not_kept(server: Server, length: int) -> None:
    process = psutil.Process(server.pid)
    before = process.memory_info().rss
    assert ahead(server, "train", {"norms": "x" * length}, patience=4) in (0, 400)
    assert process.memory_info().rss - before < 30_000_000
    serves(server)


@pytest.mark.parametrize("data", ["text", "[]", '{"seen": -1}', '{"seen": 1e9}', "[" * 199, b"\x00" * 50])
def test_ahead_of_a_page_only_what_was_seen_is_heard(server: Server, data: str | bytes) -> None:
    with open_socket(server, f"{AHEAD}train?seed=12345&steps=100") as socket:
        socket.send(data)
        assert end(socket) == 1008
    serves(server)


def ahead(server: Server, page: str, query: dict[str, str], patience: float = 60) -> str | int:
    """The key of the run that is begun for an address; else the code of the refusal, 0: no answer."""
    asked = urlencode(query, errors="replace")
    try:
        socket = open_socket(
            server, f"{AHEAD}{quote(page, safe='', errors='replace')}?{asked}", open_timeout=patience
        )
    except InvalidStatus as refused:
        return refused.response.status_code
    except (InvalidMessage, OSError):
        return 0
    with socket:
        try:
            told = socket.recv(60)
        except ConnectionClosed:
            assert socket.close_code is not None
            return socket.close_code
    assert isinstance(told, bytes)
    assert told[:1] == b"R"
    return str(json.loads(told[1:])["run"])


def test_a_flood_ends_its_session_only(server: Server) -> None:
    with open_socket(server, SESSION) as socket:
        flood = threading.Thread(target=lambda: _drown(socket, 1000), daemon=True)
        flood.start()
        serves(server)
        assert end(socket) in (1006, 1008)  # 1006: it was still talking when the line was cut
        flood.join()


def _drown(socket: ClientConnection, times: int) -> None:
    with suppress(ConnectionClosed, OSError):
        for n in range(times):
            socket.send(page(f"lr={n}"))


def test_who_does_not_read_is_not_heard(server: Server) -> None:
    """Answers to a client that takes none do not pile up."""
    process = psutil.Process(server.pid)
    with open_socket(server, SESSION, max_queue=1) as socket:
        socket.send(page())
        assert shown(socket)
        before = process.memory_info().rss
        flood = threading.Thread(target=lambda: _drown(socket, 300), daemon=True)
        flood.start()
        time.sleep(2)
        serves(server)
        assert process.memory_info().rss - before < 20_000_000
        socket.socket.close()


def test_a_crowd_from_one_address_leaves_room_for_others(server: Server) -> None:
    _wait_for_room(server)
    with ExitStack() as crowd:
        for _ in range(EACH):
            crowd.enter_context(open_socket(server, SESSION, ELSEWHERE))
        for _ in range(50):
            with pytest.raises(InvalidStatus) as refused:
                open_socket(server, SESSION, ELSEWHERE)
            assert refused.value.response.status_code == 403
        with open_socket(server, STREAM + "token", ELSEWHERE) as full:
            assert end(full) == 4429
        serves(server, THIRD)
        for _ in range(ALL - EACH):
            crowd.enter_context(open_socket(server, SESSION, THIRD))
        with pytest.raises(InvalidStatus):
            open_socket(server, SESSION, "127.0.0.4")
        assert ask(server, "/train", "GET", "Accept: text/html")[0] == 429
        assert ask(server, "/lab/live")[0] == 200
        with urlopen(server.address + "_stcore/health") as health:
            assert health.status == 200
    _wait_for_room(server)
    serves(server)


def _wait_for_room(server: Server) -> None:
    """Until the connections that were closed have ended on the server's side too."""
    with ExitStack() as opened:
        for _ in range(200):
            try:
                for client in ("127.0.0.1", ELSEWHERE):
                    for _ in range(ALL // 2):
                        opened.enter_context(open_socket(server, SESSION, client))
                return
            except InvalidStatus:
                opened.close()
                time.sleep(0.1)
        pytest.fail("connections that have ended are still counted")
