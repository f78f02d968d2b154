"""The code of pages that compute in the browser, over HTTP, and the links to it."""

from __future__ import annotations

import json

import pytest
from streamlit.testing.v1 import AppTest

from normviz.export import script
from normviz.specs.anatomy import Anatomy
from normviz.specs.start import Start
from normviz.ui import listings, takeaway
from tests.ui.asked import ask
from tests.ui.sites import Sent


def test_a_script_has_the_settings_of_the_query() -> None:
    answer = ask(listings.routes(), "/lab/code/anatomy.py?norm=group&groups=2&lang=cs&cell=5")
    assert answer.status == 200
    assert answer.body.decode() == script(Anatomy(norm="group", groups=2, cell=5))
    assert answer.headers["content-disposition"] == 'attachment; filename="normviz-anatomy.py"'
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_a_notebook_has_them_too() -> None:
    answer = ask(listings.routes(), "/lab/code/start.ipynb?batch=8&sorted=1")
    cells = "".join("".join(cell["source"]) for cell in json.loads(answer.body)["cells"])
    assert "DEPLOY_BATCH = 8" in cells
    assert "BY_CLASS = True" in cells


def test_a_page_is_one_file_in_the_language_of_the_query() -> None:
    answer = ask(listings.routes(), "/lab/code/anatomy.html?norm=group&lang=cs")
    text = answer.body.decode()
    assert answer.headers["content-disposition"] == 'attachment; filename="normviz-anatomy.html"'
    assert '<html lang="cs">' in text
    assert "Počítá přímo zde v prohlížeči" in text.replace("\u00a0", " ")
    assert "python -m normviz export anatomy --set norm=group --format html" in text


@pytest.mark.parametrize(
    ("address", "status", "words"),
    [
        ("anatomy.py?norm=bach", 400, "Did you mean batch?"),
        ("anatomy.py?norm=instance&form=1d", 400, "belongs to convolutions"),
        ("train.py", 404, "There is no such code."),
        ("anatomy.exe", 404, "There is no such code."),
        ("anatomy.py?swaps=" + "9" * 60_000, 200, ""),
        ("start.py?swaps=" + "9" * 60_000, 400, "Moved digits"),
    ],
)
def test_what_cannot_be_met_gets_a_sentence(address: str, status: int, words: str) -> None:
    answer = ask(listings.routes(), f"/lab/code/{address}")
    assert answer.status == status
    assert words in answer.body.decode()
    assert len(answer.body) < 10_000


@pytest.mark.parametrize("kind", [Start, Anatomy])
def test_a_page_is_told_where_its_code_is(
    kind: type[Start | Anatomy], monkeypatch: pytest.MonkeyPatch
) -> None:
    sent = Sent()
    monkeypatch.setattr(takeaway, "_links", sent.mount)

    def page(name: str) -> None:
        from normviz.ui.listings import PAGES
        from normviz.ui.takeaway import offer_page

        offer_page(PAGES[name])

    assert not AppTest.from_function(page, kwargs={"name": kind.name}).run().exception
    page, code = sent
    assert page["settings"] == code["settings"] == {**kind().to_query(full=True), "lang": "en"}
    served = [one for one in (*page["files"], *code["files"]) if "path" in one]
    assert [ask(listings.routes(), "/" + one["path"]).status for one in served] == [200] * 3
