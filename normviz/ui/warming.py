"""Runs of a lesson, computed before anybody takes it (``python -m normviz warm``)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path

from normviz.player import Player, Settings, State, kept
from normviz.spec import Spec
from normviz.ui.exhibits import STAGED
from normviz.ui.lessons import Lesson, Step

AT_ONCE = 2
"""Runs computed side by side."""


def runs(lesson: Lesson) -> list[Spec]:
    """What the steps of a lesson run, each once: pages' runs, and of a case also every repair."""
    found = [spec for step in lesson.steps for spec in _of(step)]
    return list({spec.key: spec for spec in found}.values())


def _of(step: Step) -> list[Spec]:
    if step.case:
        return [step.case.spec, *(repair.spec for repair in step.case.repairs)]
    return [spec for spec in step.specs if spec.name in STAGED]


def warm(
    specs: Sequence[Spec], folder: Path, told: Callable[[Spec, str], None], settings: Settings | None = None
) -> int:
    """Compute runs and keep them in a folder; returns how many failed.  ``told`` hears of each."""
    folder.mkdir(parents=True, exist_ok=True)
    return asyncio.run(_warm(specs, folder, told, settings or Settings.from_environment()))


async def _warm(
    specs: Sequence[Spec], folder: Path, told: Callable[[Spec, str], None], settings: Settings
) -> int:
    player = Player(settings)
    await player.start()
    few = asyncio.Semaphore(AT_ONCE)
    failed = 0

    async def one(spec: Spec) -> None:
        nonlocal failed
        async with few:
            run = await player.finished(player.open(spec))
            if run.state is State.DONE and run.recording is not None and player.about is not None:
                told(spec, kept.save(folder, spec, run.recording, player.about.version).name)
            else:
                failed += 1
                told(spec, run.sentence)

    try:
        await asyncio.gather(*map(one, specs))
    finally:
        await player.close()
    return failed
