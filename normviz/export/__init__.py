"""What a visitor takes along: the experiment as a plain PyTorch script, or as a notebook.

    script(spec)        # one .py file that imports torch, and nothing of this project
    notebook(spec)      # the same as .ipynb
    chapters(spec)      # where the page shows more than one short script holds: script(spec, chapter)

Neither imports torch: the pieces of a script are read as text (see `normviz.export.pieces`).
"""

from __future__ import annotations

from normviz.export.notebooks import notebook
from normviz.export.recipes import ExportError
from normviz.export.scripts import chapters, file_name, script

__all__ = ["ExportError", "chapters", "file_name", "notebook", "script"]
