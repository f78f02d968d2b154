"""The Start page in a real Chromium: what it shows is what torch computes from the shipped weights."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from playwright.sync_api import Browser, BrowserContext, Page, expect

from normviz import __version__
from normviz.frames import Recording
from normviz.lab import data
from normviz.lab.experiments.start import TILES, dealt
from normviz.specs.start import Start
from normviz.ui import static
from tests.browser.visitors import Server

pytestmark = pytest.mark.browser

CONTRASTS = Path(__file__).with_name("contrasts.js").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def site(server: Server) -> str:
    """Address of the running app."""
    return server.address


@pytest.fixture(scope="module")
def known(chromium: Browser) -> Iterator[BrowserContext]:
    """The browser of somebody who comes again and again, and has kept the site's files."""
    context = chromium.new_context(reduced_motion="reduce")
    yield context
    context.close()


class Visit:
    """One visitor's page."""

    def __init__(
        self, chromium: Browser, site: str, known: BrowserContext | None = None, **context: Any
    ) -> None:
        self.site = site
        self.context = known or chromium.new_context(**({"reduced_motion": "reduce"} | context))
        self.page = self.context.new_page()
        self.page.set_default_timeout(180_000)

    def open(self, query: str = "") -> Page:
        self.page.goto(self.site + query)
        self.ready()
        return self.page

    def ready(self) -> None:
        self.page.wait_for_selector(".nvt-start[data-ready]")

    def tiles(self, verdict: str) -> dict[int, str]:
        """Digits of that verdict and the label that each tile shows."""
        found = self.page.eval_on_selector_all(
            f'.nvt-tile[data-verdict="{verdict}"]',
            "tiles => tiles.map(tile => [tile.dataset.digit, tile.querySelector('.nvt-says').textContent])",
        )
        return {int(digit): says for digit, says in found}

    def counters(self) -> list[str]:
        return [text.split("of 64")[0].strip() for text in self.page.locator(".nvt-score").all_inner_texts()]


@pytest.fixture
def visit(chromium: Browser, site: str, known: BrowserContext) -> Iterator[Visit]:
    visit = Visit(chromium, site, known)
    yield visit
    visit.page.close()


class Torch:
    """The shipped network in torch's own layers, and the tiles from the data set itself."""

    def __init__(self) -> None:
        recording = Recording.from_bytes((static.FOLDER / "start.bin").read_bytes())[0]
        layers: list[torch.nn.Module] = []
        # Momentum 0: a pass in train mode leaves the running statistics alone, as the page's does.
        for i in (1, 2, 3, 4):
            out, fan_in = recording.at(f"dense{i}.weight").shape
            named = [
                ("dense", torch.nn.Linear(fan_in, out)),
                ("norm", torch.nn.BatchNorm1d(out, momentum=0.0)),
                ("", torch.nn.ReLU()),
            ]
            for kind, layer in named[: 3 if i < 4 else 1]:
                for key, value in layer.state_dict().items():
                    if value.ndim:
                        value.copy_(torch.from_numpy(recording.at(f"{kind}{i}.{key}").copy()))
                layers.append(layer)
        self.net = torch.nn.Sequential(*layers)
        split = data.load("digits", 0)
        self.x, self.labels = split.x_test[:TILES].flatten(1), split.y_test[:TILES].numpy()

    def wrong(self, spec: Start) -> dict[int, str]:
        """Digits that are read wrongly, with the label that they get."""
        order = dealt(self.labels, shuffle=spec.shuffle, by_class=spec.sorted, swaps=spec.pairs)
        answers: NDArray[np.int64] = np.empty(TILES, np.int64)
        with torch.no_grad():
            for batch in np.split(order, TILES // spec.batch):
                answers[batch] = self.net.train(spec.mode == "train")(self.x[batch]).argmax(1).numpy()
        return {int(i): str(answers[i]) for i in np.flatnonzero(answers != self.labels)}


@pytest.fixture(scope="module")
def by_torch() -> Torch:
    return Torch()


def query(spec: Start) -> str:
    return "?" + "&".join(f"{name}={value}" for name, value in spec.to_query().items())


class TestWhatIsSeen:
    def test_it_opens_on_the_experiment_and_one_click_shows_the_effect(
        self, visit: Visit, by_torch: Torch
    ) -> None:
        page = visit.open()
        expect(page.locator(".nvt-tile")).to_have_count(TILES)
        fine, broken = by_torch.wrong(Start(mode="eval")), by_torch.wrong(Start(mode="train"))
        assert visit.tiles("wrong") == fine
        assert visit.counters() == [f"wrong: {len(fine)}", f"wrong: {len(broken)}"]
        page.click(".nvt-switch")
        assert visit.tiles("wrong") == broken
        assert visit.counters() == [f"wrong: {len(fine)}", f"wrong: {len(broken)}"]
        assert len(broken) > len(fine) + 5

    @pytest.mark.parametrize(
        "spec",
        [
            Start(mode="train", batch=2),
            Start(mode="train", batch=8, shuffle=3),
            Start(mode="train", batch=16, sorted=True),
            Start(mode="train", batch=32, shuffle=999),
            Start(mode="train", batch=64),
            Start(mode="eval", batch=2, shuffle=17, sorted=True),
        ],
        ids=lambda spec: spec.to_json(),
    )
    def test_a_link_shows_what_torch_computes(self, visit: Visit, by_torch: Torch, spec: Start) -> None:
        page = visit.open(query(spec))
        assert visit.tiles("wrong") == by_torch.wrong(spec)
        counts = [len(by_torch.wrong(spec.replace(mode=mode))) for mode in ("eval", "train")]
        assert visit.counters() == [f"wrong: {count}" for count in counts]
        order = page.eval_on_selector_all(
            ".nvt-tile", "tiles => tiles.map(tile => Number(tile.dataset.digit))"
        )
        assert order == dealt(by_torch.labels, shuffle=spec.shuffle, by_class=spec.sorted).tolist()
        assert page.locator(".nvt-batch").count() == TILES // spec.batch

    def test_wrong_tiles_differ_in_colour_and_in_writing(self, visit: Visit) -> None:
        page = visit.open("?mode=train")

        def looks(part: str, style: str) -> dict[str, set[str]]:
            read = f"all => all.map(one => getComputedStyle(one).{style})"
            selectors = {verdict: f'[data-verdict="{verdict}"]{part}' for verdict in ("right", "wrong")}
            return {verdict: set(page.eval_on_selector_all(one, read)) for verdict, one in selectors.items()}

        colours, writing = looks("", "backgroundColor"), looks(" .nvt-says", "opacity")
        assert len(colours["right"]) == len(colours["wrong"]) == 1
        assert colours["right"] != colours["wrong"]
        assert writing == {"right": {"0"}, "wrong": {"1"}}

    def test_the_whole_test_split_is_counted_beside_the_tiles(self, visit: Visit) -> None:
        page = visit.open("?batch=2")
        small = page.locator(".nvt-score small")
        expect(small.first).to_contain_text("of all 797")
        expect(small.last).to_contain_text("of 796")
        evaluated, trained = (float(text.split("%")[0]) for text in small.all_inner_texts())
        assert evaluated < 4
        assert trained > 35

    def test_other_batch_mates_change_answers_and_the_number_is_shown(
        self, visit: Visit, by_torch: Torch
    ) -> None:
        page = visit.open("?mode=train")
        for shuffle in (1, 2, 3):
            page.get_by_role("button", name="Other batch-mates").click()
            expect(page.locator(".nvt-shuffle")).to_contain_text(f"shuffle {shuffle}")
            assert visit.tiles("wrong") == by_torch.wrong(Start(mode="train", shuffle=shuffle))
        assert by_torch.wrong(Start(mode="train", shuffle=1)) != by_torch.wrong(
            Start(mode="train", shuffle=2)
        )

    def test_a_batch_of_one_raises_torchs_error_in_a_sentence(self, visit: Visit, by_torch: Torch) -> None:
        page = visit.open("?batch=1")
        expect(page.locator(".nvt-raised")).to_be_hidden()
        page.click(".nvt-switch")
        with pytest.raises(ValueError, match="more than 1") as refusal:
            by_torch.net.train()(by_torch.x[:1])
        expect(page.locator(".nvt-raised")).to_contain_text(str(refusal.value))
        assert len(visit.tiles("silent")) == TILES
        assert "no answer" in page.locator(".nvt-score").last.inner_text()
        page.click(".nvt-switch")
        expect(page.locator(".nvt-raised")).to_be_hidden()
        assert visit.tiles("wrong") == by_torch.wrong(Start())

    def test_pointing_at_a_digit_shows_its_probabilities_and_its_batch(
        self, visit: Visit, by_torch: Torch
    ) -> None:
        page = visit.open("?mode=train&batch=8")
        digit = 42
        page.hover(f'.nvt-tile[data-digit="{digit}"]')
        marked = page.eval_on_selector_all(
            ".nvt-chosen .nvt-tile", "tiles => tiles.map(tile => Number(tile.dataset.digit))"
        )
        assert marked == list(range(40, 48))
        with torch.no_grad():
            p = by_torch.net.train()(by_torch.x[40:48]).softmax(1)[2].tolist()
        bars = page.eval_on_selector_all(
            ".nvt-bar-train", "all => all.slice(1).map(one => Number(one.style.getPropertyValue('--p')))"
        )
        assert bars == pytest.approx([0.0 if one < 0.01 else one for one in p], abs=1e-5)
        expect(page.locator(".nvt-told")).to_contain_text(
            f"Digit {by_torch.labels[digit]}, in batch 6, with 7 others"
        )


class TestHowItIsUsed:
    def test_by_keyboard_alone(self, visit: Visit, by_torch: Torch) -> None:
        page = visit.open()
        for _ in range(30):
            page.keyboard.press("Tab")
            if page.evaluate("document.activeElement.classList.contains('nvt-switch')"):
                break
        switch = page.get_by_role("switch", name="Training mode")
        expect(switch).to_be_focused()
        page.keyboard.press("Space")
        expect(switch).to_have_attribute("aria-checked", "true")
        page.keyboard.press("ArrowLeft")
        expect(switch).to_have_attribute("aria-checked", "false")
        page.keyboard.press("ArrowRight")
        page.keyboard.press("Tab")
        page.keyboard.press("ArrowLeft")
        assert visit.tiles("wrong") == by_torch.wrong(Start(mode="train", batch=2))
        page.keyboard.press("Tab")
        page.keyboard.press("Space")
        page.keyboard.press("Tab")
        page.keyboard.press("Space")
        assert visit.tiles("wrong") == by_torch.wrong(Start(mode="train", batch=2, shuffle=1, sorted=True))

    def test_arrow_keys_walk_over_the_picture(self, visit: Visit) -> None:
        page = visit.open("?batch=4")
        focused = "Number(document.activeElement.dataset.digit)"
        page.focus('.nvt-tile[data-digit="0"]')
        walk = []
        # At 16 across, batches of 4 are squares of 2×2: 0 1 | 4 5 above 2 3 | 6 7.
        for key in (
            "ArrowRight",
            "ArrowRight",
            "ArrowDown",
            "ArrowLeft",
            "ArrowLeft",
            "ArrowLeft",
            "ArrowUp",
            "End",
            "Home",
        ):
            page.keyboard.press(key)
            walk.append(page.evaluate(focused))
        assert walk == [1, 4, 6, 3, 2, 2, 0, 63, 0]

    def test_the_slider_drags(self, visit: Visit, by_torch: Torch) -> None:
        page = visit.open("?mode=train")
        for place, batch in ((0.0, 1), (1.0, 64), (0.5, 8)):
            box = page.locator(".nvt-slider input").bounding_box()
            assert box
            page.mouse.click(box["x"] + 8 + place * (box["width"] - 16), box["y"] + box["height"] / 2)
            expect(page.locator(".nvt-slider b")).to_have_text(str(batch))
        assert visit.tiles("wrong") == by_torch.wrong(Start(mode="train", batch=8))

    def test_everything_happens_in_the_browser_and_a_reload_keeps_it(
        self, visit: Visit, by_torch: Torch
    ) -> None:
        sent: list[Any] = []
        visit.page.on("websocket", lambda socket: socket.on("framesent", lambda frame: sent.append(frame)))
        page = visit.open("?lesson=7")
        page.wait_for_load_state("networkidle")
        before = len(sent)
        page.click(".nvt-switch")
        page.get_by_role("button", name="Other batch-mates").click()
        page.get_by_label("Sorted by class").check()
        page.locator(".nvt-slider input").focus()
        page.keyboard.press("ArrowRight")
        expect(page).to_have_url(re.compile(r"\?lesson=7&mode=train&batch=8&shuffle=1&sorted=1$"))
        assert len(sent) == before
        page.reload()
        visit.ready()
        spec = Start(mode="train", batch=8, shuffle=1, sorted=True)
        assert visit.tiles("wrong") == by_torch.wrong(spec)
        expect(page.get_by_label("Sorted by class")).to_be_checked()
        page.get_by_role("button", name="Reset").click()
        expect(page).to_have_url(re.compile(r"\?lesson=7$"))
        assert visit.tiles("wrong") == by_torch.wrong(Start())

    def test_share_and_hidden_controls(self, visit: Visit, by_torch: Torch) -> None:
        page = visit.open("?hide=batch,mode,swaps&mode=train&batch=2&swaps=3-9")
        for part in ("switch", "slider", "moving"):
            expect(page.locator(f".nvt-{part}")).to_be_hidden()
        page.get_by_role("button", name="Other batch-mates").click()
        spec = Start(mode="train", batch=2, swaps="3-9", shuffle=1)
        assert visit.tiles("wrong") == by_torch.wrong(spec)
        page.get_by_role("button", name="Share").click()
        expect(page.locator(".nvl-share code")).to_contain_text("shuffle=1&")
        told = dict(parse_qsl(urlsplit(page.locator(".nvl-share code").inner_text()).query))
        assert told == {"hide": "batch,mode,swaps", **spec.to_query(full=True), "version": __version__}
        page.keyboard.press("Escape")
        page.get_by_role("button", name="Reset", exact=True).click()
        assert visit.tiles("wrong") == by_torch.wrong(spec.replace(shuffle=0))

    def test_bad_values_in_the_link_are_named_and_replaced(self, visit: Visit, by_torch: Torch) -> None:
        page = visit.open("?mode=training&batch=5&shuffle=<b>")
        for words in ("Mode: “training”", "Batch size: “5”", "Shuffle: “<b>”"):
            expect(page.get_by_text(words)).to_be_visible()
        assert visit.tiles("wrong") == by_torch.wrong(Start())

    @pytest.mark.parametrize("file", ["start.bin", "norms.js"])
    def test_a_file_that_does_not_come_is_a_sentence(self, visit: Visit, file: str) -> None:
        visit.page.route(f"**/{file}", lambda route: route.fulfill(status=503))
        visit.page.goto(visit.site)
        expect(visit.page.locator(".nvt-start")).to_contain_text("The digits could not be loaded")
        expect(visit.page.locator(".nvt-start")).to_contain_text("Reload the page")

    def test_the_doors_lead_to_pages(self, visit: Visit) -> None:
        for door in ("Forgot eval()", "Train"):
            page = visit.open()
            page.get_by_test_id("stPageLink").get_by_text(door, exact=True).click()
            expect(page).not_to_have_url(visit.site)
            expect(page.locator("h1")).not_to_contain_text("Same weights")


MOVING = """async () => {
  document.querySelector(".nvt-switch").click();
  const [began, board] = [performance.now(), document.querySelector(".nvt-board")];
  let most = 0;
  while (performance.now() - began < 500) {
    most = Math.max(most, board.getAnimations({ subtree: true }).length);
    await new Promise(requestAnimationFrame);
  }
  return most;
}"""
"""The most that move at once after a click."""


class TestForEverybody:
    def test_what_a_screen_reader_hears(self, visit: Visit, by_torch: Torch) -> None:
        page = visit.open()
        fine, broken = (len(by_torch.wrong(Start(mode=mode))) for mode in ("eval", "train"))
        page.click(".nvt-switch")
        words = f"Batch size 4. Training mode: {broken} of 64 wrong; evaluation mode: {fine} of 64 wrong."
        expect(page.get_by_role("status").filter(has_text="Batch size")).to_have_text(words)
        digit, says = next(iter(by_torch.wrong(Start(mode="train")).items()))
        option = page.get_by_role("option", name=f"Digit {by_torch.labels[digit]}: read as {says}, wrong")
        assert option.count() >= 1
        expect(page.get_by_role("group", name="Batch 1 of 16")).to_have_count(1)
        expect(page.get_by_role("slider", name="Batch size")).to_have_attribute("aria-valuetext", "4")
        expect(page.locator(".nvt-bars")).to_have_attribute(
            "aria-label", re.compile("In training mode: . with ")
        )

    @pytest.mark.parametrize("batch", [1, 4, 8, 64])
    def test_nothing_runs_over_the_edge_of_a_phone(self, chromium: Browser, site: str, batch: int) -> None:
        visit = Visit(chromium, site, viewport={"width": 390, "height": 844})
        page = visit.open(f"?mode=train&batch={batch}&shuffle=888")
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        over = page.eval_on_selector_all(
            ".nvt-start *", "all => all.filter(one => one.getBoundingClientRect().right > 390).length"
        )
        assert over == 0
        sizes = page.eval_on_selector_all(
            ".nvt-tile", "tiles => tiles.map(tile => tile.getBoundingClientRect().width)"
        )
        assert min(sizes) >= 30
        visit.context.close()

    @pytest.mark.parametrize("scheme", ["light", "dark"])
    @pytest.mark.parametrize("link", ["", "?mode=train&shuffle=1", "?mode=train&batch=1"])
    def test_contrast(self, chromium: Browser, site: str, scheme: Any, link: str) -> None:
        visit = Visit(chromium, site, color_scheme=scheme)
        page = visit.open(link)
        found = page.evaluate(CONTRASTS, ".nvt-start")
        assert len(found) > 40
        assert [one for one in found if one["contrast"] < (3.0 if one["large"] else 4.5)] == []
        visit.context.close()

    @pytest.mark.parametrize("motion", ["reduce", "no-preference"])
    def test_colours_fade_unless_the_visitor_prefers_no_motion(
        self, chromium: Browser, site: str, motion: Any
    ) -> None:
        visit = Visit(chromium, site, reduced_motion=motion)
        page = visit.open()
        assert (page.evaluate(MOVING) > 0) == (motion == "no-preference")
        visit.context.close()


class TestMovingADigit:
    """A digit comes into another batch by mouse, by keys and by touch; labels are those that torch gives."""

    SPEC = Start(mode="train", swaps="0-9")

    def middle(self, page: Page, digit: int) -> tuple[float, float]:
        box = page.locator(f'.nvt-tile[data-digit="{digit}"]').bounding_box()
        assert box
        return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2

    def check(self, visit: Visit, by_torch: Torch) -> None:
        page = visit.page
        expect(page.locator('.nvt-batch[data-number="3"] .nvt-tile[data-digit="0"]')).to_have_count(1)
        expect(page.locator('.nvt-batch[data-number="1"] .nvt-tile[data-digit="9"]')).to_have_count(1)
        after, before = by_torch.wrong(self.SPEC), by_torch.wrong(Start(mode="train"))
        assert visit.tiles("wrong") == after
        marked = page.locator(".nvt-changed").evaluate_all("all => all.map(one => Number(one.dataset.digit))")
        assert marked
        assert set(marked) == {i for i in {*after, *before} if after.get(i) != before.get(i)}
        page.wait_for_url("**swaps=0-9**")

    def test_by_mouse_and_back(self, visit: Visit, by_torch: Torch) -> None:
        page = visit.open("?mode=train")
        page.mouse.move(*self.middle(page, 0))
        page.mouse.down()
        page.mouse.move(*self.middle(page, 9), steps=6)
        expect(page.locator(".nvt-aimed")).to_have_attribute("data-number", "3")
        page.mouse.up()
        self.check(visit, by_torch)
        page.get_by_role("button", name="Undo").click()
        assert visit.tiles("wrong") == by_torch.wrong(Start(mode="train"))
        expect(page.locator(".nvt-changed")).to_have_count(0)

    def test_by_keys(self, visit: Visit, by_torch: Torch) -> None:
        page = visit.open("?mode=train")
        page.locator('.nvt-tile[data-digit="0"]').focus()
        page.keyboard.press("Enter")
        expect(page.locator(".nvt-moved")).to_contain_text("choose a digit of another batch")
        page.keyboard.press("Escape")
        expect(page.locator(".nvt-carried")).to_have_count(0)
        page.keyboard.press("Enter")
        page.locator('.nvt-tile[data-digit="9"]').focus()
        page.keyboard.press("Enter")
        self.check(visit, by_torch)
        expect(page.locator(".nvt-status")).to_contain_text("is in batch 3 now")

    def test_by_touch(self, chromium: Browser, site: str, by_torch: Torch) -> None:
        visit = Visit(chromium, site, viewport={"width": 390, "height": 844}, is_mobile=True, has_touch=True)
        page = visit.open("?mode=train")
        page.locator('.nvt-tile[data-digit="0"]').tap()
        page.get_by_role("button", name="Put this digit into another batch").tap()
        page.locator('.nvt-tile[data-digit="9"]').tap()
        self.check(visit, by_torch)
        visit.context.close()

    def test_by_link(self, visit: Visit, by_torch: Torch) -> None:
        visit.open("?mode=train&swaps=0-9,9-40")
        assert visit.tiles("wrong") == by_torch.wrong(Start(mode="train", swaps="0-9,9-40"))
