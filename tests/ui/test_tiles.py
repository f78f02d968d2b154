"""The arithmetic that the browser does for the Start page, against torch."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from playwright.sync_api import Page, Route, sync_playwright
from streamlit.testing.v1 import AppTest

from normviz.frames import Recording
from normviz.lab.experiments.start import TILES, dealt
from normviz.lab.nets import build
from normviz.specs.start import Start
from normviz.ui import static
from normviz.ui.tiles import _data
from tests.browser.visitors import installed

ORIGIN = "http://assets.test/"
BATCHES = next(knob.choices for name, knob, _ in Start.knobs() if name == "batch")


def serve(route: Route) -> None:
    """Answer the page's requests from the folder of assets; no server is needed for modules."""
    name = route.request.url.removeprefix(ORIGIN)
    if not name:
        route.fulfill(body="<!doctype html><title>modules</title>", content_type="text/html")
    else:
        kind = "text/javascript" if name.endswith(".js") else "application/octet-stream"
        route.fulfill(body=(static.FOLDER / name).read_bytes(), content_type=kind)


@pytest.fixture(scope="module")
def browser() -> Iterator[Page]:
    """A page of Chromium that has the shipped network as ``net``."""
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=installed())
        page = chromium.new_page()
        page.route(ORIGIN + "**", serve)
        page.goto(ORIGIN)
        page.evaluate(
            """async () => {
                Object.assign(window, await import("/norms.js"), await import("/start.js"));
                window.net = new Net(readArrays(await (await fetch("/start.bin")).arrayBuffer()));
            }"""
        )
        yield page
        chromium.close()


def js(page: Page, body: str, **values: Any) -> Any:
    """What a piece of JavaScript returns, typed arrays as lists; ``values`` are its variables."""
    source = f"async ({{ {', '.join(values)} }}) => {{ {body} }}"
    plain = {name: value.tolist() if hasattr(value, "tolist") else value for name, value in values.items()}
    unpacked = f"""async (values) => {{
        const found = await ({source})(values);
        return JSON.stringify(found, (_, v) => (ArrayBuffer.isView(v) ? Array.from(v) : v));
    }}"""
    return json.loads(page.evaluate(unpacked, plain))


@pytest.fixture(scope="module")
def shipped() -> Recording:
    """The file that ships with the page."""
    return Recording.from_bytes((static.FOLDER / "start.bin").read_bytes())[0]


def plain_net(shipped: Recording, dtype: torch.dtype) -> torch.nn.Sequential:
    """The shipped network in torch's own layers."""
    layers: list[torch.nn.Module] = []
    depth = shipped.schema.facts["layers"]
    for layer in range(1, depth + 1):
        out, fan_in = shipped.at(f"dense{layer}.weight").shape
        parts: list[torch.nn.Module] = [torch.nn.Linear(fan_in, out)]
        if layer < depth:
            parts += [torch.nn.BatchNorm1d(out, eps=shipped.schema.facts["eps"]), torch.nn.ReLU()]
        for kind, part in zip(("dense", "norm"), parts, strict=False):
            state = {
                key: torch.from_numpy(shipped.at(f"{kind}{layer}.{key}").copy())
                for key in part.state_dict()
                if key != "num_batches_tracked"
            }
            part.load_state_dict(state, strict=kind == "dense")
        layers += parts
    return torch.nn.Sequential(*layers).to(dtype)


def inputs(shipped: Recording, dtype: torch.dtype) -> torch.Tensor:
    """The test digits as the network sees them, [797, 64]."""
    facts = shipped.schema.facts
    pixels = torch.from_numpy(shipped.at("images").copy()).to(torch.float64).flatten(1)
    return ((pixels / 16.0 - facts["pixel_mean"]) / facts["pixel_sd"]).to(dtype)


def by_torch(net: torch.nn.Module, x: torch.Tensor, mode: str, batch: int) -> torch.Tensor:
    """Class probabilities of consecutive batches."""
    net.train(mode == "train")
    with torch.no_grad():
        return torch.cat([net(part) for part in x.split(batch)]).softmax(1)


def float32_tolerance(mode: str, batch: int) -> float:
    """How near to a float32 computation the browser's float64 can be asked to come.

    Two values d apart are normalized to ±d/√(d² + 4ε): for small d that magnifies d's rounding a hundred
    times, in each of three layers, for torch too: its float32 is as far from its float64.
    """
    return 1e-3 if (mode, batch) == ("train", 2) else 1e-5


CASES = [("eval", 1), ("eval", 8), *(("train", batch) for batch in BATCHES if batch > 1)]


@pytest.mark.browser
@pytest.mark.parametrize(("mode", "batch"), CASES)
class TestForwardPass:
    """The browser's forward pass of the shipped weights."""

    def answer(self, page: Page, order: np.ndarray, mode: str, batch: int) -> torch.Tensor:
        p = js(
            page,
            "return net.predict(order, { training, batch });",
            order=order,
            training=mode == "train",
            batch=batch,
        )
        return torch.tensor(p, dtype=torch.float64).view(-1, 10)

    @pytest.mark.parametrize("dtype", [torch.float64, torch.float32], ids=["float64", "float32"])
    def test_agrees_with_plain_torch(
        self, browser: Page, shipped: Recording, mode: str, batch: int, dtype: torch.dtype
    ) -> None:
        order = dealt(shipped.at("labels")[:TILES], shuffle=3, by_class=False)
        expected = by_torch(plain_net(shipped, dtype), inputs(shipped, dtype)[order], mode, batch)
        found = self.answer(browser, order, mode, batch)
        tolerance = 1e-10 if dtype == torch.float64 else float32_tolerance(mode, batch)
        torch.testing.assert_close(found, expected.double(), rtol=0, atol=tolerance)
        assert torch.equal(found.argmax(1), expected.argmax(1))

    def test_agrees_with_the_stack(self, browser: Page, shipped: Recording, mode: str, batch: int) -> None:
        net = build("mlp", members=1, shape=(1, 8, 8), classes=10, depth=3, width=128, norm="batch")
        fill(net, shipped)
        x = inputs(shipped, torch.float32)[:TILES].view(1, TILES, 1, 8, 8)
        net.train(mode == "train")
        with torch.no_grad():
            expected = torch.cat([net(part) for part in x.split(batch, 1)], 1)[0].softmax(1)
        found = self.answer(browser, np.arange(TILES), mode, batch)
        torch.testing.assert_close(found, expected.double(), rtol=0, atol=float32_tolerance(mode, batch))


def fill(net: torch.nn.Module, shipped: Recording) -> None:
    """Put the shipped weights into a stacked network of one member."""
    state = net.state_dict()
    for layer in range(1, shipped.schema.facts["layers"] + 1):
        out = len(shipped.at(f"dense{layer}.bias"))
        path = f"blocks.{layer - 1}.layer" if layer < shipped.schema.facts["layers"] else "head"
        state[f"{path}.weight"][0, :, :out] = torch.from_numpy(shipped.at(f"dense{layer}.weight").T.copy())
        state[f"{path}.bias"].view(-1)[:out] = torch.from_numpy(shipped.at(f"dense{layer}.bias").copy())
        if path == "head":
            break
        names = {
            "weight": "gamma",
            "bias": "beta",
            "running_mean": "running_mean",
            "running_var": "running_var",
        }
        for theirs, ours in names.items():
            value = torch.from_numpy(shipped.at(f"norm{layer}.{theirs}").copy())
            target = state[f"blocks.{layer - 1}.norm.{ours}"]
            target.copy_(value.view_as(target))


@pytest.mark.browser
class TestLayers:
    """Each layer of ``norms.js`` on its own."""

    @pytest.mark.parametrize("shape", [(5, 3), (2, 4, 7), (3, 2, 4, 5)])
    def test_batch_norm(self, browser: Page, shape: tuple[int, ...]) -> None:
        source = torch.Generator().manual_seed(1)
        x = 3.0 + 2.0 * torch.randn(shape, generator=source, dtype=torch.float64)
        kind = {2: torch.nn.BatchNorm1d, 3: torch.nn.BatchNorm1d, 4: torch.nn.BatchNorm2d}[len(shape)]
        layer = kind(shape[1], momentum=0.3).double()
        with torch.no_grad():
            for value in (layer.weight, layer.bias, layer.running_mean, layer.running_var):
                value.copy_(torch.rand(shape[1], generator=source) + 0.5)
        state = {key: value.tolist() for key, value in layer.state_dict().items()} | {"eps": layer.eps}
        found = js(
            browser,
            """const flat = Float64Array.from(x.flat(Infinity));
            const after = updateRunning(state, batchStatistics(flat, shape), shape, 0.3);
            return [batchNorm(flat, shape, state, false), batchNorm(flat, shape, state, true), after];""",
            x=x, shape=list(shape), state=state,
        )  # fmt: skip
        evaluated = layer.eval()(x)
        trained = layer.train()(x)
        for ours, torchs in zip(found[:2], (evaluated, trained), strict=True):
            np.testing.assert_allclose(ours, torchs.detach().flatten().numpy(), atol=1e-12)
        np.testing.assert_allclose(found[2]["running_mean"], layer.running_mean.numpy(), atol=1e-12)
        np.testing.assert_allclose(found[2]["running_var"], layer.running_var.numpy(), atol=1e-12)

    @pytest.mark.parametrize("inputs", [1, 2, 7])
    def test_dense_relu_softmax(self, browser: Page, inputs: int) -> None:
        source = torch.Generator().manual_seed(2)
        x, weight = (torch.randn(n, inputs, generator=source, dtype=torch.float64) for n in (3, 4))
        bias = torch.randn(4, generator=source, dtype=torch.float64)
        found = js(
            browser,
            """const exact = (a) => Float64Array.from(a.flat());
            const y = dense(exact(x), exact(weight), exact(bias), inputs, 4);
            return [y, relu(y), softmax(y.map((v) => 1000 * v), 4)];""",
            x=x, weight=weight, bias=bias, inputs=inputs,
        )  # fmt: skip
        y = F.linear(x, weight, bias)
        for ours, torchs in zip(found, (y, y.relu(), (1000 * y).softmax(1)), strict=True):
            np.testing.assert_allclose(ours, torchs.flatten().numpy(), atol=1e-12)

    @pytest.mark.parametrize("shape", [(1, 128), (1, 4, 1), (1, 4, 1, 1)])
    def test_one_value_per_channel_is_refused_as_torch_does(
        self, browser: Page, shape: tuple[int, ...]
    ) -> None:
        with pytest.raises(ValueError, match="more than 1 value") as refusal:
            F.batch_norm(torch.zeros(shape), None, None, training=True)
        found = js(
            browser,
            """try { batchNorm(new Float64Array(shape[1]), shape, {}, true); }
            catch (error) { return error.message; }""",
            shape=list(shape),
        )
        assert found == str(refusal.value)


@pytest.mark.browser
@pytest.mark.parametrize("by_class", [False, True])
@pytest.mark.parametrize("shuffle", [0, 1, 7, 999])
def test_the_browser_deals_as_the_lab_does(
    browser: Page, shipped: Recording, shuffle: int, by_class: bool
) -> None:
    for n in (TILES, len(shipped.at("labels"))):
        found = js(
            browser,
            "return dealt(net.labels.subarray(0, n), { shuffle, sorted });",
            n=n, shuffle=shuffle, sorted=by_class,
        )  # fmt: skip
        assert found == dealt(shipped.at("labels")[:n], shuffle=shuffle, by_class=by_class).tolist()


@pytest.mark.browser
def test_moved_digits_change_places_in_the_browser_as_in_the_lab(browser: Page, shipped: Recording) -> None:
    labels, spec = shipped.at("labels")[:TILES], Start(shuffle=4, sorted=True, swaps="5-17,17-30,2-5")
    found = js(
        browser,
        "return dealt(net.labels.subarray(0, 64), { shuffle: 4, sorted: true, swaps });",
        swaps=spec.swaps,
    )
    assert found == dealt(labels, shuffle=4, by_class=True, swaps=spec.pairs).tolist()
    assert found != dealt(labels, shuffle=4, by_class=True).tolist()


@pytest.mark.browser
@pytest.mark.parametrize("batch", [2, 8])
def test_a_moved_digit_is_read_as_torch_reads_it(browser: Page, shipped: Recording, batch: int) -> None:
    order = dealt(shipped.at("labels")[:TILES], shuffle=0, by_class=False, swaps=((0, 9), (9, 40)))
    expected = by_torch(
        plain_net(shipped, torch.float64), inputs(shipped, torch.float64)[order], "train", batch
    )
    found = js(browser, "return net.predict(order, { training: true, batch });", order=order, batch=batch)
    torch.testing.assert_close(
        torch.tensor(found, dtype=torch.float64).view(-1, 10), expected, rtol=0, atol=1e-10
    )


@pytest.mark.browser
def test_the_same_move_twice_in_a_row_is_none(browser: Page) -> None:
    for text, pair, expected in (
        ("", (3, 9), "3-9"),
        ("3-9", (9, 3), ""),
        ("3-9,1-2", (3, 9), "3-9,1-2,3-9"),
    ):
        found = js(
            browser,
            'const { withPair } = await import("/start.js"); return withPair(text, one, other);',
            text=text, one=pair[0], other=pair[1],
        )  # fmt: skip
        assert found == expected


def test_the_browser_gets_every_setting_and_its_default() -> None:
    told = _data(Start(mode="train", batch=2, shuffle=5, sorted=True, swaps="3-9"))
    values = {"mode": "train", "batch": 2, "shuffle": 5, "sorted": True, "swaps": "3-9"}
    assert told["values"] == values
    assert Start(**told["defaults"]) == Start()
    assert Start(batch=told["batches"][-1], shuffle=told["shuffles"])
    for address in (told["module"], told["weights"]):
        assert (static.FOLDER / address.rpartition("/")[2]).is_file()


def test_the_board_is_drawn_without_an_error() -> None:
    def page() -> None:
        from normviz.specs.start import Start
        from normviz.ui.tiles import tiles

        tiles(Start())

    assert not AppTest.from_function(page).run().exception
