"""Which norm for which network: a decision by stated rules, each reason with the page that shows it.

Rules are tried from the first to the last; the first that fits answers.  None of them names a winner where
none is measured: among norms that work, the visitor is sent to race them.
"""

from __future__ import annotations

from dataclasses import dataclass

from normviz.specs.anatomy import Anatomy
from normviz.specs.diagnosis import BATCHES, NETS, TASKS, Choice
from normviz.specs.forgotten_eval import ForgottenEval
from normviz.specs.signal import Signal
from normviz.specs.train import Train
from normviz.ui.doors import Door, page_at
from normviz.ui.symptoms import BOOK


@dataclass(frozen=True)
class Reason:
    """Why, in a sentence, and where it is seen: the first of these doors whose page is shown."""

    words: str
    doors: tuple[Door, ...]

    @property
    def door(self) -> Door:
        """The door to show."""
        return next((door for door in self.doors if page_at(door.path)), self.doors[0])


@dataclass(frozen=True)
class Advice:
    """What to use, why, and what to watch."""

    use: str
    """A sentence, Markdown."""
    norms: tuple[str, ...]
    """The norms that it names, by their names in the catalog; the first one is the first to try."""
    why: tuple[str, ...]
    """Names of reasons."""
    beware: tuple[str, ...] = ()

    @property
    def reasons(self) -> tuple[Reason, ...]:
        """The reasons for it."""
        return tuple(REASONS[name] for name in self.why)

    @property
    def warnings(self) -> tuple[Reason, ...]:
        """The reasons to be careful."""
        return tuple(REASONS[name] for name in self.beware)


REASONS: dict[str, Reason] = {
    "one": Reason(
        "A batch of one has no variance across samples: in training mode an MLP with batch norm raises an "
        "error, and a CNN normalizes by one picture alone.",
        (
            Door("batch-size", "Batch size: batches of one"),
            Door("forgotten-eval", "Forgot eval(): batch size 1"),
        ),
    ),
    "few": Reason(
        "Over a few samples mean and variance are mostly noise; of two samples every normalized value in "
        "an MLP is plus or minus one.",
        (
            Door("batch-size", "Batch size: error against batch size"),
            Door("train", "Train: statistics of two samples", BOOK["eight_gpus"].door.spec),
        ),
    ),
    "alone": Reason(
        "Layer, RMS and group norm look at each sample alone: training and evaluation compute the same, "
        "whatever the batch.",
        (Door("anatomy", "Anatomy: one sample's group", Anatomy(norm="group")),),
    ),
    "deep": Reason(
        "Networks train with batch norm that stay at guessing without a norm, such as five sigmoid layers.",
        (Door("train", "Train: five sigmoid layers", BOOK["flat"].door.spec),),
    ),
    "eval": Reason(
        "Batch norm needs `eval()` in use; forgotten, it costs most in small or one-sided batches.",
        (Door("forgotten-eval", "Forgot eval(): the same weights, two modes", ForgottenEval()),),
    ),
    "explode": Reason(
        "In deep plain networks batch norm makes gradients grow from layer to layer at initialization. "
        "Give them skip connections, or look at the gradients.",
        (Door("signal", "Signal: gradients by layer", Signal()),),
    ),
    "steps": Reason(
        "In a sequence, layer and RMS norm treat each step by itself: length and padding do not matter, "
        "and nothing of a later step reaches an earlier one.",
        (
            Door("sequences", "Sequences: what leaks and what does not"),
            Door("anatomy", "Anatomy: one step's group", Anatomy(norm="layer", form="sequence")),
        ),
    ),
    "contrast": Reason(
        "Instance norm takes each picture's own brightness and contrast away, channel by channel.",
        (Door("anatomy", "Anatomy: one picture's channel", Anatomy(norm="instance")),),
    ),
    "freeze": Reason(
        "A pass in training mode moves the running statistics, whether or not the weights change.",
        (Door("forgotten-eval", "Forgot eval(): what a pass leaves behind", BOOK["fine_tuning"].door.spec),),
    ),
    "calibrated": Reason(
        "A network's later layers were trained on what its norms put out: another norm is another network.",
        (Door("anatomy", "Anatomy: the same cells under every norm", Anatomy()),),
    ),
    "race": Reason(
        "Which of the norms that work is best on your data is not decided here: race them.",
        (Door("train", "Train: race them", Train()),),
    ),
}
"""Every reason by its name."""

ANY = "*"

RULES: tuple[tuple[str, str, str, Advice], ...] = (
    # network, batch, task: names separated by blanks, or any
    (
        ANY, ANY, "fine_tune",
        Advice(
            "Keep the norms that the network was trained with. If they are **batch norms**, leave them in "
            "evaluation mode while the rest trains, or recalibrate them at the end.",
            ("batch",), ("calibrated", "freeze"), ("eval",),
        ),
    ),
    (
        "rnn transformer", ANY, ANY,
        Advice("**Layer norm** or **RMS norm** over the features of each step.", ("layer", "rms"),
               ("steps", "alone"), ("race",)),
    ),
    (
        "cnn", ANY, "style",
        Advice("**Instance norm**, or **group norm** where contrast carries meaning.", ("instance", "group"),
               ("contrast", "alone"), ("race",)),
    ),
    (
        "mlp", ANY, "online",
        Advice("**Layer norm** or **RMS norm**.", ("layer", "rms"), ("one", "alone"), ("race",)),
    ),
    (
        "cnn", ANY, "online",
        Advice("**Group norm**.", ("group", "layer"), ("one", "alone"), ("race",)),
    ),
    (
        "mlp", "one", ANY,
        Advice("**Layer norm** or **RMS norm**.", ("layer", "rms"), ("one", "alone"), ("race",)),
    ),
    (
        "cnn", "one", ANY,
        Advice("**Group norm**.", ("group", "layer"), ("one", "alone"), ("race",)),
    ),
    (
        "mlp", "small", ANY,
        Advice("**Layer norm**. If it must be batch norm, normalize over more samples than one device holds.",
               ("layer", "group", "batch_renorm"), ("few", "alone"), ("race",)),
    ),
    (
        "cnn", "small", ANY,
        Advice("**Group norm**. If it must be batch norm, synchronize its statistics over the devices.",
               ("group", "layer", "batch_renorm"), ("few", "alone"), ("race",)),
    ),
    (
        "mlp", "medium large", ANY,
        Advice("**Batch norm** or **layer norm**; both work at this batch size.", ("batch", "layer"),
               ("deep", "race"), ("eval", "explode")),
    ),
    (
        "cnn", "medium large", ANY,
        Advice("**Batch norm**, or **group norm** if batches in use differ from those in training.",
               ("batch", "group"), ("deep", "race"), ("eval", "explode")),
    ),
)  # fmt: skip
"""Rules in their order."""


def choose(net: str, batch: str, task: str) -> Advice:
    """The advice for one network, batch size and task: that of the first rule that fits.

    Raises:
        ValueError: one of the names is unknown.
    """
    for name, known in ((net, NETS), (batch, BATCHES), (task, TASKS)):
        if name not in known:
            raise ValueError(f"{name!r} is not one of {', '.join(known)}")
    fits = (
        advice
        for nets, batches, tasks, advice in RULES
        if all(
            one == ANY or name in one.split() for name, one in ((net, nets), (batch, batches), (task, tasks))
        )
    )
    return next(fits)


def advice(asked: Choice) -> Advice:
    """The advice for what a visitor has chosen."""
    return choose(asked.net, asked.batch, asked.task)
