"""The stream: frames of a run to a browser, over a websocket.

    {base}/lab/stream/{token}?after=N&lang=L
    {base}/lab/open/{page}?{query}         the run that a page shows at first with this query of its address

N: frames that the client has already, without a gap.  L: language of the sentences, also in the query of a
page; without it the browser's, else English.

Server to client, binary:

    "R" + JSON  {"run"}                                        the key of the run; only at lab/open, at once
    "S" + JSON  {"schema", "recorded", "generation"}           before any frame; ``recorded``: it is complete
    "F" + u32 index of the first frame, then for each frame u32 length + frame (little endian)
    "Q" + JSON  {"place"}                                      it waits in line; 0: for others of its visitor
    "B"                                                        nothing to tell; the connection lives
    "E" + JSON  {"status": "done" | "failed" | "stopped", "sentence", "frames"}

Frames are consecutive within one "F".  From one to the next the index may jump ahead, when the client is
slow; the gap follows later.  A second "S", or one with another ``generation`` than before, means that the
frames so far are void (the run came out differently when it was computed again) and begin anew; a client
that comes back names the generation of its frames as ``generation=G``; that of a server which computes by
another version is another one.

Until the end is told something comes every five seconds, so a client that hears nothing for thrice as long
has lost the connection, even if nobody told it so (a network that went away, a router that forgot).

Client to server, text: JSON {"seen": n}, n the number of frames received over this connection.  At most
``feeds.WINDOW`` bytes are on their way unseen.  Closing is leaving.

The server closes with 4400 (the request makes no sense), 4404 (no such run here: ask the page for a new
address), 4408 (nothing heard from the client), 1008 (not our protocol), 1013 (not ready); the reason is a
sentence.  Who may connect, how many may, and how fast they may talk: ``ui/connections.py``.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import struct
import time
from collections.abc import AsyncIterator
from typing import Any

from starlette.routing import BaseRoute, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect
from streamlit import config

from normviz import player
from normviz.frames import Recording
from normviz.phrases import phrase
from normviz.player.feeds import Feed
from normviz.player.settings import misspelt
from normviz.spec import SpecError
from normviz.ui import drains, options
from normviz.ui.connections import count_refusal
from normviz.ui.environment import settings
from normviz.ui.exhibits import first_spec
from normviz.ui.visitors import of_connection
from normviz.ui.words import of_request, spoken

logger = logging.getLogger(__name__)

_INTERVAL = 0.05  # seconds between two rounds of messages to one client
_TOGETHER = 0.004  # seconds that its first frame waits for what comes right behind it, such as the run's end
_BEAT = 5.0  # seconds after which something is said, if only that the connection lives
_PATIENCE = 60.0  # seconds without a word from a client that has frames on their way
_LONGEST = 200  # characters of a client's message
_MOST_FRAMES = 10_000_000
_INDEX = struct.Struct("<I")


class _Refusal(Exception):  # noqa: N818 (it is an answer, not an error of ours)
    """Close the connection with a code and a reason for the client."""

    def __init__(self, code: int, reason: str) -> None:
        self.code, self.reason = code, reason
        super().__init__(reason)


def routes() -> list[BaseRoute]:
    """The websocket route, under Streamlit's base path.  Ends the process if a setting is wrong."""
    settings()
    base = str(config.get_option("server.baseUrlPath") or "").strip("/")
    path = f"/{base}/lab" if base else "/lab"
    return [
        WebSocketRoute(path + "/stream/{token}", stream),
        WebSocketRoute(path + "/open/{page}", stream),
    ]


@contextlib.asynccontextmanager
async def lifespan(app: Any) -> AsyncIterator[None]:
    """Have a player while the server runs.

    Workers elsewhere are not waited for: the server says that it is not ready until there are some.
    """
    for sentence in (*misspelt(), *options.departures()):
        logger.warning("%s", sentence)
    playing = player.Player(settings())
    player.set_here(playing)
    with drains.on_signals(playing):
        starting = asyncio.create_task(_start(playing))
        try:
            if playing.settings.engine != "redis":
                await starting
            yield
        finally:
            player.set_current(None)
            player.set_here(None)
            starting.cancel()
            await asyncio.gather(starting, return_exceptions=True)
            await playing.close()
            logger.info("ended: no run and no engine host is left", {"event": "server_ended"})


async def _start(playing: player.Player) -> None:
    began = time.monotonic()
    try:
        await playing.start()
    except player.EngineError as error:
        logger.error("%s", error)
        raise
    player.set_current(playing)
    told = {"event": "server_ready", "seconds": round(time.monotonic() - began, 3)}
    logger.info("ready: runs can be computed, %(seconds).1f s after the start", told)


async def stream(socket: WebSocket) -> None:
    """Serve one connection."""
    await socket.accept()
    with contextlib.suppress(WebSocketDisconnect, RuntimeError):  # the client left while we spoke
        try:
            await _serve(socket)
        except WebSocketDisconnect:
            raise
        except _Refusal as refusal:
            count_refusal(refusal.code)
            await socket.close(refusal.code, spoken(refusal.reason, of_request(socket)))
        except Exception:
            logger.exception("a stream failed")
            reason = phrase("The stream failed; the server's log says why.")
            await socket.close(1011, spoken(reason, of_request(socket)))


async def _serve(socket: WebSocket) -> None:
    try:
        playing = player.current()
    except RuntimeError:
        raise _Refusal(1013, phrase("The server is not ready yet.")) from None
    after, generation = _number(socket, "after"), _number(socket, "generation")
    run = await _asked(socket, playing)
    with playing.watch(run, of_connection(socket)) as watch:
        client = _Client(socket, playing, watch, after if generation == run.generation else 0)
        await _both(client.listen(), client.speak())


async def _asked(socket: WebSocket, playing: player.Player) -> player.Run:
    """The run of a token, or the one that a page will show.

    Raises:
        _Refusal: there is none.
    """
    if page := socket.path_params.get("page"):
        spec = first_spec(page, socket.query_params)
        try:
            run = playing.run(playing.open(spec, of_connection(socket))) if spec else None
        except SpecError:
            run = None  # the page will say why
        if run is None:
            raise _Refusal(4404, phrase("This page tells by itself what it runs."))
        await socket.send_bytes(b"R" + json.dumps({"run": run.spec.key}).encode())
        return run
    found = playing.run(socket.path_params["token"])
    if found is None:
        raise _Refusal(4404, phrase("This run is not known here any more."))
    return found


async def _both(*sides: Any) -> None:
    """Run both directions until one of them ends; its exception is ours."""
    tasks = [asyncio.ensure_future(side) for side in sides]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


class _Client:
    """One client of one run."""

    def __init__(self, socket: WebSocket, playing: player.Player, watch: player.Watch, after: int) -> None:
        self._socket, self._player, self._watch, self._run = socket, playing, watch, watch.run
        self._meters = playing.meters
        self._feed = Feed(after)
        self._ended = False
        watch.owed = True
        self._counted = 0  # frames
        self._language = of_request(socket)
        self._told: int | None = None  # generation whose schema was sent
        self._place: int | None = None
        self._came = self._heard = self._said = time.monotonic()

    async def listen(self) -> None:
        """Take what the client says, until it leaves."""
        while True:
            message = await self._socket.receive()
            if message["type"] == "websocket.disconnect":
                return
            self._heard = time.monotonic()
            self._feed.acknowledge(_seen(message.get("text")))
            self._watch.owed = not self._ended or self._feed.outstanding > 0
            self._watch.event.set()

    async def speak(self) -> None:
        """Send what there is, until everything is said; then wait for the client to leave."""
        while not await self._round():
            looked = time.monotonic()
            with contextlib.suppress(TimeoutError):
                # Not wait_for: before Python 3.12 it may swallow that this task is cancelled.
                async with asyncio.timeout(self._said + _BEAT - looked):
                    await self._watch.changed()
            # Somebody has just moved a slider: the first frame is not kept waiting for a round.
            paced = looked + _INTERVAL - time.monotonic()
            await asyncio.sleep(paced if self._feed.sent else _TOGETHER)
            if time.monotonic() - self._said >= _BEAT:
                await self._send(b"B")
            if self._feed.outstanding and time.monotonic() - self._heard > _PATIENCE:
                raise _Refusal(4408, phrase("Nothing was heard from this browser for a minute."))
        await asyncio.sleep(_PATIENCE)
        await self._socket.close(1000, "All is said.")

    async def _round(self) -> bool:
        """Send what the window allows; returns whether that was the end."""
        run = self._run
        place = self._player.place(run) or (0 if run.held else None)
        if place is not None and place != self._place:
            await self._say("Q", place=place)
        self._place = place
        # How the run stands is read before its frames: those that come meanwhile are for the next round.
        ended, live, recording = run.ended, run.state is player.State.LIVE, run.recording
        if recording is not None:
            if self._told != run.generation:
                await self._begin(recording)
            for message in self._feed.take(recording, live=live):
                await self._send(message)
                self._measure(message)
            self._meters.frames_sent.inc(self._feed.sent - self._counted)
            self._counted = self._feed.sent
        if ended and self._feed.complete:
            await self._end(run.state.value, run.sentence)
            return True
        if not self._player.running:
            await self._end("stopped", phrase("The server is ending."))
            return True
        return False

    async def _end(self, status: str, sentence: str) -> None:
        told = spoken(sentence, self._language)
        await self._say("E", status=status, sentence=told, frames=self._run.frames)
        self._ended = True
        self._watch.owed = self._feed.outstanding > 0

    def _measure(self, message: bytes) -> None:
        self._meters.sent_bytes.inc(len(message))
        (oldest,) = _INDEX.unpack_from(message, 1)
        arrivals = self._run.arrivals
        if oldest < len(arrivals) and arrivals[oldest] > self._came:
            self._meters.frame_latency.observe(time.monotonic() - arrivals[oldest])

    async def _begin(self, recording: Recording) -> None:
        run = self._run
        if self._told is not None:
            self._feed.restart()
        self._told = run.generation
        head = {
            "schema": json.loads(recording.schema.to_json()),
            "recorded": run.state is player.State.DONE,
            "generation": run.generation,
        }
        await self._say("S", **head)

    async def _say(self, kind: str, **told: Any) -> None:
        await self._send(kind.encode() + json.dumps(told).encode())

    async def _send(self, message: bytes) -> None:
        await self._socket.send_bytes(message)
        self._said = time.monotonic()


def _seen(text: str | None) -> int:
    """What a client's message tells.

    Raises:
        _Refusal: it is not of the protocol.
    """
    try:
        if text is None or len(text) > _LONGEST:
            raise ValueError
        seen = json.loads(text)["seen"]
        if type(seen) is not int or not 0 <= seen <= _MOST_FRAMES:
            raise ValueError
    except (ValueError, TypeError, LookupError, RecursionError):
        raise _Refusal(1008, phrase('A message was not {{"seen": number of frames}}.')) from None
    return seen


def _number(socket: WebSocket, name: str) -> int:
    text = socket.query_params.get(name, "0")
    if not (text.isascii() and text.isdigit() and len(text) < 9):
        raise _Refusal(4400, phrase("“after” and “generation” must be whole numbers."))
    return int(text)
