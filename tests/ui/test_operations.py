"""The operator's page over a real player: closed without the token, true to the player, and able to act."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from streamlit.testing.v1 import AppTest

from normviz import player
from normviz.player import Settings, State
from normviz.ui import gates, operations
from tests.player.processes import until
from tests.player.small_experiments import Walk
from tests.player.stands import EXPERIMENTS, Stand

TOKEN = "the-operators-own-token"
PASSWORD = "sw0rdfish"
SLOW = Walk(seed=5, steps=5000, pause=20)


@pytest.fixture(scope="module")
def stand() -> Iterator[Stand]:
    """A player with room for one run at a time."""
    standing = Stand(
        Settings(
            engine="fork",
            runs=1,
            lease=60,
            operator_token=TOKEN,
            experiments=EXPERIMENTS,
            redis=f"redis://lab:{PASSWORD}@cache.example:7000/3",
        )
    )
    yield standing
    standing.close()


@pytest.fixture(autouse=True)
def _served(stand: Stand, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(player, "_current", stand.player)
    monkeypatch.setattr(gates, "GATE", gates.Gate())
    monkeypatch.setattr(operations, "_address", lambda: "192.0.2.1")


def _page() -> None:
    from normviz.ui.operations import show

    show()


def enter(token: str) -> AppTest:
    """Type a token."""
    app = AppTest.from_function(_page, default_timeout=60).run()
    return typed(app, token)


def typed(app: AppTest, token: str) -> AppTest:
    app.text_input[0].input(token)
    app.button[0].click().run()
    assert not app.exception
    return app


def texts(app: AppTest) -> str:
    return "\n".join(str(one.value) for one in (*app.markdown, *app.caption, *app.code))


def test_the_page_is_there_only_with_a_token(monkeypatch: pytest.MonkeyPatch) -> None:
    assert [page.url_path for page in operations.pages()] == ["operator"]
    assert all(page.file.exists() for page in operations.pages())
    monkeypatch.setattr(player, "_current", player.Player(Settings()))
    assert operations.pages() == ()


def test_without_the_token_nothing_is_told(stand: Stand) -> None:
    with stand.watching(SLOW):
        app = enter("not the operator's token")
        assert [error.value for error in app.error] == ["This is not the operator's token."]
        assert not app.metric
        assert "walk" not in texts(app)
        for _ in range(4):
            typed(app, "nor this one, it is wrong")
        typed(app, TOKEN)
        assert "Wait a minute" in app.error[0].value
        assert not app.metric


def test_the_board_says_how_the_player_stands(stand: Stand) -> None:
    second = Walk(seed=6, steps=10)
    with stand.watching(SLOW) as live, stand.watching(second) as waiting:
        until(lambda: live.frames > 2 and stand.player.place(waiting) == 1)
        app = enter(TOKEN)
        numbers = {one.label: one.value for one in app.metric}
        assert numbers["Runs live"] == numbers["Runs in line"] == "1"
        assert numbers["Open streams"] == "2"
        held = int(numbers["Memory"].removesuffix(" MB").replace(",", ""))
        assert 200 < held < 5000  # torch is in it
        told = texts(app)
        for run in (live, waiting):
            assert f"**walk** `{run.spec.key[:8]}`" in told
        assert "number 1 in line · 0 frames · 1 watching" in told
        assert "seed = 6\nsteps = 10" in told
        assert TOKEN not in told + str(app.dataframe[-1].value)
        assert PASSWORD not in told + app.dataframe[-1].value.to_string()
        shown = app.dataframe[-1].value.set_index("variable")["value"]
        assert shown["NORMVIZ_REDIS"] == "redis://…@cache.example:7000/3"
        assert "set" in app.dataframe[-1].value.set_index("variable").loc["NORMVIZ_OPERATOR_TOKEN", "value"]


def test_a_run_is_ended_and_can_be_asked_for_again(stand: Stand) -> None:
    with stand.watching(SLOW) as run:
        until(lambda: run.frames > 2)
        app = enter(TOKEN)
        app.button(key=f"operator end {run.token}").click().run()
        until(lambda: run.state is State.FAILED)
        assert run.sentence == "The operator of this server has ended this run."
        assert not app.exception
    with stand.watching(SLOW) as again:
        until(lambda: again.state is State.LIVE)


def test_the_drain_begins_and_ends(stand: Stand) -> None:
    app = enter(TOKEN)
    for label, draining in (("Begin the drain", True), ("End the drain", False)):
        (button,) = [one for one in app.button if one.label == label]
        button.click().run()
        assert not app.exception
        assert stand.player.draining is draining


def test_spans_have_two_units() -> None:
    assert [operations._span(t) for t in (0, 59.9, 61, 3600, 90061)] == [
        "0 s", "59 s", "1 min 1 s", "1 h 0 min", "1 d 1 h",
    ]  # fmt: skip
