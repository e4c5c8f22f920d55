"""Strategies: what is drawn is a valid case of the size and scale that was promised, and shrinks to the simplest."""

import dataclasses
import itertools
import random

import hypothesis
import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, settings

from grading.faults import Usage
from grading.replay import from_words, in_words
from properties import stored, strategies
from properties.cases import Case, Classification, GRUStep, RNNStep
from properties.drawing import draw
from properties.registry import all_properties
from properties.strategies import Family

BUDGET = 2e5  # N * T * L * H * (D + H), of most cases
MOST = 0.9  # of the cases of each family
FAMILIES = {
    name: family
    for module in (strategies, stored)
    for name, family in vars(module).items()
    if isinstance(family, Family)
}
DRAWN = {name: family for name, family in FAMILIES.items() if not name.startswith("stored_")}
LEAST = {  # where a size of one would be another family, or not the homework
    "batches": {"N": 2},
    "wide_rnn_steps": {"N": 9},
    "wide_gru_steps": {"D": 257},
    "saturated_gru_steps": {"H": 2},
    "gru_points": {"D": 2, "H": 2},
    "classifications": {"C": 2},
    "long_classifications": {"T": 51, "C": 2},
    "steep_classifications": {"N": 2, "C": 3},
    "cut_classifications": {"T": 2, "C": 2},
    "two_layer_classifications": {"C": 2, "L": 2},
    "classification_points": {"C": 2},
    "long_predictions": {"T": 33},
}
RANDOM_ALONE = ("wide_gru_steps",
    "saturated_rnn_steps", "saturated_gru_steps", "overflowing_gru_steps", "steep_classifications",
    "rnn_points", "gru_points", "classification_points",
)  # fmt: skip


def sizes_of(case):
    return {
        field.name: getattr(case, field.name)
        for field in dataclasses.fields(case)
        if field.type in (int, "int") and field.name != "seed"
    }


def work_of(case):
    sizes = sizes_of(case)
    product = sizes["H"] * (sizes["D"] + sizes["H"])
    for name in "NTL":
        product *= sizes.get(name, 1)
    return product


def some_of(family, count=20):
    return [*family.ladder, *draw(family, "strategies", count)]


families = pytest.mark.parametrize("family", DRAWN.values(), ids=DRAWN)
all_families = pytest.mark.parametrize("family", FAMILIES.values(), ids=FAMILIES)


def test_every_family_has_a_name_of_its_own():
    """A family is called as the variable that holds it, and the properties use each."""
    assert {name: family.name for name, family in FAMILIES.items()} == {name: name for name in FAMILIES}
    assert {prop.family.name for prop in all_properties()} == set(FAMILIES)


@families
def test_the_ladder_begins_with_the_simplest(family):
    """No other case of a ladder is smaller than the first, which has the simplest numbers and seed 0."""
    sizes = [sum(sizes_of(case).values()) for case in family.ladder]

    assert sizes[0] == min(sizes)
    assert family.ladder[0].seed == 0
    assert family.ladder[0].numbers in ("ones", "random")


@families
def test_the_ladder_grows(family):
    """Cases of a ladder are small, distinct, and where sizes are the same the simple numbers come first."""
    order = {"ones": 0, "halves": 1, "random": 2}
    ladder = family.ladder

    assert len(set(ladder)) == len(ladder)
    assert all(work_of(case) <= BUDGET / 20 for case in ladder)
    for before, after in itertools.pairwise(ladder):
        if dataclasses.replace(before, numbers="ones", scale=1.0, seed=0) == dataclasses.replace(
            after, numbers="ones", scale=1.0, seed=0
        ):
            assert (order[before.numbers], before.seed, before.scale) < (order[after.numbers], after.seed, after.scale)


def simplest(family, reason=lambda case: True):
    """The case to which Hypothesis shrinks whatever meets this condition."""
    found = settings(
        database=None,
        max_examples=2000,
        phases=[Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
    )
    return hypothesis.find(family.strategy, reason, settings=found, random=random.Random(0))


@families
def test_every_family_shrinks_to_the_simplest(family):
    """Without any reason to be larger a case has sizes of one (or the least of its family), and seed 0."""
    case = simplest(family)

    assert sizes_of(case) == dict.fromkeys(sizes_of(case), 1) | LEAST.get(family.name, {})
    assert case.seed == 0
    assert case.numbers == ("random" if family.name in RANDOM_ALONE else "ones")


@pytest.mark.parametrize(
    ("name", "size", "reason"), [("rnn_steps", "H", 5), ("classifications", "T", 10), ("predictions", "T", 7)]
)
def test_what_fails_at_a_size_shrinks_to_that_size(name, size, reason):
    """A failure from some size on is shown at that size, all others being one and the numbers simple."""
    case = simplest(FAMILIES[name], lambda case: getattr(case, size) >= reason)

    assert sizes_of(case) == dict.fromkeys(sizes_of(case), 1) | LEAST.get(name, {}) | {size: reason}
    assert case.numbers == "ones"


@pytest.mark.slow
@families
def test_most_cases_are_within_the_budget(family):
    """N * T * L * H * (D + H) is at most 2e5 on most cases, so that plain Python ends in time."""
    work = np.array([work_of(case) for case in draw(family, "budget", 100)])

    assert (work <= BUDGET).mean() >= MOST
    assert work.max() <= 10 * BUDGET


@all_families
def test_every_case_can_be_written_and_read(family):
    """A case in words is read back as an equal case, with equal arrays."""
    for case in some_of(family):
        again = from_words(in_words(case))

        assert again == case
        assert type(again) is type(case)
        for name in ("x", "x_1", "h", "W"):
            if name in case:
                np.testing.assert_array_equal(again[name], case[name])


@pytest.mark.parametrize(
    "text",
    [
        "", "RNNStep", "RNNStep()", "RNNStep(1, 1, 1)", "RNNStep(N=1, D=1)", "RNNStep(N=1, D=1, H=1, T=1)", "Case(N=1)",
        "open('x')", "RNNStep(N=open('x'), D=1, H=1)", "RNNStep(N=1, D=1, H=1); 1", "RNNStep(**{'N': 1})", "[1]",
        "__import__('os').getcwd()", "RNNStep(N=1+1j, D=1, H=x)",
    ],
)  # fmt: skip
def test_what_is_no_case_is_a_usage_error(text):
    """Anything but a case in words is refused, and nothing in it is evaluated."""
    with pytest.raises(Usage, match="is not a case"):
        from_words(text)


@pytest.mark.parametrize(
    "text",
    [
        "RNNStep(N=-1, D=1, H=1)", "RNNStep(N=0, D=1, H=1)", "RNNStep(N=1.5, D=1, H=1)", "RNNStep(N='a', D=1, H=1)",
        "RNNStep(N=[1], D=1, H=1)", "RNNStep(N=1, D=1, H=1, numbers='twos')", "RNNStep(N=1, D=1, H=1, seed=-1)",
        "RNNStep(N=1000000000, D=1000000000, H=1)", "RNNStep(N=1, D=1, H=1, numbers='stored', seed=99)",
        "GRUStep(D=1, H=1, family='odd')",
    ],
)  # fmt: skip
def test_a_case_that_cannot_be_is_a_usage_error(text):
    """Sizes below one, other types, unknown words and stored cases that are not stored are refused."""
    with pytest.raises(Usage):
        from_words(text)


def pre_activations(case):
    """Everything that goes through a tanh or a sigmoid, the candidate's with r as large as it can be."""
    w = case.weights
    if isinstance(case, RNNStep):
        return case["x"] @ w.W_ih.T + w.b_ih + case["h"] @ w.W_hh.T + w.b_hh
    x, h = case["x"], case["h"]
    r = 0.5 + 0.5 * np.tanh(0.5 * (w.Wrh @ h + w.Wrx @ x))
    return np.concatenate([w.Wzh @ h + w.Wzx @ x, w.Wrh @ h + w.Wrx @ x, w.Wh @ (r * h) + w.Wx @ x])


@pytest.mark.parametrize("name", ["saturated_rnn_steps", "saturated_gru_steps"])
def test_saturated_cases_saturate_and_do_not_overflow(name):
    """Pre-activations of saturated families go up to about 50 and not far beyond."""
    largest = np.array([np.abs(pre_activations(case)).max() for case in draw(FAMILIES[name], "saturated", 300)])

    assert (largest > 15).mean() > 0.2
    assert largest.max() > 30
    assert (largest < 50).mean() > 0.97
    assert largest.max() < 75  # measured 69 of 300 draws


STEPS = [name for name, family in DRAWN.items() if isinstance(family.ladder[0], RNNStep | GRUStep)]


@pytest.mark.slow
@pytest.mark.parametrize(
    "name",
    [name for name in STEPS if name != "overflowing_gru_steps"],
)
def test_required_steps_do_not_go_far_past_fifty(name):
    """No family on which points depend has pre-activations far beyond 50, where right programs may overflow."""
    assert max(np.abs(pre_activations(case)).max() for case in some_of(FAMILIES[name], 200)) < 65


@all_families
def test_arrays_follow_from_the_case_alone(family):
    """An equal case has equal arrays, read-only, of the shape that it says; another seed gives others."""
    for case in some_of(family, 5)[-5:]:
        twin = dataclasses.replace(case) if case.numbers != "stored" else case
        for name in ("x", "h", "W_ih", "Wzh", "W_ih_0", "inputs", "h_0", "delta"):
            if name in case:
                assert case[name].shape == case.shape(name)
                assert not case[name].flags.writeable
                assert np.isfinite(case[name]).all()
                np.testing.assert_array_equal(twin[name], case[name])
        if case.numbers == "random":
            other = dataclasses.replace(case, seed=case.seed + 1)
            name = next(name for name in ("W_ih", "Wrx", "W_ih_0") if name in case)
            assert not np.array_equal(other[name], case[name])


def test_a_name_that_a_case_does_not_have_is_a_key_error():
    """A case raises KeyError for other names, and `in` says so."""
    case = RNNStep(1, 1, 1)

    assert "Wzh" not in case
    assert "x" in case
    with pytest.raises(KeyError):
        _ = case["Wzh"]
    with pytest.raises(NotImplementedError):
        Case().shape("x")


def test_halves_and_ones_are_what_they_say():
    """Simple numbers are ones and one-halves, and of "halves" each of -1, -1/2, 1/2, 1."""
    ones, halves = RNNStep(1, 2, 3, numbers="ones"), RNNStep(40, 9, 9, numbers="halves")

    assert set(ones["x"].flat) == set(ones["delta"].flat) == {1.0}
    assert set(ones["W_ih"].flat) == set(ones["b_hh"].flat) == {0.5}
    assert set(halves["x"].flat) == set(halves["W_hh"].flat) == {-1.0, -0.5, 0.5, 1.0}


@pytest.mark.parametrize("cut", range(2, 5))
def test_the_two_halves_of_a_sequence_are_the_whole(cut):
    """x_first and x_second are x, and an absent initial state is zeros."""
    case = Classification(2, cut, 3, 2, 2, 2, "absent")

    np.testing.assert_array_equal(np.concatenate([case["x_first"], case["x_second"]], axis=1), case["x"])
    assert not case["h_0"].any()


@pytest.mark.parametrize(("family", "z"), [("closed", 0.0), ("open", 1.0)])
def test_a_shut_gate_is_shut(family, z):
    """Where the update gate is closed or open, it is 0 or 1 to the roundoff, whatever the state."""
    for case in draw(FAMILIES[f"{family}_gru_steps"], "gate", 20):
        gate = 1 / (1 + np.exp(-(case.weights.Wzh @ case["h"] + case.weights.Wzx @ case["x"])))
        assert np.abs(gate - z).max() < 2.0**-53


def test_the_same_key_draws_the_same_cases():
    """Cases follow from the key: the same for one key, others for another."""
    one, again, other = (draw(FAMILIES["rnn_steps"], key, 10) for key in ("a", "a", "b"))

    assert one == again != other
