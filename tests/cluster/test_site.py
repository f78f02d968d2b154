"""The whole site on several processes: what its visitors get when parts of it are killed, join, or restart.

Every run is compared, bit for bit, with the same spec computed here by itself.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import time
from collections import defaultdict
from collections.abc import Callable, Coroutine, Iterator
from typing import Any
from urllib.parse import urlencode

import pytest
from playwright.sync_api import Browser, TimeoutError

from normviz import messages
from normviz.lab import runs
from normviz.specs import experiment
from tests.browser.visitors import Server, Visitor
from tests.cluster.services import Site
from tests.cluster.watchers import Watcher
from tests.player.processes import until

pytestmark = pytest.mark.slow

STEPS = 400
LONG = experiment("train")(norms=("none", "batch", "layer"), depth=6, seeds=5, steps=2000, every=1)
"""Of some minutes, with a frame at every step."""


def watchers(addresses: list[str], seed: int) -> list[Watcher]:
    """Visitors of one run who have loaded its page."""
    query = f"norms=none,batch&steps={STEPS}&seed={seed}"
    found = [Watcher(address, "train", query) for address in addresses]
    for one in found:
        one.arrive()
    return found


def dealt(site: Site, each: int, seed: int) -> list[Watcher]:
    """Visitors of one run whom the proxy leads to the replicas, so many to each of them."""
    found: dict[str, list[Watcher]] = defaultdict(list)
    while len(found) < len(site.replicas) or min(map(len, found.values())) < each:
        (one,) = watchers([site.proxy.address], seed)
        found[one.replica].append(one)
    return [one for some in found.values() for one in some[:each]]


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
    until(site.whole)
    watching = dealt(site, 3, 106)
    at_first = [one.replica for one in watching]
    before = attempts(site)
    asyncio.run(play(site, watching, lambda: site.replicas[0].end(signal.SIGKILL)))
    site.replicas[0].start()
    assert [one.recorded for one in watching] == [computed(106)] * 6
    (left,) = {one.replica for one in watching}
    # The other one's visitors have not noticed.
    assert [one.breaks > 0 for one in watching] == [one != left for one in at_first]
    assert attempts(site) == before + 1


@contextlib.contextmanager
def visiting(site: Site, chromium: Browser, seed: int) -> Iterator[Visitor]:
    """A browser that watches a long run through the proxy.  Afterwards every replica runs again."""
    until(site.whole)
    visitor = Visitor(chromium, Server(f"http://{site.proxy.address}/", 0, site.folder))
    try:
        visitor.open(f"train?{urlencode(LONG.replace(seed=seed).to_query())}")
        visitor.page.wait_for_function("() => stage()?.run?.frames > 10")
        yield visitor
    finally:
        visitor.context.close()
        for replica in site.replicas:
            if replica.process.poll() is not None:
                replica.start()


WHERE = """() => {
  const { run } = stage() ?? {};
  const { address, failures, unknown, named, socket } = run?.connection ?? {};
  const connection = { address: `${address}`, failures, unknown, named, state: socket?.readyState };
  const same = run?.recording === window.before;
  return { frames: run?.frames, same, connection, text: document.body.innerText };
}"""
"""What the page says and knows of its connection."""


def mark(visitor: Visitor) -> None:
    """Leave a mark that is gone when the page is loaded again."""
    visitor.page.evaluate("() => { window.before = stage().run.recording; }")


def loaded_again(visitor: Visitor) -> bool:
    return bool(visitor.page.evaluate("() => window.before === undefined"))


def goes_on(visitor: Visitor) -> None:
    """More frames come, without a gap, into the recording that was there at the mark."""
    frames = visitor.page.evaluate("() => stage().run.frames")
    assert frames + 20 < LONG.steps, "the run is nearly over"
    try:
        visitor.page.wait_for_function(
            "frames => !window.before || stage()?.run?.recording === before && before.complete > frames + 20",
            arg=frames, timeout=200_000,
        )  # fmt: skip
    except TimeoutError:
        pytest.fail(f"no more than {frames} frames came: {visitor.page.evaluate(WHERE)}")
    assert not loaded_again(visitor), "the page has been loaded again"


def change(visitor: Visitor) -> None:
    """Have another run by a click, and see its first frames."""
    first = visitor.page.evaluate("() => stage().run.key")
    norms = visitor.page.get_by_role("toolbar", name="Normalizations")
    norms.get_by_role("button", name="Layer norm").click()
    visitor.page.wait_for_function(
        "first => ![undefined, first].includes(stage()?.run?.key) && stage().run.frames > 10", arg=first
    )


@pytest.mark.browser
def test_a_browser_gets_the_rest_from_the_other_replica(site: Site, chromium: Browser) -> None:
    """And from the first one again, when that has just come back and the other one ends."""
    before = attempts(site)
    with visiting(site, chromium, 107) as visitor:
        first = site.proxy.replica("/train?")
        (other,) = (one for one in site.replicas if one is not first)
        for ends, is_back in ((first, other), (other, first)):
            until(lambda one=is_back: one.status == 200)
            mark(visitor)
            ends.end(signal.SIGKILL)
            goes_on(visitor)
            ends.start()
    assert attempts(site) == before + 1


@pytest.mark.browser
def test_a_browser_stays_where_its_session_is_when_its_first_replica_is_back(
    site: Site, chromium: Browser
) -> None:
    with visiting(site, chromium, 108) as visitor:
        first = site.proxy.replica("/train?")
        mark(visitor)
        first.end(signal.SIGKILL)
        goes_on(visitor)
        first.start()
        until(site.whole)
        change(visitor)
        assert not loaded_again(visitor)


@pytest.mark.browser
def test_a_browser_goes_on_when_no_replica_was_there_for_a_while(site: Site, chromium: Browser) -> None:
    with visiting(site, chromium, 109) as visitor:
        mark(visitor)
        for replica in site.replicas:
            replica.end(signal.SIGKILL)
        time.sleep(10)
        site.replicas[0].start()
        goes_on(visitor)


@pytest.mark.browser
def test_a_browser_whose_stream_is_led_away_from_its_session_loads_its_page_again(
    site: Site, chromium: Browser
) -> None:
    """As by another window, whose session another replica has taken over."""
    with visiting(site, chromium, 110) as visitor:
        mark(visitor)
        address = f"http://{site.proxy.address}/"
        (own,) = (one["value"] for one in visitor.context.cookies() if one["name"] == "normviz")
        (other,) = {one.replica for one in dealt(site, 1, 110)} - {own}
        visitor.context.add_cookies([{"name": "normviz", "value": other, "url": address}])
        change(visitor)
        assert loaded_again(visitor)
