"""From the start of the server to its end: a player, and all ready for which the first visitor would wait."""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import sys
from collections.abc import AsyncIterator
from typing import Any

from normviz.specs.claims import Claims
from normviz.ui import bundles, heap, preludes, static, stream
from normviz.ui.claims import cards
from normviz.ui.exhibits import first_spec
from normviz.ui.pages import Page, shown
from normviz.ui.playable import played
from normviz.ui.words import LANGUAGES, speaking

_SWITCH = 0.001
"""Seconds after which Python lets another thread go on, instead of five times as long: the event loop waits
for that whenever a page's script runs, and many times for one click."""
_LATER = ("pandas", "pyarrow")
"""Imported by Streamlit when it sends the first component."""


@contextlib.asynccontextmanager
async def lifespan(app: Any) -> AsyncIterator[None]:
    """See ``normviz.ui.stream.lifespan``; the rest is done while the engine host starts."""
    sys.setswitchinterval(_SWITCH)
    heap.few()
    prepared = asyncio.create_task(asyncio.to_thread(_prepare))
    trimming = asyncio.create_task(heap.give_back())
    async with stream.lifespan(app):
        await prepared
        heap.settle()
        try:
            yield
        finally:
            trimming.cancel()


def _prepare() -> None:
    static.prepare()
    bundles.prepare()
    preludes.prepare()
    for name in _LATER:
        with contextlib.suppress(ImportError):
            importlib.import_module(name)
    for page in shown():
        _play(page)


def _play(page: Page) -> None:
    """What a page plays at first, made ready in every language."""
    spec = first_spec(page.url_path, {})
    if spec is None:
        return
    figures = importlib.import_module(f"normviz.figures.{spec.name}").figures
    for code in LANGUAGES:
        with speaking(code):
            played(spec, figures, cards if isinstance(spec, Claims) else None)
