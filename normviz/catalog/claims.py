"""The twelve claims about batch normalization that the project began from, as facts: none is judged here.

Each is stated in other words than the article's; ``rule`` says how `normviz.specs.claims_rules` judges it.

Source: CORE SYSTEMS, "Batch Normalization: Stable Network Training", 2024.
"""

from __future__ import annotations

from dataclasses import dataclass

ARTICLE = "CORE SYSTEMS, “Batch Normalization: Stable Network Training”, 2024"
"""Where all the claims are from."""

VERDICTS = {
    "supported": "Supported",
    "conditional": "Conditional",
    "inconclusive": "Inconclusive",
    "not_supported": "Not supported",
    "false": "False",
    "checked": "Checked against the source",
}
"""The verdicts, and their names."""


@dataclass(frozen=True)
class Claim:
    """One claim."""

    number: int
    short: str
    """Its subject, in a few words."""
    statement: str
    rule: str
    """How its verdict follows from what is measured, in words."""
    sources: str
    """What else is known, for whoever wants to read on."""
    see: str = ""
    """The page that shows it live, with its settings, as an address relative to the site; "" for none."""
    see_label: str = ""


CLAIMS: dict[int, Claim] = {
    one.number: one
    for one in (
        Claim(
            1,
            "covariate shift",
            "Layers whose inputs keep shifting while the layers before them learn (internal covariate shift) "
            "make gradients explode or vanish; batch norm cures that by reducing the shift.",
            "Not supported if gradients of a fresh network grow faster per layer with batch norm than "
            "without, or if with a random shift put back behind batch norm the units' means move more from "
            "step to step than without a norm and it still trains faster (95% intervals of the difference "
            "over the seeds). Supported if the gradients grow less and it no longer trains faster; else "
            "inconclusive. The move of the means is one measure of covariate shift among several.",
            "Santurkar et al. 2018, arXiv:1805.11604 (noisy batch norm); Yang et al. 2019, arXiv:1902.08129 "
            "(gradients at initialization).",
            "signal?norms=none,batch,layer&depth=30&batch_size=32",
            "Signal: gradients of a fresh network, 30 layers",
        ),
        Claim(
            2,
            "place of the norm",
            "Batch norm belongs before the activation function, although the original paper recommended the "
            "opposite order.",
            "The history is checked against the paper. The order is measured: it makes a difference if the "
            "95% interval of the difference in test error over the seeds leaves out zero.",
            "Ioffe & Szegedy 2015, arXiv:1502.03167, section 3.2: the transform is added immediately before "
            "the nonlinearity.",
            "train?question=placement",
            "Train: before or after the activation",
        ),
        Claim(
            3,
            "fewer epochs",
            "With batch norm a network needs two to three times fewer epochs.",
            "Steps to 94% of the test digits, each variant at its own best learning rate: supported or "
            "conditional if batch norm is at least twice as fast (geometric mean over the seeds, 95% "
            "interval above 1), conditional if at the lowest rate it is not; not supported if the interval "
            "ends below 2; else inconclusive. An interval that reaches below 2 is told beside the verdict.",
            "Ioffe & Szegedy 2015, arXiv:1502.03167, section 4.2, raises the learning rate as well.",
            "train?norms=none,batch&depth=3&lr=0.03",
            "Train: the counter-case, learning rate 0.03",
        ),
        Claim(
            4,
            "learning rates",
            "Batch norm allows higher learning rates.",
            "A rate trains if 90% of the test digits are right at the end. Supported if for every seed the "
            "highest rate that trains is higher with batch norm, not supported if for none; else "
            "inconclusive. Ranges of the seeds that overlap are told beside the verdict.",
            "Ioffe & Szegedy 2015, arXiv:1502.03167, section 3.3; Bjorck et al. 2018, arXiv:1806.02375.",
            "train?norms=none,batch&depth=3&lr=3",
            "Train: learning rate 3",
        ),
        Claim(
            5,
            "initialization",
            "Batch norm makes a network less dependent on its initialization.",
            "A gain of the initialization trains if 90% of the test digits are right at the end, at the "
            "better of two learning rates. Supported if for every seed more of the gains train with batch "
            "norm, not supported if for none; else inconclusive.",
            "Ioffe & Szegedy 2015, arXiv:1502.03167, section 1; Zhang et al. 2019, arXiv:1901.09321 (without "
            "a norm).",
            "why?question=lr_init",
            "Why it works: a map of learning rates and gains",
        ),
        Claim(
            6,
            "dropout",
            "The noise of the batches regularizes, so batch norm partly replaces dropout.",
            "To replace it, dropout must first help without batch norm: inconclusive unless the 95% interval "
            "of its gain in test error over the seeds is above zero. Then supported if with batch norm it "
            "gains less (interval of the difference), not supported if it gains more; else inconclusive.",
            "Li et al. 2019, arXiv:1801.05134 (dropout and batch norm together); Luo et al. 2019, "
            "arXiv:1809.00846.",
            "batch-size?question=regularization",
            "Batch size: batch noise and dropout, ten seeds",
        ),
        Claim(
            7,
            "small batches",
            "Below a batch of four, batch norm is unstable; group or layer norm should take its place.",
            "It fails at a batch size if its test error is more than 5 percentage points above that of the "
            "better of group and layer norm (95% interval over the seeds). Supported if it fails at 2 and "
            "not at 4, conditional if also at 4, not supported if not at 2; inconclusive if the interval at "
            "2 holds 5; one at 4 that holds 5 is told beside the verdict. Only the batch of the statistics "
            "is made small: a real batch of 2 would also change the number and the noise of the updates. The "
            "link leads to the same with real batches.",
            "Wu & He 2018, arXiv:1803.08494, section 1; Ioffe 2017, arXiv:1702.03275.",
            "batch-size?changes=batch",
            "Batch size: the same with real batches, from 32 samples down to 2",
        ),
        Claim(
            8,
            "a batch of one",
            "At inference with a batch of one, batch norm switches to its stored statistics by itself.",
            "False if in training mode a batch of one either raises an error or is not normalized by the "
            "stored statistics, while after eval() it is; supported if it is by itself.",
            "torch.nn.BatchNorm1d and BatchNorm2d: stored statistics are used in evaluation mode.",
            "forgotten-eval?network=cnn",
            "Forgot eval(): a CNN takes a batch of one in silence",
        ),
        Claim(
            9,
            "the last batch",
            "Without eval(), batch norm goes on using the statistics of the last training batch.",
            "False if in training mode the answers depend on the other samples of the current batch and not "
            "at all on the batch before; supported if on the batch before alone; else conditional.",
            "Ioffe & Szegedy 2015, arXiv:1502.03167, algorithms 1 and 2; torch.nn.BatchNorm1d.",
            "forgotten-eval",
            "Forgot eval(): labels that change with the company",
        ),
        Claim(
            10,
            "sequences",
            "For recurrent networks and transformers, layer norm is the better choice.",
            "Three properties of one layer are measured, on random numbers; no network is trained, so that "
            "the verdict is never more than conditional. It is if what layer norm makes of a sample stays "
            "exactly the same when the future, another sample or the padding changes, while that of batch "
            "norm in training mode does not; inconclusive if batch norm keeps one of them too; not supported "
            "if layer norm does not.",
            "Ba et al. 2016, arXiv:1607.06450; Shen et al. 2020, arXiv:2003.07845.",
            "sequences",
            "Sequences: recurrent networks and transformers, trained",
        ),
        Claim(
            11,
            "sample code",
            "The sample code makes its input by torch.randn(batch_size=32, features=128).",
            "The call is run as it is written. Checked against torch itself: if it raises, the code does not "
            "run; supported if it gives a tensor of 32 × 128.",
            "torch.randn takes sizes: torch.randn(32, 128).",
        ),
        Claim(
            12,
            "depth",
            "Batch norm made networks of dozens or hundreds of layers possible.",
            "A depth is learned if 80% of the test digits are right at the end, at the better of two "
            "learning rates (median over the seeds). Supported if with batch norm the deepest network is "
            "learned and without it is not; conditional if batch norm reaches a greater depth, but not the "
            "deepest; not supported if it reaches none that goes without; inconclusive if no depth is "
            "learned. Depths at which the seeds fall on both sides of 80% are told beside the verdict.",
            "Plain layers here: residual connections (He et al. 2016, arXiv:1512.03385) carried networks to "
            "hundreds of layers; Yang et al. 2019, arXiv:1902.08129 (batch norm alone does not).",
            "train?norms=none,batch&depth=30&lr=0.1&width=32",
            "Train: 30 plain layers",
        ),
    )
}
"""The claims by their numbers."""
