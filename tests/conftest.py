"""What holds for every test: torch on one thread, as the engine promises its bit-equality for."""

from __future__ import annotations

import torch

torch.set_num_threads(1)
