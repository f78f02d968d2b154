"""The lesson "Broken networks": each fault shows, each repair does what is said, nothing tells before."""

from __future__ import annotations

import numpy as np
import pytest

from normviz.frames import Recording
from normviz.lab.runs import record
from normviz.spec import Spec
from normviz.specs.train import Train
from normviz.ui import playable, shelf
from normviz.ui.cases import Case
from tests.ui.sites import IdlePlayer, Sent, query_of, run, visit

LESSON = shelf.find("broken-networks")
CASES = {step.case.fault: (at, step.case) for at, step in enumerate(LESSON.steps, 1) if step.case}
SHOWN = {"norms", "norm"}
"""Settings that the legend tells."""


def accuracy(recording: Recording) -> float:
    """Of the last evaluation; 0 for a network that diverged."""
    return float(np.nan_to_num(recording.at("test_accuracy")[0, 0]))


def mended(case: Case, number: int, seed: int) -> float:
    """How well a repaired network does: accuracy; in use, the share of labels that do not change."""
    repair = case.repairs[number]
    spec = repair.spec.replace(seed=seed)
    recording = record(spec)
    if isinstance(spec, Train):
        return accuracy(recording)
    told = spec.summary(recording)
    if repair.charts:  # read off in eval mode
        return 1 - told["eval_error"]["mean"] / 100
    return 1 - told["flips"]["mean"] / 100


def histogram_reach(recording: Recording, layer: int) -> float:
    """Largest magnitude in a layer before any training."""
    counts = recording.at("hist_pre", 0)[0, layer]
    return float(np.abs(recording.at("bins", 0)[counts > 0]).max())


def test_eight_networks_with_a_fault_each() -> None:
    assert set(CASES) == set(LESSON.faults)
    assert len(LESSON.steps) == 8


@pytest.mark.parametrize("fault", CASES)
def test_a_case_has_repairs_that_work_and_others(fault: str) -> None:
    repairs = CASES[fault][1].repairs
    assert {repair.works for repair in repairs} == {True, False}
    assert all(repair.told for repair in repairs)


@pytest.mark.parametrize("fault", CASES)
def test_charts_do_not_depend_on_what_is_wrong(fault: str) -> None:
    """So no title, alternative or label can tell it."""
    case = CASES[fault][1]
    charts = [figure.to_plain() for figure in case.figures(case.spec)]
    for repair in case.repairs:
        for name, value in repair.spec.values().items():
            if (
                value == getattr(case.spec, name)
                or name in SHOWN
                or (repair.works is False and name == "steps")
            ):
                continue
            other = case.spec.replace(**{name: value})
            told = [figure.to_plain() for figure in case.figures(other)]
            assert told == charts or not repair.works, f"{name} shows in the charts"


@pytest.mark.parametrize("fault", CASES)
def test_nothing_tells_before_a_fault_is_named(fault: str, idle: IdlePlayer, sent: Sent) -> None:
    at, case = CASES[fault]
    app = visit("lesson", lesson="broken-networks", step=str(at))
    assert idle.opened == [case.spec]
    assert (sent[-1]["settings"], sent[-1]["readings"], sent[-1]["formula"]) == ([], {}, None)
    told = " ".join(
        one.value for kind in ("markdown", "caption", "success", "info") for one in getattr(app, kind)
    )
    assert case.told not in told
    assert [one.label for one in app.button_group] == ["What is wrong with this network?"]
    answers = [one.answer for one in LESSON.steps]
    assert not any(answer in told for answer in answers)
    assert not app.expander, "an exit question may tell what the fault is"
    assert query_of(app) == {"lesson": "broken-networks", "step": str(at)}


@pytest.mark.parametrize("fault", CASES)
def test_naming_a_fault_uncovers_and_offers_repairs(fault: str, idle: IdlePlayer, sent: Sent) -> None:
    at, case = CASES[fault]
    app = visit("lesson", lesson="broken-networks", step=str(at))
    app.button_group[0].set_value(fault)
    run(app)
    assert "Yes" in app.success[0].value
    assert case.told in app.success[0].value
    assert [LESSON.steps[at - 1].question in one.label for one in app.expander] == [True]
    assert sent[-1]["settings"]
    assert sent[-1]["readings"]
    app.button_group[0].set_value(0)
    run(app)
    assert idle.opened[-1] == case.repairs[0].spec
    assert sent[-1]["behind"] == case.spec.key
    assert [one["key"] for one in sent[-1]["figures"]] == list(case.repairs[0].charts or case.charts)


def test_a_class_on_one_case_has_its_charts_made_once(idle: IdlePlayer, sent: Sent) -> None:
    playable._played.cache_clear()
    for _ in range(3):
        visit("lesson", lesson="broken-networks", step="3")
    made = playable._played.cache_info()
    assert (made.misses, made.hits) == (1, 2)
    assert sent[0]["figures"] is sent[-1]["figures"]


def test_a_wrong_guess_is_told_which_it_is(idle: IdlePlayer, sent: Sent) -> None:
    app = visit("lesson", lesson="broken-networks", step="1")
    app.button_group[0].set_value("lag")
    run(app)
    assert LESSON.faults["rate-high"] in app.info[0].value
    assert LESSON.faults["lag"] in app.info[0].value


class TestAnswersInTheUrl:
    def test_it_holds_what_was_chosen_and_nothing_else(self, idle: IdlePlayer, sent: Sent) -> None:
        app = visit("lesson", lesson="broken-networks", step="1")
        app.button_group[0].set_value("lag")
        run(app)
        told = {"lesson": "broken-networks", "step": "1", "guess": "lag"}
        assert query_of(app) == told
        app.button_group[0].set_value(1)
        run(app)
        assert query_of(app) == told | {"repair": "2"}
        app.button_group[0].set_value(None)
        run(app)
        assert query_of(app) == told

    @pytest.mark.parametrize("fault", CASES)
    def test_another_visit_sees_the_same(self, fault: str, idle: IdlePlayer, sent: Sent) -> None:
        at, case = CASES[fault]
        app = visit("lesson", lesson="broken-networks", step=str(at), guess="eval", repair="2")
        assert idle.opened[-1] == case.repairs[1].spec
        assert sent[-1]["behind"] == case.spec.key
        assert [case.told in one.value for one in (*app.success, *app.info)] == [True]
        assert app.button_group[0].value == 1
        app.button_group[0].set_value(0)
        run(app)
        assert idle.opened[-1] == case.repairs[0].spec
        assert query_of(app)["repair"] == "1"

    def test_the_way_on_leads_to_a_case_without_an_answer(self, idle: IdlePlayer, sent: Sent) -> None:
        app = visit("lesson", lesson="broken-networks", step="1", guess="lag", repair="1")
        next(one for one in app.button if one.label.startswith("Next")).click()
        run(app)
        assert query_of(app) == {"lesson": "broken-networks", "step": "2"}
        assert (sent[-1]["settings"], sent[-1]["readings"]) == ([], {})

    def test_what_does_not_work_is_named(self, idle: IdlePlayer, sent: Sent) -> None:
        app = visit("lesson", lesson="broken-networks", step="1", guess="gremlin", repair="1")
        assert "“gremlin” does not work; allowed is one of rate-high" in app.warning[0].value
        assert (idle.opened[-1], sent[-1]["settings"]) == (CASES["rate-high"][1].spec, [])
        assert query_of(app) == {"lesson": "broken-networks", "step": "1"}
        app = visit("lesson", lesson="broken-networks", step="1", guess="lag", repair="99")
        assert "“99” does not work; allowed is a whole number from 1 to " in app.warning[0].value
        assert query_of(app) == {"lesson": "broken-networks", "step": "1", "guess": "lag"}


def test_the_url_cannot_change_the_fault_but_the_seed(idle: IdlePlayer, sent: Sent) -> None:
    visit("lesson", lesson="broken-networks", step="1", lr="0.1", seed="5")
    assert idle.opened == [CASES["rate-high"][1].spec.replace(seed=5)]


# --- the runs ------------------------------------------------------------------------------------------


SEEDS = [0, pytest.param(1, marks=pytest.mark.slow), pytest.param(2, marks=pytest.mark.slow)]


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("fault", [fault for fault in CASES if fault != "eval"])
def test_the_broken_network_shows_its_fault(fault: str, seed: int) -> None:
    spec = CASES[fault][1].spec.replace(seed=seed)
    found = record(spec)
    assert accuracy(found) < 0.6
    ratio = np.nanmax(found.history("update_ratio")[1][:, 0], initial=0)
    diverged = float(found.at("diverged_at")[0, 0])
    start = float(found.at("loss", 0)[0, 0])
    last = len(spec.layers) - 1  # type: ignore[attr-defined]
    if fault == "rate-high":
        assert 0 < diverged < 20
        assert ratio > 1e-2
        assert start < 10
    elif fault == "rate-low":
        assert ratio < 2e-4
        assert np.nanmedian(found.history("update_ratio")[1][-20:, 0]) < 1e-4
    elif fault in ("gain-small", "sigmoid"):
        gradient = found.at("grad_norm_activation", 0)[0]
        assert gradient[0] < 1e-2 * gradient[last]
        vanish = histogram_reach(found, last) < 0.2 * histogram_reach(found, 0)
        assert vanish == (fault == "gain-small"), "only small weights make the values vanish"
    elif fault == "gain-large":
        assert 0 < diverged < 20
        assert start > 100
    elif fault == "batch-small":
        jumps = np.abs(found.at("batch_var") - found.at("running_var"))
        calm = record(spec.replace(batch_size=32))
        steady = np.abs(calm.at("batch_var") - calm.at("running_var"))
        assert np.median(jumps / found.at("running_var")) > 2 * np.median(steady / calm.at("running_var"))
    elif fault == "lag":
        assert float(found.history("train_accuracy")[1][-5:, 0, 0].mean()) > 0.95


def test_the_network_in_training_mode_answers_by_its_company() -> None:
    case = CASES["eval"][1]
    told = case.spec.summary(record(case.spec))
    assert told["flips"]["mean"] > 50
    assert told["eval_error"]["mean"] < 6


REPAIRS = [(fault, n) for fault, (_, case) in CASES.items() for n in range(len(case.repairs))]


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(("fault", "number"), REPAIRS)
def test_a_repair_does_what_is_said_of_it(fault: str, number: int, seed: int) -> None:
    case = CASES[fault][1]
    reached = mended(case, number, seed)
    if case.repairs[number].works:
        assert reached > (0.8 if fault != "eval" else 0.9)
    else:
        assert reached < 0.75


def runs() -> list[Spec]:
    return [spec for _, case in CASES.values() for spec in (case.spec, *(one.spec for one in case.repairs))]


def test_every_run_is_small() -> None:
    """Sixty different ones are to be done on two cores within a minute."""
    for spec in runs():
        assert spec.cost().multiply_adds < 6e9
        assert spec.cost().recording_bytes < 2e6
