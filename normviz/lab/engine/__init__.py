"""The engine: many small networks of one shape, training in lockstep.

    from normviz.lab.engine import Member, Plan, Probe, Stack

    plan = Plan(network="mlp", depth=3, width=128, dataset="digits")
    members = [Member(norm, seed, lr=0.05) for norm in ("none", "batch") for seed in range(5)]
    stack = Stack(plan, members, optimizer="momentum", batch_size=32)

    stack.step(20 * stack.steps_per_epoch)  # quicker than one by one; stack.step() takes a single step
    stack.losses, stack.accuracy            # of the last batch, [M], in the order of members
    stack.diverged_at                       # steps done when a member was frozen, -1: fine

    stack.test_error()                                               # [M], eval mode
    stack.test_error("train", batch_size=8, order="sorted")          # batches sorted by class
    stack.logits(stack.data(0).x_test[:16], "train", batch_size=2)   # [M, 16, classes]; same samples for all
    stack.logits([7, 8, 9])                                          # own test samples 7, 8, 9 of each member

    before = stack.snapshot()
    stack.logits(None, "train", batch_size=8, update=True)           # a pass that moves running statistics
    stack.statistics()[0]["mean"]                                    # first hidden layer, [M, channels]
    stack.recalibrate(batch_size=64)                                 # precise BN
    stack.restore(before)

    probe = Probe(stack, shown=[0, 5])                               # histograms of members 0 and 5
    stack.recorded_step(probe)["hist_pre"]                           # [2, layers, 64]

Call ``torch.set_num_threads(1)`` first: small networks are slower on two threads, and bit-equality of a
member alone and in a stack is promised for one.
"""

from normviz.lab.engine.members import Member, Plan
from normviz.lab.engine.probes import Probe
from normviz.lab.engine.stack import Mode, Snapshot, Stack, Watcher
from normviz.lab.nets.layers import Tape

__all__ = ["Member", "Mode", "Plan", "Probe", "Snapshot", "Stack", "Tape", "Watcher"]
