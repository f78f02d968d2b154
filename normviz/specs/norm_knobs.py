"""The settings of the norms: one definition of each, for every experiment that has it.

    eps: float = norm_knobs.eps()
    groups: int = norm_knobs.groups(most=32)

What a spec has of them, `options` hands to the norms, and `idle` says which of them no chosen norm reads.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from normviz.catalog.norms import NORMS
from normviz.phrases import phrase
from normviz.spec import Spec, knob

_GROUP, _GHOST, _RENORM = (NORMS[name].options for name in ("group", "ghost_batch", "batch_renorm"))

OWN = 0.0
"""The epsilon that stands for each norm's own."""
WARM_UP = 0.05
"""Share of a run in which batch renormalization is batch norm: the paper's 5,000 steps, scaled to the run."""

_ADDED = "Added to the variance (or the mean square) before the square root."
_READ = ("eps", "momentum", "groups", "ghost_size", "r_max", "d_max")
"""Settings that are options of norms, by the same name."""
_IDLE = {
    "eps": phrase("None of the chosen normalizations has an epsilon."),
    "momentum": phrase("None of the chosen normalizations keeps running statistics."),
    "groups": phrase("None of the chosen normalizations has groups."),
    "ghost_size": phrase("Ghost batch norm is not among the chosen normalizations."),
    "r_max": phrase("Batch renormalization is not among the chosen normalizations."),
}
_IDLE |= dict.fromkeys(("d_max", "warm_up"), _IDLE["r_max"])


def eps(*, expert: bool = True, more: str = "") -> Any:
    """One epsilon for all norms.  ``more`` is a sentence for its help."""
    return knob(
        _GHOST["eps"], label="Epsilon", low=1e-8, high=1.0, log=True, expert=expert,
        help=f"{_ADDED} {more}".strip(),
    )  # fmt: skip


def own_eps() -> Any:
    """Each norm's own epsilon, or one for all."""
    powers = range(-8, 1)
    return knob(
        OWN, label="Epsilon", choices=(OWN, *(float(f"1e{power}") for power in powers)), expert=True,
        names=("norm's own", *(_power(power) for power in powers)),
        help=f"{_ADDED} Each norm's own is 10⁻⁵, but 1.2·10⁻⁷ for RMS norm (torch's) and 10⁻⁶ for filter "
        "response norm (the paper's).",
    )  # fmt: skip


def _power(power: int) -> str:
    """10⁻⁸ to 10⁻¹, and 1."""
    return f"10⁻{'⁰¹²³⁴⁵⁶⁷⁸⁹'[-power]}" if power else "1"


def momentum(*, expert: bool = True) -> Any:
    """How fast running statistics move."""
    return knob(
        _GHOST["momentum"], label="Momentum of the running statistics", low=0.001, high=1.0, log=True,
        expert=expert,
        help="Weight of the new value, as in torch. (Keras counts the other way: its 0.99 is 0.01 here.)",
    )  # fmt: skip


def groups(default: int = _GROUP["groups"], *, most: int) -> Any:
    """How many groups of channels there are."""
    return knob(
        default, label="Groups", choices=_doubled(1, most), expert=True,
        help="Groups of channels for group norm, also behind weight standardization.",
    )  # fmt: skip


def ghost_size(default: int = _GHOST["ghost_size"], *, least: int = 2, most: int, more: str = "") -> Any:
    """How many samples a ghost batch has.  ``more`` is a sentence for its help."""
    return knob(
        default, label="Ghost batch size", choices=_doubled(least, most), expert=True, unit="samples",
        help=f"Ghost batch norm takes its statistics over parts of the batch of this size. {more}".strip(),
    )  # fmt: skip


def _doubled(least: int, most: int) -> tuple[int, ...]:
    """Powers of two."""
    return (least, *_doubled(2 * least, most)) if least <= most else ()


def r_max() -> Any:
    """Where the limit of batch renormalization's r ends."""
    return knob(
        _RENORM["r_max"], label="Batch renorm: greatest r", low=1.0, high=10.0, expert=True,
        help="Final bound of the correction of the scale; 1 with d = 0 is batch norm. It grows from 1 in "
        "seven times as many steps as the warm-up has.",
    )  # fmt: skip


def d_max() -> Any:
    """Where the limit of batch renormalization's d ends."""
    return knob(
        _RENORM["d_max"], label="Batch renorm: greatest d", low=0.0, high=10.0, expert=True,
        help="Final bound of the correction of the mean, in running standard deviations. It grows from 0 in "
        "four times as many steps as the warm-up has.",
    )  # fmt: skip


def warm_up() -> Any:
    """How long batch renormalization is batch norm."""
    return knob(
        WARM_UP, label="Batch renorm: warm-up", low=0.0, high=0.1, step=0.01, expert=True,
        help="Share of the run in which it is batch norm; then its bounds grow. 0.05 is the paper's schedule "
        "(steps 5,000, 25,000 for d, 40,000 for r), scaled to this run. 0: the final bounds from the first "
        "step on.",
    )  # fmt: skip


def options(spec: Spec) -> dict[str, Any]:
    """What a spec says of the norms' options; each norm reads those that it knows."""
    values = spec.values()
    return {name: values[name] for name in _READ if name in values and (name, values[name]) != ("eps", OWN)}


def idle(spec: Spec, norms: Iterable[str]) -> Mapping[str, str]:
    """The settings of the norms that none of these reads, and why: a sentence each."""
    read = {option for norm in norms for option in NORMS[norm].options}
    if "r_max" in read:
        read.add("warm_up")
    return {name: why for name, why in _IDLE.items() if name in spec.values() and name not in read}
