"""Building norms by name: every option counts, and what cannot be is refused with a sentence."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from normviz.lab import norms
from normviz.lab.named import named
from normviz.lab.norms import NORMS, Norm
from tests.lab.norm_references import FITTING, SPATIAL

OTHER: dict[str, Any] = {
    "eps": 0.5, "momentum": 0.5, "groups": 8, "ghost_size": 4, "r_max": 1.2, "d_max": 0.1, "alpha": 1.0,
    "statistics_size": 4,
}  # fmt: skip
"""For each option a value that is no norm's default."""


def outputs(norm: Norm, spatial: tuple[int, ...]) -> Tensor:
    """Of two train steps and an eval pass."""
    source = torch.Generator().manual_seed(0)
    x = 1.0 + 3.0 * torch.randn(2, 32, 16, *spatial, generator=source)
    return torch.stack([norm(x), norm(-x), norm.eval()(x)]).detach()


def example(name: str) -> tuple[int, ...]:
    """Positions that the norm applies to."""
    return next(SPATIAL[kind] for fitting, kind in FITTING if fitting == name)


@pytest.mark.parametrize("name", NORMS)
def test_the_catalog_names_the_class_and_tells_the_truth_about_it(name: str) -> None:
    fact, norm = NORMS[name], norms.build(name, 2, 16, example(name))
    assert type(norm) is named(fact.layer)
    assert norm.batch_dependent == (fact.family == "batch")
    assert fact.affine == all(getattr(norm, one, None) is not None for one in ("gamma", "beta"))
    assert fact.running_statistics == bool(norm.statistics())
    x = torch.randn(2, 8, 16, *example(name), generator=torch.Generator().manual_seed(0))
    train, evaluated = norm(x), norm.eval()(x)
    assert fact.train_differs_from_eval == (not torch.equal(train, evaluated))


@pytest.mark.parametrize(("name", "kind"), FITTING)
def test_batch_mates_count_in_the_family_batch_alone(name: str, kind: str) -> None:
    source = torch.Generator().manual_seed(0)
    x = torch.randn(2, 8, 16, *SPATIAL[kind], generator=source)
    other = x.clone()
    other[:, 1:] = torch.randn(other[:, 1:].shape, generator=source)
    norm = norms.build(name, 2, 16, SPATIAL[kind])
    differs = not torch.equal(norm(x)[:, 0], norm(other)[:, 0])
    assert differs == (NORMS[name].family == "batch")
    norm.eval()
    assert torch.equal(norm(x)[:, 0], norm(other)[:, 0])


@pytest.mark.parametrize(
    ("name", "option"), [(name, option) for name in NORMS for option in NORMS[name].options]
)
def test_every_option_of_the_catalog_counts(name: str, option: str) -> None:
    spatial = example(name)
    default = outputs(norms.build(name, 2, 16, spatial), spatial)
    stated = outputs(norms.build(name, 2, 16, spatial, **NORMS[name].options), spatial)
    changed = outputs(norms.build(name, 2, 16, spatial, **{option: OTHER[option]}), spatial)
    assert torch.equal(default, stated)
    assert not torch.allclose(default, changed, rtol=1e-3)


@pytest.mark.parametrize("name", NORMS)
def test_an_option_that_a_norm_does_not_read_is_refused(name: str) -> None:
    foreign = next(option for option in OTHER if option not in NORMS[name].options)
    with pytest.raises(ValueError, match=f"{NORMS[name].label} does not read {foreign}"):
        norms.build(name, 2, 16, example(name), **{foreign: OTHER[foreign]})


def test_an_unknown_norm_is_refused_with_the_near_name() -> None:
    with pytest.raises(KeyError, match="Did you mean 'layer'"):
        norms.build("layr", 2, 16)


@pytest.mark.parametrize("name", ["instance", "frn"])
def test_norms_of_pictures_are_refused_without_positions(name: str) -> None:
    with pytest.raises(ValueError, match="It belongs to convolutions"):
        norms.build(name, 2, 16)


def test_groups_must_divide_the_channels() -> None:
    with pytest.raises(ValueError, match=r"num_channels \(16\) must be divisible by num_groups \(5\)"):
        norms.build("group", 2, 16, groups=5)


@pytest.mark.parametrize("shape", [(2, 8, 15), (3, 8, 16), (2, 16)])
@pytest.mark.parametrize("name", [name for name in NORMS if name not in ("none", "weight_norm")])
def test_activations_of_another_shape_are_refused(name: str, shape: tuple[int, ...]) -> None:
    spatial = example(name)
    with pytest.raises(ValueError, match="Expected x of"):
        norms.build(name, 2, 16, spatial)(torch.zeros(*shape, *spatial))


def test_only_frn_brings_its_own_activation() -> None:
    assert [name for name in NORMS if named(NORMS[name].layer).activates] == ["frn"]
