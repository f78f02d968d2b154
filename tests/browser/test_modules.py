"""The stage's modules in Chromium against their counterparts in Python, on the same inputs."""

from __future__ import annotations

import base64
import json
import math
import random
import string
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from playwright.sync_api import Browser, Page

from normviz.figures.bound import Ref, final, history, lookup, now, steps
from normviz.frames import DTYPES, Array, Frame, Note, Recording, Schema
from normviz.phrases import phrase
from normviz.readings import TEMPLATES
from normviz.specs.train import Train
from normviz.ui import static
from normviz.ui.settings import settings
from normviz.ui.words import spoken
from tests.browser.visitors import Server

pytestmark = pytest.mark.browser

RECEIVE = """
const bytes = (text) => Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
const plain = (v) => {
  if (typeof v === "number") return Number.isFinite(v) ? v : String(v);
  return ArrayBuffer.isView(v) || Array.isArray(v) ? Array.from(v, plain) : v;
};
const received = (schema, frames) => {
  const recording = new frames_.Recording(new frames_.Schema(JSON.parse(schema)));
  for (const [k, data] of frames) recording.put(k, bytes(data));
  return recording;
};
"""


@pytest.fixture(scope="module")
def modules(chromium: Browser, server: Server) -> Iterator[Page]:
    """A blank page of our origin with the stage's modules as ``frames_``, ``refs_`` and so on."""
    page = chromium.new_page()
    page.goto(server.address + "_stcore/health")
    for name in ("frames", "refs", "notes", "playback", "runs", "words", "ghosts", "kept"):
        address = server.address + static.address(f"{name}.js")
        page.evaluate(
            "async ([name, address]) => { window[name] = await import(address); }", [f"{name}_", address]
        )
    page.evaluate(f"() => {{ {RECEIVE}; Object.assign(window, {{ bytes, plain, received }}); }}")
    yield page
    page.close()


def sent(recording: Recording, order: list[int] | None = None) -> list[tuple[int, str]]:
    """Frames in the form in which they are handed to the page."""
    places = order or list(range(len(recording)))
    return [(k, base64.b64encode(recording.data(k)).decode()) for k in places]


def plain(value: Any) -> Any:
    """As ``plain`` in the page: nested lists, and words for what JSON cannot say."""
    if isinstance(value, np.ndarray | list | tuple):
        return (
            [plain(one) for one in value]
            if np.ndim(value) or isinstance(value, list)
            else plain(value.item())
        )
    if isinstance(value, np.generic):
        return plain(value.item())
    if isinstance(value, float) and not math.isfinite(value):
        return {math.inf: "Infinity", -math.inf: "-Infinity"}.get(value, "NaN")
    return value


def extremes(dtype: str, shape: tuple[int, ...], rng: np.random.Generator) -> NDArray[Any]:
    """Values of a type with its bounds among them."""
    kind = np.dtype("<" + dtype)
    if kind.kind == "f":
        values = rng.standard_normal(shape).astype(kind)
        special = [np.inf, -np.inf, np.nan, np.finfo(kind).max, np.finfo(kind).tiny, -0.0]
    else:
        bounds = np.iinfo(kind)
        values = rng.integers(bounds.min, bounds.max, shape, dtype=kind, endpoint=True)
        special = [bounds.min, bounds.max]
    values.flat[: len(special)] = special
    return values


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_browser_reads_what_a_schema_writes(modules: Page, dtype: str) -> None:
    """Behind an array of three bytes, so that nothing is aligned."""
    rng = np.random.default_rng(0)
    schema = Schema(
        (Array("odd", (3,), "u1", ("i",)), Array("x", (2, 5), dtype, ("a", "b"))), {"a": ("p", "q")}
    )
    values = extremes(dtype, (2, 5), rng)
    note = Note("some.note", {"loss": math.nan, "best": math.inf, "name": 'NaN "quoted"', "n": 3})
    data = schema.encode(Frame(-7, {"odd": np.arange(3, dtype="u1"), "x": values}, (note,)))
    recording = Recording(schema, [data])
    found = modules.evaluate(
        """([schema, frames]) => {
            const recording = received(schema, frames);
            const { step, notes } = recording.frames[0];
            return { step, notes, x: plain(recording.at(1, 0)), extent: recording.schema.extent("b") };
        }""",
        [schema.to_json(), sent(recording)],
    )
    assert found["step"] == -7
    assert found["x"] == plain(values.ravel())
    assert found["notes"] == [["some.note", {"loss": None, "best": None, "name": 'NaN "quoted"', "n": 3}]]
    assert found["extent"] == 5


@pytest.mark.parametrize("cut", [1, 7, -1])
def test_bytes_that_are_no_frame_are_refused(modules: Page, cut: int) -> None:
    schema = Schema((Array("x", (2,), "f4", ("i",)),))
    data = schema.encode(Frame(0, {"x": np.zeros(2, "<f4")}))[:cut]
    with pytest.raises(Exception, match="not a frame"):
        modules.evaluate(
            "([schema, data]) => received(schema, [[0, data]])",
            [schema.to_json(), base64.b64encode(data).decode()],
        )


@pytest.fixture(scope="module")
def recording() -> Recording:
    """Arrays at three paces: once, every frame, every third."""
    rng = np.random.default_rng(1)
    schema = Schema(
        (
            Array("bins", (4,), "f4", ("bin",)),
            Array("loss", (2, 3), "f4", ("variant", "seed")),
            Array("hist", (2, 5, 4), "u2", ("variant", "layer", "bin")),
            Array("scalar", (), "f8"),
            Array("late", (2,), "i4", ("variant",)),
        ),
        {"variant": ("none", "batch")},
        {"steps": 70},
    )
    recording = Recording(schema)
    for k in range(8):
        arrays: dict[str, NDArray[Any]] = {"loss": rng.standard_normal((2, 3)).astype("<f4")}
        if k == 0:
            arrays["bins"] = np.linspace(-1, 1, 4, dtype="<f4")
        if k % 3 == 0:
            arrays["hist"] = rng.integers(0, 60_000, (2, 5, 4)).astype("<u2")
            arrays["scalar"] = np.array(k / 7)
        if k >= 4:
            arrays["late"] = np.array([k, -k], "<i4")
        recording.append(schema.encode(Frame(10 * k, arrays)))
    return recording


def test_a_whole_recording_is_read_as_python_wrote_it(modules: Page, recording: Recording) -> None:
    """Behind a byte of something else, so that nothing is aligned; then as a run without a server."""
    data = base64.b64encode(b"!" + recording.to_bytes({"experiment": "odd"})).decode()
    found = modules.evaluate(
        """(data) => {
            const file = bytes(data).subarray(1);
            const { recording, about } = frames_.readRecording(file);
            const run = new runs_.Run({ run: "k", settings: [], figures: [], recording: file }, null, {});
            run.close();
            const { status, finished, recorded, lastStep } = run;
            const arrays = Array.from({ length: recording.length }, (_, k) => [0, 1, 2, 3, 4].map((i) =>
                plain(recording.at(i, k))));
            return { about, arrays, run: { status, finished, recorded, lastStep, frames: run.frames } };
        }""",
        data,
    )

    def held(name: str, k: int) -> Any:
        steps_so_far, values = recording.history(name, k)
        return plain(values[-1].ravel()) if len(steps_so_far) else None

    names = [array.name for array in recording.schema.arrays]
    assert found["about"] == {"experiment": "odd"}
    assert found["arrays"] == [[held(name, k) for name in names] for k in range(len(recording))]
    assert found["run"] == {"status": "done", "finished": True, "recorded": True, "lastStep": 70, "frames": 8}


@pytest.mark.parametrize("cut", [3, -1])
def test_bytes_that_are_no_recording_are_refused(modules: Page, recording: Recording, cut: int) -> None:
    data = base64.b64encode(recording.to_bytes()[:cut]).decode()
    with pytest.raises(Exception, match=r"not a NormViz recording|middle of a frame"):
        modules.evaluate("data => frames_.readRecording(bytes(data)).recording.length", data)


REFS: list[Ref] = [
    now("bins"), now("loss"), now("loss", 1), now("loss", 1, 2), now("loss", None, 2), now("loss", -1, -3),
    now("hist"), now("hist", 0), now("hist", 0, "layer"), now("hist", None, "layer"), now("hist", 1, None, 3),
    now("hist", None, None, 2), now("hist", None, "layer", None), now("hist", 1, 4, 0), now("scalar"),
    now("late"), now("late", 0),
    history("loss", 0, 1), history("loss", 0), history("loss"), history("loss", None, 1), history("scalar"),
    history("hist", 1, "layer"), history("hist", 0, None, 2), history("hist", 0, "layer", 1),
    history("late", 1), history("bins"),
    steps("loss"), steps("hist"), steps("late"), steps("bins"),
    final("loss", 0), final("late", 1), final("hist", 1, "layer"),
]  # fmt: skip


@pytest.mark.parametrize("order", ["as recorded", "newest first", "shuffled"])
@pytest.mark.parametrize("ref", REFS, ids=lambda ref: f"{ref.when} {ref.name} {list(ref.index)}")
def test_references_mean_the_same_in_both_languages(
    modules: Page, recording: Recording, ref: Ref, order: str
) -> None:
    """At every frame and layer, and whatever the order in which the frames came."""
    places = list(range(len(recording)))
    if order == "newest first":
        places = [0, *places[:0:-1]]
    elif order == "shuffled":
        random.Random(2).shuffle(places)
    found = modules.evaluate(
        """([schema, frames, ref]) => {
            const recording = new frames_.Recording(new frames_.Schema(JSON.parse(schema)));
            const answers = [];
            frames.forEach(([k, data]) => {
                recording.put(k, bytes(data));
                refs_.lookup(ref, recording, k, {});  // what is kept for speed must not grow stale
            });
            for (let k = 0; k < recording.length; k += 1)
                for (const layer of [0, 4]) answers.push(plain(refs_.lookup(ref, recording, k, { layer })));
            return answers;
        }""",
        [recording.schema.to_json(), sent(recording, places), ref.to_plain()],
    )
    expected = [
        plain(lookup(ref, recording, k, {"layer": layer})) for k in range(len(recording)) for layer in (0, 4)
    ]
    assert found == expected


def test_a_reference_out_of_bounds_is_an_error_in_both(modules: Page, recording: Recording) -> None:
    for ref in (now("loss", 2), now("hist", 0, 5), now("nothing")):
        with pytest.raises((IndexError, KeyError)):
            lookup(ref, recording, 0, {})
        with pytest.raises(Exception, match=r"out of bounds|no array"):
            modules.evaluate(
                "([schema, frames, ref]) => refs_.lookup(ref, received(schema, frames), 0, {})",
                [recording.schema.to_json(), sent(recording), ref.to_plain()],
            )


def numbers_for(template: str, value: float) -> dict[str, float | int]:
    """Numbers of the kinds that the fields of a template ask for."""
    fields = [
        (name, form or "") for _, name, form, _ in string.Formatter().parse(template) if name is not None
    ]
    return {name: round(value) if not form or form[-1] in "d," else value for name, form in fields}


@pytest.mark.parametrize("id_", TEMPLATES)
@pytest.mark.parametrize("value", [0.0, 0.0314159, 0.5172, 41.7, 123456.789])
def test_templates_are_filled_as_python_fills_them(modules: Page, id_: str, value: float) -> None:
    numbers = numbers_for(TEMPLATES[id_], value)
    assert modules.evaluate("([t, n]) => notes_.fill(t, n)", [TEMPLATES[id_], numbers]) == TEMPLATES[
        id_
    ].format(**numbers)


@pytest.mark.parametrize("language", ["en", "cs"])
@pytest.mark.parametrize("form", ["d", ".2f", "+.2f", ".3g", ".1e", "+.1%", ",.1f", "g"])
@pytest.mark.parametrize(
    "value", [0, 7, -3, 1234567, 0.000012345, 1e-5, -2.71828e-7, -0.3, -0.001, 98765.4321]
)
def test_numbers_are_printed_alike_in_the_browser_and_in_python(
    modules: Page, language: str, form: str, value: float
) -> None:
    template, number = f"a {{x:{form}}} b", round(value) if form == "d" else value
    filled = modules.evaluate(
        "([t, x, language]) => notes_.fill(t, { x }, { language })", [template, number, language]
    )
    assert filled == spoken(phrase(template, x=number), language)


@pytest.mark.parametrize(
    "form", ["", "d", ".0f", ".2f", ".3g", ".1e", ".0%", ".1%", ",", "+.2f", "g", ",.1f", "+d"]
)
@pytest.mark.parametrize("value", [0, 7, -3, 1234567, 0.000012345, 2.71828, -0.3, 98765.4321, 3e15])
def test_every_format_that_is_offered(modules: Page, form: str, value: float) -> None:
    if form.endswith("d") or form in ("", ","):
        value = int(value)
    template = f"a {{x:{form}}} b {{{{}}}}"
    assert modules.evaluate("([t, n]) => notes_.fill(t, n)", [template, {"x": value}]) == template.format(
        x=value
    )


@pytest.mark.parametrize(("form", "values"), [
    (".0f", [0.5, 1.5, 2.5, 40.5, 41.5, 2.4999999999999996]),
    (".1f", [84.25, 84.75, 0.05, 0.15, 0.25, 0.35]),
    (".2f", [2.675, 1.005, 0.125, 0.375, -0.625]),
    (".0%", [0.405, 0.415, 0.125]),
    (".1%", [0.8425, 0.0625, 0.98775]),
    (".3g", [84.25, 842.5, 843.5, 0.0078125, 1.125]),
    (",.1f", [12345.25, 12345.75]),
])  # fmt: skip
def test_what_lies_half_way_is_rounded_as_in_python(modules: Page, form: str, values: list[float]) -> None:
    template = f"{{x:{form}}}"
    shown = modules.evaluate("([t, all]) => all.map((x) => notes_.fill(t, { x }))", [template, values])
    assert shown == [template.format(x=value) for value in values]


def test_a_number_that_is_missing_does_not_break_a_sentence(modules: Page) -> None:
    assert modules.evaluate("() => notes_.fill('loss {x:.2f}', { x: null })") == "loss –"


def test_playback_takes_about_nine_seconds_and_never_overtakes(modules: Page) -> None:
    """A run that is recorded faster than it is played, then one that is slower."""
    told = modules.evaluate(
        """() => {
            const trace = (arrive) => {
                const playback = new playback_.Playback();
                const seen = [];
                for (let t = 0, i = 0; playback.playing && i < 5000; i += 1, t = i / 50) {
                    const frames = Math.min(101, Math.floor(arrive * t) + 1);
                    playback.grow(frames, 101, frames === 101);
                    playback.advance(1 / 50);
                    seen.push([t, playback.frame, frames]);
                }
                return seen;
            };
            return { fast: trace(1e6), slow: trace(5) };
        }"""
    )
    assert told["fast"][-1][1] == 100
    assert 8 <= told["fast"][-1][0] <= 10
    assert told["slow"][-1][1] == 100
    assert all(frame < frames for run in told.values() for _, frame, frames in run)
    assert all(a[1] <= b[1] for run in told.values() for a, b in pairwise(run))


def test_what_changed_is_said_in_words(modules: Page) -> None:
    default = Train()
    after = default.replace(lr=0.1, norms=("rms", "none", "batch"), depth=3)
    said = modules.evaluate("([a, b]) => runs_.changes(a, b)", [settings(default), settings(after)])
    assert said == (
        "Normalizations: + RMS norm, − Layer norm, − Group norm · Depth: 8 layers → 3 layers · "
        "Learning rate: 0.3 → 0.1"
    )
    assert modules.evaluate("([a, b]) => runs_.changes(a, b)", [settings(after), settings(after)]) == ""


def test_json_from_python_is_understood(modules: Page) -> None:
    told = {"a": [math.nan, 1.5, -math.inf], "b": "NaN, -Infinity", 'c"NaN': {"d": math.inf}}
    found = modules.evaluate("text => frames_.parseJson(text)", json.dumps(told))
    assert found == {"a": [None, 1.5, None], "b": "NaN, -Infinity", 'c"NaN': {"d": None}}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Batch norm", "Dávková"),
        ("Batch norm, No normalization", "Dávková, Žádná"),
        ("No normalization → Batch norm", "Žádná → Dávková"),
        ("2 (attention)", "2 (pozornost)"),
        ("MLP, last of 797 digits by 2", "MLP, konec"),
        (
            "Expected more than 1 value, got torch.Size([1, 8])",
            "Expected more than 1 value, got torch.Size([1, 8])",
        ),
    ],
)
def test_names_in_a_note_are_said_in_the_visitors_language(modules: Page, text: str, said: str) -> None:
    words = {
        "{names}: {n:.1f}": "{n:.1f} × {names}", "Batch norm": "Dávková", "No normalization": "Žádná",
        "attention": "pozornost", "MLP, last of 797 digits by 2": "MLP, konec",
    }  # fmt: skip
    body = """([words, names]) => {
      words_.speak({ language: "cs", words });
      const told = words_.t("{names}: {n:.1f}", { names, n: 0.5 });
      words_.speak(undefined);
      return told;
    }"""
    assert modules.evaluate(body, [words, text]) == f"0,5 × {said}"


LINE = {"type": "scatter", "x": [1], "y": [2], "meta": {"variant": "batch"}, "line": {"dash": "dash"}}
POINTS = {
    **LINE,
    "mode": "markers",
    "marker": {"symbol": "star", "color": ["#d55e00"]},
    "error_x": {"width": 5},
}
LEFT_OUT = [
    {**LINE, "mode": "text"},
    {**LINE, "meta": {"variant": "batch", "ghost": False}},
    {**LINE, "meta": {}},
    {"type": "heatmap", "meta": {"variant": "batch"}},
]


def test_lines_and_points_of_the_run_before_stay_in_grey(modules: Page) -> None:
    line, points = modules.evaluate("f => ghosts_.ghostsOf(f)", {"data": [*LEFT_OUT, LINE, POINTS]})
    assert (line["mode"], line["line"]["dash"]) == ("lines", "dash")
    assert line["line"]["color"] == points["marker"]["color"] == points["error_x"]["color"] == "#8a8a8a"
    assert (points["mode"], points["marker"]["symbol"]) == ("markers", "star")
    assert line["meta"]["ghost"] is points["meta"]["ghost"] is True


@pytest.mark.parametrize(
    ("data", "expert", "words"),
    [
        ([LINE], False, "Changed: Rate: 1 → 2. The run before is drawn in grey."),
        (LEFT_OUT, False, "Changed: Rate: 1 → 2. The run before is compared by its numbers alone."),
        ([LINE], True, "Changed: Rate: 1 → 2. The run before is compared by its numbers alone."),
    ],
)
def test_it_is_said_to_be_drawn_only_where_it_is(
    modules: Page, data: list[Any], expert: bool, words: str
) -> None:
    told = modules.evaluate(
        """([data, expert]) => {
          const run = (text) => ({
            key: text, settings: [{ name: "lr", label: "Rate", text }],
            figures: [{ key: "one", expert, data }],
          });
          const kept = new kept_.Kept();
          kept.last = run("1");
          return kept.told(run("2"), 0, true).settings;
        }""",
        [data, expert],
    )
    assert told == words
