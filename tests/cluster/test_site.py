"""The whole site on several processes: what its visitors get when parts of it are killed, join, or restart.

Every run is compared, bit for bit, with the same spec computed here by itself.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from playwright.sync_api import Browser

from normviz import messages
from normviz.lab import runs
from normviz.specs import experiment
from tests.browser.visitors import Server, Visitor
from tests.cluster.services import Site
from tests.cluster.watchers import Watcher
from tests.player.processes import until

pytestmark = pytest.mark.slow

STEPS = 400


def watchers(addresses: list[str], seed: int) -> list[Watcher]:
    """Visitors of one run, with names of their own."""
    query = f"norms=none,batch&steps={STEPS}&seed={seed}"
    return [Watcher(address, f"visitor {n}", "train", query) for n, address in enumerate(addresses)]


def computed(seed: int) -> list[bytes]:
    """The frames of their run, computed here."""
    recording = runs.record(experiment("train")(norms=("none", "batch"), steps=STEPS, seed=seed))
    return [recording.data(k) for k in range(len(recording))]


def attempts(site: Site) -> int:
    """How often any run was begun."""
    with site.redis.client as client:
        streams = list(client.scan_iter("normviz:*:attempts"))
        entries = [fields for stream in streams for _, fields in client.xrange(stream)]
    return sum(fields[b"kind"] == bytes([messages.BEGAN]) for fields in entries)


def play(
    site: Site, watching: list[Watcher], disturb: Callable[[], object], *, seen: int = 5
) -> Coroutine[Any, Any, None]:
    """Let visitors watch; when each has seen some frames, do something to the site."""

    async def playing() -> None:
        async with asyncio.TaskGroup() as tasks:
            for one in watching:
                tasks.create_task(one.watch())
            while any(len(one.frames) < seen for one in watching):
                await asyncio.sleep(0.02)
            await asyncio.to_thread(disturb)

    until(site.whole)
    return playing()


def addresses(site: Site) -> list[str]:
    return [replica.address for replica in site.replicas]


def test_two_replicas_serve_one_computation(site: Site) -> None:
    watching = watchers([*addresses(site), site.proxy.address], 101)
    before = attempts(site)
    asyncio.run(play(site, watching, lambda: None))
    frames = computed(101)
    assert len(frames) > 50
    assert [one.recorded for one in watching] == [frames] * 3
    assert attempts(site) == before + 1


def test_a_machine_is_killed_and_another_one_finishes_its_run(site: Site) -> None:
    watching = watchers(addresses(site), 102)
    before = attempts(site)
    killed = []

    def kill() -> None:
        """Kill the machine that computes, its first process without warning; the kernel ends the others."""
        (machine,) = (one for one in site.machines if one.horses)
        killed.append(machine)
        machine.end(signal.SIGKILL)

    asyncio.run(play(site, watching, kill))
    assert [one.recorded for one in watching] == [computed(102)] * 2
    assert [one.breaks for one in watching] == [0, 0]  # the visitors have not noticed
    assert attempts(site) == before + 2
    site.machines.remove(killed[0])
    site.machines.append(site.new_machine())


def test_redis_is_restarted_and_the_run_goes_on(site: Site) -> None:
    watching = watchers(addresses(site), 103)
    before = attempts(site)

    def restart() -> None:
        site.redis.end()
        until(lambda: [replica.status for replica in site.replicas] == [503, 503], within=30)
        site.redis.start()

    asyncio.run(play(site, watching, restart))
    assert [one.recorded for one in watching] == [computed(103)] * 2
    assert [one.breaks for one in watching] == [0, 0]
    assert attempts(site) == before + 1
    for one in [*site.replicas, *site.machines]:
        assert "open-sesame" not in one.log
        assert "Traceback" not in one.log


def test_a_machine_joins_and_takes_the_runs_that_wait(site: Site) -> None:
    until(site.whole)
    while site.machines:
        site.machines.pop().end()
    until(lambda: [replica.status for replica in site.replicas] == [503, 503], within=30)
    watching = [watchers([address], 104 + n)[0] for n, address in enumerate(addresses(site))]

    async def join() -> None:
        async with asyncio.TaskGroup() as tasks:
            for one in watching:
                tasks.create_task(one.watch())
            while not all(one.places for one in watching):
                await asyncio.sleep(0.02)
            site.machines.append(site.new_machine())

    asyncio.run(join())
    assert sorted(one.places[0] for one in watching) == [1, 2]
    assert [one.recorded for one in watching] == [computed(104), computed(105)]


def test_a_replica_is_killed_and_its_visitors_get_the_rest_from_the_other(site: Site) -> None:
    watching = watchers([site.proxy.address] * 6, 106)
    before = attempts(site)
    asyncio.run(play(site, watching, lambda: site.replicas[0].end(signal.SIGKILL)))
    assert [one.recorded for one in watching] == [computed(106)] * 6
    breaks = [one.breaks for one in watching]
    assert min(breaks) == 0  # the other's visitors have not noticed
    assert max(breaks) > 0
    assert attempts(site) == before + 1
    site.replicas[0].start()


@pytest.mark.browser
def test_a_browser_gets_the_rest_from_the_other_replica(site: Site, chromium: Browser) -> None:
    until(site.whole)
    before = attempts(site)
    server = Server(f"http://{site.proxy.address}/", 0, site.folder)
    visitor = Visitor(chromium, server)
    try:
        visitor.open(f"train?norms=none,batch&steps={10 * STEPS}&seed=107")
        visitor.page.wait_for_function("() => stage()?.run?.frames > 10")
        replica = site.proxy.replica("/train?")
        replica.end(signal.SIGKILL)
        frames = visitor.page.evaluate("() => stage().run.frames")
        # Without a gap, and in the recording that was there before.
        visitor.page.evaluate("() => { window.before = stage().run.recording; }")
        visitor.page.wait_for_function(
            "frames => stage()?.run?.recording === before && before.complete > frames + 20", arg=frames
        )
    finally:
        visitor.context.close()
    assert attempts(site) == before + 1
