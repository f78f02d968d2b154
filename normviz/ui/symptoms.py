"""What a misbehaving network looks like: for each symptom its cause, a test, an experiment and a fix.

Each experiment is a link with settings that show this very symptom, and its cure beside it; that it does is
tested by running it.
"""

from __future__ import annotations

from dataclasses import dataclass

from normviz.specs.diagnosis import SYMPTOMS
from normviz.specs.forgotten_eval import ForgottenEval
from normviz.specs.start import Start
from normviz.specs.train import Train
from normviz.ui.doors import Door


@dataclass(frozen=True)
class Symptom:
    """One symptom, taken from what is seen to what helps.  Texts are Markdown."""

    cause: str
    test: str
    code: str
    """The test in plain PyTorch."""
    look: str
    """What the experiment shows."""
    door: Door
    """The experiment."""
    fix: str


BOOK: dict[str, Symptom] = {
    "deployment": Symptom(
        cause="The deployed network is still in training mode. Batch norm then normalizes with the "
        "statistics of whatever arrives together. Large validation batches hide it: their statistics are "
        "nearly the running ones. Small batches, or batches of one kind, do not hide it.",
        test="Ask the deployed model which of its modules are in training mode; the list must be empty.",
        code="print([name for name, module in model.named_modules() if module.training])",
        look="The same weights validated in training mode in large batches (nothing looks wrong) and then "
        "used in small ones; below it the repairs.",
        door=Door("forgotten-eval", "See it: validate large, deploy small", ForgottenEval(epochs=5, seeds=3)),
        fix="Call `model.eval()` once after loading and once after every training epoch, before anything "
        "is predicted. Validate with the batch size that is deployed. If the running statistics were "
        "damaged by passes in training mode, average them anew over training batches.",
    ),
    "batch_mates": Symptom(
        cause="Something in the network looks across the batch. In training mode that is batch norm and "
        "its kin. With `track_running_stats=False` batch norm does so in `eval()` too. Dropout in training "
        "mode also changes answers, but it does so even for the same batch.",
        test="Predict one sample alone and among others. The two answers must be equal up to rounding.",
        code="model.eval()\nwith torch.no_grad():\n    together = model(x)[0]\n    alone = model(x[:1])[0]\n"
        "print((together - alone).abs().max())",
        look="64 digits in batches of four, in training mode: other batch-mates, other answers. The switch "
        "to `eval()` is the cure.",
        door=Door("", "See it: batches of four in training mode", Start(mode="train", batch=4)),
        fix="`model.eval()` for everything but training. Where the answer must not depend on the batch "
        "even while training, use layer norm, RMS norm or group norm: they look at each sample alone.",
    ),
    "flat": Symptom(
        cause="In a deep network each layer multiplies the signal and its gradient by a factor, so both "
        "can vanish before they arrive. Sigmoid layers shrink gradients, and so does an initialization "
        "that is too small. A learning rate that is far too small looks the same.",
        test="Print the gradient norm of each weight after one backward pass. If it falls by powers of ten "
        "towards the input, the first layers do not learn.",
        code="loss.backward()\nfor name, parameter in model.named_parameters():\n"
        "    if parameter.ndim > 1:\n        print(name, parameter.grad.norm().item())",
        look="Five sigmoid layers: without a norm the loss stays at guessing, with batch norm the same "
        "weights and batches learn the digits.",
        door=Door(
            "train", "See it: five sigmoid layers, with and without batch norm",
            Train(norms=("none", "batch"), activation="sigmoid", depth=5, lr=1.0, steps=300, seeds=2),
        ),
        fix="Initialize for the activation (He for ReLU). Put a norm after each hidden layer: it sets the "
        "size of what enters the activation anew in every layer. Then look for the learning rate again, "
        "since a normalized network bears a larger one.",
    ),
    "nan": Symptom(
        cause="The learning rate or the initialization is too large for this network: updates grow until a "
        "number is no longer finite. Other causes are a logarithm of zero, or half precision without loss "
        "scaling.",
        test="Find the step at which the loss stops being finite, and look at the size of the update "
        "before it. If a tenth of the learning rate cures it, it was the learning rate.",
        code="if not torch.isfinite(loss):\n    raise RuntimeError(f'loss is {loss.item()} at step {step}')\n"
        "print(max(p.grad.norm() * lr / p.norm() for p in model.parameters() if p.ndim > 1))",
        look="Ten layers with initial weights twice too large: without a norm the network diverges in its "
        "first steps, with batch norm it trains from the same weights.",
        door=Door(
            "train", "See it: weights twice too large, with and without batch norm",
            Train(norms=("none", "batch"), depth=10, lr=1.0, gain=2.0, steps=200, seeds=2),
        ),
        fix="Divide the learning rate by ten, or correct the initialization. A norm after each hidden "
        "layer makes its output independent of the scale of its weights. It widens the range of rates that "
        "work; it does not make every rate work.",
    ),
    "fine_tuning": Symptom(
        cause="`model.train()` puts batch norm back to work: every pass moves its running statistics "
        "towards the new data, also in layers whose weights are frozen and also under `torch.no_grad()`. "
        "Small or one-sided batches damage them.",
        test="Compare the running statistics before and after. If they moved although the layers were to "
        "be frozen, this is it.",
        code="norms = [m for m in model.modules() if isinstance(m, torch.nn.modules.batchnorm._BatchNorm)]\n"
        "before = [m.running_var.clone() for m in norms]\n...  # one epoch of fine-tuning\n"
        "print([float((m.running_var / old).log().abs().max()) for m, old in zip(norms, before)])",
        look="The error with `eval()` after a pass in training mode through class-sorted batches (momentum "
        "0.5, so that the damage is plain): the weights did not change, the statistics did. Frozen "
        "statistics and recalibration are among the repairs.",
        door=Door(
            "forgotten-eval", "See it: a pass in training mode leaves damage behind",
            ForgottenEval(epochs=5, seeds=3, momentum=0.5),
        ),
        fix="After each `model.train()` call `.eval()` on the batch norms that are to stay frozen. Or let "
        "them adapt, with mixed batches that are large enough, and recalibrate at the end: reset the "
        "running statistics and average them over training batches.",
    ),
    "eight_gpus": Symptom(
        cause="Batch norm takes its statistics on each device alone. A batch of 16 spread over eight GPUs "
        "is normalized two by two. Gradients are averaged over all, statistics are not.",
        test="Print the batch that one device sees. Then train on one device with the whole batch, "
        "normalized in ghost batches of that size: if it goes wrong alike, and without ghost batches does "
        "not, this is it.",
        code="for x, y in loader:\n    print(x.shape[0], 'samples on rank', torch.distributed.get_rank())\n"
        "    break",
        look="One batch of 16 in every step: batch norm over all 16, over ghost batches of 2 (what eight "
        "devices do), and group norm, which does not look across samples.",
        door=Door(
            "train", "See it: 16 samples at once, two by two, and group norm",
            Train(
                norms=("batch", "ghost_batch", "group"), batch_size=16, ghost_size=2, depth=3, lr=0.1,
                steps=300, seeds=2,
            ),
        ),
        fix="`torch.nn.SyncBatchNorm.convert_sync_batchnorm(model)` takes the statistics over all devices. "
        "Or give each device a larger batch, or use group norm. Accumulating gradients does not help: it "
        "does not enlarge the batch that is normalized.",
    ),
}  # fmt: skip
"""Every symptom of ``SYMPTOMS``, by its name."""

assert list(BOOK) == list(SYMPTOMS)
