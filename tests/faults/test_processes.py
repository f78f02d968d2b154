"""Processes of the real app that are killed, stop, or lack memory, while visitors watch what they compute."""

from __future__ import annotations

import asyncio
import signal

import pytest

from tests.apps import App
from tests.faults.guests import Guest
from tests.faults.scenes import RACE, check, grown, hosts, kill, runs, until
from tests.player.processes import alive

pytestmark = pytest.mark.slow


def test_visitors_see_nothing_of_processes_that_are_killed(app: App) -> None:
    """A run, then all runs, then the engine itself."""

    async def scene() -> None:
        guests = [Guest(app.address, "train", RACE.format(seed)) for seed in (1, 2)]
        async with asyncio.TaskGroup() as staying:
            for guest in guests:
                staying.create_task(guest.stay())
            await grown(*guests)
            kill({min(runs(app))})
            await grown(*guests)
            kill(runs(app))
            await grown(*guests)
            before = hosts(app) | runs(app)
            kill(hosts(app))
            await until(lambda: not any(map(alive, before)))
        assert [guest.returns for guest in guests] == [0, 0]
        check(*guests)

    asyncio.run(scene())


def test_a_run_that_hangs_is_ended_and_finishes(app: App) -> None:
    async def scene() -> None:
        guest = Guest(app.address, "train", RACE.format(3))
        staying = asyncio.create_task(guest.stay())
        await grown(guest)
        stopped = runs(app)
        kill(stopped, signal.SIGSTOP)
        await staying
        assert not any(map(alive, stopped))
        assert guest.returns == 0
        check(guest)

    asyncio.run(scene())
    assert "it hung: for 3 seconds it took no processor time and said nothing" in app.log.read_text()


def test_a_run_that_is_killed_again_and_again_is_given_up_and_may_be_tried_anew(app: App) -> None:
    """As the kernel does it where memory is short."""

    async def scene() -> None:
        guest = Guest(app.address, "train", RACE.format(4))
        staying = asyncio.create_task(guest.stay())
        while not staying.done():
            kill(runs(app))
            await asyncio.sleep(0.1)
        told = staying.result()
        assert told["status"] == "failed"
        assert told["sentence"] == (
            "This run was broken off 4 times without a reason that the server knows (often a lack of "
            "memory), so it is given up. Reload the page to try again, or choose a smaller run."
        )
        again = Guest(app.address, "train", RACE.format(4))
        await again.stay()
        check(again)

    asyncio.run(scene())
