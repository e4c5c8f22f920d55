"""A gradient beside central differences: the right one meets them in a V, a wrong one stays away."""

import numpy as np
import pytest

from grading import slopes
from properties import expected
from properties.cases import Classification, GRUStep, RNNStep

RNN, GRU = RNNStep(N=3, D=2, H=2, numbers="random", seed=1), GRUStep(D=2, H=3, numbers="random", seed=1)
GRADIENTS = [
    *((RNN, expected.rnn_backward, name) for name in slopes.OF_RNN),
    *((GRU, expected.gru_backward, name) for name in slopes.OF_GRU),
]
every_gradient = pytest.mark.parametrize(
    ("case", "oracle", "name"), GRADIENTS, ids=[f"{type(case).__name__}-{name}" for case, _, name in GRADIENTS]
)


@every_gradient
def test_the_right_gradient_is_a_v(case, oracle, name):
    """Ours falls by a hundred from 1e-1 to 1e-2 and again to 1e-3, is below 1e-7 somewhere, and rises at the end."""
    right = oracle(case)[name].value
    ours = slopes.against_differences(case, name, right, right)["ours"]

    assert ours[1] / ours[0] == pytest.approx(0.01, rel=0.2)
    assert ours[2] / ours[1] == pytest.approx(0.01, rel=0.2)
    assert min(ours) < 1e-7
    assert ours[-1] > 100 * min(ours)


@every_gradient
def test_a_wrong_gradient_stays_away(case, oracle, name):
    """Of a gradient that is a tenth too large the error is a tenth, at every step size but the last few."""
    right = oracle(case)[name].value
    found = slopes.against_differences(case, name, 1.1 * right, right)

    assert found["theirs"][2:8] == pytest.approx([0.1] * 6, rel=1e-2)
    assert len(found["steps"]) == len(found["theirs"]) == len(found["ours"])
    assert found["along"] == {"dx": "x", "dh": "h"}.get(name, name.removeprefix("d"))


def test_what_is_no_gradient_of_a_step_has_none():
    """A state, another shape, another kind of case, and a slope of 0."""
    right = expected.rnn_backward(RNN)["db_hh"].value

    assert slopes.against_differences(RNN, "h_t", right, right) is None
    assert slopes.against_differences(RNN, "db_hh", right[:1], right) is None
    assert slopes.against_differences(RNN, "db_hh", right.astype(complex), right) is None
    assert slopes.against_differences(Classification(N=1, T=1, D=1, H=1, L=1, C=2), "dW", right, right) is None
    assert slopes.against_differences(RNN, "db_hh", right, np.zeros_like(right)) is None


def test_nan_is_no_fault_of_ours():
    """It comes out as nan, and the right gradient's errors stay."""
    right = expected.rnn_backward(RNN)["db_hh"].value
    found = slopes.against_differences(RNN, "db_hh", np.full_like(right, np.nan), right)

    assert all(np.isnan(found["theirs"]))
    assert min(found["ours"]) < 1e-7
