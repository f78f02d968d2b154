"""The operator's token: compared whole, and guessed a few times at most."""

from __future__ import annotations

import pytest

from normviz.ui import gates

TOKEN = "the-operators-own-token"


def test_only_the_whole_token_opens() -> None:
    gate = gates.Gate()
    assert gate.admits(TOKEN, TOKEN, "a")
    for attempt in ("", TOKEN[:-1], TOKEN + " ", "ünlike anything"):
        assert not gate.admits(TOKEN, attempt, "a")


def test_after_some_wrong_ones_an_address_has_to_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1000.0
    monkeypatch.setattr(gates.time, "monotonic", lambda: now)
    gate = gates.Gate()
    for _ in range(5):
        assert not gate.admits(TOKEN, "wrong", "a")
    with pytest.raises(gates.TooManyError):
        gate.admits(TOKEN, TOKEN, "a")
    assert gate.admits(TOKEN, TOKEN, "b")
    now += 61
    assert gate.admits(TOKEN, TOKEN, "a")


def test_what_is_remembered_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gates, "_MOST_ADDRESSES", 3)
    gate = gates.Gate()
    for k in range(10):
        gate.admits(TOKEN, "wrong", f"address {k}")
    assert list(gate._wrong) == ["address 7", "address 8", "address 9"]
