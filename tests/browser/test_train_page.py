"""The page Train in a real Chromium: alive by itself, and honest about what it shows."""

from __future__ import annotations

import re
from collections.abc import Callable
from urllib.parse import urlencode

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from normviz.figures.theme import STYLES
from normviz.figures.train import LOSSES, figures
from normviz.frames import Recording
from normviz.lab.experiments.placement import run as place
from normviz.lab.runs import record as recorded
from normviz.readings import TEMPLATES
from normviz.specs.placement import Placement
from normviz.specs.train import Train
from normviz.ui.sizes import QUICK
from tests.browser.visitors import Visitor, printed

pytestmark = [pytest.mark.browser, pytest.mark.returning]

Visit = Callable[..., Visitor]
PATIENCE = 60_000  # ms; a busy machine is no fault of the page


def address(spec: Train) -> str:
    """Where the page shows a spec."""
    return "train?" + urlencode(spec.to_query())


def choose(page: Page, label: str, option: str) -> None:
    """Pick an option of a list."""
    page.get_by_test_id("stSelectbox").filter(has_text=label).locator("input").click()
    page.get_by_role("option", name=option).click()


def test_the_default_race_runs_without_a_click(visit: Visit) -> None:
    visitor = visit()
    page = visitor.open("train")
    expect(page.get_by_role("heading", level=1)).to_have_text(Train.title, timeout=PATIENCE)
    page.wait_for_function("() => document.querySelector('.nv-stage') && stage().state().frames > 3")
    visitor.settled()
    shown = {one["variant"] for one in visitor.data("test_accuracy") if one["variant"]}
    assert shown == set(Train().norms)
    first = [figure.key for figure in figures(Train()) if not figure.expert]
    assert page.locator(".nv-figure:visible").evaluate_all("all => all.map(one => one.dataset.key)") == first
    assert page.get_by_test_id("stExpander").count() >= 2
    entries = page.locator(".nv-variant").all_inner_texts()
    assert entries == [STYLES[norm].label for norm in Train().norms]


def test_points_in_the_plane_show_the_answers_of_every_network(visit: Visit) -> None:
    spec = Train(dataset="moons", norms=("none", "batch"), depth=3, width=16, lr=0.1, steps=100, seeds=2)
    visitor, truth = visit(), recorded(spec)
    visitor.play(address(spec))
    for frame in (0, len(truth) - 1):
        visitor.seek(frame)
        drawn = visitor.data("decision_surfaces")
        maps = [one for one in drawn if one["type"] == "heatmap"]
        assert [one["variant"] for one in maps] == ["none", "batch"]
        for v, one in enumerate(maps):
            assert np.array_equal(np.array(one["z"]), truth.at("surface", frame)[v])
    dots = [one for one in drawn if one["type"] == "scatter" and len(one["x"]) > 1]
    assert np.array_equal(np.array(dots[0]["x"], "f4"), truth.at("points")[0])


def test_a_network_that_diverges_is_marked_where_it_did(visit: Visit) -> None:
    spec = Train(norms=("none", "layer"), depth=10, lr=10.0, gain=3.0, steps=50, seeds=2)
    visitor, truth = visit(), recorded(spec)
    page = visitor.play(address(spec))
    gone = truth.at("diverged_at")[0]
    assert np.isfinite(gone).all()
    crosses = [
        one for one in visitor.data("loss") if one["variant"] == "none" and one["y"] == [LOSSES[1]] * 2
    ]
    assert [one["x"] for one in crosses] == [gone.tolist()]
    visitor.show("hist_post")
    words = page.locator('.nv-figure[data-key="hist_post"] .textpoint text')
    expect(words).to_have_text(["diverged"], timeout=PATIENCE)
    expect(page.locator(".nv-reading")).to_contain_text(
        f"No normalization: 2 of 2 networks diverged, the first after {int(gone.min())} steps.",
        timeout=PATIENCE,
    )
    visitor.seek(0)
    visitor.show("hist_post")
    expect(words).to_have_count(0, timeout=PATIENCE)


def test_what_does_not_go_together_is_said_and_the_run_stays(visit: Visit) -> None:
    spec = Train(norms=("none", "frn"), network="cnn", depth=1, steps=50, seeds=1, batch_size=16)
    visitor = visit()
    page = visitor.play(address(spec))
    before = visitor.state()["run"]
    assert before == spec.key
    choose(page, "Network", "MLP")
    expect(page.get_by_test_id("stAlert")).to_contain_text("It belongs to convolutions.", timeout=PATIENCE)
    assert visitor.state()["run"] == before


def test_a_link_that_asks_too_much_is_answered_with_a_sentence(visit: Visit) -> None:
    heavy = Train(network="cnn", channels=64, depth=8, steps=2000, seeds=5, batch_size=256)
    page = visit().open(address(heavy))
    alert = page.get_by_test_id("stAlert")
    expect(alert).to_be_visible(timeout=PATIENCE)
    assert "Traceback" not in page.inner_text("body")
    assert page.locator(".nv-stage").count() == 0


def test_a_telephone_shows_everything_in_one_column(visit: Visit) -> None:
    spec = Train(norms=("none", "batch", "layer"), depth=3, width=16, steps=50, seeds=1)
    visitor = visit(viewport={"width": 390, "height": 844})
    page = visitor.play(address(spec))
    assert page.evaluate("() => document.documentElement.scrollWidth") <= 390
    for figure in figures(spec):
        if not figure.expert:
            visitor.show(figure.key)
            box = page.locator(f'.nv-figure[data-key="{figure.key}"]').bounding_box()
            assert box is not None
            assert box["x"] >= 0
            assert box["x"] + box["width"] <= 390


def test_formulas_and_sources_are_those_of_the_chosen_norms(visit: Visit) -> None:
    spec = Train(norms=("batch", "rms"), depth=1, steps=50, seeds=1, width=16)
    page = visit().play(address(spec))
    named = page.get_by_test_id("stExpander").filter(has_text="The normalizations and their sources")
    named.get_by_text("The normalizations and their sources").click()
    links = named.locator('a[href*="arxiv.org/abs"]')
    expect(links).to_have_count(2, timeout=PATIENCE)
    assert [link.get_attribute("href") for link in links.all()] == [
        "https://arxiv.org/abs/1502.03167",
        "https://arxiv.org/abs/1910.07467",
    ]
    expect(page.locator(".katex")).not_to_have_count(0, timeout=PATIENCE)


def test_a_change_at_the_cursor_makes_a_run_with_the_same_beginning(visit: Visit) -> None:
    spec = Train(norms=("none", "batch"), depth=2, width=16, steps=50, seeds=1, lr=0.1)
    visitor = visit()
    page = visitor.play(address(spec))
    before = {
        one["variant"]: one["y"] for one in visitor.data("loss") if one["variant"] and len(one["y"]) > 5
    }
    visitor.seek(4)
    page.get_by_role("button", name="Change learning rate, batch size or normalization").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("The run stays as it is up to step 20.", timeout=PATIENCE)
    dialog.get_by_text("Normalization", exact=True).click()
    expect(dialog).to_contain_text("Goes on with", timeout=PATIENCE)
    dialog.get_by_role("button", name="Change", exact=True).click()
    changed = spec.replace(changes="20:norm.none=batch")
    page.wait_for_function("key => stage().state().run === key", arg=changed.key)
    assert "changes=20" in page.url
    visitor.wait("status", "done")
    page.evaluate("() => { const s = stage(); s.seek(1e9); s.pause(); }")
    visitor.settled()
    drawn = [one for one in visitor.data("loss") if one["ghost"] is None]
    after = {one["variant"]: one["y"] for one in drawn if one["variant"] and len(one["y"] or []) > 5}
    assert after["batch"] == before["batch"]
    assert after["none"][:4] == before["none"][:4]
    assert after["none"][4:] != before["none"][4:]
    truth = recorded(changed)
    np.testing.assert_array_equal(np.array(after["none"], "f4"), truth.history("loss_median")[1][:, 0])
    visitor.show("loss")
    expect(page.locator('.nv-figure[data-key="loss"] .shape-label')).to_have_text(
        "none → BN", timeout=PATIENCE
    )
    expect(page.locator(".nv-reading")).to_contain_text("No normalization → Batch norm", timeout=PATIENCE)
    page.get_by_role("button", name="Without changes").click()
    page.wait_for_function("key => stage().state().run === key", arg=spec.key)
    assert visitor.faults == []


def test_a_long_race_is_said_to_be_one_and_a_quicker_one_is_offered(visit: Visit) -> None:
    spec = Train(norms=("batch",), dataset="shapes", network="cnn", channels=32, steps=50, every=50)
    quick = spec.smaller(QUICK)
    visitor = visit()
    page = visitor.open(address(spec))
    page.get_by_role("button", name="Quicker:").click()
    page.wait_for_function(
        "key => document.querySelector('.nv-stage') && stage().state().run === key", arg=quick.key
    )
    expect(page.get_by_role("button", name="Quicker:")).to_have_count(0, timeout=PATIENCE)


def test_the_place_of_the_norm_is_the_second_question(visit: Visit) -> None:
    spec = Placement(norms=("batch",), depth=2, width=32, steps=50, seeds=3, lr=0.3)
    visitor = visit()
    page = visitor.play("train?" + urlencode({"question": "placement", **spec.to_query()}))
    expect(page.get_by_role("heading", level=1)).to_have_text(Placement.title, timeout=PATIENCE)
    frames = place(spec)
    truth = Recording(next(frames))  # type: ignore[arg-type]
    for frame in frames:
        truth.append(truth.schema.encode(frame))  # type: ignore[arg-type]
    curves = [one for one in visitor.data("curves") if one["variant"] == "batch"]
    medians = truth.history("test_accuracy_median")[1]
    for p, one in enumerate(curves[-2:]):
        np.testing.assert_array_equal(np.array(one["y"], "f4"), medians[:, 0, p])
    means = [one["x"] for one in visitor.data("test_accuracy") if len(one["x"]) == 1]
    assert np.array_equal(np.array(means, "f4"), truth.at("test_accuracy_mean")[0])
    said = [printed(TEMPLATES[note.id], note.numbers) for note in truth.frame(-1).notes]
    assert page.locator(".nv-reading li").all_text_contents() == said
    expect(page.get_by_role("button", name="Change learning rate")).to_have_count(0)
    page.get_by_text("The race", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text(Train.title, timeout=PATIENCE)
    assert visitor.faults == []


def test_sequences_run_in_the_networks_that_read_them(visit: Visit) -> None:
    spec = Train(network="rnn", dataset="marked", norms=("none", "batch", "layer"), depth=1, width=16,
                 batch_size=16, steps=50, every=10, seeds=1)  # fmt: skip
    visitor, truth = visit(), recorded(spec)
    page = visitor.play(address(spec))
    assert page.get_by_test_id("stAlert").count() == 0
    lines = {one["variant"]: one["y"] for one in visitor.data("loss") if one["variant"] and len(one["y"]) > 1}
    for v, norm in enumerate(spec.norms):
        assert np.allclose(lines[norm], truth.history("loss_median")[1][:, v], rtol=1e-6)
    maps = [one["z"] for one in visitor.data("hist_post") if one["type"] == "heatmap"]
    for v, z in enumerate(maps):
        assert np.array_equal(np.array(z), truth.at("hist_post")[v])
    told = [printed(TEMPLATES[note.id], note.numbers) for note in truth.frame(-1).notes]
    assert page.locator(".nv-reading li").all_text_contents() == told
    # A norm that does not apply says why; a network that cannot read these data brings its own; data that a
    # network cannot read say why.
    page.get_by_test_id("stPopover").first.get_by_role("button").click()
    expect(page.get_by_text("instance norm would have nothing")).to_be_visible(timeout=PATIENCE)
    page.keyboard.press("Escape")
    choose(page, "Network", "Transformer")
    page.wait_for_url("**network=transformer*")
    visitor.wait("status", "done")
    # The depth was the RNN's own, so the transformer's takes its place; all else was the visitor's.
    transformer = spec.replace(network="transformer", depth=Train.suited("transformer")["depth"])
    assert visitor.state()["run"] == transformer.key
    choose(page, "Network", "CNN")
    page.wait_for_url("**network=cnn*")
    expect(page.get_by_test_id("stAlert")).to_have_count(0)
    page.wait_for_function("before => stage().state().run !== before", arg=transformer.key)
    before = visitor.state()["run"]
    choose(page, "Data", "The marked symbol (does not apply here)")
    expect(page.get_by_test_id("stAlert")).to_contain_text("CNN needs pictures", timeout=PATIENCE)
    assert visitor.state()["run"] == before


def test_the_time_per_step_is_measured_where_a_visitor_asks(visit: Visit) -> None:
    """Beside the race, on a stage of its own; the link says so."""
    spec = Train(norms=("none", "batch"), depth=2, width=16, steps=50, seeds=1)
    page = visit().open(address(spec))
    page.wait_for_selector('.nv-stage[data-status="done"]')
    expect(page.locator(".nv-stage")).to_have_count(1)
    page.get_by_text("Time per step of each variant").click()
    expect(page.locator(".nv-stage")).to_have_count(2, timeout=PATIENCE)
    expect(page).to_have_url(re.compile("time=true"))
    page.wait_for_selector('.nv-stage[data-status="done"] >> nth=1')
    bars = page.evaluate(
        "() => chart('ratio').data.filter((one) => one.type === 'bar').map((one) => plain(one.x))"
    )
    assert len(bars) == 2
    assert all(0 < times[0] < 100 for times in bars)
