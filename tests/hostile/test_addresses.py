"""Every page with every parameter that it reads, in the hands of strangers.

Whatever an address says, the page shows a spec within its bounds and says what it did not take.
"""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from streamlit.testing.v1 import AppTest

from normviz import player
from normviz.player import Settings
from normviz.player.costs import check_cost
from normviz.spec import Spec
from normviz.ui import anatomy, shelf, stage, tiles, visitors
from normviz.ui.exhibits import QUESTIONS, SPECS
from normviz.ui.pages import BESIDE, PAGES
from tests.hostile.texts import ANY, queries, tried, within
from tests.ui.sites import IdlePlayer, Sent, visit

PATHS = [page.url_path for page in (*PAGES, *BESIDE)]
COMMON: dict[str, st.SearchStrategy[Any]] = {
    "hide": ANY | st.sampled_from(["lr", "lr,depth", "seed," * 50]),
    "predict": ANY | st.sampled_from(["0", "1"]),
    "presenter": ANY | st.sampled_from(["true", "0"]),
    "lang": ANY | st.sampled_from(["cs", "en"]),
    "lesson": ANY | st.sampled_from([*shelf.names(), "~AAAA", "broken_networks"]),
    "step": ANY | st.sampled_from(["1", "2", "99", "0"]),
    "question": ANY,
    "time": ANY | st.just("true"),
}


class Checked(IdlePlayer):
    """A player that computes nothing, and sees that every spec which reaches it is within its bounds."""

    def open(self, spec: Spec, visitor: str = "") -> str:
        within(spec)
        check_cost(spec, Settings())
        return super().open(spec)


@pytest.fixture(scope="module", autouse=True)
def checked() -> Any:
    """The player of the pages."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(player, "_current", Checked())
        for module in (stage, tiles, anatomy):
            patch.setattr(module, "_mount", Sent().mount)
        patch.setattr(visitors, "of_page", lambda: "somebody")
        yield


def kinds(path: str) -> list[tuple[str, type[Spec]]]:
    """Experiments of a page, each with the question that leads to it."""
    if path in QUESTIONS:
        return [(one.spec.name, one.spec) for one in QUESTIONS[path]]
    return [("", kind) for kind in SPECS.get(path, ())]


def fine(app: AppTest) -> None:
    """No traceback, no fault of the program; every message is a sentence."""
    assert not app.exception
    for one in (*app.error, *app.warning, *app.info):
        assert "Traceback" not in one.value
        assert "\n" not in one.value
    assert app.title


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path or "start")
@tried(5)
@given(st.data())
def test_a_page_is_shown_whatever_its_address_says(path: str, data: st.DataObject) -> None:
    query: dict[str, Any] = data.draw(st.fixed_dictionaries({}, optional=COMMON))
    if shown := kinds(path):
        question, kind = data.draw(st.sampled_from(shown))
        query |= data.draw(queries(kind)) | ({"question": question} if question else {})
    query |= data.draw(st.dictionaries(ANY.filter(bool), ANY, max_size=2))
    if query and data.draw(st.booleans()):
        name = data.draw(st.sampled_from(sorted(query)))
        query[name] = [query[name], data.draw(ANY)]
    fine(visit(path, **query))


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path or "start")
def test_a_page_says_what_it_does_not_take(path: str) -> None:
    """Each field by itself; the message names it."""
    for question, kind in kinds(path):
        query = {name: "<b>**1e400**</b>" for name, _, _ in kind.knobs()}
        app = visit(path, **query, **({"question": question} if question else {}))
        fine(app)
        said = "".join(one.value for one in app.warning)
        for _, knob, _ in kind.knobs():
            assert knob.label in said
        assert "**1e400" not in said
        assert "<b" not in said.replace("\\<b", "")
