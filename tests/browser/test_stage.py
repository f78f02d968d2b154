"""The stage in a real Chromium, on real runs: what the charts hold is what the lab recorded."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import numpy as np
import pytest
from playwright.sync_api import Browser, Locator, Page, WebSocketRoute, expect

from normviz.figures.bound import resolve
from normviz.figures.theme import STYLES
from normviz.figures.train import figures
from normviz.frames import Recording
from normviz.lab.runs import record as recorded
from normviz.readings import TEMPLATES
from normviz.specs.train import Train
from tests.browser.visitors import Server, Visitor, printed

pytestmark = [pytest.mark.browser, pytest.mark.returning]

Visit = Callable[..., Visitor]
SMALL = Train(norms=("none", "batch"), depth=3, width=16, steps=100, seeds=2)
LOOKS = Path(__file__).with_name("looks.js").read_text(encoding="utf-8")
ADDRESS = "train?" + urlencode(SMALL.to_query())


@pytest.fixture(scope="module")
def truth() -> Recording:
    return recorded(SMALL)


def expected(key: str, recording: Recording, frame: int, layer: int = 0) -> list[dict[str, Any]]:
    """The traces of a figure at a frame, resolved in Python."""
    figure = next(one for one in figures(SMALL) if one.key == key)
    found: list[dict[str, Any]] = resolve(figure, recording, frame, {"layer": layer})["data"]
    return found


def assert_drawn(drawn: list[dict[str, Any]], told: list[dict[str, Any]]) -> None:
    """The page's traces hold the same numbers."""
    assert len(drawn) == len(told)
    for page, own in zip(drawn, told, strict=True):
        for axis in "xyz":
            if axis in own:
                mine = np.asarray(own[axis], np.float64)
                np.testing.assert_array_equal(np.asarray(page[axis], np.float64).reshape(mine.shape), mine)


FIGURES = [figure.key for figure in figures(SMALL)]


@pytest.fixture(scope="module")
def seated(chromium: Browser, server: Server) -> Iterator[Visitor]:
    """A visitor for tests that only look: the run is over, and all charts are open."""
    visitor = Visitor(chromium, server)
    visitor.play(ADDRESS).locator(".nv-more").click()
    yield visitor
    assert not visitor.faults, visitor.faults
    visitor.context.close()


@pytest.mark.parametrize("key", FIGURES)
def test_a_chart_holds_what_the_lab_recorded(seated: Visitor, truth: Recording, key: str) -> None:
    """At the end, in the middle, and on another layer."""
    last = len(truth) - 1
    assert seated.state()["frames"] == len(truth)
    for frame, layer in ((last, 0), (last // 2, 2)):
        seated.seek(frame)
        seated.page.get_by_label("Layer", exact=True).select_option(str(layer))
        assert_drawn(seated.data(key), expected(key, truth, frame, layer))


def test_one_visit_from_the_first_frame_to_the_last(visit: Visit) -> None:
    """It plays by itself, at a pace that one can follow, and says where it is."""
    visitor = visit()
    page = visitor.open(ADDRESS)
    visitor.wait("status", "done")
    visitor.wait("playing", "false")
    state = visitor.state()
    assert (state["frame"], state["step"]) == (state["frames"] - 1, 100)
    expect(page.locator(".nv-at")).to_have_text("step 100")
    assert state["updates"] > 1
    page.get_by_role("button", name="Play").click()
    visitor.wait("playing", "true")


def test_keys_move_the_cursor(seated: Visitor) -> None:
    page = seated.page
    page.locator(".nv-stage").focus()
    last = seated.state()["frames"] - 1
    for key, frame in (("Home", 0), ("ArrowRight", 1), ("ArrowRight", 2), ("ArrowLeft", 1), ("End", last)):
        page.keyboard.press(key)
        seated.settled()
        assert seated.state()["frame"] == frame
    page.keyboard.press("Home")
    page.keyboard.press("Space")
    seated.wait("playing", "true")
    page.keyboard.press("Space")
    seated.wait("playing", "false")


def test_the_slider_scrubs_all_charts(seated: Visitor, truth: Recording) -> None:
    page = seated.page
    page.locator(".nv-scrub").fill("7")
    seated.settled()
    assert seated.state()["frame"] == 7
    for key in ("loss", "test_accuracy", "hist_post"):
        assert_drawn(seated.data(key), expected(key, truth, 7))


def test_a_click_on_a_training_step_goes_there(seated: Visitor) -> None:
    page = seated.page
    seated.show("loss")
    x, y = point(seated, "loss", 42, 0.1)
    page.mouse.click(x, y)
    seated.settled()
    assert seated.state()["step"] == 40  # the latest recorded step at or before
    mark = page.locator('.nv-figure[data-key="loss"] .nv-step').bounding_box()
    assert mark is not None
    assert abs(mark["x"] - point(seated, "loss", 40, 0.1)[0]) < 2


def pill(page: Page, name: str) -> Locator:
    """The control that switches a normalization."""
    return page.get_by_role("toolbar", name="Normalizations").get_by_role("button", name=name)


def point(visitor: Visitor, figure: str, x: float, y: float) -> tuple[float, float]:
    """Where a point of a chart's first panel is on the screen."""
    found = visitor.page.evaluate(
        """([key, x, y]) => {
            const { xaxis, yaxis } = chart(key)._fullLayout;
            const box = chart(key).getBoundingClientRect();
            return [box.left + xaxis._offset + xaxis.d2p(x), box.top + yaxis._offset + yaxis.d2p(y)];
        }""",
        [figure, x, y],
    )
    return found[0], found[1]


def test_a_chosen_layer_is_marked_in_every_chart(seated: Visitor, truth: Recording) -> None:
    page = seated.page
    seated.seek(len(truth) - 1)
    seated.show("hist_post")
    page.mouse.click(*point(seated, "hist_post", 0, 2))
    seated.settled()
    assert seated.state()["layer"] == 1
    assert page.get_by_label("Layer", exact=True).input_value() == "1"
    with_layers = [one for one in figures(SMALL) if "layer" in one.roles.values()]
    assert len(with_layers) > 3
    for figure in with_layers:
        seated.show(figure.key)
        marks = page.locator(f'.nv-figure[data-key="{figure.key}"] .nv-chosen:not([hidden])')
        panels = page.evaluate("key => chart(key)._fullLayout._subplots.cartesian.length", figure.key)
        assert marks.count() == panels
        letter = "x" if figure.roles.get("x") == "layer" else "y"
        where = page.evaluate(
            "([key, axis]) => { const a = chart(key)._fullLayout[axis]; return a._offset + a.d2p(2); }",
            [figure.key, f"{letter}axis"],
        )
        box, mark = (
            page.locator(f'.nv-figure[data-key="{figure.key}"] .nv-box').bounding_box(),
            marks.first.bounding_box(),
        )
        assert box is not None
        assert mark is not None
        side = "width" if letter == "x" else "height"
        assert mark[letter] - box[letter] < where < mark[letter] - box[letter] + mark[side]
    assert_drawn(seated.data("chosen_layer"), expected("chosen_layer", truth, len(truth) - 1, layer=1))


def test_pointing_at_a_layer_shows_it_everywhere_without_choosing_it(seated: Visitor) -> None:
    page = seated.page
    chosen = seated.state()["layer"]
    seated.show("hist_post")
    page.mouse.move(*point(seated, "hist_post", 0, 3))
    expect(page.locator('.nv-figure[data-key="hist_post"] .nv-hovered:not([hidden])')).to_have_count(2)
    assert seated.state()["layer"] == chosen


def test_the_legend_hides_a_variant_in_every_chart(seated: Visitor) -> None:
    page = seated.page
    page.locator('.nv-variant[data-variant="batch"]').click()
    for key in ("loss", "test_accuracy", "hist_post"):
        shown = {one["variant"]: one["visible"] for one in seated.data(key) if one["variant"]}
        assert shown == {"none": True, "batch": False}
    page.locator('.nv-variant[data-variant="batch"]').click()
    assert all(one["visible"] for one in seated.data("loss"))


def test_a_control_starts_another_run_and_leaves_the_last_one_in_grey(visit: Visit, truth: Recording) -> None:
    visitor = visit()
    page = visitor.play(ADDRESS)
    first = visitor.state()["run"]
    nodes = page.evaluate(
        "() => { window.before = chart('loss'); return document.querySelectorAll('.nv-plot').length; }"
    )
    pill(page, "Layer norm").click()
    page.wait_for_function("first => stage().state().run !== first && stage().state().staged", arg=first)
    visitor.wait("status", "done")
    page.evaluate("() => { stage().seek(1e9); stage().pause(); }")
    visitor.settled()
    assert page.evaluate("() => window.before === chart('loss')"), "the chart keeps its node"
    assert page.locator(".nv-plot").count() == nodes
    drawn = visitor.data("loss")
    ghosts = [one for one in drawn if one["ghost"]]
    assert {one["variant"] for one in drawn if not one["ghost"] and one["variant"]} == {
        "none",
        "batch",
        "layer",
    }
    assert [one["variant"] for one in ghosts] == ["none", "batch"]
    assert drawn[: len(ghosts)] == ghosts, "they lie behind"
    assert not {one["colour"] for one in ghosts} & {style.colour for style in STYLES.values()}
    own = [
        one
        for one in expected("loss", truth, -1)
        if one.get("meta", {}).get("variant") and one["meta"].get("ghost", True)
    ]
    assert_drawn(ghosts, own)
    expect(page.locator(".nv-changed")).to_contain_text("Changed: Normalizations: + Layer norm.")
    assert "norms=none%2Cbatch%2Clayer" in page.url or "norms=none,batch,layer" in page.url


def test_the_address_brings_back_the_experiment(visit: Visit) -> None:
    """After a reload, and with the browser's back button."""
    visitor = visit()
    page = visitor.play(ADDRESS + "&lesson=one")
    first = visitor.state()["run"]
    pill(page, "Layer norm").click()
    page.wait_for_function("first => stage().state().run !== first", arg=first)
    page.wait_for_url("**norms=none*layer*")
    assert "lesson=one" in page.url
    second = visitor.state()["run"]
    page.reload()
    page.wait_for_function(
        "second => window.stage && document.querySelector('.nv-stage') && stage().state().run === second",
        arg=second,
    )
    expect(pill(page, "Layer norm")).to_have_attribute("data-selected", "true")
    page.go_back()
    page.wait_for_function(
        "first => document.querySelector('.nv-stage') && stage().state().run === first", arg=first
    )
    expect(pill(page, "Layer norm")).not_to_have_attribute("data-selected", "true")


def test_a_lost_connection_goes_on_where_it_was(visit: Visit, truth: Recording) -> None:
    """The first connection breaks after its first frames; the next one asks for the rest."""
    visitor = visit()
    asked: list[str] = []

    def relay(socket: WebSocketRoute) -> None:
        asked.append(socket.url)
        server = socket.connect_to_server()
        socket.on_message(server.send)

        def pass_on(message: str | bytes) -> None:
            socket.send(message)
            if len(asked) == 1 and message[:1] == b"F":
                socket.close(code=1012, reason="drill")
                server.close()

        server.on_message(pass_on)

    visitor.page.route_web_socket(re.compile("/lab/open/"), lambda socket: socket.close(code=4404))
    visitor.page.route_web_socket(re.compile("/lab/stream/"), relay)
    spec = SMALL.replace(seed=5)
    visitor.play("train?" + urlencode(spec.to_query()))
    assert len(asked) >= 2
    assert int(re.search(r"after=(\d+)", asked[1])[1]) > 0  # type: ignore[index]
    own = recorded(spec)
    assert visitor.state()["frames"] == len(own)
    assert_drawn(visitor.data("loss"), expected("loss", own, -1))


def test_a_run_that_the_server_forgot_is_asked_for_again(visit: Visit) -> None:
    """The page is run again, opens the run anew, and the stage goes on."""
    visitor = visit()
    asked: list[str] = []

    def relay(socket: WebSocketRoute) -> None:
        asked.append(socket.url)
        if len(asked) == 1:
            socket.close(code=4404, reason="This run is not known here any more.")
        else:
            socket.connect_to_server()

    visitor.page.route_web_socket(re.compile("/lab/open/"), lambda socket: socket.close(code=4404))
    visitor.page.route_web_socket(re.compile("/lab/stream/"), relay)
    visitor.play(ADDRESS)
    assert len(asked) == 2


def off(point: list[float], line: list[list[float]]) -> float:
    """Pixels between a point and a line of straight pieces."""
    p, path = np.array(point), np.array(line)
    if len(path) == 1:
        return float(np.hypot(*(p - path[0])))
    start, along = path[:-1], np.diff(path, axis=0)
    length = np.maximum((along**2).sum(1), 1e-12)
    share = np.clip(((p - start) * along).sum(1) / length, 0, 1)
    return float(np.hypot(*(p - start - share[:, None] * along).T).min())


MOVING = [
    "loss", "test_accuracy", "hist_post", "chosen_layer", "chosen_layer_over_time", "update_ratio",
    "affine_parameters",
]  # fmt: skip
"""Figures with fixed axes, of every kind of trace."""


@pytest.mark.parametrize("key", MOVING)
def test_what_is_moved_looks_like_what_plotly_draws(seated: Visitor, key: str) -> None:
    """Lines and areas within a pixel, points at the same place, maps in the same colours."""
    page = seated.page
    page.evaluate(f"() => {{ {LOOKS} }}")
    page.mouse.move(0, 0)  # a chart that scrolls under the pointer is drawn by Plotly
    last = seated.state()["frames"] - 1
    seated.seek(last)
    seated.show(key)
    for start, end in ((last, last // 2), (last // 2, last), (4, 6)):
        found = page.evaluate("([key, a, b]) => movedAndAnew([key, a, b])", [key, start, end])
        moved, anew = found["moved"], found["anew"]
        assert not moved["exact"], "it was drawn by Plotly at once"
        assert anew["exact"]
        for part in ("lines", "areas"):
            assert len(moved[part]) == len(anew[part])
            for mine, theirs in zip(moved[part], anew[part], strict=True):
                assert max(off(point, theirs) for point in mine) < 1
                assert max(off(point, mine) for point in theirs) < 1
        for part in ("points", "errors", "places"):
            np.testing.assert_allclose(np.ravel(moved[part]), np.ravel(anew[part]), atol=0.6)
        assert len(moved["maps"]) == len(anew["maps"])
        for mine, theirs in zip(moved["maps"], anew["maps"], strict=True):
            one, other = (np.array(pixels, float).reshape(-1, 4) for pixels in (mine, theirs))
            # Weighted by opacity: a transparent pixel has no colour.
            assert np.abs(one[:, 3] - other[:, 3]).max() <= 2
            assert (np.abs(one[:, :3] - other[:, :3]) * other[:, 3:] / 255).max() <= 3
        assert any(anew[part] for part in ("lines", "maps", "points"))


def test_a_chart_under_the_pointer_is_plotlys_own_while_it_plays(seated: Visitor, truth: Recording) -> None:
    """So that the numbers that can be read off are those on screen."""
    page = seated.page
    seated.seek(len(truth) - 1)
    seated.show("loss")
    page.mouse.move(*point(seated, "loss", 50, 0.5))
    page.evaluate("() => { stage().playback.speed = 0.1; stage().play(); }")
    page.wait_for_function("() => stage().state().frame === 3")
    assert page.evaluate("() => stage().scene.panels.get('loss').chart.exact")
    seated.seek(5)
    page.evaluate("() => { stage().playback.speed = 1; }")
    page.mouse.move(0, 0)


def test_a_run_can_be_left_and_taken_up_again(visit: Visit) -> None:
    visitor = visit()
    page = visitor.open("train?" + urlencode(SMALL.replace(steps=2000, every=1, seeds=5, seed=6).to_query()))
    page.wait_for_function("() => document.querySelector('.nv-stage') && stage().state().frames > 3")
    page.get_by_role("button", name="Stop: leave this run").click()
    visitor.wait("status", "stopped")
    expect(page.locator(".nv-status")).to_contain_text("left this run")
    frames = visitor.state()["frames"]
    page.get_by_role("button", name="Continue this run").click()
    page.wait_for_function("frames => stage().state().frames > frames", arg=frames)


def test_zoom_survives_playing_and_the_next_run(visit: Visit) -> None:
    visitor = visit()
    page = visitor.play(ADDRESS)
    visitor.show("loss")
    page.mouse.move(*point(visitor, "loss", 20, 1))
    page.mouse.down()
    page.mouse.move(*point(visitor, "loss", 60, 0.01), steps=4)
    page.mouse.up()
    limits = "() => chart('loss')._fullLayout.xaxis.range.map(Math.round)"
    page.wait_for_function("() => chart('loss')._fullLayout.xaxis.range[0] > 5")
    page.mouse.move(*point(visitor, "loss", 25, 0.5))
    page.mouse.down()
    page.mouse.move(*point(visitor, "loss", 55, 0.2), steps=4)
    page.mouse.up()
    page.wait_for_function("() => chart('loss')._fullLayout.xaxis.range[0] > 22")
    # Less than a decade is in sight, and still has marks to be read by.
    page.wait_for_function("() => chart('loss').querySelectorAll('.ytick').length > 1")
    zoomed = page.evaluate(limits)
    visitor.seek(3)
    visitor.show("loss")
    assert page.evaluate(limits) == zoomed
    first = visitor.state()["run"]
    pill(page, "Layer norm").click()
    page.wait_for_function("first => stage().state().run !== first && stage().settled", arg=first)
    assert page.evaluate(limits) == zoomed


def test_reduced_motion_shows_the_newest_frame_at_once(visit: Visit) -> None:
    visitor = visit(reduced_motion="reduce")
    visitor.open(ADDRESS)
    visitor.wait("status", "done")
    visitor.settled()
    state = visitor.state()
    assert state["frame"] == state["frames"] - 1
    assert state["updates"] <= 8


def test_what_to_look_for_is_filled_from_the_frame_under_the_cursor(
    seated: Visitor, truth: Recording
) -> None:
    noted = [k for k in range(len(truth)) if truth.frame(k).notes]
    for k in (noted[len(noted) // 2], noted[-1]):
        seated.seek(k)
        own = [printed(TEMPLATES[note.id], note.numbers) for note in truth.frame(k).notes]
        assert seated.page.locator(".nv-reading li").all_text_contents() == own


def test_every_chart_says_what_it_shows(seated: Visitor) -> None:
    for figure in figures(SMALL):
        plot = seated.page.locator(f'.nv-figure[data-key="{figure.key}"] .nv-plot')
        expect(plot).to_have_attribute("role", "img")
        expect(plot).to_have_attribute("aria-label", figure.alt)


def test_a_chart_out_of_sight_takes_the_new_width_when_it_is_seen(visit: Visit) -> None:
    """A phone is turned while one looks at the first chart."""
    visitor = visit(viewport={"width": 844, "height": 2500})
    page = visitor.play(ADDRESS)
    last = page.locator(".nv-grid:not([hidden]) .nv-figure").last.get_attribute("data-key")
    assert last
    visitor.show(last)
    page.set_viewport_size({"width": 844, "height": 390})
    page.locator("h1").scroll_into_view_if_needed()
    page.set_viewport_size({"width": 390, "height": 390})
    page.wait_for_timeout(500)
    visitor.show(last)
    page.wait_for_function(FITS, arg=last, timeout=10_000)


FITS = """key => {
  const place = document.querySelector(`.nv-figure[data-key="${key}"] .nv-plot`);
  const width = place.clientWidth;
  return width < 390 && Math.abs(width - place.querySelector(".main-svg").clientWidth) <= 1;
}"""
