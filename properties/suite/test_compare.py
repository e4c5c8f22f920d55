"""Comparisons raise where a result is wrong, pass where it is right, and say what is wrong."""

import re

import numpy as np
import pytest

from properties import compare, expected
from properties.cases import GRUStep, RNNStep
from properties.compare import Expected
from properties.interpreter.reply import Reply, Value
from properties.outcomes import Wrong
from properties.transcript import Transcript

CASE = RNNStep(2, 3, 4, seed=5)
SLACK = 64  # a right result may lie this many units of roundoff off


def answer_of(value):
    value = np.asarray(value, dtype=np.float64)
    return Expected(value, lambda u: SLACK * u * float(np.abs(value).max()))


def transcript(shared=(), changed=(), kind="ndarray", **arrays):
    values = {name: Value(np.asarray(array), kind) for name, array in arrays.items()}
    return Transcript(Reply(values, tuple(changed), tuple(shared), (), ""))


@pytest.fixture
def right():
    """A result and what is expected of it: the state of a real case, with its real tolerance."""
    answer = expected.rnn_forward(CASE)["h_t"]
    return np.array(answer.value), answer


def nudge(array, by):
    array[1, 2] += by * np.abs(array).max()
    return array


WRONG = {
    "0.1 % off": lambda array: nudge(array, 1e-3),
    "1e-8 of the largest off": lambda array: nudge(array, 1e-8),
    "nan": lambda array: nudge(array, np.nan),
    "inf": lambda array: nudge(array, np.inf),
    "a sign": lambda array: -array,
    "transposed": lambda array: array.T,
    "flat": lambda array: array.ravel(),
    "a leading one": lambda array: array[np.newaxis],
    "one number": lambda array: array[0, 0],
    "nothing": lambda array: array[:0],
    "float16": lambda array: array.astype(np.float16),
    "integers": lambda array: array.astype(np.int64),
    "complex": lambda array: array.astype(np.complex128),
    "bool": lambda array: array.astype(bool),
    "float32 returned as float64": lambda array: array.astype(np.float32).astype(np.float64),
}


@pytest.mark.parametrize("spoil", WRONG.values(), ids=WRONG)
def test_a_wrong_result_is_wrong(right, spoil):
    """assert_close raises Wrong on each of these."""
    result, answer = right

    with pytest.raises(Wrong, match=r", but should (be|have) "):
        compare.assert_close(np.asarray(spoil(result)), answer, "h_t")


def test_a_right_result_is_right(right):
    """assert_close takes the oracle's own result, and one that is off by a rounding."""
    result, answer = right

    compare.assert_close(result, answer, "h_t")
    compare.assert_close(np.nextafter(result, 1), answer, "h_t")


def test_float32_is_held_to_the_roundoff_of_float32(right):
    """A result in float32 is right to float32's roundoff, and wrong a hundred of its roundings away."""
    result, answer = right

    compare.assert_close(result.astype(np.float32), answer, "h_t")
    with pytest.raises(Wrong):
        compare.assert_close(nudge(result, 1e-5).astype(np.float32), answer, "h_t")


def test_a_message_says_what_where_by_how_much_and_what_was_allowed():
    """The message names the element, what it is, what it should be, the error, the bound and how many are wrong."""
    with pytest.raises(Wrong) as raised:
        compare.assert_close(np.array([[1.0, 2.0]]), answer_of([[1.0, 1.0]]), "dh")

    assert re.fullmatch(
        r"dh\[0, 1\] is 2, but should be 1 \(off by 1, allowed 7e-15\); 1 of 2 elements are wrong", str(raised.value)
    )


def test_figures_say_what_a_report_shows(right):
    """Wrong carries the name, the index, both arrays, the error and the bound."""
    result, answer = right

    with pytest.raises(Wrong) as raised:
        compare.assert_close(nudge(result.copy(), 1.0), answer, "h_t")

    figures = raised.value.figures
    assert (figures["what"], figures["index"]) == ("h_t", (1, 2))
    assert figures["actual"][1, 2] - figures["expected"][1, 2] == pytest.approx(figures["error"])
    assert 0 < figures["allowed"] < figures["error"]


def test_results_that_agree_are_the_same():
    """assert_same takes two results that differ by roundings, and those of float32 to its roundoff."""
    one = np.array([1.0, -3.0])

    compare.assert_same(np.nextafter(one, 0), one, answer_of([2.0, 2.0]), "it")
    compare.assert_same(one.astype(np.float32) * np.float32(1 + 2e-7), one, answer_of([2.0, 2.0]), "it")


@pytest.mark.parametrize("other", [[1.0, -3.0 + 1e-8], [1.0, np.nan], [1.0, 3.0], [[1.0, -3.0]], [1.0]])
def test_results_that_differ_are_not_the_same(other):
    """assert_same raises on 1e-8 off, nan, a sign and shapes."""
    with pytest.raises(Wrong):
        compare.assert_same(np.array(other), np.array([1.0, -3.0]), answer_of([1.0, -3.0]), "it")


def test_terms_say_how_large_rounding_may_be():
    """The sum of terms that cancel may be off by roundings of the terms, and by no more."""
    one = np.array([1e6])
    answer = answer_of([1e6])

    compare.assert_same(np.array([1e-9]), one - one, answer, "the sum", (one, -one))
    with pytest.raises(Wrong):
        compare.assert_same(np.array([1e-9]), one - one, answer, "the sum")


def linear(**instead):
    one, two = np.array([1.0, -2.0]), np.array([0.5, 4.0])
    results = {"dx": one, "dx_2": two, "dx_sum": one + two, "dx_tiny": 1e-8 * one, "dx_large": 1e4 * one}
    return transcript(**results | instead)


def test_linear_results_are_linear():
    """assert_linear takes the sum of the two and the multiples of the first."""
    compare.assert_linear(linear(), "dx", answer_of([1.0, 2.0]), {"delta_tiny": 1e-8, "delta_large": 1e4})


@pytest.mark.parametrize(
    "instead",
    [
        {"dx_sum": np.array([1.5, 2.0 + 1e-8])},
        {"dx_tiny": np.array([0.0, 0.0])},
        {"dx_tiny": np.array([1e-8, -2e-8 - 1e-16])},
        {"dx_large": np.array([1e4, -2e4 + 1e-3])},
        {"dx_large": np.array([1.0, -2.0])},
    ],
)
def test_results_that_are_not_linear_are_told(instead):
    """assert_linear raises where the sum or a multiple is off."""
    with pytest.raises(Wrong):
        compare.assert_linear(linear(**instead), "dx", answer_of([1.0, 2.0]), {"delta_tiny": 1e-8, "delta_large": 1e4})


def test_a_state_between_its_bounds_is_between():
    """assert_between takes a state at either end and in the middle, whichever end is larger."""
    compare.assert_between(np.array([0.0, 1.0, 0.5]), np.array([0.0, 0.0, 1.0]), answer_of([1.0, 1.0, 0.0]), "h_t")


@pytest.mark.parametrize("state", [[0.5, 1.0 + 1e-8], [-1e-8, 0.5], [np.nan, 0.5], [0.5]])
def test_a_state_outside_its_bounds_is_told(state):
    """assert_between raises a little outside of either end, on nan and on a shape."""
    with pytest.raises(Wrong):
        compare.assert_between(np.array(state), np.zeros(2), answer_of([1.0, 1.0]), "h_t")


def sides(of, case, dtype=np.float64, name="x"):
    """forward a step to either side of x, as a transcript has it."""
    steps = {f"f_{name}_{side}": of(case[f"{name}_{side}"]).astype(dtype) for side in ("plus", "minus")}
    steps |= {f"f_{name}_{side}32": of(case[f"{name}_{side}32"]).astype(dtype) for side in ("plus", "minus")}
    return transcript(**steps)


POINT = GRUStep(3, 2, scale=0.5, seed=1)
MATRIX = POINT["Wx"]
GRADIENT = POINT["delta"][0] @ MATRIX


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_a_derivative_is_the_derivative(dtype):
    """assert_derivative takes the gradient of a linear map, in both precisions."""
    seen = sides(lambda x: MATRIX @ x, POINT, dtype)

    compare.assert_derivative(seen, POINT, "x", GRADIENT.astype(dtype), POINT["delta"][0], "dx")


@pytest.mark.parametrize("factor", [1.0005, -1.0, 0.0, 2.0, np.nan])
def test_what_is_not_the_derivative_is_told(factor):
    """assert_derivative raises on a gradient that is 0.05 % off, on a sign, on zeros and on nan."""
    seen = sides(lambda x: MATRIX @ x, POINT)

    with pytest.raises(Wrong, match="dx along a direction is"):
        compare.assert_derivative(seen, POINT, "x", factor * GRADIENT, POINT["delta"][0], "dx")


def test_a_forward_that_never_changes_has_no_derivative_that_counts():
    """assert_derivative does not take zeros as the gradient of a constant."""
    seen = sides(lambda x: np.ones(2), POINT)

    with pytest.raises(Wrong, match="changes too little"):
        compare.assert_derivative(seen, POINT, "x", np.zeros(3), POINT["delta"][0], "dx")


def test_a_forward_that_changes_responds():
    """assert_responds takes a forward that changes with x."""
    compare.assert_responds(sides(lambda x: MATRIX @ x, POINT), "x")


@pytest.mark.parametrize("value", [1.0, 0.0, np.nan, np.inf])
def test_a_forward_that_does_not_change_does_not_respond(value):
    """assert_responds raises on a constant, nan among them."""
    with pytest.raises(Wrong, match="does not change with x"), np.errstate(invalid="ignore"):
        compare.assert_responds(sides(lambda x: np.full(2, value), POINT), "x")


def test_an_empty_result_does_not_respond():
    """assert_responds raises Wrong, and nothing else, on a forward that returns no elements."""
    with pytest.raises(Wrong):
        compare.assert_responds(sides(lambda x: np.zeros(0), POINT), "x")


def test_an_argument_changed_in_place_is_told():
    """assert_unchanged names what was changed, and takes a transcript in which nothing was."""
    compare.assert_unchanged(transcript())
    with pytest.raises(Wrong, match=r"^x, h changed in place"):
        compare.assert_unchanged(transcript(changed=("x", "h")))


@pytest.mark.parametrize(
    ("array", "kind"), [([1.0], "matrix"), (np.array([1.0], np.float32), "ndarray"), ([1], "ndarray")]
)
def test_what_is_no_plain_float64_array_is_told(array, kind):
    """assert_plain_float64 raises on a subclass and on another dtype."""
    with pytest.raises(Wrong, match="but should be an ndarray of float64"):
        compare.assert_plain_float64(transcript(kind=kind, h_t=array), "h_t")


def test_a_plain_float64_array_is_one():
    """assert_plain_float64 takes an ndarray of float64."""
    compare.assert_plain_float64(transcript(h_t=[1.0]), "h_t")


def test_results_that_share_memory_are_told():
    """assert_apart names two of the results asked about, and leaves others alone."""
    seen = transcript(shared=[("db_ih", "db_hh")])

    compare.assert_apart(seen, "dx", "db_ih")
    with pytest.raises(Wrong, match=r"^db_ih and db_hh share memory"):
        compare.assert_apart(seen, "db_ih", "db_hh")


def test_unbatched_takes_one_leading_one_away():
    """unbatched turns (1, C) into (C,) and leaves other shapes as they are."""
    assert compare.unbatched(np.zeros((1, 3))).shape == (3,)
    assert [compare.unbatched(np.zeros(shape)).shape for shape in ((3,), (2, 3), (1, 1, 3))] == [
        (3,),
        (2, 3),
        (1, 1, 3),
    ]


def test_reading_a_result_that_is_no_array_says_so():
    """A transcript raises Wrong for None and for a list."""
    seen = Transcript(Reply({"h_t": Value(None, "NoneType"), "dx": Value(None, "list")}, (), (), (), ""))

    with pytest.raises(Wrong, match=r"^h_t is None, but should be a NumPy array$"):
        _ = seen.h_t
    with pytest.raises(Wrong, match=r"^dx is of type list, but should be a NumPy array$"):
        _ = seen["dx"]
