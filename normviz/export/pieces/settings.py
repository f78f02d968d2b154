"""Settings

The values of the run whose script this is.
"""

from __future__ import annotations

import torch
from torch import nn

NORMS: tuple[str, ...] = ("none", "batch")
SEEDS: tuple[int, ...] = (0,)
DATASET = "digits"
NETWORK = "mlp"
FORM = "mlp"
SHAPE: tuple[int, ...] = (1, 8, 8)  # of one sample
CLASSES = 10
N_TRAIN = 1000  # samples to train on; the others test
DEPTH = 8  # layers with a norm
WIDTH = 64  # channels of the first layer
PLACEMENT = "before"  # the norm's place beside the activation
ACTIVATION: type[nn.Module] = nn.ReLU
DROPOUT = 0.0  # share of activations set to zero while training
CAUSAL = True  # each step attends to itself and to those before it
EPS = 1e-5  # added to the variance before the square root
MOMENTUM = 0.1  # weight of the new value in the running statistics
GROUPS = 4  # of channels, for group norm
GHOST_SIZE = 16  # samples of a ghost batch
R_MAX = 3.0  # greatest correction of the scale, batch renormalization
D_MAX = 5.0  # greatest correction of the mean, in running standard deviations
GAIN = 1.0  # of the initialization; 1 is He initialization
OPTIMIZER = "sgd"
LR = 0.3  # learning rate
BATCH_SIZE = 64
STEPS = 400  # training steps
EVERY = 5  # steps between two recorded ones
EVALUATE_EVERY = 10  # steps between two evaluations on the test samples
RENORM = False  # whether a variant has batch renormalization at some step
RATES: dict[int, float] = {}  # step: the learning rate from there on
BATCH_SIZES: dict[int, int] = {}  # step: the batch size from there on
SWITCHES: dict[tuple[int, str], str] = {}  # step and variant: its norm from there on
DTYPE = torch.float32
