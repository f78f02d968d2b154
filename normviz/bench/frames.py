"""What a frame costs: one kind of histogram, 8 layers × 64 bins × 6 variants, on the wire and to encode."""

from __future__ import annotations

import json
import platform
import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from normviz.frames import Array, Frame, Schema

VARIANTS, LAYERS, BINS = 6, 8, 64
VALUES = 64 * 64  # a batch of 64 through a layer of width 64


def measure(repetitions: int = 200) -> dict[str, Any]:
    """Bytes and time of one frame in the binary form, beside the same frame as JSON text.

    Units: ``encode_ms``, ``decode_ms`` and ``json_encode_ms`` are medians in milliseconds; ``speedup``
    and ``size_ratio`` are JSON over binary.
    """
    schema = Schema((Array("hist", (VARIANTS, LAYERS, BINS), "u2", ("variant", "layer", "bin")),))
    counts = _counts()
    frame = Frame(100, {"hist": counts})
    data = schema.encode(frame)
    text = json.dumps(counts.tolist())
    binary, plain = [], []
    for _ in range(repetitions):
        binary.append(_milliseconds(lambda: schema.encode(frame)))
        plain.append(_milliseconds(lambda: json.dumps(counts.tolist())))
    decode = [_milliseconds(lambda: schema.decode(data)) for _ in range(repetitions)]
    return {
        "bytes": len(data),
        "encode_ms": statistics.median(binary),
        "decode_ms": statistics.median(decode),
        "json_bytes": len(text),
        "json_encode_ms": statistics.median(plain),
        "size_ratio": len(text) / len(data),
        "speedup": statistics.median(p / b for p, b in zip(plain, binary, strict=True)),
        "repetitions": repetitions,
        "shape": {"variants": VARIANTS, "layers": LAYERS, "bins": BINS},
        "python": platform.python_version(),
    }


def _counts() -> np.ndarray[Any, np.dtype[np.uint16]]:
    """Counts as training gives them: every histogram holds one batch of normally distributed values."""
    values = np.random.default_rng(0).normal(size=(VARIANTS, LAYERS, VALUES))
    bins = np.clip((values + 4) * 8, 0, BINS - 1).astype(np.int64)
    rows = np.arange(VARIANTS * LAYERS).reshape(VARIANTS, LAYERS, 1) * BINS
    counts = np.bincount((bins + rows).ravel(), minlength=VARIANTS * LAYERS * BINS)
    return counts.reshape(VARIANTS, LAYERS, BINS).astype("<u2")


def _milliseconds(call: Callable[[], object]) -> float:
    start = time.perf_counter()
    call()
    return (time.perf_counter() - start) * 1e3
