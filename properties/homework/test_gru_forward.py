"""Step II, GRU Forward: one step of the gated recurrent unit, h_t = (1 - z) * h + z * h~."""

import numpy as np

from properties import expected, scripts
from properties.compare import assert_between, assert_close, assert_plain_float64, assert_unchanged, well_formed
from properties.outcomes import Wrong
from properties.registry import advisory, required
from properties.stored import stored_gru_state, stored_gru_steps
from properties.strategies import (
    closed_gru_steps,
    flat_gru_steps,
    gru_sequences,
    gru_steps,
    open_gru_steps,
    overflowing_gru_steps,
    saturated_gru_steps,
    torch_like_gru_steps,
    wide_gru_steps,
)

STEP = "GRU Forward"


@required(STEP, "h_t", cases=stored_gru_steps, script=scripts.gru_forward)
def test_state_equals_the_stored_array(case, seen):
    """h_t is the stored array."""
    assert_close(seen.h_t, stored_gru_state(case), "h_t")


@required(STEP, "h_t", cases=gru_steps, script=scripts.gru_forward)
def test_state_equals_the_equations(case, seen):
    """h_t is what the homework's equations give."""
    assert_close(seen.h_t, expected.gru_forward(case)["h_t"], "h_t")


@required(STEP, "h_t", cases=torch_like_gru_steps, script=scripts.gru_forward)
def test_state_equals_torch(case, seen):
    """h_t is what torch.nn.GRUCell computes, where the two units are the same function."""
    assert_close(seen.h_t, expected.gru_forward_by_torch(case)["h_t"], "h_t")


@required(STEP, "h_t", cases=flat_gru_steps, script=scripts.gru_forward)
def test_state_keeps_its_shape_where_a_size_is_one(case, seen):
    """h_t is (H,), and right, where H or D is 1."""
    assert_close(seen.h_t, expected.gru_forward(case)["h_t"], "h_t")


@required(STEP, "h_t", cases=saturated_gru_steps, script=scripts.gru_forward)
def test_saturated_state_equals_the_equations(case, seen):
    """h_t is right where gates are nearly 0 or 1."""
    assert_close(seen.h_t, expected.gru_forward(case)["h_t"], "h_t")


@required(STEP, "h_t", cases=gru_steps, script=scripts.gru_forward)
def test_state_lies_between_the_last_and_the_candidate(case, seen):
    """Each unit of h_t lies between h_{t-1} and the candidate h~."""
    answers = expected.gru_forward(case)
    assert_between(seen.h_t, case["h"], answers["candidate"], "h_t")


@required(STEP, "h_t", cases=closed_gru_steps, script=scripts.gru_forward)
def test_closed_update_gate_keeps_the_state(case, seen):
    """Where z is 0, h_t is h_{t-1}."""
    assert_close(seen.h_t, expected.gru_forward(case)["h_t"].instead(case["h"]), "h_t")


@required(STEP, "h_t", cases=open_gru_steps, script=scripts.gru_forward)
def test_open_update_gate_replaces_the_state(case, seen):
    """Where z is 1, h_t is the candidate h~."""
    assert_close(seen.h_t, expected.gru_forward(case)["candidate"], "h_t")


@required(STEP, "h_t", cases=gru_sequences, script=scripts.gru_unrolled)
def test_unrolled_states_equal_the_equations(case, seen):
    """Stepping T times gives every state that the equations give."""
    answers = expected.gru_unrolled(case)
    for t in range(1, case.T + 1):
        assert_close(seen[f"h_{t}"], answers[f"h_{t}"], f"h_{t}")


@required(STEP, "h_t", cases=gru_steps, script=scripts.gru_new_weights)
def test_state_follows_the_weights_given_last(case, seen):
    """After a second init_weights, h_t is what the equations give with the second weights."""
    assert_close(seen.h_t_2, expected.gru_second_weights(case)["h_t_2"], "h_t_2")


@advisory(STEP, "h_t", cases=overflowing_gru_steps, script=scripts.gru_forward)
def test_large_arguments_do_not_overflow(case, seen):
    """Pre-activations of hundreds and thousands give no nan, and no warning of an overflow."""
    answer = expected.gru_forward(case)["h_t"]
    if not np.isfinite(well_formed(seen.h_t, answer, "h_t")).all():
        raise Wrong("h_t is not finite, but should be")
    if seen.warned:
        raise Wrong(f"forward warns of {seen.warned[0]!r}, but should not")


@advisory(STEP, "h_t", cases=gru_steps, script=scripts.gru_forward)
def test_forward_leaves_its_arguments_alone(case, seen):
    """forward changes neither x nor h nor the weights."""
    assert_unchanged(seen)


@advisory(STEP, "h_t", cases=gru_steps, script=scripts.gru_frozen)
def test_forward_takes_read_only_arguments(case, seen):
    """forward works on arguments that cannot be written to."""
    assert_close(seen.h_t, expected.gru_forward(case)["h_t"], "h_t")


@advisory(STEP, "h_t", cases=gru_steps, script=scripts.gru_forward)
def test_state_is_a_plain_float64_array(case, seen):
    """h_t is a plain ndarray of the dtype of the arguments, float64."""
    assert_plain_float64(seen, "h_t")


@required(STEP, "h_t", cases=wide_gru_steps, script=scripts.gru_forward)
def test_state_of_many_units_equals_the_equations(case, seen):
    """h_t is right for H of more than 32 and more than 64, and for D of more than 256."""
    assert_close(seen.h_t, expected.gru_forward(case)["h_t"], "h_t")
