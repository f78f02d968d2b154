"""The page Anatomy in a real Chromium: it shows and does what torch computes from the tensors."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
import torch
from playwright.sync_api import Page, expect
from torch import Tensor, nn

from normviz import __version__
from normviz.catalog.norms import NORMS, reason
from normviz.specs.anatomy import SHAPES, STAGES, Anatomy
from normviz.ui import static
from tests.browser.visitors import Visitor

pytestmark = [pytest.mark.browser, pytest.mark.returning]

CONTRASTS = Path(__file__).with_name("contrasts.js").read_text(encoding="utf-8")
SHIPPED = json.loads((static.FOLDER / "anatomy.json").read_text(encoding="utf-8"))
GAMMA, BETA = (1.5, 0.8, 1.2, 0.6), (0.5, 0.0, -0.5, 1.0)  # as the page starts with

Visit = Callable[..., Visitor]


def opened(visit: Visit, query: str = "", **context: Any) -> Page:
    visitor = visit(**({"reduced_motion": "reduce"} | context))
    page = visitor.open("anatomy" + query)
    page.wait_for_selector(".nva-anatomy[data-ready]")
    return page


def lit(page: Page) -> set[int]:
    found = page.eval_on_selector_all(".nva-lit", "all => all.map((one) => Number(one.dataset.cell))")
    return set(found)


def values(page: Page) -> Tensor:
    """The values of all cells, to the two digits that a screen reader hears."""
    labels = page.eval_on_selector_all(
        ".nva-cell",
        """all => all.sort((a, b) => a.dataset.cell - b.dataset.cell)
        .map((one) => one.getAttribute('aria-label'))""",
    )
    return torch.tensor([float(label.rpartition(" ")[2].replace("−", "-")) for label in labels])


def tensor(form: str) -> Tensor:
    return torch.tensor(SHIPPED["forms"][form]["x"]).view(SHAPES[form])


def cell(page: Page, i: int) -> Any:
    return page.locator(f'.nva-cell[data-cell="{i}"]')


def batch_norm() -> nn.BatchNorm2d:
    """torch's batch norm with the page's parameters and running statistics."""
    norm = nn.BatchNorm2d(4)
    state = {"weight": GAMMA, "bias": BETA} | {
        name: SHIPPED["forms"]["2d"][name] for name in ("running_mean", "running_var")
    }
    norm.load_state_dict({name: torch.tensor(value) for name, value in state.items()}, strict=False)
    return norm


class TestWhatIsSeen:
    @pytest.mark.parametrize("mode", ["train", "eval"])
    def test_it_opens_on_torchs_output(self, visit: Visit, mode: str) -> None:
        page = opened(visit, f"?mode={mode}")
        with torch.no_grad():
            y = batch_norm().train(mode == "train")(tensor("2d"))
        torch.testing.assert_close(values(page), y.flatten(), rtol=0, atol=0.0051)
        assert page.locator(".nva-line.nva-now").inner_text().split("\n")[0] == "Scale, shift"

    @pytest.mark.parametrize(
        ("query", "count"),
        [
            ("", 64),
            ("?norm=layer", 64),
            ("?norm=layer&axes=c", 4),
            ("?norm=group", 32),
            ("?norm=instance", 16),
            ("?norm=ghost_batch", 32),
            ("?norm=layer&form=sequence", 4),
            ("?norm=batch&form=sequence", 16),
            ("?norm=batch&form=1d", 4),
            ("?norm=weight_norm", 9),
            ("?norm=dyt", 1),
            ("?mode=eval", 1),
        ],
    )
    def test_pointing_lights_the_group(self, visit: Visit, query: str, count: int) -> None:
        page = opened(visit, query)
        cell(page, 2).hover()
        assert len(lit(page)) == count
        assert 2 in lit(page)
        words = "a group of its own" if count == 1 else f"one of {count} that share"
        expect(page.locator(".nva-whose")).to_contain_text(words)

    def test_the_arithmetic_has_the_numbers_of_the_cell(self, visit: Visit) -> None:
        page = opened(visit)
        cell(page, 70).hover()
        x = tensor("2d")
        channel = x[:, 0]
        dd = {line.split("\n")[0]: line for line in page.locator(".nva-line").all_inner_texts()}

        def last(name: str) -> float:
            text = page.locator(f'.nva-line:has(dt:text-is("{name}")) math').last.text_content() or ""
            return float(text.rpartition("=")[2].replace("−", "-"))

        assert list(dd) == [
            "Input", "Mean", "Variance", "Normalize", "Scale, shift", "Running mean", "Running variance",
        ]  # fmt: skip
        norm = batch_norm()
        with torch.no_grad():
            y = norm(x)
        expected = {
            "Input": x.flatten()[70],
            "Mean": channel.mean(),
            "Variance": channel.var(correction=0),
            "Scale, shift": y.flatten()[70],
            "Running mean": norm.running_mean[0],
            "Running variance": norm.running_var[0],
        }
        for name, value in expected.items():
            assert last(name) == pytest.approx(float(value), abs=6e-4), name

    @pytest.mark.parametrize("form", list(SHAPES))
    def test_every_norm_shows_its_cells_or_its_reason(self, visit: Visit, form: str) -> None:
        page = opened(visit, f"?form={form}&stage=x")
        page.get_by_role("button", name="More norms").click()
        for norm, fact in NORMS.items():
            page.get_by_role("radio", name=fact.label, exact=True).click()
            why = reason(norm, {"1d": "mlp", "2d": "cnn", "sequence": "sequence"}[form])
            if why:
                expect(page.locator(".nva-refused")).to_have_text(why)
            else:
                expect(page.locator(".nva-refused")).to_be_hidden()
                expect(page.locator(".nva-seen")).to_contain_text("cell")
            shown = SHIPPED["weights"]["x"] if norm.startswith("weight") else SHIPPED["forms"][form]["x"]
            torch.testing.assert_close(values(page), torch.tensor(shown), rtol=0, atol=0.0051)

    def test_each_stage_changes_the_picture(self, visit: Visit) -> None:
        page = opened(visit, "?stage=x")
        pictures = {}
        for stage in STAGES:
            expect(page.locator(f'.nva-anatomy[data-stage="{stage}"]')).to_have_count(1)
            kept = " ".join(page.locator(".nva-kept").all_inner_texts())
            pictures[stage] = (tuple(values(page).tolist()), kept)
            page.get_by_role("button", name="Step on").click()
        assert len(set(pictures.values())) == len(STAGES)
        assert len(set(pictures["mean"][0])) == 4
        assert "→" in pictures["running"][1]
        assert sum(pictures["dy"][0]) == 1
        assert sum(pictures["dx"][0]) == pytest.approx(0, abs=64 * 0.005)

    def test_slow_motion_runs_from_the_input_to_the_running_update(self, visit: Visit) -> None:
        page = opened(visit)
        page.get_by_role("button", name="Play").click()
        expect(page.locator(".nva-anatomy")).to_have_attribute("data-stage", "x")
        expect(page.locator(".nva-anatomy")).to_have_attribute("data-stage", "running", timeout=30_000)
        expect(page.get_by_role("button", name="Play")).to_be_visible()


class TestWhatIsDone:
    @pytest.mark.parametrize("query", ["?norm=group", "?norm=batch", "?norm=layer&axes=c", "?norm=none"])
    def test_a_drag_moves_the_group_and_nothing_else(self, visit: Visit, query: str) -> None:
        page = opened(visit, query)
        before = values(page)
        box = cell(page, 85).bounding_box()
        assert box
        page.mouse.move(box["x"] + 9, box["y"] + 9)
        page.mouse.down()
        page.mouse.move(box["x"] + 9, box["y"] - 111, steps=6)
        page.mouse.up()
        expect(page.locator(".nva-slider[data-name=x] > b")).to_have_text(
            f"{tensor('2d').flatten()[85] + 3:.1f}".replace("-", "−").replace(".0", "")
        )
        moved = set(torch.nonzero((values(page) - before).flatten()).flatten().tolist())
        marked = page.eval_on_selector_all(
            ".nva-changed", "all => all.map((one) => Number(one.dataset.cell))"
        )
        assert 85 in moved
        assert moved <= set(marked) <= lit(page)
        assert len(marked) == len(lit(page))
        page.get_by_role("button", name="Reset values").click()
        assert torch.equal(values(page), before)
        expect(page.get_by_role("button", name="Reset values")).to_be_hidden()

    def test_by_keyboard_alone(self, visit: Visit) -> None:
        page = opened(visit, "?norm=instance")
        for _ in range(40):
            page.keyboard.press("Tab")
            if page.evaluate("document.activeElement.classList.contains('nva-cell')"):
                break
        focused = "Number(document.activeElement.dataset.cell)"
        walk = []
        for key in ("Home", "ArrowRight", "ArrowDown", "ArrowLeft", "ArrowUp", "End"):
            page.keyboard.press(key)
            walk.append(page.evaluate(focused))
        assert walk == [0, 1, 5, 4, 0, 255]
        page.keyboard.press("PageUp")
        page.keyboard.press("-")
        x = tensor("2d").flatten()[255] + 0.9
        expect(page.locator(".nva-status")).to_contain_text(f"is now {x:.1f}; 16 of 256 outputs")

    def test_a_slider_scales_one_channel(self, visit: Visit) -> None:
        page = opened(visit, "?cell=0")
        before = values(page)
        slider = page.locator(".nva-slider[data-name=gamma] input")
        slider.focus()
        for _ in range(5):
            page.keyboard.press("ArrowRight")
        ratio = ((values(page) - BETA[0]) / (before - BETA[0])).view(4, 4, 16)
        assert float(ratio[:, 0].median()) == pytest.approx(2.0 / GAMMA[0], abs=0.02)
        assert torch.equal(values(page).view(4, 4, 16)[:, 1:], before.view(4, 4, 16)[:, 1:])

    def test_settings_stay_in_the_browser_and_survive_a_reload(self, visit: Visit) -> None:
        page = opened(visit, "?lesson=7")
        page.get_by_role("radio", name="Layer norm").click()
        page.get_by_role("radio", name="C only").click()
        page.get_by_role("radio", name="normalize").click()
        page.get_by_role("switch", name="Training mode").click()
        cell(page, 40).click()
        query = r"\?lesson=7&norm=layer&mode=eval&stage=normalize&axes=c&cell=40$"
        expect(page).to_have_url(re.compile(query))
        before, group = values(page), lit(page)
        page.reload()
        page.wait_for_selector(".nva-anatomy[data-ready]")
        assert torch.equal(values(page), before)
        assert lit(page) == group == {40 % 16 + 16 * channel for channel in range(4)}
        expect(page.get_by_role("switch", name="Training mode")).to_have_attribute("aria-checked", "false")

    def test_what_was_moved_survives_a_reload_and_the_way_back(self, visit: Visit) -> None:
        page = opened(visit, "?cell=85")
        for name, presses in (("x", 3), ("gamma", 5), ("beta", 2)):
            page.locator(f".nva-slider[data-name={name}] input").focus()
            for _ in range(presses):
                page.keyboard.press("ArrowRight")
        x = tensor("2d").flatten()[85] + 0.3
        query = f"\\?cell=85&dragged=85%3D{x:.1f}&gamma=1%3D1.3&beta=1%3D0.2$"
        expect(page).to_have_url(re.compile(query))
        before, marked = values(page), page.locator(".nva-changed").count()
        assert marked == 64
        page.reload()
        page.wait_for_selector(".nva-anatomy[data-ready]")
        assert torch.equal(values(page), before)
        expect(page.get_by_role("slider", name="γ of channel 2")).to_have_value("1.3")
        page.get_by_role("link", name="Batch size").first.click()
        page.wait_for_url("**/batch-size*")
        page.go_back()
        page.wait_for_selector(".nva-anatomy[data-ready]")
        assert torch.equal(values(page), before)
        page.get_by_role("button", name="Reset values").click()
        expect(page).to_have_url(re.compile(r"\?cell=85$"))

    def test_share_writes_all_of_it(self, visit: Visit) -> None:
        page = opened(visit, "?norm=group&lesson=7&version=0.0.1")
        expect(page.get_by_text("This link was made with NormViz 0.0.1; this is")).to_be_visible()
        cell(page, 85).click()
        page.keyboard.press("+")
        page.get_by_role("button", name="Share").click()
        x = round(float(tensor("2d").flatten()[85]) + 0.1, 1)
        spec = Anatomy(norm="group", cell=85, dragged=f"85={x:g}")
        expect(page.locator(".nvl-share code")).to_contain_text("dragged=85")
        link = page.locator(".nvl-share code").inner_text()
        told = dict(parse_qsl(urlsplit(link).query, keep_blank_values=True))
        assert told == {"lesson": "7", **spec.to_query(full=True), "version": __version__}
        before = values(page)
        page.goto(link)
        page.wait_for_selector(".nva-anatomy[data-ready]")
        assert torch.equal(values(page), before)

    def test_hidden_controls_keep_what_the_link_says(self, visit: Visit) -> None:
        page = opened(visit, "?hide=norm,mode,stage,groups,gamma,dragged,cell&norm=group&groups=1&mode=eval")
        for part in ("norms", "switch", "stages", "how", "slider[data-name=gamma]", "slider[data-name=x]"):
            expect(page.locator(f".nva-{part}")).to_be_hidden()
        expect(page.get_by_role("radiogroup")).to_have_count(1)  # the form
        expect(page.locator(".nva-slider[data-name=beta]")).to_be_visible()
        before = values(page)
        cell(page, 40).click()
        page.keyboard.press("PageUp")
        assert torch.equal(values(page), before)
        assert len(lit(page)) == 64, "a cell that is pointed at still shows its group"
        page.wait_for_timeout(500)  # an address that changed would be written after 200 ms
        expect(page).to_have_url(re.compile("mode=eval$"))

    def test_what_finds_no_place_in_a_link_is_said(self, visit: Visit) -> None:
        page = opened(visit, "?norm=layer&dragged=" + ",".join(f"{i}=4.5" for i in range(20)))
        expect(page.locator(".nva-unlinked")).to_be_hidden()
        cell(page, 30).click()
        page.keyboard.press("+")
        expect(page.locator(".nva-unlinked")).to_have_text(re.compile("A link holds 20 changed values"))
        assert values(page)[30] != 4.5

    @pytest.mark.parametrize(
        ("query", "words"),
        [
            ("?dragged=999=1", "Dragged cells: “999=1” does not work; allowed is up to 20 pairs"),
            ("?dragged=3=7", "a value from −5 to 5"),
            ("?dragged=3=1,3=2", "Dragged cells: “3=1,3=2”"),
            ("?gamma=4=1", "Moved γ: “4=1” does not work"),
            ("?beta=1=<b>x</b>", "each a number from 0 to 3 and a value from −2 to 2"),
        ],
    )
    def test_bad_moves_in_the_link_are_named_and_fall_back(
        self, visit: Visit, query: str, words: str
    ) -> None:
        page = opened(visit, query)
        expect(page.get_by_text(words)).to_be_visible()
        expect(page.locator(".nva-changed")).to_have_count(0)

    def test_bad_values_in_the_link_are_named_and_replaced(self, visit: Visit) -> None:
        page = opened(visit, "?norm=bach&groups=3&cell=999")
        for words in ("Norm: “bach”", "Did you mean batch?", "Groups: “3”", "Cell: “999”"):
            expect(page.get_by_text(words)).to_be_visible()
        assert len(lit(page)) == 64

    def test_torchs_refusal_is_a_sentence(self, visit: Visit) -> None:
        page = opened(visit, "?norm=ghost_batch&ghost=1&form=1d")
        with pytest.raises(ValueError, match="more than 1") as refusal:
            nn.BatchNorm1d(4)(tensor("1d")[:1])
        expect(page.locator(".nva-refused")).to_contain_text(str(refusal.value))
        page.get_by_role("switch", name="Training mode").click()
        expect(page.locator(".nva-refused")).to_be_hidden()


class TestForEverybody:
    @pytest.mark.parametrize(
        "query", ["", "?norm=batch_renorm&stage=running", "?norm=weight_norm", "?form=1d&norm=frn"]
    )
    def test_nothing_runs_over_the_edge_of_a_phone(self, visit: Visit, query: str) -> None:
        page = opened(visit, query, viewport={"width": 390, "height": 844})
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        over = page.eval_on_selector_all(
            ".nva-anatomy *",
            "all => all.filter((one) => one.getBoundingClientRect().right > 390).map((one) => one.outerHTML)",
        )
        assert over == []

    @pytest.mark.parametrize("scheme", ["light", "dark"])
    @pytest.mark.parametrize(
        "query", ["?cell=0&norm=group", "?norm=frn&form=1d", "?norm=batch&stage=running"]
    )
    def test_contrast(self, visit: Visit, scheme: str, query: str) -> None:
        page = opened(visit, query, color_scheme=scheme)
        found = page.evaluate(CONTRASTS, ".nva-anatomy")
        assert len(found) > 40
        assert [one for one in found if one["contrast"] < (3.0 if one["large"] else 4.5)] == []

    def test_what_a_screen_reader_hears(self, visit: Visit) -> None:
        page = opened(visit)
        name = re.compile(r"^sample 2, channel edge below, row 2, column 2: y -?\d")
        expect(page.get_by_role("gridcell", name=name)).to_have_count(1)
        expect(page.get_by_role("radio", name="Batch norm")).to_be_checked()
        expect(page.get_by_role("slider", name="γ of channel 2")).to_have_value("0.8")

    @pytest.mark.parametrize("file", ["anatomy.json", "norms_dissected.js"])
    def test_a_file_that_does_not_come_is_a_sentence(self, visit: Visit, file: str) -> None:
        visitor = visit()
        visitor.page.route(f"**/{file}", lambda route: route.fulfill(status=503))
        page = visitor.open("anatomy")
        expect(page.locator(".nva-anatomy")).to_contain_text("Reload the page to try again")
        visitor.faults.clear()  # the refused file itself
