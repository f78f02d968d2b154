"""Mean and spread over seeds, against the standard library."""

import statistics

import numpy as np

from normviz.specs.spreads import spread


def test_it_is_the_sample_standard_deviation_of_what_is_finite():
    values = np.array([1.5, np.nan, 4.0, np.inf, 2.25], "f4")
    known = [1.5, 4.0, 2.25]
    expected = {"mean": statistics.fmean(known), "sd": statistics.stdev(known), "seeds": 3}
    assert spread(values) == expected


def test_one_value_has_no_spread_and_none_says_nothing():
    assert spread(np.array([3.0])) == {"mean": 3.0, "sd": 0.0, "seeds": 1}
    assert spread(np.array([np.nan])) is None
    assert spread(np.array([])) is None
