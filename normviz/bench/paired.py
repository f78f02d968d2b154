"""Paired measurements in the engine's own environment: a fresh process with the engine host's settings."""

from __future__ import annotations

import json
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from normviz.player.hosts import ENVIRONMENT


def in_engine_environment(module: str, *arguments: object) -> dict[str, Any]:
    """What ``python -m module arguments`` prints as JSON, run in the environment of an engine host.

    Raises:
        RuntimeError: it failed; the message is what it wrote to stderr.
    """
    done = subprocess.run(
        [sys.executable, "-m", module, *map(str, arguments)],
        env={**os.environ, **ENVIRONMENT},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"{module} failed:\n{done.stderr}")
    result: dict[str, Any] = json.loads(done.stdout)
    return result


def seconds(call: Callable[[], object]) -> float:
    """CPU time that a call takes: on one thread the time on a quiet machine, while others are busy too."""
    start = time.process_time()
    call()
    return time.process_time() - start


def median(values: list[float]) -> float:
    """Median, to four significant digits."""
    return float(f"{statistics.median(values):.4g}")


def machine() -> dict[str, Any]:
    """What the figures were measured on."""
    import torch

    return {
        "cpu": _cpu(),
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
        "python": platform.python_version(),
        "environment": {name: os.environ[name] for name in ENVIRONMENT if name in os.environ},
    }


def _cpu() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()
