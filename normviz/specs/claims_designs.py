"""What the claims compare with what: variants, rates, depths and sizes of the small experiments."""

from __future__ import annotations

from normviz.specs.noisy_bn import NoisyBN

PAIR = ("none", "batch")
"""The variants of most claims."""
NOISES = ("none", "batch", "noisy")
"""Variants of claim 1; noisy: a random shift and scale behind batch norm."""
DROPOUTS = ("none", "none_dropout", "batch", "batch_dropout")
"""Variants of claim 6."""
SIZES = (2, 4, 8)
"""Batch sizes of batch norm's statistics in claim 7."""
SMALL = (*(f"batch_{size}" for size in SIZES), "group", "layer")
"""Variants of claim 7."""
CHANGES = ("future", "sample", "padding")
"""What is changed in claim 10, one at a time."""
RATES = (0.03, 0.1, 0.3, 1.0, 3.0, 10.0)
"""Learning rates of claims 3 and 4."""
GAINS = (0.1, 0.3, 1.0, 3.0, 10.0)
"""Gains of the initialization of claim 5, and the learning rates at which each is tried."""
GAIN_RATES = (0.1, 0.3)
DEPTHS = (10, 20, 30, 50)
"""Depths of claim 12, and the learning rates at which each is tried."""
DEPTH_RATES = (0.03, 0.1)

NOISY_DEPTH, RATE_DEPTH, GAIN_DEPTH, EPOCH_DEPTH = 5, 3, 5, 3
"""Hidden layers of claims 1; 3 and 4; 5; 2, 6, 7 and 9."""
GROWTH_DEPTH, GROWTH_BATCH, GROWTH_WIDTH = 30, 32, 128
"""The fresh networks of claim 1."""
STEP_BATCH, EPOCH_BATCH = 64, 32
"""Samples in a step of the claims that count steps, and of those that count epochs."""
NOISY_RATE, EPOCH_RATE, DROPOUT = 0.3, 0.05, 0.2
"""Learning rates of claim 1 and of the claims that count epochs (with momentum 0.9); dropout of claim 6."""

NOISE = NoisyBN()
"""Has the noise of claim 1 (``shift``, ``stretch``, ``spread``), which is that of the page Why: a weaker one
hardly moves the means more than they move in a network without a norm."""

NOISY_EVERY, GAIN_EVERY, DEPTH_EVERY = 25, 50, 50
"""Steps between two frames of claims 1, 5 and 12."""
RATE_EVERY, FINE_EVERY, FINE_UNTIL = 10, 5, 60
"""Steps between two frames of claims 3 and 4; between two evaluations while the fast ones learn."""
