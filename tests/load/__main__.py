"""A workshop on this machine: ``make load`` (``python -m tests.load --help``).

Starts the server as ``make run`` does, sends it visitors who speak its own protocols over loopback, and
writes ``build/load.json``.  Four scenarios:

same        all open the same default page at once
different   each opens a page with settings of their own at once
lesson      each follows a step of the shipped lesson, with a seed of its own
mixed       all click around for some minutes: pages, other settings, leaving early

A first frame is the first one of the visitor's run that arrives; ``charts`` is when the page has told into
which charts it is drawn.  Who leaves before a frame came is counted (``left_without_frame``), but in none of
the times.  Meanwhile an idle visitor (``idle.py``) clicks on a page that computes nothing.
Memory is that of the server and all its processes, before, at its peak, and two minutes after the last
visitor left.  Nothing is asserted.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import math
import os
import random
import sys
import tempfile
import time
from asyncio.subprocess import PIPE
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil

from tests.apps import ROOT, App
from tests.load.visitors import Visit, Visitor

PLACES = (
    ("train", "norms=none,batch&steps=200&seed={seed}"),
    ("train", "dataset=moons&depth=4&steps=200&seed={seed}"),
    ("signal", "depth={depth}&seed={seed}"),
    ("forgotten-eval", "seeds=1&epochs=2&seed={seed}"),
    ("batch-size", ""),
    ("why", ""),
    ("sequences", ""),
    ("claims", ""),
)
"""Where the visitors of a mixed session go, with settings that they draw, or to a page as it is."""
_LESSON, _STEPS = "broken-networks", 8
_QUIET = 120  # seconds after the last visitor in which memory should come back


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the scenarios and write what was measured."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.load", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--visitors", type=int, default=60, help="1 to 200")
    parser.add_argument("--minutes", type=float, default=10, help="of the mixed session, at most 30")
    parser.add_argument("--page", default="train", help="page of the scenarios same and different")
    parser.add_argument("--query", default="", help="its settings, as in a link")
    parser.add_argument("--only", choices=("same", "different", "lesson", "mixed"), help="one scenario alone")
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "load.json")
    asked = parser.parse_args(arguments)
    if not (1 <= asked.visitors <= 200 and 0 < asked.minutes <= 30):
        parser.error("--visitors goes from 1 to 200, --minutes to 30")
    scenarios: dict[str, Callable[[str], Awaitable[list[Visit]]]] = {
        "same": lambda address: together(address, asked, lambda _: (asked.page, asked.query)),
        "different": lambda address: together(
            address, asked, lambda n: (asked.page, f"{asked.query}&seed={1000 + n}")
        ),
        "lesson": lambda address: together(
            address, asked, lambda n: ("lesson", f"lesson={_LESSON}&step={1 + n % _STEPS}&seed={1000 + n}")
        ),
        "mixed": lambda address: mixed(address, asked),
    }
    told: dict[str, Any] = {"visitors": asked.visitors, "processors": os.cpu_count()}
    for name, scenario in scenarios.items():
        if asked.only in (None, name):
            with serving() as (address, process):
                told[name] = asyncio.run(measured(address, process, scenario, asked))
                if name == "different":
                    told[name] |= back_to_back(address, asked)
            print(name, json.dumps(told[name]), file=sys.stderr)
    asked.out.parent.mkdir(parents=True, exist_ok=True)
    asked.out.write_text(json.dumps(told, indent=2) + "\n")
    print(asked.out)
    return 0


@contextmanager
def serving() -> Iterator[tuple[str, psutil.Process]]:
    """A fresh server on a free port of the loopback interface."""
    with tempfile.NamedTemporaryFile() as log, App(Path(log.name), ready="lab/ready") as app:
        yield app.address, psutil.Process(app.pid)


# --- scenarios ------------------------------------------------------------------------------------


async def together(address: str, asked: Any, place: Callable[[int], tuple[str, str]]) -> list[Visit]:
    """All visitors open their pages at once and stay to the end of the run."""

    async def one(n: int) -> Visit:
        async with Visitor(address) as visitor:
            visit = await visitor.watch(*place(n))
            FAULTS.extend(visitor.errors)
            return visit

    return list(await asyncio.gather(*(one(n) for n in range(asked.visitors))))


async def mixed(address: str, asked: Any) -> list[Visit]:
    """Each visitor goes from page to page for the given time, and leaves some runs early."""
    ends = time.monotonic() + 60 * asked.minutes

    async def one(n: int) -> list[Visit]:
        drawn = random.Random(n)
        visits = []
        async with Visitor(address) as visitor:
            await asyncio.sleep(drawn.uniform(0, 20))
            while time.monotonic() < ends:
                page, query = drawn.choice(PLACES)
                # Some follow the teacher's link, some try settings of their own.
                seed = 0 if drawn.random() < 0.5 else drawn.randrange(1000)
                settings = query.format(seed=seed, depth=drawn.randrange(5, 50))
                visits.append(await visitor.watch(page, settings, seconds=drawn.uniform(5, 60)))
                await asyncio.sleep(drawn.uniform(5, 25))
            FAULTS.extend(visitor.errors)
        return visits

    return [visit for visits in await asyncio.gather(*map(one, range(asked.visitors))) for visit in visits]


def back_to_back(address: str, asked: Any, sample: int = 4) -> dict[str, float]:
    """Seconds for the runs of ``different`` one after the other, as many at once as there are processors.

    A sample of them, with other seeds, stands for all: the same work, not the same recordings.
    """
    lanes = os.cpu_count() or 1

    async def lane(first: int) -> None:
        async with Visitor(address) as visitor:
            for n in range(sample):
                await visitor.watch(asked.page, f"{asked.query}&seed={5000 + sample * first + n}")

    async def all_lanes() -> float:
        began = time.perf_counter()
        await asyncio.gather(*map(lane, range(lanes)))
        return time.perf_counter() - began

    seconds = asyncio.run(all_lanes())
    return {
        "back_to_back_s": seconds * asked.visitors / (lanes * sample),
        "back_to_back_sample": lanes * sample,
    }


# --- measuring ------------------------------------------------------------------------------------

FAULTS: list[str] = []
"""What went wrong for the visitors of the present scenario."""


async def measured(
    address: str, process: psutil.Process, scenario: Callable[[str], Awaitable[list[Visit]]], asked: Any
) -> dict[str, Any]:
    """One scenario, with an idle visitor beside it and an eye on the memory."""
    FAULTS.clear()
    async with Visitor(address) as first:
        await first.watch(asked.page, f"{asked.query}&seed=999")  # somebody was here before
    before = memory(process)
    peak = [before]
    clicking = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.load.idle", address, cwd=ROOT, stdin=PIPE, stdout=PIPE
    )  # fmt: skip
    assert clicking.stdout
    await clicking.stdout.readline()  # its first visit
    watching = asyncio.create_task(watch_memory(process, peak))
    began = time.perf_counter()
    visits = await scenario(address)
    done = time.perf_counter() - began
    watching.cancel()
    await asyncio.gather(watching, return_exceptions=True)
    clicks = [float(line) for line in (await clicking.communicate(b""))[0].split()]
    await asyncio.sleep(_QUIET)
    firsts = [visit.first_frame_s for visit in visits if visit.first_frame_s is not None]
    charts = [visit.charts_s for visit in visits if visit.charts_s is not None]
    return {
        "pages": len(visits),
        "left_without_frame": sum(visit.first_frame_s is None for visit in visits),
        "first_frame_p50_s": quantile(firsts, 0.5),
        "first_frame_p95_s": quantile(firsts, 0.95),
        "charts_p50_s": quantile(charts, 0.5),
        "charts_p95_s": quantile(charts, 0.95),
        "done_s": done,
        "idle_clicks": len(clicks),
        "idle_click_p50_ms": 1000 * quantile(clicks, 0.5),
        "idle_click_p95_ms": 1000 * quantile(clicks, 0.95),
        "idle_click_max_ms": 1000 * max(clicks, default=math.nan),
        "kilobytes_per_visitor": sum(visit.nbytes for visit in visits) / asked.visitors / 1000,
        "errors": len(FAULTS),
        "error_examples": FAULTS[:5],
        "memory_mb": {"before": before, "peak": max(peak), "after": memory(process)},
    }


async def watch_memory(process: psutil.Process, peak: list[float]) -> None:
    """Look at the memory now and then."""
    while True:
        peak[0] = max(peak[0], await asyncio.to_thread(memory, process))
        await asyncio.sleep(2)  # to add up the memory of sixty processes is work itself


def memory(process: psutil.Process) -> float:
    """Megabytes of a process and all below it; what several share is divided among them.

    On Linux without the files that are mapped (torch's code): the system drops those when it likes, and has
    them together with other programs.
    """
    return sum(_held(one) for one in (process, *process.children(recursive=True))) / 1e6


def _held(process: psutil.Process) -> int:
    try:
        if sys.platform != "linux":
            return int(process.memory_info().rss)
        lines = Path(f"/proc/{process.pid}/smaps_rollup").read_text().splitlines()[1:]
    except (psutil.Error, OSError):  # it has ended
        return 0
    told = {name: 1024 * int(size.split()[0]) for name, size in (line.split(":") for line in lines)}
    return sum(told[name] for name in ("Pss_Anon", "Pss_Shmem"))


def quantile(values: Sequence[float], share: float) -> float:
    """The value below which that share of them lies (nearest rank); NaN of nothing."""
    ranked = sorted(values)
    return ranked[max(0, math.ceil(share * len(ranked)) - 1)] if ranked else math.nan


if __name__ == "__main__":
    sys.exit(main())
