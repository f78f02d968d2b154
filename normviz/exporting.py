"""The command ``normviz export``: a run as files, without a browser or a server."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from normviz.export import ExportError, notebook, script
from normviz.export.page_tables import cells, digits
from normviz.export.pictures import drawable, picture
from normviz.export.recipes import near
from normviz.export.tables import csv
from normviz.figures.bound import Figure
from normviz.frames import Recording
from normviz.spec import Spec
from normviz.specs.anatomy import Anatomy
from normviz.specs.start import TILES, Start

FORMATS = ("script", "notebook", "html", "csv", "png", "svg")
"""What a run can be exported as."""
CODE = ("script", "notebook")
"""Formats of which a page may have several chapters."""
CHARTS = ("csv", "png", "svg")
"""Formats of which every chart is a file of its own."""
PICTURES = ("png", "svg")
"""Formats that need a browser."""


def figures_of(spec: Spec, keys: list[str]) -> list[Figure]:
    """The figures of an experiment, all of them or those of these keys.

    Raises:
        ExportError: there is none of a key.
    """
    module = importlib.import_module(f"normviz.figures.{spec.name}")
    figures: dict[str, Figure] = {figure.key: figure for figure in module.figures(spec)}
    for key in keys:
        if key not in figures:
            hint = near(key, figures)
            raise ExportError(f"{spec.name} has no figure “{key}”; it has {', '.join(figures)}.{hint}")
    return [figures[key] for key in keys] if keys else list(figures.values())


def check(spec: Spec, form: str, keys: list[str], chapter: str = "", out: Path = Path()) -> None:
    """Refuse what can not be met before anything is computed.

    Raises:
        ExportError: figures are chosen for a format that holds the whole run, or there are none of that
            name; a chapter for a format that is no code; a file that would hide a module of Python from every
            script beside it; pictures where nothing draws them.
    """
    if form == "script" and out.stem in sys.stdlib_module_names:
        raise ExportError(f"{out.name} would hide Python's own module {out.stem}; choose another --out")
    if chapter and form not in CODE:
        raise ExportError(f"--chapter goes with {', '.join(CODE)}; {form} holds the whole run")
    if keys and form not in CHARTS:
        raise ExportError(f"--figure goes with {', '.join(CHARTS)}; {form} holds the whole run")
    if isinstance(spec, Start | Anatomy):
        if keys or form in PICTURES:
            raise ExportError(
                f"{spec.name} is computed in the browser and has no charts; take script, notebook, html, "
                "or csv without --figure"
            )
    elif form not in CODE:
        figures_of(spec, keys)
    if form in PICTURES:
        drawable()


def several(spec: Spec, form: str, keys: list[str]) -> bool:
    """Whether it is a folder of files: of charts, unless it is one alone."""
    return form in CHARTS and len(keys) != 1 and not isinstance(spec, Start | Anatomy)


def files(
    spec: Spec,
    form: str,
    out: Path,
    keys: list[str],
    origin: str,
    record: Callable[[Spec], Recording],
    chapter: str = "",
) -> Iterator[tuple[Path, bytes]]:
    """Path and contents of every file.

    Of several charts ``out`` is a folder, with a file for each, named by its key; of one it is the file.

    Raises:
        ExportError: there is no such export of this spec.
    """
    if form in CODE:
        yield out, (script if form == "script" else notebook)(spec, chapter).encode()
        return
    if isinstance(spec, Start | Anatomy):
        yield out, _computed(spec, form, origin, record).encode()
        return
    figures = figures_of(spec, keys)
    recording = record(spec)
    if form == "html":
        yield out, _whole(spec, recording, figures, origin).encode()
        return
    for figure in figures:
        path = out / f"{figure.key}.{form}" if several(spec, form, keys) else out
        drawn = csv(figure, recording).encode() if form == "csv" else picture(figure, recording, form)
        yield path, drawn


def _whole(spec: Spec, recording: Recording, figures: list[Figure], origin: str) -> str:
    from normviz.specs.claims import Claims
    from normviz.ui.claims import cards
    from normviz.ui.offline import offline
    from normviz.ui.playable import playable

    told = cards(spec) if isinstance(spec, Claims) else []
    return offline(spec, playable(spec, figures, told), recording, origin=origin)


def _computed(spec: Start | Anatomy, form: str, origin: str, record: Callable[[Spec], Recording]) -> str:
    """A page that computes in the browser, or its numbers."""
    if form == "html":
        from normviz.ui.offline import computing

        return computing(spec, origin=origin)
    if isinstance(spec, Anatomy):
        return cells(spec, record(spec))
    from normviz.lab.experiments.start import dealt
    from normviz.ui import static

    shipped, _ = Recording.from_bytes(static.contents("start.bin"))  # which the page asks, too
    labels = shipped.at("labels")[:TILES]
    order = dealt(labels, shuffle=spec.shuffle, by_class=spec.sorted, swaps=spec.pairs)
    return digits(spec, shipped, order.tolist())
