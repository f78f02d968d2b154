"""Settings that several experiments have, as the pieces call them."""

from __future__ import annotations

from typing import Any

from normviz.catalog.datasets import Dataset
from normviz.catalog.networks import Network
from normviz.export.recipes import Code, ExportError

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

NETWORK_PIECES = {"mlp": ("mlp",), "cnn": ("cnn",)}
DATA_PIECES = {"digits": ("digits",)}


def pieces_of(net: Network, data: Dataset) -> tuple[str, ...]:
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
        "norms",
        "dropout",
        *NETWORK_PIECES[net.name],
    )


def common(net: Network, data: Dataset) -> dict[str, Any]:
    """Settings that follow from network and data."""
    return {
        "DATASET": data.name,
        "NETWORK": net.name,
        "FORM": net.form,
        "SHAPE": data.shape,
        "CLASSES": data.classes,
        "N_TRAIN": data.n_train,
        "DTYPE": Code("torch.float32"),
    }
