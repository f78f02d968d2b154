"""Settings of the operator: what is documented is what is read, and wrong values are refused."""

from __future__ import annotations

from dataclasses import fields

import hypothesis
import pytest
from hypothesis import strategies as st

from normviz.player import Settings
from normviz.player.settings import misspelt
from normviz.spec import SpecError

NAMES = [field.name for field in fields(Settings)]


def test_nothing_set_gives_the_defaults() -> None:
    assert Settings.from_environment({"PATH": "/bin", "NORMVIZ_RUNS": " "}) == Settings()


@pytest.mark.parametrize(
    ("variable", "text", "field", "value"),
    [
        ("NORMVIZ_ENGINE", "persistent", "engine", "persistent"),
        ("NORMVIZ_RUNS", "7", "runs", 7),
        ("NORMVIZ_DEVICE", "cuda:1", "device", "cuda:1"),
        ("NORMVIZ_LEASE", "2.5", "lease", 2.5),
        ("NORMVIZ_METRICS", "true", "metrics", True),
        ("NORMVIZ_LARGEST_RUN", "1e9", "largest_run", 1e9),
        ("NORMVIZ_EXPERIMENTS", "one, two.three", "experiments", ("one", "two.three")),
        (
            "NORMVIZ_EMBED_IN",
            "https://a.org, https://*.b.org:1",
            "embed_in",
            ("https://a.org", "https://*.b.org:1"),
        ),
        ("NORMVIZ_PAGES", " train,signal, ", "pages", ("train", "signal")),
        ("NORMVIZ_LESSONS", "/tmp", "lessons", "/tmp"),
    ],
)
def test_a_variable_sets_its_field(variable: str, text: str, field: str, value: object) -> None:
    assert getattr(Settings.from_environment({variable: text}), field) == value


@pytest.mark.parametrize(
    ("variable", "text", "told"),
    [
        (
            "NORMVIZ_ENGINE",
            "forks",
            "NORMVIZ_ENGINE: “forks” does not work; allowed is one of auto, fork",
        ),
        ("NORMVIZ_RUNS", "0", "NORMVIZ_RUNS: “0” does not work; allowed is a whole number from 1 to 1000."),
        ("NORMVIZ_LEASE", "nan", "NORMVIZ_LEASE: “nan” does not work"),
        ("NORMVIZ_RECORDINGS", "1 GB", "NORMVIZ_RECORDINGS: “1 GB” does not work"),
        ("NORMVIZ_LOG", "yaml", "NORMVIZ_LOG: “yaml” does not work; allowed is one of text, json."),
        ("NORMVIZ_METRICS", "maybe", "NORMVIZ_METRICS: “maybe” does not work; allowed is 1 (yes) or 0 (no)."),
        ("NORMVIZ_DRAIN", "-1", "NORMVIZ_DRAIN: “-1” does not work"),
        (
            "NORMVIZ_OPERATOR_TOKEN",
            "fifteen letters",
            "NORMVIZ_OPERATOR_TOKEN: “a text of 15 characters” does not work; allowed is 16 to 200",
        ),
        ("NORMVIZ_LESSONS", "/" + "x" * 300, "NORMVIZ_LESSONS: “/xxx"),
        ("NORMVIZ_RECORDED", "a\0b", "NORMVIZ_RECORDED: “a"),
        ("NORMVIZ_EXPERIMENTS", "a;rm -rf", "NORMVIZ_EXPERIMENTS: “a;rm -rf” does not work"),
        (
            "NORMVIZ_DEVICE",
            "gpu",
            "NORMVIZ_DEVICE: “gpu” does not work; allowed is auto, cpu, cuda, cuda:N or mps",
        ),
    ],
)
def test_a_wrong_value_is_refused_with_a_sentence(variable: str, text: str, told: str) -> None:
    with pytest.raises(SpecError) as refused:
        Settings.from_environment({variable: text})
    assert refused.value.sentence.startswith(told)


@pytest.mark.parametrize(
    ("engine", "told"),
    [("fork", "A forked process cannot use a GPU"), ("redis", "The workers of a cluster fork")],
)
def test_a_gpu_is_refused_where_processes_fork(engine: str, told: str) -> None:
    place = {"NORMVIZ_REDIS": "redis://localhost"}
    for device in ("auto", "cpu"):
        Settings.from_environment({"NORMVIZ_ENGINE": engine, "NORMVIZ_DEVICE": device, **place})
    with pytest.raises(SpecError, match=told) as refused:
        Settings.from_environment({"NORMVIZ_ENGINE": engine, "NORMVIZ_DEVICE": "cuda", **place})
    assert refused.value.field == "device"


def test_a_misspelt_variable_is_noticed() -> None:
    (sentence,) = misspelt({"NORMVIZ_LARGEST_RUNS": "1e9", "NORMVIZ_RUNS": "2", "OTHER": "1"})
    assert sentence == (
        "NORMVIZ_LARGEST_RUNS is not a setting and has no effect; is NORMVIZ_LARGEST_RUN meant?"
    )  # fmt: skip


@hypothesis.settings(deadline=None)
@hypothesis.given(st.sampled_from(NAMES), st.text())
def test_any_text_is_read_or_refused(name: str, text: str) -> None:
    try:
        made = Settings.from_environment({f"NORMVIZ_{name.upper()}": text})
    except SpecError:
        return
    assert 1 <= made.runs <= 1000
    assert 0.2 <= made.lease <= 3600


def test_the_operators_token_is_said_nowhere() -> None:
    assert "very-secret" not in repr(Settings(operator_token="very-secret-indeed"))
    with pytest.raises(SpecError) as refused:
        Settings(operator_token="very-secret")
    assert "very-secret" not in refused.value.sentence
