"""Recordings made beforehand: served as they are by a player of the same version, and by no other."""

from __future__ import annotations

from pathlib import Path

import pytest

from normviz.player import Settings, State, kept
from normviz.spec import SpecError
from normviz.ui import warming
from tests.player.small_experiments import Walk, walk
from tests.player.stands import EXPERIMENTS, Stand, frames_of

SPECS = [Walk(seed=41, steps=30), Walk(seed=42, steps=30)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two recordings, and a file that is none."""
    folder = tmp_path_factory.mktemp("recorded")
    heard: list[str] = []
    settings = Settings(experiments=EXPERIMENTS)
    assert warming.warm(SPECS, folder, lambda spec, what: heard.append(what), settings) == 0
    assert sorted(heard) == sorted(path.name for path in folder.iterdir())
    (folder / "broken.normviz").write_bytes(b"NORMVIZ1 and nothing behind it")
    return folder


def test_recordings_are_served_as_they_are(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    stand = Stand(Settings(experiments=EXPERIMENTS, recorded=str(folder)))
    try:
        for spec in SPECS:
            run = stand.open(spec)
            assert run.state is State.DONE
            assert run.pid == 0
            assert [run.recording.data(k) for k in range(len(run.recording))] == frames_of(spec, walk)
        assert "broken.normviz is not used" in caplog.text
        run = stand.open(SPECS[0])
        run.forget()  # to make room for others: then it is computed, and comes out the same
        again = stand.finish(SPECS[0])
        assert [again.recording.data(k) for k in range(len(again.recording))] == frames_of(SPECS[0], walk)
    finally:
        stand.close()


def test_recordings_of_another_version_are_left_alone(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    assert list(kept.load(folder, "another version")) == []
    assert caplog.text.count("another version of the program") == len(SPECS)


def test_a_missing_folder_is_refused_at_the_start() -> None:
    with pytest.raises(SpecError, match="NORMVIZ_RECORDED: “/nowhere/at/all” does not work"):
        Settings.from_environment({"NORMVIZ_RECORDED": "/nowhere/at/all"})
