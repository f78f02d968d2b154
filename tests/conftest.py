"""What holds for every test: torch on one thread, as the engine promises its bit-equality for."""

from __future__ import annotations

import hypothesis
import torch

torch.set_num_threads(1)

# How long an example takes says nothing on a busy machine.
hypothesis.settings.register_profile("normviz", deadline=None)
hypothesis.settings.load_profile("normviz")
