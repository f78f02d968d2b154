"""Notebooks: a script's parts as cells."""

from __future__ import annotations

import json
from typing import Any

from normviz.export.scripts import parts
from normviz.spec import Spec


def notebook(spec: Spec, chapter: str = "") -> str:
    """The script of a spec as a notebook (.ipynb, format 4.5): its comments as Markdown, its code as cells.

    Raises:
        ExportError: there is no script for this spec, or no such chapter.
    """
    cells: list[dict[str, Any]] = []
    for number, part in enumerate(parts(spec, chapter)):
        heading = "#" if number == 0 else "##"
        text = f"{heading} {part.title}" + (f"\n\n{part.comment}" if part.comment else "")
        cells.append(_cell(f"text-{number}", "markdown", text))
        if part.code:
            code: dict[str, Any] = {"execution_count": None, "outputs": []}
            cells.append({**_cell(f"code-{number}", "code", part.code.strip("\n")), **code})
    facts = {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }
    return (
        json.dumps(
            {"cells": cells, "metadata": facts, "nbformat": 4, "nbformat_minor": 5},
            indent=1,
            ensure_ascii=False,
        )
        + "\n"
    )


def _cell(name: str, kind: str, text: str) -> dict[str, Any]:
    return {"cell_type": kind, "id": name, "metadata": {}, "source": text.splitlines(keepends=True)}
