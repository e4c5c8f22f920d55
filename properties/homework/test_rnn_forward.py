"""Step I, RNN Forward: one step of the Elman cell, h_t = tanh(x W_ih^T + b_ih + h W_hh^T + b_hh)."""

from properties import expected, scripts
from properties.compare import assert_close, assert_plain_float64, assert_same, assert_unchanged, well_formed
from properties.registry import SELF_CONSISTENCY, advisory, required
from properties.stored import stored_rnn_steps, stored_state
from properties.strategies import (
    batches,
    first_rnn_steps,
    flat_rnn_steps,
    rnn_sequences,
    rnn_steps,
    saturated_rnn_steps,
    wide_rnn_steps,
)

STEP = "RNN Forward"


@required(STEP, "h_t", cases=stored_rnn_steps, script=scripts.rnn_forward)
def test_state_equals_the_stored_array(case, seen):
    """h_t is the stored array."""
    assert_close(seen.h_t, stored_state(case), "h_t")


@required(STEP, "h_t", cases=rnn_steps, script=scripts.rnn_forward)
def test_state_equals_torch(case, seen):
    """h_t is what torch.nn.RNNCell computes from the same weights."""
    assert_close(seen.h_t, expected.rnn_forward(case)["h_t"], "h_t")


@required(STEP, "h_t", cases=flat_rnn_steps, script=scripts.rnn_forward)
def test_state_keeps_its_shape_where_a_size_is_one(case, seen):
    """h_t is (N, H), and right, where N, D or H is 1."""
    assert_close(seen.h_t, expected.rnn_forward(case)["h_t"], "h_t")


@required(STEP, "h_t", cases=saturated_rnn_steps, script=scripts.rnn_forward)
def test_saturated_state_equals_torch(case, seen):
    """h_t is right where pre-activations are large and tanh is nearly 1 or -1."""
    assert_close(seen.h_t, expected.rnn_forward(case)["h_t"], "h_t")


@required(STEP, "h_t", cases=rnn_steps, script=scripts.rnn_strided)
def test_strided_arguments_give_the_same_state(case, seen):
    """h_t is right for x and h that are not contiguous in memory."""
    assert_close(seen.h_t, expected.rnn_forward(case)["h_t"], "h_t")


@required(STEP, "h_t", cases=rnn_sequences, script=scripts.rnn_unrolled)
def test_unrolled_states_equal_torch(case, seen):
    """Stepping T times gives every state of torch.nn.RNN."""
    answers = expected.rnn_unrolled(case)
    for t in range(1, case.T + 1):
        assert_close(seen[f"h_{t}"], answers[f"h_{t}"], f"h_{t}")


@required(STEP, "h_t", cases=batches, script=scripts.rnn_rows, kind=SELF_CONSISTENCY)
def test_each_row_depends_on_its_own_row_alone(case, seen):
    """A row of h_t is the same in another batch, and alone."""
    answer = expected.rnn_forward(case)["h_t"]
    row = well_formed(seen.h_t, answer, "h_t")[[case.row]]

    assert_same(seen.h_t_row, row, answer, "the row of h_t alone")
    assert_same(well_formed(seen.h_t_mixed, answer, "h_t")[[case.row]], row, answer, "the row of h_t in another batch")


@required(STEP, "h_t", cases=batches, script=scripts.rnn_permuted, kind=SELF_CONSISTENCY)
def test_state_commutes_with_permuting_the_batch(case, seen):
    """The state of a permuted batch is the permuted state."""
    answer = expected.rnn_forward(case)["h_t"]
    permuted = well_formed(seen.h_t, answer, "h_t")[case.order]

    assert_same(seen.h_t_permuted, permuted, answer, "h_t of the permuted batch")


@required(STEP, "h_t", cases=rnn_steps, script=scripts.rnn_call, kind=SELF_CONSISTENCY)
def test_calling_the_cell_is_forward(case, seen):
    """cell(x, h) is cell.forward(x, h)."""
    answer = expected.rnn_forward(case)["h_t"]

    assert_same(seen.h_t_called, well_formed(seen.h_t, answer, "h_t"), answer, "cell(x, h)")


@required(STEP, "h_t", cases=rnn_steps, script=scripts.rnn_new_weights)
def test_state_follows_the_weights_given_last(case, seen):
    """After a second init_weights, h_t is what torch.nn.RNNCell computes from the second weights."""
    assert_close(seen.h_t_2, expected.rnn_second_weights(case)["h_t_2"], "h_t_2")


@advisory(STEP, "h_t", cases=rnn_steps, script=scripts.rnn_forward)
def test_forward_leaves_its_arguments_alone(case, seen):
    """forward changes neither x nor h nor the weights."""
    assert_unchanged(seen)


@advisory(STEP, "h_t", cases=rnn_steps, script=scripts.rnn_frozen)
def test_forward_takes_read_only_arguments(case, seen):
    """forward works on arguments that cannot be written to."""
    assert_close(seen.h_t, expected.rnn_forward(case)["h_t"], "h_t")


@advisory(STEP, "h_t", cases=rnn_steps, script=scripts.rnn_forward)
def test_state_is_a_plain_float64_array(case, seen):
    """h_t is a plain ndarray of the dtype of the arguments, float64."""
    assert_plain_float64(seen, "h_t")


@required(STEP, "h_t", cases=wide_rnn_steps, script=scripts.rnn_forward)
def test_state_of_many_equals_torch(case, seen):
    """h_t is right for a batch past 8, for H past 32 and past 64, and for D past 256."""
    assert_close(seen.h_t, expected.rnn_forward(case)["h_t"], "h_t")


@required(STEP, "h_t", cases=first_rnn_steps, script=scripts.rnn_forward)
def test_state_after_zeros_equals_torch(case, seen):
    """h_t is right after a state of zeros."""
    assert_close(seen.h_t, expected.rnn_forward(case)["h_t"], "h_t")
