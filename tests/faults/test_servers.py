"""The web process itself is killed or told to end while visitors watch."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path

import pytest

from tests.apps import App
from tests.faults.guests import Guest
from tests.faults.scenes import RACE, check, grown
from tests.player.processes import alive, descendants, until

pytestmark = pytest.mark.slow


def test_visitors_of_a_killed_server_go_on_when_it_is_back(tmp_path: Path) -> None:
    """In the persistent form; a browser sees it in the other one (``test_browsers``)."""

    async def scene(app: App) -> None:
        guests = [Guest(app.address, "train", RACE.format(seed)) for seed in (1, 2)]
        async with asyncio.TaskGroup() as staying:
            for guest in guests:
                staying.create_task(guest.stay())
            await grown(*guests)
            started = descendants(app.pid)
            assert len(started) == 1
            app.end(signal.SIGKILL)
            await asyncio.to_thread(until, lambda: not any(map(alive, started)))
            await asyncio.to_thread(app.start)
        assert all(guest.returns for guest in guests)
        check(*guests)

    with App(tmp_path / "log", ready="lab/ready", NORMVIZ_ENGINE="persistent", NORMVIZ_PROCESSES="1") as app:
        asyncio.run(scene(app))
    assert "Traceback" not in app.log.read_text()


def test_a_server_that_is_told_to_end_under_load_lets_everybody_go_and_leaves_nothing(tmp_path: Path) -> None:
    async def scene(app: App) -> None:
        guests = [Guest(app.address, "train", RACE.format(100 + n)) for n in range(20)]
        staying = [asyncio.create_task(guest.stay()) for guest in guests]
        async with asyncio.timeout(60):
            while not all(guest.frames for guest in guests):
                await asyncio.sleep(0.05)
        started = descendants(app.pid)
        assert len(started) > 15
        # Once all is closed, uvicorn ends the process with the signal that it was sent.
        assert await asyncio.to_thread(app.end, signal.SIGTERM) in (0, -signal.SIGTERM)
        await asyncio.to_thread(until, lambda: not any(map(alive, started)), within=5)
        await asyncio.sleep(1)
        for guest in guests:  # each was told, or its connection was closed and it is trying again
            assert guest.returns or (guest.end or {})["status"] == "stopped"
        for one in staying:
            one.cancel()
        await asyncio.gather(*staying, return_exceptions=True)

    with App(tmp_path / "log", ready="lab/ready") as app:
        asyncio.run(scene(app))
    assert "Traceback" not in app.log.read_text()
