"""A visitor's network that goes away, with or without a word, for longer than anybody's patience."""

from __future__ import annotations

import asyncio

import pytest

from tests.apps import App
from tests.faults.guests import Guest
from tests.faults.networks import Network
from tests.faults.scenes import RACE, check, grown, runs, until

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("how", ["lose", "cut"])
def test_the_run_goes_on_when_its_visitor_returns(app: App, how: str) -> None:
    async def scene(network: Network) -> None:
        guest = Guest(network.address, "train", RACE.format({"lose": 5, "cut": 6}[how]), silence=2)
        staying = asyncio.create_task(guest.stay())
        await grown(guest)
        assert runs(app)
        getattr(network, how)()
        seen = len(guest.frames)
        await until(lambda: not runs(app))  # unwatched for so long that it ended
        assert len(guest.frames) - seen <= 1
        network.restore()
        await staying
        assert guest.returns
        check(guest)

    with Network(app.address) as network:
        asyncio.run(scene(network))
