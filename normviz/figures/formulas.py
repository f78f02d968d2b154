"""The formula of an experiment, whose terms know the charts in which they can be seen.

On the stage a term lights up with its charts, and a chart with its terms (``normviz/ui/assets/formulas.js``).
Longer derivations and the sources stand at the foot of each page.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from normviz.figures.mathml import both, frac, gap, i, lit, n, norm, o, of, root, row, sub, sup, words
from normviz.spec import Spec


@dataclass(frozen=True)
class Term:
    """A part of a formula: what it is, and the charts that show it."""

    says: str
    figures: tuple[str, ...]
    """Keys of figures; those that are not on the stage are passed over."""


@dataclass(frozen=True)
class Formula:
    """A formula in MathML with its terms.

    ``alt`` reads it aloud.  ``mathml`` is one row that marks each term with ``mathml.lit``; at a ``gap()`` it
    may go on in another line.
    """

    alt: str
    mathml: str
    terms: Mapping[str, Term]

    def to_plain(self) -> dict[str, Any]:
        """Plain JSON values: what the browser is sent."""
        terms = {key: {"says": one.says, "figures": list(one.figures)} for key, one in self.terms.items()}
        return {"alt": self.alt, "parts": self.parts, "terms": terms}

    @property
    def parts(self) -> list[str]:
        """What belongs together on one line."""
        return self.mathml.removeprefix("<mrow>").removesuffix("</mrow>").split(gap())


def formula(spec: Spec) -> Formula | None:
    """The formula of an experiment, if it has one on the stage."""
    return FORMULAS.get(spec.name)


_EPS = i("ε")
_L = i("L")
_W = i("W")
_X = i("x")
_GRADIENT = row(sub(o("∇"), _W), _L)
_THETA = i("θ")
_THETA_A = sub(_THETA, i("a"))
_SLOPE = row(o("∇"), _L)
_TURNED = norm(o("∇"), of(_L, _THETA_A), o("−"), o("∇"), of(_L, _THETA))

FORMULAS: dict[str, Formula] = {
    "train": Formula(
        "y equals gamma times x minus mu over the root of sigma squared plus epsilon, plus beta. "
        "L equals minus one over B times the sum of log p of the label given the sample. "
        "W becomes W minus eta times the gradient of L with respect to W.",
        row(
            lit("y", i("y")), o("="), lit("affine", i("γ")),
            frac(
                row(lit("x", _X), o("−"), lit("statistics", i("μ"))),
                root(row(lit("statistics", sup(i("σ"), n("2"))), o("+"), _EPS)),
            ),
            o("+"), lit("affine", i("β")), gap(),
            lit("loss", _L), o("="), o("−"), frac(n("1"), i("B")), o("∑"), i("log"), gap(0.17),
            lit("answer", of(i("p"), row(words("label"), o("|"), words("sample")))), gap(),
            _W, o("←"), _W, o("−"), lit("step", i("η"), lit("gradient", _GRADIENT)),
        ),
        {
            "y": Term("y: what leaves the norm", ("hist_post", "chosen_layer", "chosen_layer_over_time")),
            "x": Term("x: what enters the norm", ("hist_pre",)),
            "statistics": Term(
                "μ, σ²: mean and variance, over what differs from norm to norm", ("running_statistics",)
            ),
            "affine": Term("γ, β: the scale and shift that a norm learns", ("affine_parameters",)),
            "loss": Term("L: the loss of the training batch", ("loss",)),
            "answer": Term(
                "p: the probability that the network gives to the right answer",
                ("decision_surfaces", "test_accuracy", "train_accuracy"),
            ),
            "step": Term("η∇L: the step, learning rate times gradient", ("update_ratio",)),
            "gradient": Term("∇L: the gradient of the weights", ("grad_norm_weight",)),
        },
    ),
    "placement": Formula(
        "Before: a equals phi of norm of W x. After: a equals norm of phi of W x.",
        row(
            words("before: "), lit("before", i("a"), o("="), of(i("φ"), of(i("norm"), _W, _X))), gap(),
            words("after: "), lit("after", i("a"), o("="), of(i("norm"), of(i("φ"), _W, _X))),
        ),
        {
            "before": Term("the norm before the activation φ: solid lines", ("curves",)),
            "after": Term("the norm after the activation φ: dotted lines", ("curves",)),
        },
    ),
    "signal": Formula(
        "q becomes s times the expectation of phi of root q Z, squared. g becomes g times s times the "
        "expectation of phi prime of root q Z, squared.",
        row(
            lit("q", i("q")), o("←"), lit("s", i("s")), i("𝔼"),
            sup(of(i("φ"), root(i("q")), i("Z")), n("2")), gap(),
            lit("g", i("g")), o("←"), lit("g", i("g")), o("·"), lit("s", i("s")), i("𝔼"),
            lit("slope", sup(of(sup(i("φ"), o("′")), root(i("q")), i("Z")), n("2"))),
        ),
        {
            "q": Term("q: mean square of the values that reach a layer", ("sd", "hist_pre", "chosen_layer")),
            "s": Term("s = 2·gain²: by what weights multiply variances", ("sd", "grad_activation")),
            "g": Term(
                "g: squared gradient of the activations, on its way back", ("grad_activation", "hist_grad")
            ),
            "slope": Term("φ′: slope of the activation; zero where a unit is dead", ("unit_health",)),
        },
    ),
    "forgotten_eval": Formula(
        "Train mode: x hat equals x minus mu B over the root of sigma B squared plus epsilon. Eval mode: x "
        "hat equals x minus mu over the root of sigma squared plus epsilon. Every pass in train mode: mu "
        "becomes one minus m times mu, plus m times mu B.",
        row(
            words("train: "),
            frac(
                row(_X, o("−"), lit("batch", sub(i("μ"), i("B")))),
                root(row(lit("batch", both(i("σ"), i("B"), n("2"))), o("+"), _EPS)),
            ),
            gap(), words("eval: "),
            frac(
                row(_X, o("−"), lit("running", i("μ"))),
                root(row(lit("running", sup(i("σ"), n("2"))), o("+"), _EPS)),
            ),
            gap(), words("every train-mode pass: "), lit("running", i("μ")), o("←"),
            lit("old", o("("), n("1"), o("−"), i("m"), o(")")), lit("running", i("μ")), o("+"),
            lit("moved", i("m"), sub(i("μ"), i("B"))),
        ),
        {
            "batch": Term(
                "μ_B, σ²_B: of the batch at hand, so of the batch-mates",
                ("error_by_batch_size", "changed_labels", "neighbours", "statistics"),
            ),
            "running": Term(
                "μ, σ²: running averages, the same for every batch",
                ("error_curves", "statistics", "other_pictures", "error_after_a_pass"),
            ),
            "old": Term("1 − m: what is kept of the old average in each step", ("lag",)),
            "moved": Term(
                "m·μ_B: how each pass moves the average",
                ("moved_statistics", "statistics_after_a_pass", "error_after_a_pass"),
            ),
        },
    ),
    "batch_size": Formula(
        "The expected square of y in train mode minus y in eval mode is about three over two B.",
        row(
            i("𝔼"),
            lit("gap", sup(
                row(o("("), sub(i("y"), words("train")), o("−"), sub(i("y"), words("eval")), o(")")), n("2"),
            )),
            o("≈"), frac(n("3"), row(n("2"), lit("size", i("B")))),
        ),
        {
            "gap": Term("how far the two modes of one batch norm layer are apart", ("modes_apart",)),
            "size": Term(
                "B: samples that share one mean and one variance", ("error_by_batch_size", "error_curves")
            ),
        },
    ),
    "regularization": Formula(
        "The mean error e, plus or minus t times s over the root of n.",
        row(
            lit("mean", i("ē")), o("±"),
            lit("interval", i("t"), frac(i("s"), root(i("n")))),
        ),
        {
            "mean": Term("ē: mean test error over n seeds", ("test_errors", "test_error")),
            "interval": Term("the 95% interval around a mean over n seeds", ("test_errors", "differences")),
        },
    ),
    "lr_init": Formula(
        "W zero equals gain times the root of two over fan-in times Z. W becomes W minus eta times the "
        "gradient of L.",
        row(
            sup(_W, row(o("("), n("0"), o(")"))), o("="), lit("gain", words("gain")), o("·"),
            root(frac(n("2"), words("fan-in"))), i("Z"), gap(),
            _W, o("←"), _W, o("−"), lit("rate", i("η")), _GRADIENT,
        ),
        {
            "gain": Term("gain: scale of the initial weights, up the maps", ("maps", "best")),
            "rate": Term("η: the learning rate, along the maps", ("maps", "best")),
        },
    ),
    "scale": Formula(
        "L of k W equals L of W. The gradient of L at k W is one over k times the gradient at W. W and the "
        "gradient are perpendicular. The effective learning rate is eta over the square of the length of W.",
        row(
            lit("loss", of(_L, i("k"), _W), o("="), of(_L, _W)), gap(),
            lit("gradient", o("∇"), of(_L, i("k"), _W), o("="), frac(n("1"), i("k")), o("∇"), of(_L, _W)),
            gap(),
            lit("angle", o("⟨"), _W, o(","), o("∇"), _L, o("⟩"), o("="), n("0")), gap(),
            lit("turn", sub(i("η"), words("eff")), o("="), i("η"), o("/"), sup(norm(_W), n("2"))),
        ),
        {
            "loss": Term("the loss does not see the scale k of the weights", ("loss", "change")),
            "gradient": Term("the gradient shrinks as the weights grow", ("gradient",)),
            "angle": Term("no gradient along the weights", ("angles",)),
            "turn": Term("how far a step turns the weights", ("turn",)),
        },
    ),
    "landscape": Formula(
        "Theta a equals theta minus a times eta times the gradient. Looked at are L of theta a, the change "
        "of the gradient over its length, and beta, the greatest change of the gradient over the way.",
        row(
            _THETA_A, o("="), _THETA, o("−"), i("a"), i("η"), _SLOPE, gap(),
            lit("loss", of(_L, _THETA_A)), gap(),
            lit("change", frac(_TURNED, norm(o("∇"), of(_L, _THETA)))), gap(),
            lit(
                "smoothness", i("β"), o("="), sub(i("max"), i("a")),
                frac(_TURNED, norm(_THETA_A, o("−"), _THETA)),
            ),
        ),
        {
            "loss": Term("the loss a steps along the gradient", ("loss", "line_loss")),
            "change": Term("how much the gradient differs there", ("change", "line_change")),
            "smoothness": Term("β: how quickly the gradient turns; smaller is smoother", ("smoothness",)),
        },
    ),
    "noisy_bn": Formula(
        "y equals s times batch norm of x, plus m, where s and m are drawn anew for every value.",
        row(
            lit("y", i("y")), o("="), lit("noise", i("s")), o("·"), of(i("BN"), _X), o("+"),
            lit("noise", i("m")),
        ),
        {
            "y": Term("y: what leaves the norm", ("wandering",)),
            "noise": Term("s, m: noise that puts the shift back", ("shift", "wandering")),
        },
    ),
    "sequences": Formula(
        "In a recurrence: h t equals tanh of norm of W h of the step before plus V x t. Pre-norm: x becomes "
        "x plus F of norm of x. Post-norm: x becomes norm of x plus F of x.",
        row(
            sub(i("h"), i("t")), o("="),
            of(
                i("tanh"), lit("norm", i("norm")),
                of("", _W, sub(i("h"), row(i("t"), o("−"), n("1"))), o("+"), i("V"), sub(_X, i("t"))),
            ),
            gap(),
            words("pre-norm: "), lit("pre", _X, o("←"), _X, o("+"), of(i("F"), of(i("norm"), _X))), gap(),
            words("post-norm: "), lit("post", _X, o("←"), of(i("norm"), _X, o("+"), of(i("F"), _X))),
        ),
        {
            "norm": Term(
                "norm: whose values it averages decides who is seen", ("leaks", "gap", "padding")
            ),
            "pre": Term("the norm inside the block", ("gradients_by_depth", "gradients_by_layer")),
            "post": Term("the norm behind the sum", ("gradients_by_depth", "gradients_by_layer")),
        },
    ),
}  # fmt: skip
"""By the name of the experiment."""
