"""The numbers of the pages that compute in the browser, as CSV, from Python and from the browser."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator

import numpy as np
import pytest
from playwright.sync_api import Page, sync_playwright

from normviz.export.page_tables import cells, digits
from normviz.frames import Recording
from normviz.lab.experiments.start import dealt
from normviz.lab.runs import record
from normviz.specs.anatomy import Anatomy
from normviz.specs.start import TILES, Start
from normviz.ui import static
from tests.browser.visitors import installed
from tests.ui.test_tiles import ORIGIN, serve

SHIPPED, _ = Recording.from_bytes(static.contents("start.bin"))


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def tiles(spec: Start) -> str:
    order = dealt(SHIPPED.at("labels")[:TILES], shuffle=spec.shuffle, by_class=spec.sorted, swaps=spec.pairs)
    return digits(spec, SHIPPED, order.tolist())


def test_the_answers_of_the_digits_are_those_that_torch_gave() -> None:
    told = rows(tiles(Start()))
    assert [int(row["label"]) for row in told] == SHIPPED.at("labels")[:TILES].tolist()
    assert [int(row["eval answer"]) for row in told] == SHIPPED.at("answers.eval")[:TILES].tolist()
    assert [int(row["train answer"]) for row in told] == SHIPPED.at("answers.train").tolist()
    assert [int(row["batch"]) for row in told] == [1 + i // 4 for i in range(TILES)]


def test_where_torch_raises_there_is_no_answer() -> None:
    assert {row["train answer"] + row["train probability"] for row in rows(tiles(Start(batch=1)))} == {""}


def test_cells_of_a_group_have_the_mean_and_variance_of_its_values() -> None:
    spec = Anatomy(norm="group", groups=2, cell=40)
    told = rows(cells(spec, record(spec)))
    group = [row for row in told if row["group"] == "1"]
    x = np.array([float(row["x"]) for row in group])
    assert {(row["sample"], int(row["channel"]) > 2) for row in group} == {("1", True)}
    assert len(group) == 32
    assert [float(row["mean"]) for row in group] == pytest.approx([x.mean()] * 32, abs=1e-8)
    assert [float(row["variance"]) for row in group] == pytest.approx([x.var()] * 32, abs=1e-8)
    assert [row["cell"] for row in told if float(row["dy"])] == ["40"]
    assert sum(float(row["dx"]) for row in told) == pytest.approx(0, abs=1e-7)
    assert "mean" not in rows(cells(Anatomy(norm="dyt"), record(Anatomy(norm="dyt"))))[0]


@pytest.fixture(scope="module")
def page() -> Iterator[Page]:
    """A page without a server, into which the two boards can be mounted."""
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=installed())
        one = chromium.new_page()
        one.route(ORIGIN + "**", serve)
        yield one
        chromium.close()


MOUNT = """async ([name, file, className, data]) => {
  document.body.innerHTML = `<div><section class="${className}"></section></div>`;
  const { default: mount } = await import(`/${name}.js`);
  const bytes = fetch(`/${file}`).then((told) => (file.endsWith("json") ? told.json() : told.arrayBuffer()));
  await mount({ parentElement: document.body.firstChild, data }, bytes);
  return document.querySelector("section").table();
}"""


def on_screen(page: Page, spec: Start | Anatomy) -> str:
    from normviz.ui import anatomy, tiles

    page.goto(ORIGIN)
    told, name = (tiles.told(spec), "tiles") if isinstance(spec, Start) else (anatomy.told(spec), "anatomy")
    data = {**told, "defaults": spec.values(), "hidden": [], "alone": True}
    file, section = ("start.bin", "nvt-start") if name == "tiles" else ("anatomy.json", "nva-anatomy")
    found = page.evaluate(MOUNT, [name, file, section, data])
    assert isinstance(found, str)
    return found


@pytest.mark.browser
@pytest.mark.parametrize(
    "spec", [Start(), Start(batch=8, shuffle=3, swaps="5-17"), Start(batch=1), Start(sorted=True)]
)
def test_the_browser_writes_the_same_digits(page: Page, spec: Start) -> None:
    compare(on_screen(page, spec), tiles(spec))


@pytest.mark.browser
@pytest.mark.parametrize(
    "spec",
    [
        Anatomy(cell=40, dragged="21=1.5"),
        Anatomy(norm="layer", form="sequence"),
        Anatomy(norm="batch_renorm", form="1d"),
        Anatomy(mode="eval"),
        Anatomy(norm="frn"),
        Anatomy(norm="weight_norm", cell=11),
        Anatomy(norm="weight_standardization"),
        Anatomy(norm="dyt"),
    ],
)
def test_the_browser_writes_the_same_cells(page: Page, spec: Anatomy) -> None:
    compare(on_screen(page, spec), cells(spec, record(spec)))


def compare(found: str, wanted: str) -> None:
    """The same columns and rows, and numbers that differ by rounding alone."""
    table, other = (list(csv.reader(io.StringIO(text))) for text in (found, wanted))
    assert table[0] == other[0]
    assert len(table) == len(other) > 16
    for row, same in zip(table[1:], other[1:], strict=True):
        numbers, others = ([float(value or "nan") for value in one] for one in (row, same))
        assert numbers == pytest.approx(others, rel=1e-6, abs=1e-9, nan_ok=True)
