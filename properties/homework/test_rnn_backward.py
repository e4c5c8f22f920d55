"""Step I, RNN Backward: the gradients of one step of the Elman cell; those of weights are batch means, and add up."""

from properties import expected, scripts
from properties.cases import DELTA_SCALES
from properties.compare import (
    assert_apart,
    assert_close,
    assert_derivative,
    assert_linear,
    assert_plain_float64,
    assert_responds,
    assert_same,
    assert_unchanged,
    well_formed,
)
from properties.registry import SELF_CONSISTENCY, advisory, alternative, condition, required
from properties.stored import stored_rnn_gradient, stored_rnn_steps
from properties.strategies import first_rnn_steps, rnn_points, rnn_steps, saturated_rnn_steps, wide_rnn_steps

STEP = "RNN Backward"
GRADIENTS = {"dx": "x", "dh": "h", "dW_ih": "W_ih", "dW_hh": "W_hh", "db_ih": "b_ih", "db_hh": "b_hh"}


@required(STEP, each=GRADIENTS, cases=stored_rnn_steps, script=scripts.rnn_backward)
def test_gradient_equals_the_stored_array(case, seen, gradient):
    """The gradient is the stored array."""
    assert_close(seen[gradient], stored_rnn_gradient(case, gradient), gradient)


@required(STEP, each=GRADIENTS, cases=rnn_steps, script=scripts.rnn_backward)
def test_gradient_equals_torch(case, seen, gradient):
    """The gradient is that of torch.nn.RNNCell by autograd, averaged over the batch for weights, not for dx and dh."""
    assert_close(seen[gradient], expected.rnn_backward(case)[gradient], gradient)


@required(STEP, each=GRADIENTS, cases=wide_rnn_steps, script=scripts.rnn_backward)
def test_gradient_of_many_equals_torch(case, seen, gradient):
    """The gradient is right for a batch past 8, for H past 32 and past 64, and for D past 256."""
    assert_close(seen[gradient], expected.rnn_backward(case)[gradient], gradient)


@required(STEP, each=GRADIENTS, cases=saturated_rnn_steps, script=scripts.rnn_backward)
def test_gradient_of_saturated_states_equals_torch(case, seen, gradient):
    """The gradient is right where tanh is nearly 1 or -1."""
    assert_close(seen[gradient], expected.rnn_backward(case)[gradient], gradient)


@required(STEP, each=GRADIENTS, cases=rnn_steps, script=scripts.rnn_backward_elsewhere)
def test_gradient_uses_the_state_it_was_given(case, seen, gradient):
    """The gradient belongs to the h that backward is given, whatever was forwarded last."""
    assert_close(seen[gradient], expected.rnn_backward(case)[gradient], gradient)


@required(STEP, each=GRADIENTS, cases=rnn_steps, script=scripts.rnn_backward_scaled, kind=SELF_CONSISTENCY)
def test_gradient_is_linear_in_delta(case, seen, gradient):
    """The gradient of a sum of deltas is the sum of theirs, and of c delta c times delta's, c from 1e-8 to 1e4."""
    answer = expected.rnn_backward(case)[gradient]
    assert_linear(seen, gradient, answer, DELTA_SCALES)


@required(STEP, each=scripts.RNN_GRADIENTS, cases=rnn_steps, script=scripts.rnn_backward_twice, kind=SELF_CONSISTENCY)
def test_gradient_adds_over_calls(case, seen, gradient):
    """After two backward calls the weight's gradient is the sum of the two."""
    answer = expected.rnn_backward(case)[gradient]
    one = well_formed(seen[gradient], answer, gradient)
    two = well_formed(seen[f"{gradient}_2"], answer, gradient)

    assert_same(seen[f"{gradient}_both"], one + two, answer, f"{gradient} after two calls", (one, two))


@required(STEP, each=("dx", "dh"), cases=rnn_steps, script=scripts.rnn_backward_twice, kind=SELF_CONSISTENCY)
def test_gradient_does_not_add_over_calls(case, seen, gradient):
    """What a second backward returns is what it returns on a fresh cell."""
    answer = expected.rnn_backward(case)[gradient]
    alone = well_formed(seen[f"{gradient}_2"], answer, gradient)

    assert_same(seen[f"{gradient}_both"], alone, answer, f"{gradient} of the second call")


@required(STEP, each=GRADIENTS, cases=rnn_steps, script=scripts.rnn_backward_cleared, kind=SELF_CONSISTENCY)
def test_zero_grad_clears(case, seen, gradient):
    """After zero_grad a backward gives what it gives on a fresh cell."""
    answer = expected.rnn_backward(case)[gradient]
    alone = well_formed(seen[gradient], answer, gradient)

    assert_same(seen[f"{gradient}_cleared"], alone, answer, f"{gradient} after zero_grad")


@alternative(STEP, each=GRADIENTS, cases=rnn_points, script=scripts.rnn_differences)
def test_gradient_is_the_derivative_of_forward(case, seen, gradient):
    """The gradient is the derivative of the cell's own forward, by central differences."""
    times = 1 if gradient in ("dx", "dh") else case.N  # those of weights are means
    assert_derivative(seen, case, GRADIENTS[gradient], times * seen[gradient], case["delta"], gradient)


@condition(STEP, "forward", cases=rnn_points, script=scripts.rnn_differences, each=GRADIENTS.values())
def test_forward_responds(case, seen, name):
    """The cell's own forward changes with each input and weight."""
    assert_responds(seen, name)


@advisory(STEP, "dx", cases=rnn_steps, script=scripts.rnn_backward)
def test_backward_leaves_its_arguments_alone(case, seen):
    """backward changes neither delta nor the states."""
    assert_unchanged(seen)


@advisory(STEP, each=GRADIENTS, cases=rnn_steps, script=scripts.rnn_backward)
def test_gradient_is_a_plain_float64_array(case, seen, gradient):
    """The gradient is a plain ndarray of the dtype of the arguments, float64."""
    assert_plain_float64(seen, gradient)


@advisory(STEP, "db_hh", cases=rnn_steps, script=scripts.rnn_backward)
def test_gradients_are_arrays_of_their_own(case, seen):
    """No two gradients share memory."""
    assert_apart(seen, *GRADIENTS)


@required(STEP, each=GRADIENTS, cases=first_rnn_steps, script=scripts.rnn_backward)
def test_gradient_after_zeros_equals_torch(case, seen, gradient):
    """The gradient is right after a state of zeros."""
    assert_close(seen[gradient], expected.rnn_backward(case)[gradient], gradient)
