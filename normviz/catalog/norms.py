"""The normalizations as facts: formula, axes, parameters, state, source, and where each one applies.

Symbols: N samples of a batch, C channels (or features), T steps, H×W picture; γ and β are learned.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any, Literal

FORMS = ("mlp", "cnn", "sequence")
"""Forms of a network's activations: [N, C], [N, C, H, W], [N, C, T]."""

Family = Literal["batch", "sample", "weights", "pointwise", "none"]
"""batch: the output depends on batch-mates while training; sample: it does not; weights: acts on the
weights alone or also on them; pointwise: each value by itself."""


@dataclass(frozen=True)
class Source:
    """The paper that introduced a norm."""

    authors: str
    year: int
    title: str
    arxiv: str

    def __str__(self) -> str:
        return f"{self.authors} {self.year}, {self.title}, arXiv:{self.arxiv}"


@dataclass(frozen=True)
class NormFact:
    """One normalization."""

    name: str
    label: str
    short: str
    formula: str
    """LaTeX, for one value x."""
    axes: str
    """What is averaged over what."""
    parameters: str
    state: str
    source: Source | None
    family: Family
    layer: str
    """Where the lab finds it, as "module:name"."""
    affine: bool = True
    """Whether it has γ and β for each channel."""
    running_statistics: bool = False
    train_differs_from_eval: bool = False
    unfit: Mapping[str, str] = field(default_factory=dict)
    """Forms to which it does not apply, each with the reason, a sentence."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """The knobs that it reads, with their defaults."""

    @property
    def within(self) -> str:
        """How a sentence calls it: "batch norm", but "RMS norm"; "no normalization" where there is none."""
        if self.name == "none":
            return "no normalization"
        return self.label if self.label[1].isupper() else self.label[0].lower() + self.label[1:]

    @property
    def applies(self) -> Mapping[str, str | None]:
        """For each form of network None, or the reason why the norm does not apply to it."""
        return {form: self.unfit.get(form) for form in FORMS}


class UnknownNormError(KeyError):
    """No norm has this name; the message suggests the near one."""

    def __str__(self) -> str:
        near = get_close_matches(str(self.args[0]), NORMS, n=1)
        hint = f"Did you mean {near[0]!r}?" if near else f"There are {', '.join(NORMS)}."
        return f"There is no norm {self.args[0]!r}. {hint}"


class _Norms(dict[str, NormFact]):
    def __missing__(self, name: str) -> NormFact:
        raise UnknownNormError(name)


_STANDARDIZED = r"y = \gamma\,\frac{x-\mu}{\sqrt{\sigma^2+\varepsilon}}+\beta"
_AFFINE = "γ and β for each channel"
_RUNNING = "running mean and variance of each channel, used by eval()"
_NONE = "none"

NORMS: dict[str, NormFact] = _Norms(
    (fact.name, fact)
    for fact in (
        NormFact(
            name="none",
            label="None",
            short="–",
            formula="y = x",
            axes="nothing is averaged",
            parameters=_NONE,
            state=_NONE,
            source=None,
            family="none",
            layer="normviz.lab.norms:Identity",
            affine=False,
        ),
        NormFact(
            name="batch",
            label="Batch norm",
            short="BN",
            formula=_STANDARDIZED,
            axes="each channel over the batch (and the picture or the sequence)",
            parameters=_AFFINE,
            state=_RUNNING,
            source=Source(
                "Ioffe & Szegedy",
                2015,
                "Batch Normalization: Accelerating Deep Network Training by Reducing Internal Covariate "
                "Shift",
                "1502.03167",
            ),
            family="batch",
            layer="normviz.lab.norms:BatchNorm",
            running_statistics=True,
            train_differs_from_eval=True,
            options={"eps": 1e-5, "momentum": 0.1, "statistics_size": 0},
        ),
        NormFact(
            name="layer",
            label="Layer norm",
            short="LN",
            formula=_STANDARDIZED,
            axes="each sample over its channels (and the picture); in a sequence each step by itself",
            parameters="γ and β for each normalized value: each channel, and in a picture each pixel of it",
            state=_NONE,
            source=Source("Ba, Kiros & Hinton", 2016, "Layer Normalization", "1607.06450"),
            family="sample",
            layer="normviz.lab.norms:LayerNorm",
            options={"eps": 1e-5},
        ),
        NormFact(
            name="group",
            label="Group norm",
            short="GN",
            formula=_STANDARDIZED,
            axes="each sample over groups of channels (and the picture or the sequence)",
            parameters=_AFFINE,
            state=_NONE,
            source=Source("Wu & He", 2018, "Group Normalization", "1803.08494"),
            family="sample",
            layer="normviz.lab.norms:GroupNorm",
            options={"eps": 1e-5, "groups": 4},
        ),
        NormFact(
            name="instance",
            label="Instance norm",
            short="IN",
            formula=r"y = \frac{x-\mu}{\sqrt{\sigma^2+\varepsilon}}",
            axes="each channel of each sample over the picture or the sequence",
            parameters=_NONE,
            state=_NONE,
            source=Source(
                "Ulyanov, Vedaldi & Lempitsky",
                2016,
                "Instance Normalization: The Missing Ingredient for Fast Stylization",
                "1607.08022",
            ),
            family="sample",
            layer="normviz.lab.norms:InstanceNorm",
            affine=False,
            unfit={
                "mlp": "Instance norm averages each channel of a sample over its picture; in an MLP that is "
                "one value, and every output would be zero. It belongs to convolutions."
            },
            options={"eps": 1e-5},
        ),
        NormFact(
            name="rms",
            label="RMS norm",
            short="RMS",
            formula=r"y = \gamma\,\frac{x}{\sqrt{\overline{x^2}+\varepsilon}}",
            axes="each sample over its channels (and the picture); in a sequence each step by itself",
            parameters="γ for each normalized value: each channel, and in a picture each pixel of it",
            state=_NONE,
            source=Source("Zhang & Sennrich", 2019, "Root Mean Square Layer Normalization", "1910.07467"),
            family="sample",
            layer="normviz.lab.norms:RMSNorm",
            affine=False,
            options={"eps": None},
        ),
        NormFact(
            name="batch_renorm",
            label="Batch renormalization",
            short="BRN",
            formula=r"y = \gamma\left(\frac{x-\mu_B}{\sigma_B}\,r+d\right)+\beta,\quad "
            r"r=\left[\frac{\sigma_B}{\sigma}\right]_{1/r_{\max}}^{r_{\max}},\ "
            r"d=\left[\frac{\mu_B-\mu}{\sigma}\right]_{-d_{\max}}^{d_{\max}}",
            axes="each channel over the batch, then corrected towards the running statistics",
            parameters=_AFFINE,
            state=f"{_RUNNING} and by the correction",
            source=Source(
                "Ioffe",
                2017,
                "Batch Renormalization: Towards Reducing Minibatch Dependence in Batch-Normalized Models",
                "1702.03275",
            ),
            family="batch",
            layer="normviz.lab.norms:BatchRenorm",
            running_statistics=True,
            train_differs_from_eval=True,
            options={"eps": 1e-5, "momentum": 0.1, "r_max": 3.0, "d_max": 5.0, "statistics_size": 0},
        ),
        NormFact(
            name="frn",
            label="Filter response norm",
            short="FRN",
            formula=r"y = \max\left(\gamma\,\frac{x}{\sqrt{\overline{x^2}+\varepsilon}}+\beta,\ \tau\right)",
            axes="each channel of each sample over the picture or the sequence, without a mean",
            parameters="γ, β and the threshold τ for each channel; the threshold replaces the activation",
            state=_NONE,
            source=Source(
                "Singh & Krishnan",
                2020,
                "Filter Response Normalization Layer: Eliminating Batch Dependence in the Training of Deep "
                "Neural Networks",
                "1911.09737",
            ),
            family="sample",
            layer="normviz.lab.norms:FRN",
            unfit={
                "mlp": "Filter response norm averages each channel of a sample over its picture; in an MLP "
                "that is one value, and every output would be ±γ+β. It belongs to convolutions."
            },
            options={"eps": 1e-6},
        ),
        NormFact(
            name="weight_norm",
            label="Weight norm",
            short="WN",
            formula=r"w = g\,\frac{v}{\lVert v\rVert}",
            axes="the weights of each unit over its inputs; activations are left alone",
            parameters="the length g of each unit's weights",
            state=_NONE,
            source=Source(
                "Salimans & Kingma",
                2016,
                "Weight Normalization: A Simple Reparameterization to Accelerate Training of Deep Neural "
                "Networks",
                "1602.07868",
            ),
            family="weights",
            layer="normviz.lab.norms:WeightNorm",
            affine=False,
        ),
        NormFact(
            name="weight_standardization",
            label="Weight standardization",
            short="WS+GN",
            formula=r"w = \frac{v-\bar v}{\sqrt{\operatorname{Var}(v)+\varepsilon_w}},\quad "
            r"y = \gamma\,\frac{x-\mu}{\sqrt{\sigma^2+\varepsilon}}+\beta",
            axes="the weights of each unit over its inputs; then group norm of the activations",
            parameters=_AFFINE,
            state=_NONE,
            source=Source(
                "Qiao, Wang, Liu, Shen & Yuille",
                2019,
                "Micro-Batch Training with Batch-Channel Normalization and Weight Standardization",
                "1903.10520",
            ),
            family="weights",
            layer="normviz.lab.norms:WeightStandardization",
            options={"eps": 1e-5, "groups": 4},
        ),
        NormFact(
            name="ghost_batch",
            label="Ghost batch norm",
            short="GBN",
            formula=_STANDARDIZED,
            axes="each channel over a part of the batch (a ghost batch)",
            parameters=_AFFINE,
            state=_RUNNING,
            source=Source(
                "Hoffer, Hubara & Soudry",
                2017,
                "Train Longer, Generalize Better: Closing the Generalization Gap in Large Batch Training of "
                "Neural Networks",
                "1705.08741",
            ),
            family="batch",
            layer="normviz.lab.norms:GhostBatchNorm",
            running_statistics=True,
            train_differs_from_eval=True,
            options={"eps": 1e-5, "momentum": 0.1, "ghost_size": 16},
        ),
        NormFact(
            name="dyt",
            label="Dynamic tanh",
            short="DyT",
            formula=r"y = \gamma\tanh(\alpha x)+\beta",
            axes="nothing is averaged: each value by itself",
            parameters=f"{_AFFINE}, and one α for the layer",
            state=_NONE,
            source=Source(
                "Zhu, Chen, He, LeCun & Liu", 2025, "Transformers without Normalization", "2503.10622"
            ),
            family="pointwise",
            layer="normviz.lab.norms:DyT",
            options={"alpha": 0.5},
        ),
    )
)
"""All norms by name, in the order in which they are offered."""


def reason(norm: str, form: str) -> str | None:
    """Why ``norm`` does not apply to networks of this form, a sentence; None if it does.

    Raises:
        UnknownNormError: a KeyError that suggests the near name.
        ValueError: the form is unknown.
    """
    if form not in FORMS:
        raise ValueError(f"There is no form {form!r}. There are {', '.join(FORMS)}.")
    return NORMS[norm].applies[form]
