"""The visitor's language: which one, how sentences and numbers are filled, and pages in both."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from normviz import player
from normviz.locale import figures
from normviz.phrases import counted, joined, phrase
from normviz.ui import site, speech, words
from normviz.ui.pages import PAGES, Page
from normviz.ui.words import of_locale, spoken

SAID = {
    "Test error of {norm}, batches of {size}": "{norm}, dávky po {size}: testovací chyba",
    "No normalization": "Bez normalizace",
    "about {share:.1%} of {n:,} values": "asi {share:.1%} z {n:,} hodnot",
}


class Catalogue:
    """A small one."""

    def gettext(self, text: str) -> str:
        return SAID.get(text, text)

    def ngettext(self, one: str, many: str, n: int) -> str:
        return ("{n} hodina", "{n} hodiny", "{n} hodin")[0 if n == 1 else 1 if 2 <= n <= 4 else 2]


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(words, "_catalogue", lambda code: Catalogue())


class TestPhrases:
    """English text that remembers its template."""

    def test_it_is_the_text(self) -> None:
        made = phrase("Test error of {norm}, batches of {size}", norm="Batch norm", size=8)
        assert made == "Test error of Batch norm, batches of 8"
        assert counted("{n} seed", "{n} seeds", 1) == "1 seed"
        assert counted("{n} seed", "{n} seeds", 3) == "3 seeds"

    @pytest.mark.parametrize("again", [copy.deepcopy, lambda one: pickle.loads(pickle.dumps(one))])
    def test_copies_remember_too(self, again: Any) -> None:
        made = again(phrase("{{x}}: {norm}", norm="a"))
        assert (made, made.template, made.places) == ("{x}: a", "{{x}}: {norm}", {"norm": "a"})

    @pytest.mark.usefixtures("small")
    def test_whole_sentences_are_translated_with_their_places(self) -> None:
        made = phrase("Test error of {norm}, batches of {size}", norm="No normalization", size=8)
        assert spoken(made, "cs") == "Bez normalizace, dávky po 8: testovací chyba"
        assert spoken(made, "en") == made

    @pytest.mark.usefixtures("small")
    def test_what_a_catalogue_lacks_stays_english_as_a_whole(self) -> None:
        assert spoken(phrase("Loss of {norm}", norm="group"), "cs") == "Loss of group"
        assert spoken({"a": ["", "Unknown", 3]}, "cs") == {"a": ["", "Unknown", 3]}

    @pytest.mark.usefixtures("small")
    def test_numbers_are_written_as_in_czech(self) -> None:
        made = phrase("about {share:.1%} of {n:,} values", share=0.125, n=12345)
        assert made == "about 12.5% of 12,345 values"
        assert spoken(made, "cs") == "asi 12,5\u00a0% z 12\u202f345 hodnot"

    @pytest.mark.parametrize(
        ("number", "form", "said"),
        [
            (-0.64, ".2f", "−0.64"), (-0.001, "+.2f", "0.00"), (0.5, "+.1f", "+0.5"), (-1234, ",", "−1,234"),
            (1.3e-7, ".2g", "1.3·10⁻⁷"), (1e-5, "g", "10⁻⁵"), (-2.5e11, "g", "−2.5·10¹¹"),
            (-0.2, ".0%", "−20%"), (float("nan"), ".2f", "nan"),
        ],
    )  # fmt: skip
    def test_numbers_are_typeset(self, number: float, form: str, said: str) -> None:
        assert spoken(phrase(f"{{x:{form}}} points", x=number), "en") == f"{said} points"

    @pytest.mark.usefixtures("small")
    @pytest.mark.parametrize(("n", "said"), [(1, "1 hodina"), (3, "3 hodiny"), (5, "5 hodin")])
    def test_czech_has_three_forms(self, n: int, said: str) -> None:
        assert spoken(joined("; ", [counted("{n} hour", "{n} hours", n), "x"]), "cs") == f"{said}; x"


def test_a_translated_figure_has_its_values_in_the_categories_of_their_axis(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Plotly would add another category for a value that is not among them."""
    monkeypatch.setattr(speech, "language", lambda: "cs")
    checked = set()
    for place, plain in figures.plain():
        figure = speech.drawn(plain) if "data" in plain else {"layout": {}}
        for letter in "xy":
            categories = figure["layout"].get(f"{letter}axis", {}).get("categoryarray")
            if categories:
                values = {
                    one for trace in figure["data"] for one in trace.get(letter, ()) if isinstance(one, str)
                }
                assert values <= set(categories), figure["key"]
                checked.add(place)
    assert len(checked) > 1


def test_numbers_of_a_translated_figure_are_czech(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(speech, "language", lambda: "cs")
    figure = {
        "data": [
            {
                "hovertemplate": "%{x}%{y:.1%}: %{customdata:+.0%}, %{z:.2f}%<extra>97% of 0.5</extra>",
                "text": ["0.05", "3/(2B)", "-2"],
            }
        ],
        "opens": {"says": "lr {x:.3g}: {z:.1%}, {n}%"},
        "layout": {"yaxis": {"tickformat": ".0%", "tickvals": [0.05], "ticktext": ["5%", "exactly nought"]}},
    }
    drawn = speech.drawn(figure)
    (trace,) = drawn["data"]
    share, rest = "%{x}%{y:$.1%}: %{customdata:+$.0%}", "%{z:.2f}\u00a0%<extra>97\u00a0% of 0.5</extra>"
    assert trace == {"hovertemplate": f"{share}, {rest}", "text": ["0,05", "3/(2B)", "−2"]}
    assert drawn["opens"] == {"says": "lr {x:.3g}: {z:.1%}, {n}\u00a0%"}  # filled by notes.js, not by Plotly
    axis = drawn["layout"]["yaxis"]
    assert (axis["tickformat"], axis["ticktext"]) == ("$.0%", ["5\u00a0%", "exactly nought"])
    monkeypatch.setattr(speech, "language", lambda: "en")
    assert speech.drawn(figure) == figure


@pytest.mark.parametrize(
    ("locale", "code"),
    [
        ("cs-CZ", "cs"),
        ("cs", "cs"),
        ("CS_cz", "cs"),
        ("sk-SK", "en"),
        ("en-GB", "en"),
        ("csb", "en"),
        (None, "en"),
    ],
)
def test_the_browser_decides_and_only_for_its_own_language(locale: str | None, code: str) -> None:
    assert of_locale(locale) == code


@pytest.fixture
def quiet() -> Iterator[None]:
    """A player that computes nothing."""
    silent: Any = SimpleNamespace(
        running=False,
        about=None,
        open=lambda spec, visitor: "token",
        run=lambda token: None,
        note=lambda *_: None,
        settings=player.Settings(),
    )
    player.set_current(silent)
    yield
    player.set_current(None)


def visit(page: Page = PAGES[0], *, locale: str = "en-US", **query: str) -> AppTest:
    app = AppTest.from_file(str(site.SCRIPT), default_timeout=60)
    app.context["locale"] = locale
    app.query_params.update(query)
    app.run()
    if page.url_path:
        app.switch_page(str(page.file)).run()
    assert not app.exception, [one.stack_trace for one in app.exception]
    return app


@pytest.mark.usefixtures("quiet")
class TestPages:
    """The site in both languages."""

    @pytest.mark.parametrize("page", PAGES, ids=lambda page: page.url_path or "start")
    def test_every_page_speaks_both(self, page: Page) -> None:
        (english,), (czech,) = visit(page).title, visit(page, locale="cs-CZ").title
        assert english.value != czech.value

    def test_the_address_comes_before_the_browser(self) -> None:
        asked = visit(locale="cs-CZ", lang="en")
        assert asked.title[0].value == visit().title[0].value

    def test_the_choice_lasts_for_the_visit(self) -> None:
        app = visit(lang="cs")
        told = app.title[0].value
        del app.query_params["lang"]
        assert app.run().title[0].value == told != visit().title[0].value

    def test_an_unknown_language_is_named_in_a_sentence(self) -> None:
        (warning,) = visit(lang="xx").warning
        assert warning.value == "Language: “xx” does not work; allowed is one of en, cs."
