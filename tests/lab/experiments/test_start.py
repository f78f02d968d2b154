"""The network that ships with the Start page, and the command that makes it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from normviz.frames import Recording, Schema
from normviz.lab import data
from normviz.lab.experiments import start
from normviz.spec import SpecError
from normviz.specs.start import NO_ANSWER, Start

SHIPPED = Path(start.__file__).parents[2] / "ui" / "assets" / "start.bin"


def read(path: Path) -> Recording:
    return Recording.from_bytes(path.read_bytes())[0]


@pytest.fixture(scope="module")
def shipped() -> Recording:
    return read(SHIPPED)


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the command writes here and now."""
    path = tmp_path_factory.mktemp("start") / "start.bin"
    start.main(["--out", str(path)])
    return path


def predicted(recording: Recording, x: torch.Tensor, mode: str, batch: int) -> torch.Tensor:
    """Logits by torch's functions; an incomplete last batch is left out."""

    def layer(kind: str, name: str) -> torch.Tensor:
        return torch.from_numpy(recording.at(f"{kind}.{name}").copy())

    parts = []
    for h in x.split(batch):
        if mode == "train" and len(h) < batch:
            continue
        for i in (1, 2, 3):
            h = F.linear(h, layer(f"dense{i}", "weight"), layer(f"dense{i}", "bias"))
            # Copies, so that a pass in train mode leaves the recording alone.
            running = layer(f"norm{i}", "running_mean"), layer(f"norm{i}", "running_var")
            h = F.batch_norm(
                h, *running, layer(f"norm{i}", "weight"), layer(f"norm{i}", "bias"), mode == "train"
            ).relu()
        parts.append(F.linear(h, layer("dense4", "weight"), layer("dense4", "bias")))
    return torch.cat(parts)


def error(recording: Recording, mode: str = "eval", batch: int = 797) -> float:
    """Share of the test digits of seed 0 that the recorded network gets wrong."""
    split = data.load("digits", 0)
    labels = predicted(recording, split.x_test.flatten(1), mode, batch).argmax(1)
    return float((labels != split.y_test[: len(labels)]).float().mean())


class TestShippedFile:
    def test_the_digits_are_the_test_split_in_the_order_of_the_draw(self, shipped: Recording) -> None:
        split, facts = data.load("digits", 0), shipped.schema.facts
        x = (shipped.at("images") / 16.0 - facts["pixel_mean"]) / facts["pixel_sd"]
        np.testing.assert_allclose(x, split.x_test[:, 0].numpy(), atol=1e-6)
        np.testing.assert_array_equal(shipped.at("labels"), split.y_test.numpy())

    def test_the_network_reads_the_test_digits(self, shipped: Recording) -> None:
        assert error(shipped) < 0.04

    def test_small_batches_in_train_mode_break_it(self, shipped: Recording) -> None:
        errors = [error(shipped, "train", batch) for batch in (2, 4, 8, 32)]
        assert errors == sorted(errors, reverse=True)
        assert errors[0] > 0.35
        assert 0.05 < errors[2] < 0.15

    def test_the_recorded_answers_are_torchs(self, shipped: Recording) -> None:
        x = data.load("digits", 0).x_test.flatten(1)
        evaluated = predicted(shipped, x, "eval", len(x))
        trained = predicted(shipped, x[: start.TILES], "train", Start().batch)
        np.testing.assert_array_equal(shipped.at("answers.eval"), evaluated.argmax(1).numpy())
        np.testing.assert_array_equal(shipped.at("answers.train"), trained.argmax(1).numpy())

    @pytest.mark.slow
    def test_it_is_what_the_command_makes(self, shipped: Recording, fresh: Path) -> None:
        """On another machine training drifts apart step by step, so weights agree only in direction."""
        again = read(fresh)
        assert again.schema.facts == shipped.schema.facts
        assert [array.name for array in again.schema.arrays] == [
            array.name for array in shipped.schema.arrays
        ]
        np.testing.assert_array_equal(again.at("images"), shipped.at("images"))
        for layer in (1, 2, 3, 4):
            old, new = (one.at(f"dense{layer}.weight") for one in (shipped, again))
            assert np.linalg.norm(new - old) < 0.3 * np.linalg.norm(old)
        assert abs(error(again) - error(shipped)) < 0.015
        assert abs(error(again, "train", 2) - error(shipped, "train", 2)) < 0.08


class TestRun:
    @pytest.mark.slow
    @pytest.mark.parametrize(
        "spec",
        [Start(batch=2, shuffle=9, swaps="3-60"), Start(batch=16, sorted=True), Start(batch=1)],
        ids=lambda spec: spec.to_json(),
    )
    def test_answers_in_the_batches_of_the_spec(self, spec: Start) -> None:
        schema, frame = start.run(spec)
        assert isinstance(schema, Schema)
        recording = Recording(schema, [schema.encode(frame)])  # type: ignore[arg-type]
        summary = spec.summary(recording)
        assert summary["eval_error"] == pytest.approx(100 * error(recording), abs=0.2)
        if spec.batch == 1:
            assert summary["wrong"]["train"] is None
            assert (recording.at("answers.train") == NO_ANSWER).all()
            return
        split = data.load("digits", 0)
        labels = split.y_test[: start.TILES].numpy()
        order = start.dealt(labels, shuffle=spec.shuffle, by_class=spec.sorted, swaps=spec.pairs)
        expected = predicted(recording, split.x_test[order].flatten(1), "train", spec.batch).argmax(1).numpy()
        np.testing.assert_array_equal(recording.at("answers.train")[order], expected)
        assert summary["wrong"]["train"] == (expected != labels[order]).sum()

    @pytest.mark.slow
    def test_the_same_spec_gives_the_same_bytes(self, fresh: Path) -> None:
        again = fresh.with_name("again.bin")
        start.main(["--out", str(again)])
        assert again.read_bytes() == fresh.read_bytes()


class TestDealing:
    labels = np.arange(64) % 10

    def test_shuffle_0_is_the_order_of_the_draw(self) -> None:
        assert start.dealt(self.labels, shuffle=0, by_class=False).tolist() == list(range(64))

    def test_every_shuffle_is_a_permutation_of_its_own(self) -> None:
        orders = {tuple(start.dealt(self.labels, shuffle=k, by_class=False)) for k in range(200)}
        assert len(orders) == 200
        assert all(sorted(order) == list(range(64)) for order in orders)

    def test_every_digit_comes_to_every_place_equally_often(self) -> None:
        first = [start.dealt(self.labels[:8], shuffle=k, by_class=False)[0] for k in range(1, 801)]
        counts = np.bincount(first, minlength=8)
        # 7 degrees of freedom: beyond 24.3 lies one in a thousand.
        assert ((counts - 100.0) ** 2 / 100.0).sum() < 24.3

    def test_sorted_by_class_keeps_the_shuffle_within_a_class(self) -> None:
        order = start.dealt(self.labels, shuffle=5, by_class=True)
        plain = start.dealt(self.labels, shuffle=5, by_class=False)
        assert self.labels[order].tolist() == sorted(self.labels)
        for label in range(10):
            assert order[self.labels[order] == label].tolist() == plain[self.labels[plain] == label].tolist()


class TestSpec:
    def test_bad_values_fall_back_with_a_sentence(self) -> None:
        query = {"mode": "training", "batch": "3", "shuffle": "1e9", "sorted": "perhaps", "seed": "4"}
        spec, problems = Start.from_query(query)
        assert spec == Start()
        assert {problem.field for problem in problems} == set(query)
        assert all("Using" in problem.sentence for problem in problems)

    def test_other_weights_than_the_shipped_ones_are_refused(self) -> None:
        with pytest.raises(SpecError, match="Seed"):
            Start(seed=1)

    @pytest.mark.parametrize("swaps", ["5", "5-5", "5-64", "a-b", "1-2,", ",".join(["1-2"] * 21), "9" * 300])
    def test_moves_that_cannot_be_are_refused(self, swaps: str) -> None:
        spec, problems = Start.from_query({"swaps": swaps, "batch": "8"})
        assert spec == Start(batch=8)
        assert [problem.field for problem in problems] == ["swaps"]
        assert "pairs of digits from 0 to 63" in problems[0].sentence

    def test_a_move_exchanges_two_digits_and_no_others(self) -> None:
        labels = np.arange(64) % 10
        order = start.dealt(labels, shuffle=0, by_class=False, swaps=((5, 17), (17, 30))).tolist()
        assert [order[5], order[17], order[30]] == [30, 5, 17]
        assert [i for i in range(64) if order[i] != i] == [5, 17, 30]

    def test_settings_survive_the_url(self) -> None:
        spec = Start(mode="train", batch=16, shuffle=12, sorted=True, swaps="0-9,9-40")
        assert Start.from_query(spec.to_query()) == (spec, [])
