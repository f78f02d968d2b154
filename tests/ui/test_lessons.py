"""Lessons: what a file may say, what is said of one that does not work, and how it sets the pages."""

from __future__ import annotations

import base64
import json
import tomllib
import zlib
from pathlib import Path
from typing import Any

import pytest

from normviz.spec import SpecError
from normviz.specs.train import Train
from normviz.ui import shelf
from normviz.ui.entries import LessonError
from normviz.ui.lesson_texts import step_of, to_toml
from normviz.ui.lessons import Lesson, lesson_of, read
from tests.ui.sites import IdlePlayer, Sent, query_of, run, visit

TEXT = """
title = "One hour"
for = "beginners"
minutes = 60

[[steps]]
page = "train"
title = "The race"
settings = { lr = 0.1, norms = ["none", "batch"], depth = 4 }
hide = ["lr"]
text = "Watch."
task = "Find the fastest."
question = "Which one?"
answer = "See the *charts*."

[[steps]]
page = "batch-size"
settings = { question = "regularization", seeds = 10 }
predict = false

[[steps]]
page = ""
settings = { mode = "train", batch = 4 }
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An operator's folder with one lesson."""
    (tmp_path / "one_hour.toml").write_text(TEXT)
    monkeypatch.setenv("NORMVIZ_LESSONS", str(tmp_path))
    return tmp_path


def inline(told: Any) -> str:
    packed = zlib.compress(json.dumps(told).encode())
    return shelf.INLINE + base64.urlsafe_b64encode(packed).decode().rstrip("=")


def test_a_file_is_read(folder: Path) -> None:
    lesson = shelf.find("one-hour")
    assert (lesson.title, lesson.audience, lesson.minutes) == ("One hour", "beginners", 60)
    assert lesson.steps[0].spec_of(Train) == Train(lr=0.1, norms=("none", "batch"), depth=4)
    assert (lesson.steps[1].experiment, lesson.steps[1].predict) == ("regularization", False)


@pytest.mark.parametrize("name", shelf.names())
def test_shipped_lessons_work(name: str) -> None:
    lesson = shelf.find(name)
    assert all([lesson.title, lesson.audience, lesson.minutes])
    for step in lesson.steps:
        assert all([step.title, step.task, step.question, step.answer])


WRONG = {
    'title = "x"\n': "it has 0 steps",
    "steps = 3\n": "steps: “3” does not work",
    'titel = "x"\n': "“titel” is not known; allowed is title, for",
    'title = "x"\n[[steps]]\npage = "tain"\n': "step 1: Page: “tain” does not work; allowed is one of",
    'title = "x"\n[[steps]]\npage = "train"\nsettings = { lr = 100 }\n': "step 1: Learning rate: “100” "
    "does not work; allowed is a number from 0.0001 to 10",
    'title = "x"\n[[steps]]\npage = "train"\nsettings = { lrr = 1 }\n': "Did you mean lr?",
    'title = "x"\n[[steps]]\npage = "train"\nhide = ["rate"]\n': "Hidden control: “rate”",
    'title = "x"\n[[steps]]\npage = "train"\nsettings = { question = "lr_init" }\n': "Question: “lr_init”",
    'title = "x"\n[[steps]]\npage = "signal"\nsettings = { question = "signal" }\n': "Question: “signal”",
    'title = "x"\n[[steps]]\npage = "train"\nquestion = "Why?"\n': "an exit question and its answer",
    'title = "x"\n[[steps]]\npage = "train"\ntext = "![](https://example.org/x.png)"\n': "holds a picture",
    'title = "x"\n[[steps]]\npage = "train"\npredict = "no"\n': "predict: “no” does not work",
    'title = "x"\n[[steps]]\n[steps.case]\nexperiment = "train"\nfault = "x"\n': "Fault: “x” does",
    'title = "x"\n[faults]\nx = "X"\n[[steps]]\n[steps.case]\nexperiment = "train"\nfault = "x"\n'
    'charts = ["nothing"]\n': "Chart: “nothing” does not work; allowed is one of loss",
    "title = \n": "it is not TOML",
}


@pytest.mark.parametrize(("text", "said"), WRONG.items(), ids=[f"{n}" for n in range(len(WRONG))])
def test_what_is_wrong_is_told_with_its_place(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(text)
    with pytest.raises(LessonError) as caught:
        read(path)
    assert caught.value.sentence.startswith("mine.toml")
    assert said in caught.value.sentence


def test_an_unknown_lesson_names_those_there_are(folder: Path) -> None:
    with pytest.raises(SpecError, match="Did you mean one-hour"):
        shelf.find("one-hours")
    for name in ("../one_hour", "", "a" * 100, "one_hour.toml"):
        with pytest.raises(SpecError):
            shelf.find(name)


def test_a_file_that_is_changed_is_read_again(folder: Path) -> None:
    assert shelf.find("one-hour").minutes == 60
    path = folder / "one_hour.toml"
    path.write_text(TEXT.replace("minutes = 60", "minutes = 30"))
    assert shelf.find("one-hour").minutes == 30


# --- in a link ----------------------------------------------------------------------------------------


def test_a_lesson_travels_in_a_link() -> None:
    told = tomllib.loads(TEXT)
    found = shelf.find(shelf.encode(told))
    assert found.steps == lesson_of(told, "x", "x").steps
    assert len(shelf.encode(told)) < 500


@pytest.mark.parametrize(
    "code",
    [
        "~", "~???", "~AAAA", inline([]), inline({"title": "x"}), inline({"title": "x", "steps": [3]}),
        inline({"title": "x" * 100_000, "steps": []}), inline([[[[]]]] * 1000), "~" + "A" * 5000,
        inline({"title": "x", "steps": [{"page": "train"}]})[:-9],
    ],
    ids=range(10),
)  # fmt: skip
def test_hostile_links_become_sentences(code: str) -> None:
    with pytest.raises(LessonError) as caught:
        shelf.find(code)
    assert len(caught.value.sentence) < 400


def test_a_lesson_too_long_for_a_link_is_refused() -> None:
    told = {"title": "x", "steps": [{"page": "train", "text": f"{n}" + "äöü" * n * 7} for n in range(30)]}
    noisy = {**told, "for": "".join(chr(0x4E00 + (n * 7919) % 20000) for n in range(3000))}
    with pytest.raises(SpecError, match="at most 4096 in a link"):
        shelf.encode(noisy)


def test_links_in_a_shared_lesson_lead_nowhere() -> None:
    lesson = shelf.find(
        inline({"title": "x", "steps": [{"page": "train", "text": "[here](https://example.org)"}]})
    )
    assert lesson.steps[0].text.replace("\u2060", "|") == "[here]|(https:|//example.org)"


# --- as texts -----------------------------------------------------------------------------------------


def test_toml_is_what_was_meant() -> None:
    told = {
        "title": 'He said "no"\n\\', "minutes": 3, "faults": {"a b": "x"},
        "steps": [
            {"page": "train", "settings": {"lr": 1e-05, "norms": ["none"]}, "predict": False, "text": "\x7f"}
        ],
    }  # fmt: skip
    assert tomllib.loads(to_toml(told)) == told


@pytest.mark.parametrize(
    ("link", "step"),
    [
        (
            "https://x.org/train?lr=0.1&norms=none,batch",
            {"page": "train", "settings": {"lr": 0.1, "norms": ["none", "batch"]}},
        ),
        (
            "http://127.0.0.1:8501/base/signal?seed=0&depth=9&hide=depth, gain",
            {"page": "signal", "settings": {"depth": 9}, "hide": ["depth", "gain"]},
        ),
        (
            "https://x.org/why?question=scale&predict=0",
            {"page": "why", "predict": False, "settings": {"question": "scale"}},
        ),
        ("https://x.org/?mode=train", {"page": "", "settings": {"mode": "train"}}),
        ("https://x.org/base/", {"page": ""}),
        (
            "https://x.org/diagnose?symptom=nan&net=mlp&lesson=x&step=2",
            {"page": "diagnose", "settings": {"symptom": "nan", "net": "mlp"}},
        ),
    ],
)  # fmt: skip
def test_a_page_s_link_is_a_step(link: str, step: dict[str, Any]) -> None:
    assert step_of(link) == step
    lesson_of({"title": "x", "steps": [step_of(link)]}, "x", "x")


@pytest.mark.parametrize(
    "link", ["hello", "https://x.org/train?lr=fast", "https://x.org/train?mode=train", "%%%"]
)
def test_another_link_is_refused_with_a_sentence(link: str) -> None:
    with pytest.raises(SpecError, match="does not work; allowed is"):
        step_of(link)


# --- on the pages -------------------------------------------------------------------------------------


@pytest.fixture
def lesson(folder: Path) -> Lesson:
    return shelf.find("one-hour")


def told(app: Any) -> str:
    return " ".join(one.value for kind in ("markdown", "caption", "warning") for one in getattr(app, kind))


def test_a_step_sets_its_page_and_says_what_to_do(lesson: Lesson, idle: IdlePlayer, sent: Sent) -> None:
    app = visit("train", lesson="one-hour", step="1")
    assert idle.opened[-1] == lesson.steps[0].spec_of(Train)
    assert "Find the fastest." in told(app)
    assert "See the *charts*" not in told(app), "covered until asked for"
    assert "train.lr" not in [one.key for one in app.select_slider]
    assert query_of(app) == {"lesson": "one-hour", "step": "1"}


def test_what_a_visitor_changes_is_in_the_address_beside_the_lesson(
    lesson: Lesson,
    idle: IdlePlayer,
    sent: Sent,
) -> None:
    app = visit("train", lesson="one-hour", step="1")
    app.slider(key="train.depth").set_value(8)  # the page's default, but not the lesson's
    run(app)
    assert query_of(app) == {"lesson": "one-hour", "step": "1", "depth": "8"}
    again = visit("train", **query_of(app))
    assert idle.opened[-1].values()["depth"] == 8
    next(one for one in again.button if one.label == "Reset settings").click()
    run(again)
    assert idle.opened[-1] == lesson.steps[0].spec_of(Train)
    assert query_of(again) == {"lesson": "one-hour", "step": "1"}


def test_a_bad_value_falls_back_to_the_lesson_s(lesson: Lesson, idle: IdlePlayer, sent: Sent) -> None:
    app = visit("train", lesson="one-hour", step="1", depth="deep", lr="0.2")
    assert idle.opened[-1] == Train(lr=0.2, norms=("none", "batch"), depth=4)
    assert "Depth: “deep” does not work" in told(app)


def test_a_step_chooses_the_question_and_leaves_out_the_prediction(
    lesson: Lesson,
    idle: IdlePlayer,
    sent: Sent,
) -> None:
    visit("batch-size", lesson="one-hour", step="2")
    assert idle.opened[-1].name == "regularization"
    assert idle.opened[-1].values()["seeds"] == 10
    assert "prediction" not in sent[-1]


def test_the_front_door_takes_its_settings_from_a_step(lesson: Lesson, idle: IdlePlayer, sent: Sent) -> None:
    visit("", lesson="one-hour", step="3")
    assert (sent[-1]["values"]["mode"], sent[-1]["values"]["batch"]) == ("train", 4)
    assert sent[-1]["defaults"]["mode"] == "train", "the address then says what differs from the lesson"


@pytest.mark.parametrize("step", ["0", "4", "x", "-1", "1e9", "٣"])
def test_an_unknown_step_shows_the_first(lesson: Lesson, idle: IdlePlayer, sent: Sent, step: str) -> None:
    app = visit("train", lesson="one-hour", step=step)
    assert f"Step: “{step}” does not work; allowed is a whole number from 1 to 3." in told(app)
    assert idle.opened[-1] == lesson.steps[0].spec_of(Train)


@pytest.mark.parametrize("name", ["unknown", "~AAAA", "<script>"])
def test_an_unknown_lesson_leaves_the_page_as_it_is(idle: IdlePlayer, sent: Sent, name: str) -> None:
    app = visit("train", lesson=name, depth="5")
    assert "The page is shown without a lesson." in told(app)
    assert idle.opened[-1] == Train(depth=5)


def test_another_page_leads_to_the_step_s_own(lesson: Lesson, idle: IdlePlayer, sent: Sent) -> None:
    app = visit("signal", lesson="one-hour", step="2", seeds="12")
    assert idle.opened[-1].name == "regularization"
    assert query_of(app) == {"lesson": "one-hour", "step": "2", "question": "regularization", "seeds": "12"}


def test_leaving_a_lesson_stays_on_the_page_with_its_own_settings(
    lesson: Lesson, idle: IdlePlayer, sent: Sent
) -> None:
    app = visit("train", lesson="one-hour", step="1", seeds="2")
    next(one for one in app.button if one.label == "Leave the lesson").click()
    run(app)
    assert query_of(app) == {"seeds": "2"}
    assert idle.opened[-1] == Train(seeds=2)


# --- making one ---------------------------------------------------------------------------------------


def test_the_builder_makes_a_lesson_from_links(idle: IdlePlayer, sent: Sent) -> None:
    app = visit("lesson-builder")
    app.text_area(key="builder links").set_value(
        "http://x.org/train?lr=0.1&hide=depth\nhttp://x.org/why?grid=7\n"
    )
    run(app)
    app.text_area(key="builder 1 task").set_value("Look.")
    run(app)
    code = app.code[-1].value.split("lesson=")[1].split("&")[0]
    lesson = shelf.find(code)
    assert [step.page for step in lesson.steps] == ["train", "why"]
    assert lesson.steps[0].spec_of(Train) == Train(lr=0.1)
    assert (lesson.steps[0].hide, lesson.steps[0].task) == (("depth",), "Look.")


@pytest.mark.parametrize(("path", "hide"), [("", "batch,mode"), ("anatomy", "norm,dragged")])
def test_pages_that_compute_in_the_browser_hide_too(
    path: str, hide: str, idle: IdlePlayer, sent: Sent
) -> None:
    app = visit("lesson-builder")
    app.text_area(key="builder links").set_value(f"http://x.org/{path}?mode=train&hide={hide}")
    run(app)
    lesson = shelf.find(app.code[-1].value.split("lesson=")[1].split("&")[0])
    assert lesson.steps[0].hide == tuple(hide.split(","))


def test_the_builder_names_the_line_that_does_not_work(idle: IdlePlayer, sent: Sent) -> None:
    app = visit("lesson-builder")
    app.text_area(key="builder links").set_value("http://x.org/train\nhttp://x.org/train?lr=100")
    run(app)
    assert "Line 2: Learning rate: “100” does not work" in app.error[0].value
