"""An idle visitor who clicks on a page that computes nothing, in a process of its own.

    python -m tests.load.idle HOST:PORT

The visitors of a scenario share one process, which is busy itself: seen from there, every click would seem
slow.
Prints the seconds of each click, one a line, until standard input ends; a click under way is waited for.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys

from tests.load.visitors import Visitor

_EVERY = 0.5  # seconds between the end of a click and the next one


async def main(address: str) -> None:
    """Click until standard input ends."""
    ended = asyncio.create_task(asyncio.to_thread(sys.stdin.read))
    async with Visitor(address) as visitor:
        while not ended.done():
            print((await visitor.script("anatomy"))[0], flush=True)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(asyncio.shield(ended), _EVERY)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
