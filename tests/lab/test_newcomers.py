"""Who stands still while others have not shown anything yet."""

from __future__ import annotations

from normviz.lab.newcomers import Newcomers


def test_those_without_a_frame_go_first_a_few_at_a_time() -> None:
    order = Newcomers(at_once=2)
    runs = [1, 2, 3, 4, 5]
    for run in runs[1:]:
        order.came(run)
    assert order.held(runs, set(), 0) == {1, 4, 5}
    order.known(2)
    assert order.held(runs, set(), 0.1) == {1, 2, 5}
    assert order.held(runs, {3}, 0.1) == {1, 2, 3}  # one that rests lets the next one pass
    for run in (3, 4, 5):
        order.known(run)
    assert order.held(runs, set(), 0.2) == set()
    assert order.look_again is None


def test_whoever_takes_long_loses_the_precedence() -> None:
    order = Newcomers(at_once=1)
    order.came(2)
    order.came(3)
    assert order.held([1, 2, 3], set(), 0) == {1, 3}
    assert order.held([1, 2, 3], set(), 1.9) == {1, 3}
    assert order.look_again
    assert order.held([1, 2, 3], set(), 2.1) == {1, 2}  # its head start begins when it may go
    assert order.held([1, 2, 3], set(), 4.2) == set()


def test_a_crowd_that_never_ends_leaves_time_to_the_others() -> None:
    order = Newcomers(at_once=1)
    still = 0
    for k in range(240):  # every tenth of a second another one
        order.came(100 + k)
        order.known(100 + k - 5)
        still += 1 in order.held([1, *range(100, 101 + k)], set(), k / 10)
    assert 120 < still < 180
