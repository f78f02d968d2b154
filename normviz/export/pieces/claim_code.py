"""The sample code

The call as it is written in the article, and the corrected one.
"""

from __future__ import annotations

from collections.abc import Callable

import torch

CALLS: dict[str, Callable[[], torch.Tensor]] = {
    "torch.randn(batch_size=32, features=128)": lambda: torch.randn(batch_size=32, features=128),  # type: ignore[call-overload]
    "torch.randn(32, 128)": lambda: torch.randn(32, 128),
}


def main() -> list[bool]:
    """Whether each of the two calls gives a tensor."""
    told = []
    for code, call in CALLS.items():
        try:
            print(f"{code}: a tensor of {tuple(call().shape)}")
            told.append(True)
        except TypeError as refusal:
            print(f"{code}: TypeError: {refusal}")
            told.append(False)
    return told
