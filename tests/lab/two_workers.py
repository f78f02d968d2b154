"""A dealt run in a process of its own: pytest's own processes have several threads and may not fork."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from normviz.frames import Recording
from normviz.spec import Spec

ROOT = Path(__file__).resolve().parents[2]

_PROGRAM = """
import os, sys
from pathlib import Path
from normviz import specs
from normviz.frames import Recording
from normviz.lab import runs

forks, fork = [], os.fork
def counted():
    forks.append(fork())
    return forks[-1]
os.fork = counted
spec = specs.from_json(sys.argv[2])
schema, *frames = runs.runner(spec)(spec, workers=2)
Path(sys.argv[1]).write_bytes(Recording(schema, map(schema.encode, frames)).to_bytes())
print(len(forks))
"""


def recorded(spec: Spec, file: Path) -> tuple[Recording, int]:
    """The recording of a run that is dealt to two workers, and how many forks were made for it."""
    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM, str(file), spec.to_json()],
        cwd=ROOT, capture_output=True, text=True, env={"OMP_NUM_THREADS": "1"}, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return Recording.from_bytes(file.read_bytes())[0], int(done.stdout)
