"""The networks' facts agree with the networks that the lab builds."""

from __future__ import annotations

import pytest

from normviz.catalog import networks
from normviz.catalog.datasets import DATASETS
from normviz.catalog.networks import NETWORKS, padded
from normviz.lab import nets
from normviz.lab.engine.optimizers import OPTIMIZERS
from normviz.lab.nets.layers import ACTIVATIONS, Linear

CASES = [
    (network.name, dataset.name, depth, width)
    for network in NETWORKS.values()
    for dataset in DATASETS.values()
    if not network.refusal(dataset.shape)
    for depth in (network.depths[0], 3, network.depths[1])
    for width in (network.widths[0], network.widths[-1])
]


@pytest.mark.parametrize(("name", "dataset", "depth", "width"), CASES)
def test_layers_and_parameters_are_those_of_the_built_network(
    name: str, dataset: str, depth: int, width: int
) -> None:
    network, data = NETWORKS[name], DATASETS[dataset]
    net = nets.build(name, members=1, shape=data.shape, classes=data.classes, depth=depth, width=width)
    layers = [block.layer for block in net.blocks] + [net.head]
    assert len(net.blocks) == network.norm_layers(depth)
    counted = sum(parameter.numel() for parameter in net.parameters())
    assert counted == network.parameters(data.shape, data.classes, depth, width)
    facts = [*network.hidden(data.shape, depth, width), network.head(data.shape, data.classes, depth, width)]
    for layer, fact in zip(layers, facts, strict=True):
        assert layer.bias[0].numel() == fact.channels
        assert layer.flat_weight.shape[2] == fact.fan_in
        assert fact.channels % networks.SEGMENT == 0
    if name == "mlp":
        assert network.multiply_adds(data.shape, data.classes, depth, width) == sum(
            layer.weight.numel() for layer in layers if isinstance(layer, Linear)
        )


def test_multiply_adds_of_a_cnn_by_hand() -> None:
    # 3x3 kernels: 1 -> 16 channels on 8x8, 16 -> 32 on 4x4, 32 -> 64 on 2x2; head 64 -> 16.
    expected = 9 * 1 * 16 * 64 + 9 * 16 * 32 * 16 + 9 * 32 * 64 * 4 + 64 * 16
    assert NETWORKS["cnn"].multiply_adds((1, 8, 8), 10, 3, 16) == expected


def test_multiply_adds_of_a_resnet_by_hand() -> None:
    # Stem 1 -> 16 on 8x8; blocks 16, 16 on 8x8, 32, 32 on 4x4, 64, 64 on 2x2; head 64 -> 16.
    blocks = 2 * 16 * 16 * 64 + (16 + 32) * 32 * 16 + (32 + 64) * 64 * 4
    expected = 9 * (1 * 16 * 64 + blocks) + 64 * 16
    assert NETWORKS["resnet"].multiply_adds((1, 8, 8), 10, 7, 16) == expected


def test_a_large_picture_is_halved_in_the_stem_of_a_resnet_and_an_even_depth_has_two_stems() -> None:
    layers = NETWORKS["resnet"].hidden((3, 32, 32), 8, 16)
    assert [layer.channels for layer in layers] == [16, 16, 16, 16, 32, 32, 64, 64]
    assert [layer.spatial[0] for layer in layers] == [16, 16, 16, 16, 8, 8, 4, 4]


def test_the_conv_blocks_of_the_article() -> None:
    channels = [layer.channels for layer in NETWORKS["cnn"].hidden((3, 8, 8), 3, 64)]
    assert channels == [64, 128, 256]


def test_heads_are_padded_to_sixteen() -> None:
    assert [padded(classes) for classes in (2, 3, 10, 16, 17)] == [16, 16, 16, 16, 32]


def test_points_are_no_pictures() -> None:
    assert "pictures" in NETWORKS["cnn"].refusal((2,))
    assert not NETWORKS["mlp"].refusal((2,))


def test_every_offered_name_exists() -> None:
    assert set(networks.ACTIVATIONS) <= set(ACTIVATIONS)
    assert tuple(OPTIMIZERS) == networks.OPTIMIZERS
