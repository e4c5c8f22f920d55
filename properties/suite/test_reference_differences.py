"""Central differences: their order, what they promise, and that what they allow is neither too little nor too much."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reference import differences, gru, rnn, tolerance
from reference.gru import GRUWeights
from reference.rnn import RNNWeights

PRECISIONS = [(np.float64, differences.STEP), (np.float32, differences.STEP_FLOAT32)]
UNUSED = 0.5  # of what is allowed, at least this much stays unused by the true error
PROMISE_KEPT = 1 / 3  # the measured error, at most this share of ACCURACY
SLIGHTLY_WRONG = 1.0005  # a derivative that is 0.05 % off is wrong

sizes = st.integers(1, 6)
seeds = st.integers(0, 2**32 - 1)
scales = st.sampled_from([0.1, 0.5, 1.0, 2.0])


def rnn_forward(point):
    x, h, W_ih, W_hh, b_ih, b_hh = point.values()
    return np.tanh(x @ W_ih.T + b_ih + h @ W_hh.T + b_hh)


def rnn_gradients(delta, point):
    x, h, *weights = point.values()
    dx, dh, *means = rnn.step_gradients(delta, x, h, RNNWeights(*weights))
    return dict(zip(point, (dx, dh, *(len(x) * mean for mean in means)), strict=True))


def rnn_point(N, D, H, scale, rng):
    shapes = {"x": (N, D), "h": (N, H), "W_ih": (H, D), "W_hh": (H, H), "b_ih": (H,), "b_hh": (H,)}
    return {name: scale * rng.uniform(-1, 1, shape) for name, shape in shapes.items()}


def gru_forward(point):
    x, h, Wzh, Wrh, Wh, Wzx, Wrx, Wx = point.values()
    z, r = (0.5 + 0.5 * np.tanh(0.5 * (h @ A.T + x @ B.T)) for A, B in ((Wzh, Wzx), (Wrh, Wrx)))
    return (1 - z) * h + z * np.tanh((r * h) @ Wh.T + x @ Wx.T)


def gru_gradients(delta, point):
    x, h, *weights = point.values()
    return dict(zip(point, gru.gradients(delta, x[0], h[0], GRUWeights(*weights)), strict=True))


def gru_point(N, D, H, scale, rng):
    shapes = {"x": (1, D), "h": (1, H), **dict.fromkeys(["Wzh", "Wrh", "Wh"], (H, H))}
    shapes |= dict.fromkeys(["Wzx", "Wrx", "Wx"], (H, D))
    return {name: scale * rng.uniform(-1, 1, shape) for name, shape in shapes.items()}


NETWORKS = [(rnn_point, rnn_forward, rnn_gradients), (gru_point, gru_forward, gru_gradients)]


def test_the_steps_are_the_optimum():
    """Each step is (3 u)^(1/3), less than a factor of two short of it."""
    for dtype, step in PRECISIONS:
        assert step <= (3 * tolerance.unit_roundoff(dtype)) ** (1 / 3) < 2 * step


@pytest.mark.parametrize("step", [0.5, 0.25, 0.125])
def test_the_error_on_a_cube_is_the_step_squared(step):
    """((p + s)^3 - (p - s)^3) / (2 s) = 3 p^2 + s^2, exactly: halving the step quarters the error."""
    quotient = differences.directional(lambda point: point["p"] ** 3, {"p": np.array([2.0])}, "p", np.ones(1), step)

    assert quotient == 12 + step**2


def test_directional_moves_the_named_array_alone():
    """The other arrays reach f as they are, and the point keeps its own."""
    point = {"a": np.array([1.0, 2.0]), "b": np.array([3.0, 4.0])}

    quotient = differences.directional(lambda p: p["a"] * p["b"], point, "b", np.array([1.0, -1.0]), step=0.5)

    assert np.array_equal(quotient, [1.0, -2.0])
    assert np.array_equal(point["b"], [3.0, 4.0])


def test_directional_refuses_a_direction_of_another_shape():
    """A direction that would only broadcast is an error that says both shapes."""
    with pytest.raises(ValueError, match=r"direction has shape \(1,\), but b has \(2,\)"):
        differences.directional(lambda point: point["b"], {"b": np.zeros(2)}, "b", np.ones(1))


def test_gradient_of_a_quadratic_is_exact():
    """Even terms cancel: of sum(c * a * a) with small whole numbers not even a rounding is left."""
    a, c = np.array([[1.0, -2.0], [3.0, 0.0]]), np.array([[1.0, 2.0], [-1.0, 5.0]])

    assert np.array_equal(differences.gradient(lambda moved: np.sum(c * moved * moved), a, step=0.5), 2 * c * a)


@pytest.mark.parametrize(("dtype", "step"), PRECISIONS)
@pytest.mark.parametrize(("point_of", "forward", "gradients"), NETWORKS)
@given(N=sizes, D=sizes, H=sizes, seed=seeds)
@settings(deadline=None, max_examples=10)
def test_accuracy_is_kept(point_of, forward, gradients, dtype, step, N, D, H, seed):
    """For arguments of unit scale gradient errs by less than a third of ACCURACY times sum|delta|."""
    rng = np.random.default_rng(seed)
    point = {name: array.astype(dtype) for name, array in point_of(N, D, H, 1.0, rng).items()}
    delta = rng.standard_normal(point["h"].shape)
    expected = gradients(delta, point)
    promise = PROMISE_KEPT * differences.ACCURACY[np.dtype(dtype)] * np.abs(delta).sum()

    for name, array in point.items():
        quotient = differences.gradient(
            lambda moved, name=name: np.sum(delta * forward({**point, name: moved.astype(dtype)})), array, step
        )
        assert np.abs(quotient - expected[name]).max() <= promise, name


def both_sides(point, forward, gradient, delta, name, direction, step):
    """lhs, rhs and what may lie between them, for direction of Euclidean norm 1 made of this one."""
    array = point[name]
    direction = (direction / np.linalg.norm(direction)).astype(array.dtype)
    f_plus, f_minus = (forward({**point, name: array + side * direction}) for side in (step, -step))
    lhs = np.sum(delta * (f_plus.astype(np.float64) - f_minus)) / (2 * step)
    u = tolerance.unit_roundoff(f_plus.dtype)
    return lhs, np.sum(gradient * direction), differences.allowed(delta, f_plus, f_minus, step, u)


@pytest.mark.parametrize(("dtype", "step"), PRECISIONS)
@pytest.mark.parametrize(("point_of", "forward", "gradients"), NETWORKS)
@given(N=sizes, D=sizes, H=st.sampled_from([1, 2, 5, 40]), scale=scales, seed=seeds)
@settings(deadline=None, max_examples=25)
def test_right_gradients_use_less_than_half_of_what_is_allowed(
    point_of, forward, gradients, dtype, step, N, D, H, scale, seed
):
    """lhs and rhs of a right gradient differ by less than half of `allowed`, in both precisions and at any scale."""
    rng = np.random.default_rng(seed)
    point = {name: array.astype(dtype) for name, array in point_of(N, D, H, scale, rng).items()}
    delta = rng.standard_normal(point["h"].shape)

    for name, gradient in gradients(delta, point).items():
        direction = rng.standard_normal(point[name].shape)
        lhs, rhs, allowed = both_sides(point, forward, gradient, delta, name, direction, step)
        assert abs(lhs - rhs) <= UNUSED * allowed, name


@pytest.mark.parametrize(("point_of", "forward", "gradients"), NETWORKS)
@given(N=sizes, D=sizes, H=sizes, scale=st.sampled_from([0.5, 1.0]), seed=seeds)
@settings(deadline=None, max_examples=25)
def test_a_slightly_wrong_gradient_is_seen(point_of, forward, gradients, N, D, H, scale, seed):
    """Along the gradient's own direction, 0.05 % too much is more than `allowed`, in float64."""
    rng = np.random.default_rng(seed)
    point = point_of(N, D, H, scale, rng)
    delta = rng.choice([-1.0, 1.0], point["h"].shape)

    for name, gradient in gradients(delta, point).items():
        wrong, direction = SLIGHTLY_WRONG * gradient, gradient / np.linalg.norm(gradient)
        lhs, rhs, allowed = both_sides(point, forward, wrong, delta, name, direction, differences.STEP)
        assert not (abs(lhs - rhs) <= allowed), name


@pytest.mark.parametrize("place", [0, 1, 2])
def test_nan_is_never_allowed(place):
    """`allowed` is nan where delta or a value is: no error is within that."""
    arrays = [np.ones(3), np.ones(3), np.ones(3)]
    arrays[place][1] = np.nan

    assert np.isnan(differences.allowed(*arrays, differences.STEP, 2.0**-53))
