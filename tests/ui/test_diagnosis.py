"""Diagnose and choose: every symptom is shown by its preset and cured there; every choice has an answer."""

from __future__ import annotations

import ast
import itertools
from typing import Any

import pytest

from normviz.catalog.norms import NORMS, reason
from normviz.commands.run import record
from normviz.specs.cost import NormCost
from normviz.specs.diagnosis import BATCHES, NETS, SYMPTOMS, TASKS, Choice, Diagnosis
from normviz.specs.start import Start
from normviz.ui import tour
from normviz.ui.choices import REASONS, RULES, choose
from normviz.ui.diagnosis import table
from normviz.ui.doors import page_at
from normviz.ui.pages import PAGES
from normviz.ui.symptoms import BOOK
from tests.figures.test_cost import recording

FORMS = {"mlp": "mlp", "cnn": "cnn", "rnn": "sequence", "transformer": "sequence"}


def summary(symptom: str) -> dict[str, Any]:
    """What the experiment of a symptom measures."""
    spec = BOOK[symptom].door.spec
    assert spec is not None
    return spec.summary(record(spec))


class TestSymptoms:
    """Each link shows the symptom that it promises, and its cure."""

    @pytest.mark.slow
    def test_good_validation_bad_deployment(self) -> None:
        told = summary("deployment")
        by_batch = told["train_mode_error"]["shuffled"]
        assert by_batch["256"]["mean"] < told["eval_error"]["mean"] + 1.5  # nothing looks wrong
        assert by_batch["8"]["mean"] > 3 * told["eval_error"]["mean"]
        assert by_batch["2"]["mean"] > 30
        assert told["repairs"]["eval"]["mean"] < 4

    @pytest.mark.slow
    def test_the_answer_depends_on_the_batch(self) -> None:
        spec = BOOK["batch_mates"].door.spec
        assert isinstance(spec, Start)
        assert spec.mode == "train"
        wrong = summary("batch_mates")["wrong"]
        assert wrong["train"] >= 10
        assert wrong["eval"] <= 2

    def test_the_loss_stays_flat(self) -> None:
        told = summary("flat")["norms"]
        assert told["none"]["best_test_accuracy"]["mean"] < 0.25
        assert told["batch"]["test_accuracy"]["mean"] > 0.9

    def test_the_loss_becomes_nan(self) -> None:
        told = summary("nan")["norms"]
        assert len(told["none"]["diverged"]) == 2
        assert max(told["none"]["diverged"].values()) < 20
        assert not told["batch"]["diverged"]
        assert told["batch"]["test_accuracy"]["mean"] > 0.9

    @pytest.mark.slow
    def test_worse_after_fine_tuning(self) -> None:
        told = summary("fine_tuning")["repairs"]
        assert told["after_pass"]["mean"] > 10
        for repair in ("frozen", "recalibrated"):
            assert told[repair]["mean"] < 4, repair

    def test_fine_on_one_gpu_bad_on_eight(self) -> None:
        told = summary("eight_gpus")["norms"]
        assert told["ghost_batch"]["best_test_accuracy"]["mean"] < 0.75
        for norm in ("batch", "group"):
            assert told[norm]["test_accuracy"]["mean"] > 0.9, norm


@pytest.mark.parametrize("symptom", SYMPTOMS)
def test_a_symptom_has_a_test_that_is_python_and_a_link_that_leads_somewhere(symptom: str) -> None:
    entry = BOOK[symptom]
    ast.parse(entry.code)
    assert 1 <= len(entry.code.splitlines()) <= 6
    door = entry.door
    assert page_at(door.path)
    assert door.spec is not None
    assert type(door.spec).from_query(door.spec.to_query()) == (door.spec, [])
    assert min(map(len, (entry.cause, entry.test, entry.look, entry.fix))) > 60


class TestChoices:
    @pytest.mark.parametrize(("net", "batch", "task"), list(itertools.product(NETS, BATCHES, TASKS)))
    def test_every_question_has_an_answer_whose_reasons_have_pages(
        self, net: str, batch: str, task: str
    ) -> None:
        advice = choose(net, batch, task)
        assert advice.norms
        for norm in advice.norms:
            assert reason(norm, FORMS[net]) is None or task == "fine_tune", norm
        assert advice.reasons
        for told in advice.reasons + advice.warnings:
            assert page_at(told.door.path)

    def test_batch_norm_is_never_advised_where_it_is_measured_to_fail(self) -> None:
        for net, batch, task in itertools.product(NETS, BATCHES, TASKS):
            if task != "fine_tune" and (batch in ("one", "small") or task == "online"):
                assert not {"batch", "ghost_batch"} & set(choose(net, batch, task).norms)

    def test_every_rule_and_every_reason_is_used(self) -> None:
        given = [choose(*question) for question in itertools.product(NETS, BATCHES, TASKS)]
        assert all(any(advice is one for one in given) for *_, advice in RULES)
        assert {name for advice in given for name in advice.why + advice.beware} == set(REASONS)

    def test_words_name_the_norms(self) -> None:
        for *_, advice in RULES:
            assert NORMS[advice.norms[0]].label.lower() in advice.use.lower().replace("norms", "norm")

    def test_an_unknown_name_is_refused(self) -> None:
        with pytest.raises(ValueError, match="one of mlp"):
            choose("gru", "one", "online")


class TestTable:
    def test_a_row_for_each_norm_with_its_cost(self) -> None:
        spec = NormCost()
        told = recording(spec)
        columns = table(spec, told)
        assert columns["Norm"] == tuple(fact.label for fact in NORMS.values())
        for v, cost in enumerate(columns["Cost here"]):
            assert cost.startswith(f"{told.at('ratio')[v, 0]:.2f} (")
        differs = [{"yes": True, "no": False}[said] for said in columns["train ≠ eval"]]
        assert differs == [fact.train_differs_from_eval for fact in NORMS.values()]

    def test_what_is_not_measured_says_why(self) -> None:
        columns = table(NormCost(network="mlp", norms=("batch", "frn")), None)
        cost = dict(zip(columns["Norm"], columns["Cost here"], strict=True))
        assert cost["Batch norm"] == "…"
        assert cost["Filter response norm"] == "does not apply"
        assert cost["Layer norm"] == "not asked"


def test_bad_values_in_the_link_are_named() -> None:
    spec, problems = Diagnosis.from_query({"symptom": "flatt", "seed": "3"})
    assert spec == Diagnosis()
    assert [problem.field for problem in problems] == ["seed", "symptom"]
    assert "Did you mean flat?" in problems[1].sentence
    _, problems = Choice.from_query({"net": "resnet9", "batch": "8"})
    assert [problem.field for problem in problems] == ["net", "batch"]


class TestTour:
    def test_its_stops_are_pages_in_their_order(self) -> None:
        places = [PAGES.index(stop.page) for stop in tour.stops()]
        assert places == sorted(places)
        assert [stop.path for stop in tour.stops()][:3] == ["", "forgotten-eval", "anatomy"]
        assert tour.stops()[-1].path == "diagnose"
        assert len(tour.stops()) >= 6

    def test_every_page_has_a_door(self) -> None:
        assert {page.url_path for page in PAGES} <= set(tour.DOORS)

    def test_a_stop_has_one_task_and_one_question(self) -> None:
        for stop in tour.stops():
            assert stop.question.count("?") == 1
            assert len(stop.task) > 40
            assert len(stop.answer) > 80
