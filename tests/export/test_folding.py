"""Folding: what settings decide goes, everything else stays as it is written."""

from __future__ import annotations

import pytest

from normviz.export.folding import Known, fold

KNOWN = Known(
    {"ON": True, "OFF": False, "FORM": "mlp", "MANY": {1: 2}}, {"norm": ("none", "batch"), "gain": (2.0,)}
)


@pytest.mark.parametrize(
    ("source", "folded"),
    [
        ("def f():\n    if OFF:\n        a()\n    b()\n", "def f():\n    b()\n"),
        (
            "def f():\n    if ON:\n        a()\n        c()\n    b()\n",
            "def f():\n    a()\n    c()\n    b()\n",
        ),
        ("def f():\n    if OFF:\n        a()\n    else:\n        b()\n", "def f():\n    b()\n"),
        ("def f():\n    if ON:\n        return 1\n    return 2\n", "def f():\n    return 1\n"),
        ("def f():\n    # why\n    if OFF:\n        a()\n    b()\n", "def f():\n    b()\n"),
        (
            "def f():\n    if x:\n        a()\n    elif OFF:\n        b()\n    else:\n        c()\n",
            "def f():\n    if x:\n        a()\n    else:\n        c()\n",
        ),
        (
            "def f():\n    if x:\n        a()\n    elif ON:\n        b()\n    else:\n        c()\n",
            "def f():\n    if x:\n        a()\n    else:\n        b()\n",
        ),
        (
            "def f():\n    if OFF:\n        a()\n    elif x:\n        b()\n    else:\n        c()\n",
            "def f():\n    if x:\n        b()\n    else:\n        c()\n",
        ),
        ("y = 1 if FORM == 'mlp' else 2\n", "y = 1\n"),
        ("y = 1 if FORM != 'mlp' else 2\n", "y = 2\n"),
        ("y = 1 if norm == 'layer' else 2\n", "y = 2\n"),
        ("y = 1 if norm in ('none', 'batch') else 2\n", "y = 1\n"),
        ("y = 1 if norm == 'batch' else 2\n", "y = 1 if norm == 'batch' else 2\n"),
        ("y = x and ON\n", "y = x\n"),
        ("y = size or 1024\n", "y = size or 1024\n"),
        ("def f(x, gain=G):\n    return g(x, gain=gain)\n", "def f(x):\n    return g(x)\n"),
        ("def f(x, gain=G):\n    return x * gain\n", "def f(x):\n    return x * G\n"),
        ("def f(x, norm=G):\n    return x * norm\n", "def f(x, norm=G):\n    return x * norm\n"),
        (
            "def f():\n    y: T = (  # why\n        a\n    )\n    return y\n",
            "def f():\n    return (  # why\n        a\n    )\n",
        ),
        ("def f():\n    y: T = a\n    return z\n", "def f():\n    y: T = a\n    return z\n"),
        (
            "def f(step):\n    if MANY and step in MANY:\n        a()\n",
            "def f(step):\n    if step in MANY:\n        a()\n",
        ),
    ],
)  # fmt: skip
def test_what_is_decided(source: str, folded: str) -> None:
    assert fold(source, KNOWN) == folded


def test_a_block_is_never_left_empty() -> None:
    with pytest.raises(ValueError, match="without statements"):
        fold("def f():\n    if OFF:\n        a()\n", KNOWN)
