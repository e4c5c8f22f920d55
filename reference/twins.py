"""The homework's equations in NumPy, forward and backward by hand, run nine times at once: perturbed twins.

Every result has a leading axis of 1 + TWINS runs. Run 0 is the plain computation: an oracle of its own, since nothing
in it is left to autograd. In runs 1 to TWINS
- every element of every input and weight, and of every cotangent handed to backward, is moved by a *relative* MOVE * u;
- every element of every gate and state (z, r, h~, h_t) is moved by an *absolute* MOVE * u as soon as it is computed,
  and backward goes on with the moved values. Without this the bound is too small by a factor of a thousand where tanh
  saturates: 1 - h * h and (1 + h) * (1 - h) differ by some u there, both being far smaller than one.

`reference.tolerance.bound` reads the tolerance of an array off its twins. u is the unit roundoff of the dtype being
judged; the twins themselves are float64 whatever it is.

Moves are random signs of full size, not uniform draws: a rounding error may be as large as its bound, and eight runs
of uniform draws, smaller by a factor of the square root of three in the mean square, would be spent on moves too small
to matter. They come from one table with a fixed seed, read from its start at each call: twins, and with them every
verdict, are a function of the arguments alone.

Equations, names and shapes are those of `reference.rnn` and `reference.gru`: N batch, D input size, H hidden size,
T time steps, L layers, C classes. R = 1 + TWINS runs come first in every shape below. Sigmoid is (1 + tanh(a / 2)) / 2,
which is the same function and overflows nowhere.
"""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from reference.tolerance import MOVE, TWINS
from reference.weights import GRUWeights, RNNWeights

Array = NDArray[np.float64]
Twins = dict[str, Array]

_SEED = 20_011
_TABLE_LENGTH = 1_000_003  # a prime: where a large array reads the table again, no two runs of it read in step
_SIGNS: Array = np.random.default_rng(_SEED).choice([-1.0, 1.0], _TABLE_LENGTH)


def rnn_step(x: Array, h: Array, weights: RNNWeights, u: float) -> Twins:
    """Return h_t (R, N, H) for x (N, D) and h (N, H)."""
    moves = _Moves(u)
    return {"h_t": _rnn_state(moves.relative(x), moves.relative(h), [moves.relative(W) for W in weights], moves)}


def rnn_step_gradients(
    delta: Array, x: Array, h: Array, weights: RNNWeights, u: float, h_t: Array | None = None
) -> Twins:
    """Return dx, dh, dW_ih, dW_hh, db_ih, db_hh for delta (N, H), x (N, D), h = h_{t-1} (N, H).

    h_t (N, H), when given, is the state that backward was told, whatever forward would have made of x and h.
    """
    moves = _Moves(u)
    delta, x, h = moves.relative(delta), moves.relative(x), moves.relative(h)
    moved = [moves.relative(W) for W in weights]
    h_t = _rnn_state(x, h, moved, moves) if h_t is None else moves.absolute(_repeated(h_t))

    da = delta * (1 - h_t * h_t)  # (R, N, H), through tanh
    means = _rnn_means(da, x, h, batch=da.shape[1])
    W_ih, W_hh, _, _ = moved
    return {"dx": da @ W_ih, "dh": da @ W_hh, **means}


def rnn_states(x: Array, h_0: Array, weights: RNNWeights, u: float) -> Twins:
    """Return states (R, T, N, H) for x (T, N, D) from h_0 (N, H)."""
    moves = _Moves(u)
    moved = [moves.relative(W) for W in weights]
    return {"states": _rnn_layer(moves.relative(x), moves.relative(h_0), moved, moves)[:, 1:]}


def last_states(x: Array, h_0: Array, layers: Sequence[RNNWeights], u: float) -> Twins:
    """Return last_states (R, L, N, H), every layer's after the last step, for x (N, T, D) from h_0 (L, N, H)."""
    moves = _Moves(u)
    moved = [[moves.relative(W) for W in weights] for weights in layers]
    every_state = _rnn_stack(moves.relative(x), moves.relative(h_0), moved, moves)
    return {"last_states": np.stack([states[:, -1] for states in every_state], axis=1)}


def classify(x: Array, h_0: Array, layers: Sequence[RNNWeights], W: Array, b: Array, delta: Array, u: float) -> Twins:
    """Return logits, dh_0, dW_ih.0, dW_hh.0, db_ih.0, db_hh.0, dW_ih.1 and so on, dW and db, for x (N, T, D).

    h_0 (L, N, H), W (C, H), b (C,). delta (N, C) is what backward is handed, softmax - onehot: it is moved
    as an input is, and not computed again from the moved logits.
    """
    moves = _Moves(u)
    delta, W, b = moves.relative(delta), moves.relative(W), moves.relative(b)
    x, h_0 = moves.relative(x), moves.relative(h_0)
    moved = [[moves.relative(W) for W in weights] for weights in layers]
    every_state = _rnn_stack(x, h_0, moved, moves)
    last = every_state[-1][:, -1]  # (R, N, H)
    runs, batch, steps, _ = x.shape

    twins = {"logits": last @ _transposed(W) + b[:, None]}
    dh_0 = np.empty_like(h_0)
    d_above = np.zeros_like(every_state[-1][:, 1:])  # (R, T, N, H), what reaches each state from the layer above
    d_above[:, -1] = delta @ W
    for level in reversed(range(len(layers))):
        W_ih, W_hh, _, _ = moved[level]
        states = every_state[level]  # (R, 1 + T, N, H), h_0 first
        below = every_state[level - 1][:, 1:] if level else x.swapaxes(1, 2)  # (R, T, N, D or H)
        slope = 1 - states[:, 1:] * states[:, 1:]
        da = np.empty_like(d_above)
        d_next = np.zeros_like(h_0[:, level])
        for t in reversed(range(steps)):
            da[:, t] = (d_above[:, t] + d_next) * slope[:, t]
            d_next = da[:, t] @ W_hh
        dh_0[:, level] = d_next / batch
        da = da.reshape(runs, steps * batch, -1)
        before = states[:, :-1].reshape(da.shape)
        means = _rnn_means(da, below.reshape(runs, steps * batch, -1), before, batch)
        twins |= {f"{name}.{level}": value for name, value in means.items()}
        d_above = (da @ W_ih).reshape(runs, steps, batch, -1)
    return twins | {"dh_0": dh_0, "dW": _transposed(delta) @ last / batch, "db": delta.sum(axis=1) / batch}


def gru_states(inputs: Array, h_0: Array, weights: GRUWeights, u: float) -> Twins:
    """Return states (R, T, H) for inputs (T, D) from h_0 (H,)."""
    moves = _Moves(u)
    moved = [moves.relative(W) for W in weights]
    return {"states": _gru_sequence(moves.relative(inputs), moves.relative(h_0), moved, moves)}


def gru_gradients(delta: Array, x: Array, h: Array, weights: GRUWeights, u: float) -> Twins:
    """Return dx (R, 1, D), dh (R, 1, H), dWzh, dWrh, dWh, dWzx, dWrx, dWx for delta (1, H), x (D,) and h (H,)."""
    moves = _Moves(u)
    delta, x, h = (moves.relative(a.reshape(1, -1)) for a in (delta, x, h))  # (R, 1, H), (R, 1, D), (R, 1, H)
    moved = [moves.relative(W) for W in weights]
    Wzh, Wrh, Wh, Wzx, Wrx, Wx = moved
    z, r, candidate = _gru_gates(x @ _transposed(Wzx), x @ _transposed(Wrx), x @ _transposed(Wx), h, moved, moves)

    dac = delta * z * (1 - candidate * candidate)  # through tanh; the other two through sigmoid
    daz = delta * (candidate - h) * z * (1 - z)
    d_reset = dac @ Wh  # with respect to r * h
    dar = d_reset * h * r * (1 - r)
    return {
        "dx": daz @ Wzx + dar @ Wrx + dac @ Wx,
        "dh": delta * (1 - z) + d_reset * r + daz @ Wzh + dar @ Wrh,
        "dWzh": _transposed(daz) * h,
        "dWrh": _transposed(dar) * h,
        "dWh": _transposed(dac) * (r * h),
        "dWzx": _transposed(daz) * x,
        "dWrx": _transposed(dar) * x,
        "dWx": _transposed(dac) * x,
    }


def gru_logits(inputs: Array, weights: GRUWeights, W: Array, b: Array, u: float) -> Twins:
    """Return logits (R, T, C) for inputs (T, D) from a zero state; W (C, H), b (C,)."""
    moves = _Moves(u)
    moved = [moves.relative(M) for M in weights]
    h_0 = np.zeros((1 + TWINS, len(weights.Wh)))
    states = _gru_sequence(moves.relative(inputs), h_0, moved, moves)
    return {"logits": states @ _transposed(moves.relative(W)) + moves.relative(b)[:, None]}


class _Moves:
    """The moves of one call, each a fresh stretch of the table of signs."""

    def __init__(self, u: float) -> None:
        self._size = MOVE * u
        self._read = 0

    def relative(self, value: Array) -> Array:
        """Return twins (R, ...) of an input or weight."""
        runs = _repeated(value)
        runs[1:] += self._signs(value.shape) * (self._size * runs[0])
        return runs

    def absolute(self, runs: Array) -> Array:
        """Move the twins (R, ...) of a gate or state in place, and return them."""
        runs[1:] += self._size * self._signs(runs.shape[1:])
        return runs

    def _signs(self, shape: tuple[int, ...]) -> Array:
        count = TWINS * math.prod(shape)
        signs: Array = _SIGNS[self._read : self._read + count]
        if len(signs) < count:
            signs = np.concatenate([signs, np.resize(_SIGNS, count - len(signs))])
        self._read = (self._read + count) % _TABLE_LENGTH
        return signs.reshape(TWINS, *shape)


def _repeated(value: Array) -> Array:
    runs: Array = np.empty((1 + TWINS, *value.shape))
    runs[:] = value
    return runs


def _rnn_state(x: Array, h: Array, weights: list[Array], moves: _Moves) -> Array:
    """Return the moved h_t (R, N, H) for x (R, N, D), h (R, N, H)."""
    W_ih, W_hh, b_ih, b_hh = weights
    h_t: Array = np.tanh(x @ _transposed(W_ih) + b_ih[:, None] + h @ _transposed(W_hh) + b_hh[:, None])
    return moves.absolute(h_t)


def _rnn_layer(x: Array, h_0: Array, weights: list[Array], moves: _Moves) -> Array:
    """Return the moved states (R, 1 + T, N, H), h_0 first, for x (R, T, N, D) from h_0 (R, N, H)."""
    W_ih, W_hh, b_ih, b_hh = weights
    runs, steps, batch, _ = x.shape
    bias = (b_ih + b_hh)[:, None]
    from_x = (x.reshape(runs, steps * batch, -1) @ _transposed(W_ih) + bias).reshape(runs, steps, batch, -1)
    states: Array = np.empty((runs, 1 + steps, *h_0.shape[1:]))
    states[:, 0] = h_0
    for t in range(steps):
        states[:, t + 1] = moves.absolute(np.tanh(from_x[:, t] + states[:, t] @ _transposed(W_hh)))
    return states


def _rnn_stack(x: Array, h_0: Array, layers: list[list[Array]], moves: _Moves) -> list[Array]:
    """Return each layer's moved states (R, 1 + T, N, H), for x (R, N, T, D) from h_0 (R, L, N, H)."""
    every_state = []
    below = x.swapaxes(1, 2)
    for level, weights in enumerate(layers):
        every_state.append(_rnn_layer(below, h_0[:, level], weights, moves))
        below = every_state[-1][:, 1:]
    return every_state


def _rnn_means(da: Array, x: Array, h: Array, batch: int) -> Twins:
    """Return parameter gradients, summed over the rows of da (R, M, H), x (R, M, D), h (R, M, H), divided by N."""
    db = da.sum(axis=1) / batch
    return {"dW_ih": _transposed(da) @ x / batch, "dW_hh": _transposed(da) @ h / batch, "db_ih": db, "db_hh": db}


def _gru_sequence(inputs: Array, h: Array, weights: list[Array], moves: _Moves) -> Array:
    """Return the moved states (R, T, H) for inputs (R, T, D) from h (R, H)."""
    _, _, _, Wzx, Wrx, Wx = weights
    zx, rx, cx = ((inputs @ _transposed(W))[:, :, None] for W in (Wzx, Wrx, Wx))  # (R, T, 1, H)
    states = np.empty((*inputs.shape[:2], h.shape[-1]))
    row = h[:, None]  # (R, 1, H)
    for t in range(inputs.shape[1]):
        z, _, candidate = _gru_gates(zx[:, t], rx[:, t], cx[:, t], row, weights, moves)
        row = moves.absolute((1 - z) * row + z * candidate)
        states[:, t] = row[:, 0]
    return states


def _gru_gates(
    zx: Array, rx: Array, cx: Array, h: Array, weights: list[Array], moves: _Moves
) -> tuple[Array, Array, Array]:
    """Return the moved z, r and candidate (R, 1, H), for the parts of x in each of them and h (R, 1, H)."""
    Wzh, Wrh, Wh, _, _, _ = weights
    z = moves.absolute(_sigmoid(h @ _transposed(Wzh) + zx))
    r = moves.absolute(_sigmoid(h @ _transposed(Wrh) + rx))
    return z, r, moves.absolute(np.tanh((r * h) @ _transposed(Wh) + cx))


def _transposed(runs: Array) -> Array:
    return runs.swapaxes(-1, -2)


def _sigmoid(a: Array) -> Array:
    half: Array = (1 + np.tanh(a / 2)) / 2
    return half
