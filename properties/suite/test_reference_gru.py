"""The homework's GRU in torch against central differences, a case done by hand, and torch.nn.GRUCell."""

from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reference import differences, gru, torch_gru
from reference.gru import GRUWeights

ROUNDED = 1e-13  # a few hundred roundings of values of unit size: the same numbers, summed in another order
ORDER_TWO = (1.9, 2.1)  # log2 of how much smaller the error gets when the step is halved; truncation alone gives 2
LARGE_STEP = 2.0**-7  # truncation, some s^2, is a million times the rounding here, and the next term, s^4, small
NEVER_THE_SAME = 0.1  # the largest difference between the two GRUs, at H = 20 and weights of scale 0.5, is more


class Step(NamedTuple):
    delta: np.ndarray
    x: np.ndarray
    h: np.ndarray
    weights: GRUWeights

    @property
    def point(self):
        return {"x": self.x, "h": self.h, **self.weights._asdict()}


def step_of(D, H, seed, scale=1.0):
    rng = np.random.default_rng(seed)
    weights = GRUWeights(*(scale * rng.standard_normal((H, columns)) for columns in (H, H, H, D, D, D)))
    return Step(rng.standard_normal((1, H)), rng.standard_normal(D), np.tanh(rng.standard_normal(H)), weights)


sizes = st.integers(1, 5)
seeds = st.integers(0, 2**32 - 1)
steps = st.builds(step_of, sizes, sizes, seeds)


def quotients(step, size):
    """The gradients of sum(delta * h_t) by central differences of state, in the shapes of GRUGradients."""
    dx, dh, *d_weights = (
        differences.gradient(lambda moved, name=name: loss(step, name, moved), array, size)
        for name, array in step.point.items()
    )
    return gru.GRUGradients(dx[None], dh[None], *d_weights)


def loss(step, name, moved):
    x, h, *weights = {**step.point, name: moved}.values()
    return float(np.sum(step.delta * gru.state(x, h, GRUWeights(*weights))))


def largest_gap(ours, theirs):
    return max(np.abs(a - b).max() for a, b in zip(ours, theirs, strict=True))


def test_gates_by_hand():
    """One unit: sigmoid(ln 3) = 3/4, sigmoid(0) = 1/2, tanh(ln 2) = 0.6; h_t = h / 4 + 3/4 * 0.6, with h = 0.8.

    The candidate's argument is Wh r h + Wx x = Wh * 0.4 + Wx, and Wh = 1 leaves Wx = ln 2 - 0.4.
    """
    weights = GRUWeights(*(np.array([[value]]) for value in (0, 0, 1, np.log(3), 0, np.log(2) - 0.4)))

    gates = gru.gates(np.array([1.0]), np.array([0.8]), weights)

    assert np.abs(np.subtract(gates, [[0.75], [0.5], [0.6], [0.65]])).max() <= ROUNDED


@given(steps)
@settings(deadline=None, max_examples=10)
def test_gradients_equal_central_differences(step):
    """gradients are the derivatives of state, in x, h and all six matrices."""
    gap = largest_gap(gru.gradients(*step), quotients(step, differences.STEP))

    assert gap <= differences.ACCURACY[np.dtype(np.float64)] * np.abs(step.delta).sum()


@pytest.mark.parametrize("seed", range(5))
def test_halving_the_step_quarters_the_error(seed):
    """The central differences of a step converge to its gradients with order 2."""
    step = step_of(2, 3, seed)
    gradients = gru.gradients(*step)
    error, halved = (largest_gap(gradients, quotients(step, size)) for size in (LARGE_STEP, LARGE_STEP / 2))

    assert ORDER_TWO[0] < np.log2(error / halved) < ORDER_TWO[1]


def test_gradients_have_the_handed_out_shapes():
    """dx is (1, D), dh is (1, H), and each matrix has its own gradient's shape."""
    step = step_of(D=2, H=3, seed=0)

    shapes = [gradient.shape for gradient in gru.gradients(*step)]

    assert shapes == [(1, 2), (1, 3), *(W.shape for W in step.weights)]


@given(steps, st.integers(1, 5))
@settings(deadline=None, max_examples=25)
def test_states_are_repeated_steps(step, T):
    """states holds what state returns, step after step; logits are W h + b of them, from a zero state."""
    inputs = np.outer(np.linspace(-1, 1, T), step.x)
    W, b = np.outer([1.0, -2.0, 0.5], step.h), np.array([0.0, 1.0, -1.0])
    for h_0 in (step.h, np.zeros_like(step.h)):
        h, expected = h_0, []
        for x in inputs:
            h = gru.state(x, h, step.weights)
            expected.append(h)
        assert np.abs(gru.states(inputs, h_0, step.weights) - expected).max() <= ROUNDED

    assert np.abs(gru.logits(inputs, step.weights, W, b) - (np.array(expected) @ W.T + b)).max() <= ROUNDED


def one_unit(step):
    return step_of(len(step.x), 1, seed=int(1e6 * abs(step.x[0])))


def diagonal_Wh(step):
    return step._replace(weights=step.weights._replace(Wh=np.diag(np.diag(step.weights.Wh))))


def one_reset_gate(step):
    Wrh, Wrx = (np.tile(W[:1], (len(W), 1)) for W in (step.weights.Wrh, step.weights.Wrx))
    return step._replace(weights=step.weights._replace(Wrh=Wrh, Wrx=Wrx))


def zero_state(step):
    return step._replace(h=np.zeros_like(step.h))


@pytest.mark.parametrize("family", [one_unit, diagonal_Wh, one_reset_gate, zero_state])
@given(step=st.builds(step_of, sizes, st.integers(1, 30), seeds, st.sampled_from([0.1, 1.0, 3.0])))
@settings(deadline=None, max_examples=25)
def test_torch_agrees_on_the_family(family, step):
    """torch.nn.GRUCell and the homework's GRU are the same function on these weights."""
    _, x, h, weights = family(step)

    assert np.abs(torch_gru.state(x, h, weights) - gru.state(x, h, weights)).max() <= ROUNDED


@pytest.mark.parametrize("seed", range(30))
def test_torch_differs_in_general(seed):
    """torch applies r after the product: on weights from no family its GRU is another network."""
    _, x, h, weights = step_of(D=5, H=20, seed=seed, scale=0.5)

    assert np.abs(torch_gru.state(x, h, weights) - gru.state(x, h, weights)).max() > NEVER_THE_SAME
