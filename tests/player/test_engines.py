"""The engine hosts by themselves: what they say, cancelling, a web process that does not read."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import pytest
import torch

from normviz import messages
from normviz.player import EngineError, Settings
from normviz.player.engines import LocalEngine
from tests.player.processes import alive, children, memory, until
from tests.player.small_experiments import Fault, Walk
from tests.player.stands import EXPERIMENTS

ROOT = Path(__file__).parents[2]


class Ear:
    """Hears what an engine tells."""

    def __init__(self) -> None:
        self.heard: list[messages.Message] = []

    def __call__(self, message: messages.Message) -> None:
        self.heard.append(message)

    async def kind(self, run: int, kind: int) -> messages.Message:
        """Wait for a message of a kind."""
        async with asyncio.timeout(60):
            while True:
                for message in self.heard:
                    if (message.run, message.kind) == (run, kind):
                        return message
                await asyncio.sleep(0.01)


def with_engine(settings: Settings, work: Callable[[LocalEngine, Ear], Awaitable[None]]) -> None:
    async def main() -> None:
        ear = Ear()
        engine = LocalEngine(settings, ear)
        try:
            await engine.start()
            await work(engine, ear)
        finally:
            await engine.close()

    asyncio.run(main())


@pytest.mark.parametrize("form", ["fork", "persistent"])
def test_cancelled_run_stops_and_the_next_one_starts(form: str) -> None:
    async def work(engine: LocalEngine, ear: Ear) -> None:
        engine.run(1, Walk(steps=100_000, pause=1).to_json(), 0)
        began = await ear.kind(1, messages.BEGAN)
        await ear.kind(1, messages.FRAME)
        engine.cancel(1)
        ended = await ear.kind(1, messages.ENDED)
        assert ended.told["status"] == messages.STOPPED
        if form == "fork":
            assert not alive(began.told["pid"])
        engine.run(2, Walk(steps=3).to_json(), 1)
        assert (await ear.kind(2, messages.ENDED)).told["status"] == messages.DONE
        assert sum(one.run == 2 and one.kind == messages.FRAME for one in ear.heard) == 2
        assert ear.heard[-1].run == 2  # nothing of the cancelled run came after it was said to be over

    with_engine(Settings(engine=form, processes=1, experiments=EXPERIMENTS), work)


@pytest.mark.parametrize("form", ["fork", "persistent"])
def test_run_that_does_not_return_is_cancelled(form: str) -> None:
    async def work(engine: LocalEngine, ear: Ear) -> None:
        engine.run(1, Fault(how="calls").to_json(), 0)
        pid = (await ear.kind(1, messages.BEGAN)).told["pid"]
        while sum(one.kind == messages.FRAME for one in ear.heard) < 3:
            await asyncio.sleep(0.01)
        engine.cancel(1)
        await ear.kind(1, messages.ENDED)
        assert form == "persistent" or not alive(pid)
        engine.run(2, Walk(steps=3).to_json(), 0)
        assert (await ear.kind(2, messages.ENDED)).told["status"] == messages.DONE

    with_engine(Settings(engine=form, processes=1, experiments=EXPERIMENTS), work)


def test_host_introduces_itself() -> None:
    async def work(engine: LocalEngine, ear: Ear) -> None:
        about = engine.about
        assert about
        assert (about.form, about.torch, about.devices[0]) == ("fork", torch.__version__, "cpu")
        assert len(about.source) == 64

    with_engine(Settings(engine="fork", experiments=EXPERIMENTS), work)


def test_engine_that_cannot_start_says_so(caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        engine = LocalEngine(Settings(experiments=("no_such_module",)), Ear())
        with pytest.raises(EngineError, match="ended at start"):
            await engine.start()
        await engine.close()

    asyncio.run(main())
    assert "No module named 'no_such_module'" in caplog.text


def test_redis_client_is_loaded_only_where_it_is_chosen() -> None:
    look = "import sys, normviz.player, normviz.store; print(sorted({'redis', 'rq'} & set(sys.modules)))"
    for chosen, loaded in (("", "[]"), ("import normviz.player.cluster; ", "['redis', 'rq']")):
        told = subprocess.run(
            [sys.executable, "-c", chosen + look], cwd=ROOT, capture_output=True, check=True
        )
        assert told.stdout.decode().strip() == loaded


class RawHost:
    """A host behind bare pipes, read only when the test wants."""

    def __init__(self, *options: str, host: tuple[str, ...] = ("-m", "normviz.lab.host")) -> None:
        command = [sys.executable, *host, "--load", EXPERIMENTS[0], *options]
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment
        )
        self._reader = messages.Reader()
        self.hello = self.read(lambda message: message.kind == messages.HELLO)[-1].told

    def start(self, run: int, text: str) -> None:
        assert self.process.stdin
        self.process.stdin.write(messages.packed(run, messages.START, spec=text, skip=0))
        self.process.stdin.flush()

    def read(self, last: Callable[[messages.Message], bool]) -> list[messages.Message]:
        """Messages up to one."""
        assert self.process.stdout
        heard: list[messages.Message] = []
        while not any(map(last, heard)):
            data = os.read(self.process.stdout.fileno(), 1 << 16)
            assert data, "the host ended"
            heard += self._reader.feed(data)
        return heard

    def close(self) -> None:
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe:
                pipe.close()
        self.process.wait(60)


@pytest.fixture
def raw() -> Iterator[Callable[..., RawHost]]:
    """Make a host behind bare pipes."""
    made: list[RawHost] = []

    def make(*options: str, **host: tuple[str, ...]) -> RawHost:
        made.append(RawHost(*options, **host))
        return made[-1]

    yield make
    for one in made:
        one.close()


Raw = Callable[..., RawHost]


@pytest.mark.parametrize("form", ["fork", "persistent"])
def test_unread_frames_make_the_run_wait_and_memory_does_not_grow(form: str, raw: Raw) -> None:
    host = raw("--engine", form)
    before = memory(host.process.pid)
    host.start(1, Walk(steps=20_000).to_json())  # 80 MB
    grown = 0
    for _ in range(20):  # nothing is read for a while
        time.sleep(0.1)
        grown = max(grown, memory(host.process.pid) - before)
    assert grown < 20e6
    told = host.read(lambda message: message.kind == messages.ENDED)
    assert sum(message.kind == messages.FRAME for message in told) == 20_000
    assert told[-1].told["status"] == messages.DONE


@pytest.mark.parametrize("form", ["fork", "persistent"])
@pytest.mark.parametrize("how", ["spins", "calls"])
def test_nothing_outlives_the_end_of_the_pipe(form: str, how: str, raw: Raw) -> None:
    host = raw("--engine", form)
    host.start(1, Fault(how=how).to_json())
    host.read(lambda message: message.kind == messages.FRAME)
    runs = children(host.process.pid)
    assert len(runs) == (form == "fork")
    host.close()  # waits for the host
    until(lambda: not any(map(alive, runs)))


@pytest.mark.parametrize("sign", [signal.SIGTERM, signal.SIGKILL])
def test_nothing_outlives_a_host_that_is_killed(sign: signal.Signals, raw: Raw) -> None:
    host = raw("--engine", "fork")
    for run, how in enumerate(("spins", "calls"), 1):
        host.start(run, Fault(how=how).to_json())
        host.read(lambda message, run=run: (message.run, message.kind) == (run, messages.BEGAN))
    runs = children(host.process.pid)
    assert len(runs) == 2
    host.process.send_signal(sign)
    until(lambda: not any(map(alive, runs)))


_BESIDE_A_GPU = (
    "import sys; from normviz.lab import accelerators, host; "
    "found = accelerators.Found({'cuda:0': 'Test'}, {'cpu': 1.0, 'cuda:0': 2.0}); "
    "accelerators.find = lambda measure: found; "
    "host.main(sys.argv[1:])"
)

_ON_THE_STAND_IN = (
    "import sys; from normviz.lab import accelerators, devices, host; "
    "accelerators.find = lambda measure: accelerators.Found({'cuda:0': 'Test'}); "
    "host.warm_up = lambda modules: [__import__(one, fromlist=['x']) for one in modules]; "
    "host.main(sys.argv[1:])"
)
"""A host that is told of a GPU; it computes no network, so none is needed."""


@pytest.mark.parametrize(("engine", "form"), [("auto", "fork"), ("persistent", "persistent")])
def test_a_gpu_is_named_and_the_form_stays(engine: str, form: str, raw: Raw) -> None:
    """It was measured to be slower than the processor."""
    host = raw("--engine", engine, host=("-c", _BESIDE_A_GPU))
    assert host.hello["devices"] == ["cpu", "cuda:0 Test"]
    assert (host.hello["form"], host.hello["device"]) == (form, "cpu")


def test_a_host_on_another_device_is_persistent(raw: Raw) -> None:
    host = raw("--engine", "auto", "--device", "cuda", host=("-c", _ON_THE_STAND_IN))
    assert (host.hello["form"], host.hello["device"]) == ("persistent", "cuda:0 Test")
    host.start(1, Walk(steps=3).to_json())
    *_, last = host.read(lambda message: message.kind == messages.ENDED)
    assert last.told["status"] == messages.DONE


def test_a_host_refuses_a_device_that_is_not_there() -> None:
    told = subprocess.run(
        [sys.executable, "-m", "normviz.lab.host", "--device", "cuda:7"], input=b"", capture_output=True,
        check=False, timeout=60,
    )  # fmt: skip
    assert told.returncode == 1
    assert b"NORMVIZ_DEVICE: cuda:7 is not on this machine" in told.stderr
    assert b"Found: cpu" in told.stderr


def test_host_ignores_the_terminal(raw: Raw) -> None:
    host = raw("--engine", "fork")
    host.process.send_signal(signal.SIGINT)
    host.start(1, Walk(steps=3).to_json())
    assert host.read(lambda message: message.kind == messages.ENDED)[-1].told["status"] == messages.DONE
