"""The stream of a real server: frames to browsers that are slow, come back, are foreign or talk nonsense."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from urllib.parse import urlencode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.routing import WebSocketRoute
from streamlit import config
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from normviz.locale.sources import literals
from normviz.player.feeds import WINDOW
from normviz.specs.train import Train
from normviz.ui import stream
from normviz.ui.origins import host_allowed, origin_allowed
from normviz.ui.visitors import COOKIE
from normviz.ui.words import LANGUAGES, spoken
from tests.player.processes import until
from tests.player.small_experiments import SCHEMA, Fault, Walk, walk
from tests.player.stands import frames_of
from tests.ui.streams import Client, Server


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    made = Server(
        NORMVIZ_LEASE="1",
        NORMVIZ_RUNS="2",
        NORMVIZ_SHARE="1",
        NORMVIZ_CONNECTIONS_PER_ADDRESS="12",
        NORMVIZ_RUN_MEMORY="500",
    )
    yield made
    made.close()


def closing(client: Client) -> tuple[int, str]:
    """Code and reason with which the server closes the connection."""
    with pytest.raises(ConnectionClosed) as closed:
        read_on(client, 60)
    client.close()
    assert closed.value.rcvd
    return closed.value.rcvd.code, closed.value.rcvd.reason


def read_on(client: Client, timeout: float) -> None:
    """Read until nothing comes for a while or the connection ends; both raise."""
    while True:
        client.read(timeout)


def test_a_run_is_told_from_schema_to_end(server: Server) -> None:
    spec = Walk(seed=1, steps=200)
    client = Client(server, server.open(spec))
    assert client.read_to_end() == frames_of(spec, walk)
    (head,) = client.heads
    assert head["schema"] == json.loads(SCHEMA.to_json())
    assert sorted(head) == ["generation", "recorded", "schema"], "nothing that gives a covered case away"
    assert client.end == {"status": "done", "sentence": "", "frames": 200}
    client.close()
    again = Client(server, server.open(spec))
    assert again.read_to_end() == frames_of(spec, walk)
    assert again.order == list(range(200))
    assert again.heads[0]["recorded"] is True
    again.close()


def test_frames_arrive_while_the_run_goes_on_a_few_messages_at_a_time(server: Server) -> None:
    spec = Walk(seed=2, steps=300, pause=3)
    client = Client(server, server.open(spec))
    messages = 0
    assert client.read() == "S"
    assert client.heads[0]["recorded"] is False
    while client.end is None:
        messages += client.read() == "F"
        client.acknowledge()
    assert 1 < messages < 150
    assert client.order == list(range(300))
    client.close()


def test_a_client_that_comes_back_gets_what_it_lacks(server: Server) -> None:
    spec = Walk(seed=3, steps=120, pause=10)
    token = server.open(spec)
    first = Client(server, token)
    while first.received < 20:
        first.read()
        first.acknowledge()
    first.socket.socket.close()  # without a word
    second = Client(server, token, f"?after={first.received}&generation={first.generation}")
    second.read_to_end()
    assert min(second.frames) == first.received
    assert [frame for _, frame in sorted({**first.frames, **second.frames}.items())] == frames_of(spec, walk)
    second.close()


def test_a_client_that_returns_late_sets_the_run_going_again(server: Server) -> None:
    spec = Walk(seed=4, steps=100, pause=30)
    token = server.open(spec)
    until(lambda: server.get("/report")["runs"]["live"] == 0)  # the lease is over
    client = Client(server, token)
    assert client.read_to_end() == frames_of(spec, walk)
    client.close()


def test_a_client_that_acknowledges_nothing_gets_a_window(server: Server) -> None:
    spec = Walk(seed=5, steps=1000)  # 4 MB
    client = Client(server, server.open(spec))
    with pytest.raises(TimeoutError):
        read_on(client, 2)
    assert WINDOW / 2 < client.nbytes < WINDOW + 8000
    got = client.received
    client.acknowledge()
    client.read()
    assert client.received > got
    client.close()


def test_a_slow_client_sees_the_newest_first_and_every_frame_once(server: Server) -> None:
    spec = Walk(seed=6, steps=1500, pause=2)
    others = server.get("/report")["recordings_bytes"]
    client = Client(server, server.open(spec))
    while client.received < 2:
        client.read()
    until(lambda: server.get("/report")["recordings_bytes"] > others + 3_000_000)
    with pytest.raises(TimeoutError):  # what was on its way before it fell asleep
        read_on(client, 0.3)
    before = len(client.order)
    client.acknowledge()
    client.read()
    assert client.order[before] > before + 100  # newest first
    frames = client.read_to_end()
    assert sorted(client.order) == list(range(1500))
    assert frames == frames_of(spec, walk)
    assert client.nbytes < sum(map(len, frames)) * 1.01 + 5000
    client.close()


def test_waiting_in_line_is_told(server: Server) -> None:
    busy = [Client(server, server.open(Walk(seed=seed, steps=60, pause=30))) for seed in (71, 72)]
    third = Client(server, server.open(Walk(seed=73, steps=3)))
    assert third.read() == "Q"
    assert third.places == [1]
    for client in busy:
        client.close()
    third.read_to_end()
    assert third.end
    assert third.end["status"] == "done"
    third.close()


def test_a_visitors_first_window_waits_for_the_one_opened_since_and_is_told(server: Server) -> None:
    cookie = {"additional_headers": {"Cookie": f"{COOKIE}=abcdefghijklmnopqrstuvwx"}}
    windows = []
    for seed in (75, 76):
        windows.append(Client(server, server.open(Walk(seed=seed, steps=60, pause=30)), **cookie))
        while not windows[-1].received:
            windows[-1].read()
            windows[-1].acknowledge()
    first, *others = windows
    while not first.places:
        first.read()
        first.acknowledge()
    assert first.places == [0]
    for client in others:
        client.close()
    first.read_to_end()
    assert first.end
    assert first.end["status"] == "done"
    first.close()


def test_something_is_said_while_there_is_nothing_to_tell(server: Server) -> None:
    client = Client(server, server.open(Fault(how="sleeps")))
    while client.received < 3:
        client.read()
    client.acknowledge()
    began = time.monotonic()
    assert [client.read(), client.read()] == ["B", "B"]
    assert time.monotonic() - began > 5
    client.close()


def test_a_run_that_needs_too_much_memory_says_so_and_harms_no_other(server: Server) -> None:
    spec = Walk(seed=8, steps=100, pause=20)
    beside = Client(server, server.open(spec))
    greedy = Client(server, server.open(Fault(how="hoards")))
    assert beside.read_to_end() == frames_of(spec, walk)
    greedy.read_to_end()
    assert greedy.end == {
        "status": "failed", "frames": 3,
        "sentence": "This run needs more memory than this server gives to one run. Choose a smaller one.",
    }  # fmt: skip
    greedy.close()
    beside.close()


def test_frames_of_a_server_of_another_version_are_void(server: Server) -> None:
    token = server.open(Walk(seed=1, steps=200))
    client = Client(server, token, "?after=100&generation=5")
    assert len(client.read_to_end()) == 200
    client.close()


def test_a_run_that_fails_tells_why(server: Server) -> None:
    client = Client(server, server.open(Fault(how="refuses")))
    assert len(client.read_to_end()) == 3
    assert client.end == {
        "status": "failed", "frames": 3,
        "sentence": "How: “refuses” does not work; allowed is anything else. Choose another one.",
    }  # fmt: skip
    client.close()
    silent = Client(server, server.open(Fault(how="no schema")))
    assert silent.read() == "E"
    assert silent.heads == []
    silent.close()


def test_sentences_come_in_the_language_that_is_asked_for(server: Server) -> None:
    """What the lab says of a failed run and what the stream says itself; of another language English."""
    token = server.open(Fault(how="refuses"))
    told = {}
    for query in ("", "?lang=cs", "?lang=xx"):
        client = Client(server, token, query)
        client.read_to_end()
        assert client.end
        told[query] = client.end["sentence"]
        client.close()
    assert told[""] == told["?lang=xx"] != told["?lang=cs"]
    assert told["?lang=cs"].startswith("How: hodnotu „refuses“")
    browser = {"additional_headers": {"Accept-Language": "cs"}}
    for query, options in (("?after=x&lang=cs", {}), ("?after=x", browser)):
        refusal = closing(Client(server, token, query, **options))
        assert refusal == (4400, "„after“ a\N{NO-BREAK SPACE}„generation“ musí být celá čísla.")


def test_every_reason_fits_into_the_end_of_a_connection() -> None:
    """A websocket allows 123 bytes."""
    places = ("normviz/ui/stream.py", "normviz/ui/connections.py")
    found = [one.text for one in literals() if one.place in places]
    assert len(found) > 10
    for text in found:
        for code in LANGUAGES:
            assert len(spoken(text, code).encode()) <= 123, (code, text)


def test_a_run_that_comes_out_differently_begins_anew(server: Server) -> None:
    token = server.open(Fault(how="unsteady", pause=20))
    first = Client(server, token)
    while first.received < 5:
        first.read()
        first.acknowledge()
    first.close()
    until(lambda: server.get("/report")["runs"]["live"] == 0)
    client = Client(server, token, f"?after={first.received}&generation={first.generation}")
    while len(client.heads) < 2:
        client.read()
        client.acknowledge()
    client.frames.clear()
    frames = client.read_to_end()
    before, after = [head["generation"] for head in client.heads]
    assert (before, after) == (first.generation, first.generation + 1)
    assert len({float(SCHEMA.decode(frame).arrays["start"]) for frame in frames}) == 1
    assert len(frames) == 100
    late = Client(server, token, f"?after=50&generation={before}")  # frames of the void recording
    late.read_to_end()
    assert len(late.frames) == 100
    client.close()
    late.close()


def test_the_run_of_a_page_is_begun_by_its_address(server: Server) -> None:
    """The same run, in the same words, as the one that the page then names by its token."""
    query = {"norms": "none", "steps": "50", "depth": "2", "width": "16", "note": "x"}
    spec, problems = Train.from_query(query)
    assert not problems
    with connect(f"ws://{server.address}/lab/open/train?{urlencode(query)}", max_size=None) as socket:
        told = socket.recv(60)
        assert isinstance(told, bytes)
        assert (told[:1], json.loads(told[1:])) == (b"R", {"run": spec.key})
        head = socket.recv(60)
        assert isinstance(head, bytes)
        assert head[:1] == b"S"
    client = Client(server, server.open(spec))
    assert client.read_to_end()
    assert client.end
    assert client.end["status"] == "done"
    client.close()


@pytest.mark.parametrize("page", ["anatomy", "no-such-page", "diagnose", "train?lesson=broken-networks"])
def test_a_page_that_plays_nothing_is_left_to_itself(server: Server, page: str) -> None:
    address = f"ws://{server.address}/lab/open/{page}"
    with connect(address) as socket, pytest.raises(ConnectionClosed) as closed:
        socket.recv(60)
    assert closed.value.rcvd
    assert closed.value.rcvd.code == 4404


def test_an_unknown_run_is_refused_with_a_reason(server: Server) -> None:
    assert closing(Client(server, "no-such-token")) == (4404, "This run is not known here any more.")


@pytest.mark.parametrize("query", ["?after=-1", "?after=x", "?after=1e3", "?after=99999999999", "?after=%00"])
def test_a_senseless_request_is_refused_with_a_reason(server: Server, query: str) -> None:
    token = server.open(Walk(seed=1, steps=200))
    assert closing(Client(server, token, query)) == (4400, "“after” and “generation” must be whole numbers.")


@pytest.mark.parametrize(
    "said",
    ["", "seen", "[]", "{}", '{"seen": -1}', '{"seen": 1.5}', '{"seen": true}', '{"seen": 1}' + " " * 200,
     "[" * 150, b"\x00\xff", "\x00"],
)  # fmt: skip
def test_nonsense_from_a_client_ends_its_connection_only(server: Server, said: str | bytes) -> None:
    client = Client(server, server.open(Walk(seed=1, steps=200)))
    client.socket.send(said)
    assert closing(client) == (1008, 'A message was not {"seen": number of frames}.')


def test_a_flood_from_a_client_ends_its_connection_only(server: Server) -> None:
    client = Client(server, server.open(Walk(seed=1, steps=200)))
    try:
        for _ in range(5000):
            client.socket.send('{"seen": 0}')
    except ConnectionClosed:
        pass
    # On a slow machine the flood also keeps the client's answer to a ping from being read in time.
    assert closing(client) in ((1008, "Too many messages."), (1011, "keepalive ping timeout"))


def test_connections_of_one_address_are_limited(server: Server) -> None:
    until(lambda: server.get("/report")["watching"] == 0)
    token = server.open(Walk(seed=1, steps=200))
    clients = [Client(server, token) for _ in range(12)]
    for client in clients:
        client.read()
    czech = {"additional_headers": {"Accept-Language": "cs-CZ,cs;q=0.9,en;q=0.8"}}
    for query, options, told in (
        ("", {}, "Too many connections"),
        ("?lang=cs", {}, "Otevřených spojení je příliš mnoho."),
        ("", czech, "Otevřených spojení je příliš mnoho."),
        ("?lang=en", czech, "Too many connections"),
    ):
        code, reason = closing(Client(server, token, query, **options))
        assert code == 4429
        assert reason.startswith(told)
    for client in clients:
        client.close()
    until(lambda: server.get("/report")["watching"] == 0)
    again = Client(server, token)
    assert again.read() == "S"
    again.close()


@pytest.mark.parametrize(
    ("origin", "accepted"),
    [(None, True), ("http://{}", True), ("http://localhost:3000", True), ("http://evil.example", False),
     ("http://{}.evil.example", False), ("http://{}@evil.example", False), ("null", False), ("//[", False)],
)  # fmt: skip
def test_only_pages_of_this_server_may_connect(server: Server, origin: str | None, accepted: bool) -> None:
    token = server.open(Walk(seed=1, steps=200))
    origin = origin and origin.format(server.address)
    if accepted:
        client = Client(server, token, origin=origin)
        assert client.read() == "S"
        client.close()
    else:
        with pytest.raises(InvalidStatus) as refused:
            Client(server, token, origin=origin)
        assert refused.value.response.status_code == 403


def test_the_server_had_no_trouble(server: Server) -> None:
    """Runs last in this module: nothing above may have left a traceback that was not meant."""
    server.get("/report")
    log = "\n".join(server.log)
    assert "stream failed" not in log
    assert "Exception in ASGI" not in log


# --- without a server -----------------------------------------------------------------------------


@pytest.fixture
def option() -> Iterator[type[config]]:
    names = ("server.baseUrlPath", "server.allowedHosts", "server.enableCORS", "server.corsAllowedOrigins")
    before = {name: config.get_option(name) for name in names}
    yield config
    for name, value in before.items():
        config.set_option(name, value)


@pytest.mark.parametrize(
    ("base", "path"),
    [
        ("", "/lab/stream/{token}"),
        ("norms", "/norms/lab/stream/{token}"),
        ("/a/b/", "/a/b/lab/stream/{token}"),
    ],
)
def test_the_route_lies_under_the_base_path(option: type[config], base: str, path: str) -> None:
    option.set_option("server.baseUrlPath", base)
    route, begun = stream.routes()
    assert isinstance(route, WebSocketRoute)
    assert isinstance(begun, WebSocketRoute)
    assert (route.path, begun.path) == (path, path.replace("stream/{token}", "open/{page}"))


@pytest.mark.parametrize(
    ("host", "allowed"),
    [("lab.example.org", True), ("LAB.example.org.:443", True), ("a.school.edu", True), ("school.edu", False),
     ("evil.example", False), (None, False), ("x@lab.example.org", False), ("lab.example.org:x", False)],
)  # fmt: skip
def test_hosts_are_those_that_streamlit_allows(option: type[config], host: str | None, allowed: bool) -> None:
    assert host_allowed(host)  # no restriction by default
    option.set_option("server.allowedHosts", ["lab.example.org", "*.school.edu"])
    assert host_allowed(host) is allowed


def test_origins_follow_the_settings(option: type[config]) -> None:
    assert not origin_allowed("https://other.example", "lab.example")
    option.set_option("server.corsAllowedOrigins", ["https://other.example"])
    assert origin_allowed("https://other.example", "lab.example")
    option.set_option("server.corsAllowedOrigins", [])
    option.set_option("server.enableCORS", False)
    assert origin_allowed("https://other.example", "lab.example")


def test_a_wrong_setting_ends_the_start_with_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NORMVIZ_RUNS", "many")
    with pytest.raises(SystemExit, match="NORMVIZ_RUNS: “many” does not work; allowed is a whole number"):
        stream.routes()


@settings(deadline=None)
@given(st.text() | st.none() | st.builds('{{"seen": {}}}'.format, st.integers() | st.floats() | st.text()))
def test_any_text_of_a_client_is_understood_or_refused(text: str | None) -> None:
    try:
        seen = stream._seen(text)
    except stream._Refusal:
        return
    assert json.loads(text or "") == {"seen": seen}
