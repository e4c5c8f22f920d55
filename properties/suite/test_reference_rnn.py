"""The torch oracle of step I against the equation, central differences and a case done by hand."""

from typing import NamedTuple

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from reference import differences, rnn
from reference.rnn import RNNWeights

ROUNDED = 1e-13  # a few hundred roundings of values of unit size: the same numbers, summed in another order
ORDER_TWO = (1.9, 2.1)  # log2 of how much smaller the error gets when the step is halved; truncation alone gives 2
LARGE_STEP = 2.0**-7  # truncation, some s^2, is a million times the rounding here, and the next term, s^4, small


class Step(NamedTuple):
    delta: np.ndarray
    x: np.ndarray
    h: np.ndarray
    weights: RNNWeights

    @property
    def point(self):
        return {"x": self.x, "h": self.h, **self.weights._asdict()}


class Batch(NamedTuple):
    x: np.ndarray
    h_0: np.ndarray
    layers: tuple
    W: np.ndarray
    b: np.ndarray
    labels: np.ndarray


def step_of(N, D, H, seed):
    rng = np.random.default_rng(seed)
    draw = rng.standard_normal
    return Step(draw((N, H)), draw((N, D)), np.tanh(draw((N, H))), weights_of(rng, D, H))


def weights_of(rng, D, H):
    return RNNWeights(*(rng.uniform(-1, 1, shape) for shape in ((H, D), (H, H), (H,), (H,))))


def batch_of(N, T, D, H, L, C, seed):
    rng = np.random.default_rng(seed)
    layers = tuple(weights_of(rng, H if level else D, H) for level in range(L))
    x, h_0 = rng.standard_normal((N, T, D)), np.tanh(rng.standard_normal((L, N, H)))
    return Batch(x, h_0, layers, rng.uniform(-1, 1, (C, H)), rng.uniform(-1, 1, C), rng.integers(0, C, N))


sizes = st.integers(1, 4)
seeds = st.integers(0, 2**32 - 1)
steps = st.builds(step_of, sizes, sizes, sizes, seeds)
batches = st.builds(batch_of, sizes, sizes, sizes, sizes, st.integers(1, 3), sizes, seeds)


def equation(point):
    x, h, W_ih, W_hh, b_ih, b_hh = point.values()
    return np.tanh(x @ W_ih.T + b_ih + h @ W_hh.T + b_hh)


def quotients(step, size):
    """The gradients of sum(delta * h_t) by central differences of the equation, parameters averaged over the batch."""
    return rnn.StepGradients(
        *(
            differences.gradient(lambda moved, name=name: loss(step, name, moved), array, size)
            / (1 if name in ("x", "h") else len(step.x))
            for name, array in step.point.items()
        )
    )


def loss(step, name, moved):
    return float(np.sum(step.delta * equation({**step.point, name: moved})))


def largest_gap(ours, theirs):
    return max(np.abs(a - b).max() for a, b in zip(ours, theirs, strict=True))


@given(steps)
@settings(deadline=None, max_examples=50)
def test_state_is_the_equation(step):
    """state is tanh(x W_ih^T + b_ih + h W_hh^T + b_hh)."""
    assert np.abs(rnn.state(step.x, step.h, step.weights) - equation(step.point)).max() <= ROUNDED


@given(steps)
@settings(deadline=None, max_examples=25)
def test_step_gradients_equal_central_differences(step):
    """step_gradients are the derivatives of the equation: dx and dh of the sum, the other four of the batch mean."""
    gap = largest_gap(rnn.step_gradients(*step), quotients(step, differences.STEP))

    assert gap <= differences.ACCURACY[np.dtype(np.float64)] * np.abs(step.delta).sum()


@pytest.mark.parametrize("seed", range(5))
def test_halving_the_step_quarters_the_error(seed):
    """The central differences of a step converge to its gradients with order 2."""
    step = step_of(3, 2, 4, seed)
    gradients = rnn.step_gradients(*step)
    error, halved = (largest_gap(gradients, quotients(step, size)) for size in (LARGE_STEP, LARGE_STEP / 2))

    assert ORDER_TWO[0] < np.log2(error / halved) < ORDER_TWO[1]


@given(batches)
@settings(deadline=None, max_examples=25)
def test_states_are_repeated_steps(batch):
    """states holds what state returns, step after step."""
    h, weights, expected = batch.h_0[0], batch.layers[0], []
    for x in batch.x.swapaxes(0, 1):
        h = rnn.state(x, h, weights)
        expected.append(h)

    states = rnn.states(batch.x.swapaxes(0, 1), batch.h_0[0], weights)

    assert states.shape == np.shape(expected)
    assert np.abs(states - expected).max() <= ROUNDED


@given(batches)
@settings(deadline=None, max_examples=25)
def test_last_states_are_those_of_the_layers_run_one_by_one(batch):
    """A layer's input is the states of the layer below."""
    below, expected = batch.x.swapaxes(0, 1), []
    for h_0, weights in zip(batch.h_0, batch.layers, strict=True):
        below = rnn.states(below, h_0, weights)
        expected.append(below[-1])

    assert np.abs(rnn.last_states(batch.x, batch.h_0, batch.layers) - expected).max() <= ROUNDED


@given(batches)
@settings(deadline=None, max_examples=25)
def test_classify_joins_last_states_and_delta(batch):
    """logits = W h + b of the last layer's last state; delta = softmax - onehot; dW and db are batch means of delta."""
    result = rnn.classify(*batch)
    last, N = rnn.last_states(*batch[:3])[-1], len(batch.x)
    softmax = np.exp(result.logits) / np.exp(result.logits).sum(axis=1, keepdims=True)

    assert np.abs(result.logits - (last @ batch.W.T + batch.b)).max() <= ROUNDED
    assert np.abs(result.delta - (softmax - np.eye(len(batch.b))[batch.labels])).max() <= ROUNDED
    assert np.abs(result.dW - result.delta.T @ last / N).max() <= ROUNDED
    assert np.abs(result.db - result.delta.mean(axis=0)).max() <= ROUNDED


def mean_loss(batch):
    logits = rnn.classify(*batch).logits
    return np.mean(np.log(np.exp(logits).sum(axis=1)) - logits[np.arange(len(logits)), batch.labels])


@given(batches)
@settings(deadline=None, max_examples=25)
def test_gradients_are_those_of_the_delta_that_was_told(batch):
    """Told its own delta, or half, classify gives what it gives without, or half of that; nothing else changes."""
    own = rnn.classify(*batch)

    for share in (1.0, 0.5):
        told = rnn.classify(*batch, share * own.delta)
        np.testing.assert_array_equal(told.logits, own.logits)
        np.testing.assert_array_equal(told.delta, own.delta)
        for ours, theirs in [
            (own.dh_0, told.dh_0),
            (own.dW, told.dW),
            (own.db, told.db),
            (own.dW_ih[0], told.dW_ih[0]),
        ]:
            assert np.abs(share * ours - theirs).max() <= ROUNDED


@pytest.mark.parametrize("level", [0, 1, 2])
@pytest.mark.parametrize("name", RNNWeights._fields)
def test_weight_gradients_are_of_the_mean_loss(name, level):
    """Each layer's gradients are the derivatives of the mean cross-entropy."""
    batch = batch_of(N=3, T=4, D=2, H=3, L=3, C=4, seed=level)
    direction = np.random.default_rng(level).standard_normal(batch.layers[level]._asdict()[name].shape)

    def moved_loss(point):
        moved = batch.layers[level]._replace(**point)
        return mean_loss(batch._replace(layers=(*batch.layers[:level], moved, *batch.layers[level + 1 :])))

    quotient = differences.directional(moved_loss, batch.layers[level]._asdict(), name, direction)
    gradient = getattr(rnn.classify(*batch), f"d{name}")[level]

    assert abs(quotient - np.sum(gradient * direction)) <= differences.ACCURACY[np.dtype(np.float64)]


@pytest.mark.parametrize("name", ["h_0", "W", "b"])
def test_other_gradients_are_of_the_mean_loss(name):
    """dh_0, dW and db are the derivatives of the mean cross-entropy: dh_0 is divided by N."""
    batch = batch_of(N=3, T=4, D=2, H=3, L=2, C=4, seed=0)
    array = getattr(batch, name)
    direction = np.random.default_rng(1).standard_normal(array.shape)

    quotient = differences.directional(lambda point: mean_loss(batch._replace(**point)), {name: array}, name, direction)
    gradient = getattr(rnn.classify(*batch), f"d{name}")

    assert abs(quotient - np.sum(gradient * direction)) <= differences.ACCURACY[np.dtype(np.float64)]


def test_classify_by_hand():
    """Two samples, one step, one unit, two classes, from a state of zero.

    h = tanh(ln 2) = (4 - 1) / (4 + 1) = 0.6 for the first sample and 0 for the second. Logits are (h, 0) times
    ln 3 / 0.6, so the softmax is (3/4, 1/4) and (1/2, 1/2); labels 0 and 1 leave delta = (-1/4, 1/4) and (1/2, -1/2).
    """
    slope = np.log(3) / 0.6
    weights = RNNWeights(*(np.array(value) for value in ([[np.log(2)]], [[0.5]], [0.0], [0.0])))
    W, b = np.array([[slope], [0.0]]), np.zeros(2)

    result = rnn.classify(np.array([[[1.0]], [[0.0]]]), np.zeros((1, 2, 1)), [weights], W, b, np.array([0, 1]))

    da = np.array([-slope / 4 * (1 - 0.36), slope / 2])  # delta W times 1 - h^2, each sample's own
    expected = {
        "logits": [[np.log(3), 0], [0, 0]],
        "delta": [[-0.25, 0.25], [0.5, -0.5]],
        "dh_0": [[[da[0] * 0.5 / 2], [da[1] * 0.5 / 2]]],
        "dW_ih": [[[da[0] / 2]]],  # x is 1 and 0
        "dW_hh": [[[0.0]]],
        "db_ih": [[da.sum() / 2]],
        "db_hh": [[da.sum() / 2]],
        "dW": [[-0.25 * 0.6 / 2], [0.25 * 0.6 / 2]],
        "db": [0.125, -0.125],
    }
    for name, value in expected.items():
        assert np.shape(getattr(result, name)) == np.shape(value), name
        assert np.abs(np.subtract(getattr(result, name), value)).max() <= ROUNDED, name


def test_nothing_is_drawn_or_changed():
    """Arguments keep their values, and torch's global generator stays where it was."""
    step, fresh = (step_of(2, 3, 4, seed=0) for _ in range(2))
    before = torch.random.get_rng_state()

    gradients = rnn.step_gradients(*step)
    gradients.dx[:] = 0

    assert torch.equal(before, torch.random.get_rng_state())
    assert all(
        np.array_equal(ours, theirs) for ours, theirs in zip(step.point.values(), fresh.point.values(), strict=True)
    )


def test_results_are_float64():
    """Arguments of another dtype are converted first."""
    step = step_of(2, 3, 4, seed=0)

    assert rnn.state(step.x.astype(np.float32), step.h.tolist(), step.weights).dtype == np.float64


def test_weights_of_another_shape_are_refused():
    """A bias of one element does not slip through by broadcasting."""
    step = step_of(2, 3, 4, seed=0)

    with pytest.raises(RuntimeError, match="size mismatch"):
        rnn.state(step.x, step.h, step.weights._replace(b_ih=np.zeros(1)))
