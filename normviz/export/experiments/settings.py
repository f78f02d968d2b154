"""Settings that several experiments have, as the pieces call them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from normviz.catalog.datasets import DATASETS, Dataset
from normviz.catalog.networks import NETWORKS, Network
from normviz.catalog.norms import NORMS
from normviz.catalog.sequences import HEADS
from normviz.export.recipes import Code, ExportError
from normviz.spec import Spec
from normviz.specs.norm_knobs import WARM_UP

MLP, DIGITS = NETWORKS["mlp"], DATASETS["digits"]

ACTIVATIONS = {
    "relu": Code("nn.ReLU"),
    "tanh": Code("nn.Tanh"),
    "sigmoid": Code("nn.Sigmoid"),
    "gelu": Code("nn.GELU"),
    "linear": Code("nn.Identity"),
}
"""The classes of the activation functions."""

AGREEMENT = (
    "The numbers agree with those on the page within the rounding of 32-bit floats in the first steps. Later "
    "they drift apart as far as training amplifies rounding, as two runs do whose sums are taken in another "
    "order. With DTYPE = torch.float64 less is rounded."
)

NETWORK_PIECES = {
    "mlp": ("mlp",),
    "cnn": ("blocks", "cnn"),
    "resnet": ("blocks", "resnet"),
    "rnn": ("rnn", "recurrences"),
    "gru": ("gru", "recurrences"),
    "transformer": ("transformer",),
}
DATA_PIECES = {
    **{name: (name,) for name in ("digits", "shapes", "marked", "digits_rows")},
    **dict.fromkeys(("moons", "circles", "spiral", "xor"), ("points",)),
}

_USUAL: dict[str, Any] = {
    "PLACEMENT": "before",
    "ACTIVATION": ACTIVATIONS["relu"],
    "DROPOUT": 0.0,
    "GAIN": 1.0,
    "LR": 0.0,
    "OPTIMIZER": "sgd",
    "RENORM": False,  # the limits of batch renormalization stay as they are
    "WARM_UP": WARM_UP,
    "RATES": {},
    "BATCH_SIZES": {},
    "SWITCHES": {},
    "TWO_CLASSES": False,
}
"""What holds where a spec says nothing else."""
_FIELDS = (
    "norms", "norm", "depth", "width", "placement", "dropout", "gain", "optimizer", "lr", "batch_size",
    "steps", "every", "causal", "warm_up",
)  # fmt: skip
"""Fields that the pieces call by the same name."""


def pieces_of(net: Network = MLP, data: Dataset = DIGITS) -> tuple[str, ...]:
    """Random numbers, data, norms and network.

    Raises:
        ExportError: there is no plain form of one of them.
    """
    for one, known in ((net, NETWORK_PIECES), (data, DATA_PIECES)):
        if one.name not in known:
            raise ExportError(
                f"There is no script with “{one.label}” yet; there is one with: {', '.join(known)}."
            )
    return (
        "draws",
        *DATA_PIECES[data.name],
        "initialization",
        "sequence_norms",
        "norms",
        "dropout",
        *NETWORK_PIECES[net.name],
    )


def told(spec: Spec, net: Network = MLP, data: Dataset = DIGITS) -> dict[str, Any]:
    """Settings of a network and its data, those that the spec's fields give by their names, and the usual."""
    values = spec.values()
    own: dict[str, Any] = {name.upper(): values[name] for name in _FIELDS if name in values}
    if "activation" in values:
        own["ACTIVATION"] = ACTIVATIONS[str(values["activation"])]
    return {
        **_USUAL,
        **_facts(net, data),
        **options(**getattr(spec, "norm_options", {})),
        **own,
        "SEEDS": getattr(spec, "seed_values", (spec.seed,)),
    }


def _facts(net: Network, data: Dataset) -> dict[str, Any]:
    """What follows from network and data."""
    return {
        "DATASET": data.name,
        "NETWORK": net.name,
        "BatchNorm": Code("nn.BatchNorm2d" if net.form == "cnn" else "nn.BatchNorm1d"),
        "InstanceNorm": Code("nn.InstanceNorm2d" if net.form == "cnn" else "nn.InstanceNorm1d"),
        "MASKED": True,
        "HEADS": HEADS,
        "SHAPE": data.shape,
        "CLASSES": data.classes,
        "N_TRAIN": data.n_train,
        "N_TEST": data.n_test,
        "DTYPE": Code("torch.float32"),
    }


def options(**given: Any) -> dict[str, Any]:
    """Settings of the norms: those that the spec gives them, else the catalog's defaults.

    Without an eps of the spec, RMS norm has torch's own, which depends on the dtype.
    """
    names = {"eps": "batch", "momentum": "batch", "groups": "group", "ghost_size": "ghost_batch"}
    names |= {"r_max": "batch_renorm", "d_max": "batch_renorm"}
    values = {name: NORMS[norm].options[name] for name, norm in names.items()} | given
    return {"OWN_EPS": "eps" in given, **{name.upper(): value for name, value in values.items()}}


def special(norms: Sequence[str]) -> dict[str, Any]:
    """Which kinds of norm there are that networks of sequences treat apart."""
    return {
        "POOLED": False,
        "HAS_BATCH_NORM": any(NORMS[norm].family == "batch" for norm in norms),
        "HAS_GHOST_BATCHES": "ghost_batch" in norms,
        "OVER_TIME": "group" in norms or "instance" in norms,
    }


def alike(settings: Mapping[str, Any], *different: str) -> dict[str, tuple[Any, ...]]:
    """What all networks of a run share, each a choice of a single value, but for ``different`` ones."""
    names = ("placement", "gain", "lr", "dropout", "depth", "width")
    return {name: (settings[name.upper()],) for name in names if name not in different}
