"""Settings

The values of the run whose script this is.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

NORMS: tuple[str, ...] = ("none", "batch")  # the variants
SEEDS: tuple[int, ...] = (0,)  # each variant is tried with each: data split, weights, batches
DATASET = "digits"
NETWORK = "mlp"
BatchNorm = nn.BatchNorm1d  # torch's layer for this form of network
InstanceNorm = nn.InstanceNorm1d
HAS_BATCH_NORM = True
OVER_TIME = True
POOLED = False  # whether statistics of all steps together are tried, too
MASKED = True  # batch norm leaves the padding out
HEADS = 2  # of attention
SHAPE: tuple[int, ...] = (1, 8, 8)  # of one sample
CLASSES = 10
N_TRAIN = 1000  # samples to train on; the others test
N_TEST = 500
DEPTH = 8  # layers with a norm
WIDTH = 64  # channels of the first layer
PLACEMENT = "before"  # the norm's place beside the activation
ACTIVATION: type[nn.Module] = nn.ReLU
DROPOUT = 0.0  # share of activations set to zero while training
CAUSAL = True  # each step attends to itself and to those before it
OWN_EPS = True
EPS = 1e-5  # added to the variance before the square root
MOMENTUM = 0.1  # weight of the new value in the running statistics
GROUPS = 4  # of channels, for group norm
GHOST_SIZE = 16  # samples of a ghost batch
R_MAX = 3.0  # greatest correction of the scale, batch renormalization
D_MAX = 5.0  # greatest correction of the mean, in running standard deviations
GAIN = 1.0  # of the initialization; 1 is He initialization
OPTIMIZER = "sgd"
LR = 0.3  # learning rate
BATCH_SIZE = 64  # samples of a training step
TWO_CLASSES = False  # whether each batch holds samples of two classes alone
STEPS = 400  # training steps
EVERY = 5  # steps between two recorded ones
EVALUATE_EVERY = 10  # steps between two evaluations on the test samples
RENORM = False  # whether a variant has batch renormalization at some step
RATES: dict[int, float] = {}  # step: the learning rate from there on
BATCH_SIZES: dict[int, int] = {}  # step: the batch size from there on
SWITCHES: dict[tuple[int, str], str] = {}  # step and variant: its norm from there on
TARGET = 0.9  # test accuracy to which the steps are counted
PLACES: tuple[str, ...] = ("before", "after")
GAINS: tuple[float, ...] = (0.1, 1.0, 10.0)  # of the rows of the map, times He initialization
LEARNING_RATES: tuple[float, ...] = (0.01, 0.1, 1.0)  # of the columns of the map
LEARNED = 0.9  # test accuracy from which on a cell has learned
NORM = "batch"
CURVE_STEPS: tuple[int, ...] = (1, 2, 3, 5, 10)  # steps after which both modes are measured
DEPLOY_BATCH = 8  # samples that are predicted together, once the network is in use
VALIDATION_BATCH = 256  # samples of a batch in a usual validation
SMALLER_BATCHES: tuple[int, ...] = (128, 64, 32, 16, 8, 4, 2, 1)  # in use
ALL_SIZES: tuple[int, ...] = (1, 2, 4, 8, 16, 32, 64, 128, 256)  # of batches in training mode
SORTED_SIZES: tuple[int, ...] = (64, 32, 8)  # of batches of samples that are sorted by class
DRAWS = 5  # random batches in which each test sample is predicted
COMPANIES = 24  # sets of batch-mates that one sample meets
DRAWN_BEFORE = 10  # random orders that were drawn before, for other charts of the page
OTHERS: tuple[str, ...] = ("layer", "group")  # norms that are trained alike for comparison
OPPOSITE_STEPS: tuple[int, ...] = (1, 3, 10)  # steps after which training in either mode is measured
TIMES_LR: tuple[float, ...] = (1, 10)  # times the learning rate, for that
CONTRAST = 0.5  # of the other domain's pictures
BRIGHTNESS = 1.0
SLOWER = 0.1  # learning rate of the fine-tuning, in terms of the training's
TUNING_STEPS: tuple[int, ...] = (0, 1, 3, 10)  # steps of the fine-tuning after which it is measured
LEFT_ON = 0.2  # share of activations that dropout zeroes
DROPOUT_SIZES: tuple[int, ...] = (256, 2)  # batches in which it is left on
KEEPS: tuple[float, ...] = (0.95, 0.8, 0.5)  # shares that a dropout before a norm lets through
INPUTS = "digits"
SCALES: tuple[float, ...] = (0.1, 1.0, 10.0)  # what the weights of the layer are multiplied by
LAYER = 1  # the hidden layer whose weights are multiplied
VARIANTS: dict[str, tuple[str, float]] = {"both": ("batch", 0.3)}  # norm, dropout
EVALUATED_STEPS: tuple[int, ...] = (0, 1, 2)  # steps after which the networks are evaluated
FULL_BATCH = 32  # samples of an update at learning rate LR
REAL_SIZES: tuple[int, ...] = (2, 4, 8, 16, 32)  # samples of an update, or of a part of it
IN_PARTS: tuple[str, ...] = ("batch", "batch_renorm")  # norms that see parts of the batch
ACCUMULATED: tuple[str, ...] = ()  # norms that are also trained on accumulated gradients
GAP_SIZES: tuple[int, ...] = (2, 4, 8)  # batches of which both modes are compared
MICRO_BATCH = 2  # samples of each pass whose gradients are accumulated
PLACES_ON_LINE: tuple[float, ...] = (0.0, 1.0)  # steps along the gradient, in learning rates
SHIFT = 0.8  # noise: greatest mean of a unit
STRETCH = 1.25  # noise: greatest factor of a unit
SPREAD = 0.1  # noise: spread in the batch
SAMPLES = 512  # training samples on which the networks are evaluated
TESTED = 200  # test samples on which the accuracy is measured
WATCHED = 6  # sequences whose second half is changed, one after the other
CHANGED_FROM = 8  # the step, counted from 0, from which on it is changed
DEEP_BATCH = 16  # sequences on which the gradient is measured
APPENDED: tuple[int, ...] = (4, 8, 16, 32)  # steps of padding that are appended
DEPTHS: tuple[int, ...] = (10, 20)  # layers with a norm
COLUMN = "depth"  # what the rows of the table differ in
PART = "layer"  # what is timed: one hidden layer with its norm and activation, or a training step
ROUNDS = 60
PASSES = 1  # passes that are timed together
INPUT_SHAPE: tuple[int, ...] = (16, 8, 8)  # of what enters the layer
STRIDE = 2
SIDE_AFTER = 4  # of the picture that leaves it
EPOCH_VARIANTS: dict[str, dict[str, Any]] = {}  # in what the networks differ
PARTS: dict[str, int] = {}  # samples of which batch norm takes its statistics, if not the whole batch
RACE_DEPTH = 5  # hidden layers of the networks that train
RACE_WIDTH = 64
RACE_BATCH = 64
SMOOTHED = 5  # training batches over which the mean is taken
TILES = 64  # digits that are predicted
SHUFFLE = 0  # which digits share a batch; 0: in the order of the test samples
BY_CLASS = False
SWAPS: tuple[tuple[int, int], ...] = ()  # digits that have changed places
FORM = "2d"  # of the tensor: 1d, 2d or sequence
CELL = 21  # the chosen cell, counted along the shape
GAMMA: tuple[float, ...] = (1.5, 0.8, 1.2, 0.6)  # of the channels, as if they had been learned
BETA: tuple[float, ...] = (0.5, 0.0, -0.5, 1.0)
BY_POSITION = False
ON_WEIGHTS = False
HAS_RUNNING = True
TRAIN = True  # whether the norm is in training mode
MOVED_ONCE = True  # one step of the running statistics for all parts of a batch
DTYPE = torch.float32  # torch.float64 rounds less, and is slower
