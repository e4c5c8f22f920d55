"""Step II, GRU Backward: the gradients of one step of the gated recurrent unit."""

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
from properties.stored import stored_gru_gradient, stored_gru_steps
from properties.strategies import (
    first_gru_steps,
    flat_gru_steps,
    gru_points,
    gru_steps,
    saturated_gru_steps,
    wide_gru_steps,
)

STEP = "GRU Backward"
GRADIENTS = {
    "dx": "x", "dh": "h",
    "dWzh": "Wzh", "dWrh": "Wrh", "dWh": "Wh",
    "dWzx": "Wzx", "dWrx": "Wrx", "dWx": "Wx",
}  # fmt: skip
NOT_ZERO_AFTER_ZEROS = ("dx", "dh", "dWzh", "dWzx", "dWrx", "dWx")  # dWrh and dWh are products with the state


@required(STEP, each=GRADIENTS, cases=stored_gru_steps, script=scripts.gru_backward)
def test_gradient_equals_the_stored_array(case, seen, gradient):
    """The gradient is the stored array."""
    assert_close(seen[gradient], stored_gru_gradient(case, gradient), gradient)


@required(STEP, each=GRADIENTS, cases=gru_steps, script=scripts.gru_backward)
def test_gradient_equals_autograd(case, seen, gradient):
    """The gradient is that of the homework's equations by autograd; dx is (1, D) and dh is (1, H)."""
    assert_close(seen[gradient], expected.gru_backward(case)[gradient], gradient)


@required(STEP, each=GRADIENTS, cases=flat_gru_steps, script=scripts.gru_backward)
def test_gradient_keeps_its_shape_where_a_size_is_one(case, seen, gradient):
    """The gradient has its shape, and is right, where H or D is 1."""
    assert_close(seen[gradient], expected.gru_backward(case)[gradient], gradient)


@required(STEP, each=GRADIENTS, cases=saturated_gru_steps, script=scripts.gru_backward)
def test_gradient_of_saturated_gates_equals_autograd(case, seen, gradient):
    """The gradient is right where gates are nearly 0 or 1."""
    assert_close(seen[gradient], expected.gru_backward(case)[gradient], gradient)


@required(STEP, each=GRADIENTS, cases=gru_steps, script=scripts.gru_backward_scaled, kind=SELF_CONSISTENCY)
def test_gradient_is_linear_in_delta(case, seen, gradient):
    """The gradient of a sum of deltas is the sum of theirs, and of c delta c times delta's, c from 1e-8 to 1e4."""
    assert_linear(seen, gradient, expected.gru_backward(case)[gradient], DELTA_SCALES)


@alternative(STEP, each=GRADIENTS, cases=gru_points, script=scripts.gru_differences)
def test_gradient_is_the_derivative_of_forward(case, seen, gradient):
    """The gradient is the derivative of the cell's own forward, by central differences."""
    result = seen[gradient]
    if gradient in ("dx", "dh"):
        result = well_formed(result, expected.gru_backward(case)[gradient], gradient)[0]
    assert_derivative(seen, case, GRADIENTS[gradient], result, case["delta"][0], gradient)


@condition(STEP, "forward", each=GRADIENTS.values(), cases=gru_points, script=scripts.gru_differences)
def test_forward_responds(case, seen, name):
    """The cell's own forward changes with each input and weight."""
    assert_responds(seen, name)


@advisory(STEP, each=scripts.GRU_GRADIENTS, cases=gru_steps, script=scripts.gru_backward_twice)
def test_gradient_adds_over_calls(case, seen, gradient):
    """After two steps on one cell the weight's gradient is the sum of the two, as the RNN cell's is."""
    answer = expected.gru_backward(case)[gradient]
    one = well_formed(seen[gradient], answer, gradient)
    two = well_formed(seen[f"{gradient}_2"], answer, gradient)

    assert_same(seen[f"{gradient}_both"], one + two, answer, f"{gradient} after two steps", (one, two))


@advisory(STEP, each=("dx", "dh"), cases=gru_steps, script=scripts.gru_backward_flat)
def test_delta_may_be_flat(case, seen, gradient):
    """backward also takes a delta of shape (H,)."""
    assert_close(seen[gradient].reshape(1, -1), expected.gru_backward(case)[gradient], gradient)


@advisory(STEP, "dx", cases=gru_steps, script=scripts.gru_backward)
def test_backward_leaves_its_arguments_alone(case, seen):
    """backward changes neither delta nor what forward was given."""
    assert_unchanged(seen)


@advisory(STEP, each=GRADIENTS, cases=gru_steps, script=scripts.gru_backward)
def test_gradient_is_a_plain_float64_array(case, seen, gradient):
    """The gradient is a plain ndarray of the dtype of the arguments, float64."""
    assert_plain_float64(seen, gradient)


@advisory(STEP, "dx", cases=gru_steps, script=scripts.gru_backward)
def test_gradients_are_arrays_of_their_own(case, seen):
    """No two gradients share memory."""
    assert_apart(seen, *GRADIENTS)


@required(STEP, each=GRADIENTS, cases=wide_gru_steps, script=scripts.gru_backward)
def test_gradient_of_many_units_equals_autograd(case, seen, gradient):
    """The gradient is right for H of more than 32 and more than 64, and for D of more than 256."""
    assert_close(seen[gradient], expected.gru_backward(case)[gradient], gradient)


@required(STEP, each=NOT_ZERO_AFTER_ZEROS, cases=first_gru_steps, script=scripts.gru_backward)
def test_gradient_after_zeros_equals_autograd(case, seen, gradient):
    """The gradient is right after a state of zeros."""
    assert_close(seen[gradient], expected.gru_backward(case)[gradient], gradient)
