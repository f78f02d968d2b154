"""The article's building blocks: all named, each on a page that has it."""

from __future__ import annotations

import pytest

from normviz.catalog.datasets import DATASETS
from normviz.player.costs import check_cost
from normviz.player.settings import Settings
from normviz.specs.batch_size import BatchSize
from normviz.ui.blocks import CONVOLUTIONS, blocks
from tests.ui.sites import visit


def test_the_three_conv_blocks_are_the_articles() -> None:
    layers = CONVOLUTIONS.layers
    assert DATASETS[CONVOLUTIONS.dataset].shape[0] == 3
    assert [layer.channels for layer in layers] == [64, 128, 256]
    assert layers[0].fan_in == 9 * 3
    assert CONVOLUTIONS.activation == "relu"


def test_every_door_opens_with_settings_that_are_allowed_and_show_the_block() -> None:
    for block in blocks():
        spec = block.door.spec
        assert block.door.page
        assert spec is not None
        check_cost(spec, Settings())
    (frn,) = (one.door.spec for one in blocks() if "Filter response" in one.words)
    assert isinstance(frn, BatchSize)
    assert "frn" in frn.variants


@pytest.mark.usefixtures("idle", "sent")
def test_the_page_names_them_all() -> None:
    app = visit("claims")
    told = " ".join(one.value for one in app.markdown)
    for name in ("ConvBlock", "MLPBlock", "BatchNorm1d", "BatchNorm2d", "LayerNorm", "GroupNorm"):
        assert f"`{name}`" in told
    for name in ("Batch renormalization", "Filter response norm", "Dropout", "RNN", "transformer"):
        assert name in told
