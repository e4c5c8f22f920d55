"""How far rounding may carry two right training runs apart: the bound of each step's loss, read off perturbed twins.

Two right runs part slowly. Rounding moves a gradient, that moves the weights, and moved weights make other gradients;
how much this grows from step to step is a matter of the loss surface, and no a-priori bound says anything about it. So
the training is run nine times at once, with the equations and derivatives written out in NumPy. Run 0 is plain; in runs
1 to TWINS, in every step,
- every input and every weight is moved by a relative MOVE * u for the computation of loss and gradients,
- every gate and state by an absolute MOVE * u, and backward goes on with the moved values,
- every updated weight by a relative MOVE * 2^-53, for good: weights are kept in float64.
u is the unit roundoff of what the hand-in gives back, and each run goes on from its own weights. What is allowed is
reference.tolerance.bound of the nine losses, the largest so far: what was moved stays moved, and which batch shows it
is chance. Why moves of this kind and size: reference.tolerance and reference.twins.

Where training is chaotic (a large rate, a loss surface too steep for it) the bound grows by orders of magnitude in a
few steps and in the end allows anything. The tasks' rates are chosen so that it does not: properties/suite holds them
to bounds of 1e-9 of the loss and less, in float64, at every step.

R = 1 + TWINS runs come first in every shape; the other letters are those of the tasks.
"""

from collections.abc import Callable, Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from reference import tolerance
from reference.tolerance import MOVE, TWINS, UNIT_ROUNDOFF
from training.sgd import Array, Batch, Weights

RUNS = 1 + TWINS
FLOAT64 = UNIT_ROUNDOFF[np.dtype(np.float64)]

_SEED = 20_011
_SIGNS: Array = np.random.default_rng(_SEED).choice([-1.0, 1.0], 1_000_003)


class Moves:
    """The moves of a training of size MOVE * u: random signs, each a fresh stretch of one table, none for run 0."""

    def __init__(self, u: float, start: int = 0) -> None:
        self._size = MOVE * u
        self._read = start

    def relative(self, runs: Array) -> Array:
        """Return the runs (R, ...) of an input or weight, moved."""
        moved = runs.copy()
        moved[1:] *= 1 + self._next(moved[1:].shape)
        return moved

    def absolute(self, runs: Array) -> Array:
        """Move the runs (R, ...) of a gate or state in place, and return them."""
        runs[1:] += self._next(runs[1:].shape)
        return runs

    def _next(self, shape: tuple[int, ...]) -> Array:
        count = int(np.prod(shape))
        if self._read + count > len(_SIGNS):
            self._read = (7 * self._read + 1) % 10_007  # the table again, from elsewhere
        signs = _SIGNS[self._read : self._read + count].reshape(shape)
        self._read += count
        return self._size * signs


Gradients = Callable[[Weights, Array, NDArray[np.intp], Moves], tuple[Array, Weights]]
"""From weights (R, ...), x (R, ...), labels (M,) and moves: the mean losses (R,) and their gradients."""


def curves(weights: Weights, batches: Iterable[Batch], gradients: Gradients, rate: float, u: float) -> Iterator[Array]:
    """Yield the losses (R,) of each batch, before the update that follows it."""
    runs = {name: _repeated(weight) for name, weight in weights.items()}
    moves, updates = Moves(u), Moves(FLOAT64, start=len(_SIGNS) // 2)
    for x, labels in batches:
        moved = {name: moves.relative(weight) for name, weight in runs.items()}
        losses, d_weights = gradients(moved, moves.relative(_repeated(x)), labels, moves)
        runs = {name: updates.relative(runs[name] - rate * d_weights[name]) for name in runs}
        yield losses


def allowed(curves: Iterable[Array], u: float) -> Iterator[float]:
    """Yield, for each step's losses (R,), how far a right run's loss may lie from the oracle's in that step."""
    largest = 0.0
    for losses in curves:
        largest = float(np.maximum(largest, tolerance.bound(losses, u)))  # nan stays: nothing is within that
        yield largest


def classifier(weights: Weights, x: Array, labels: NDArray[np.intp], moves: Moves) -> tuple[Array, Weights]:
    """The classifier's losses (R,) and gradients for x (R, N, T, D)."""
    layers = sum(name.startswith("W_ih.") for name in weights)
    below = x.swapaxes(1, 2)  # (R, T, N, D)
    inputs, states = [], []
    for layer in range(layers):
        inputs.append(below)
        states.append(_states(below, layer, weights, moves))
        below = states[-1][:, 1:]
    losses, d_last, gradients = _readout(below[:, -1], weights, labels)

    d_above = np.zeros_like(below)
    d_above[:, -1] = d_last
    for layer in reversed(range(layers)):
        h = states[layer]  # (R, 1 + T, N, H)
        slope = 1 - h[:, 1:] * h[:, 1:]
        da, d_next = np.empty_like(d_above), np.zeros_like(d_last)
        for t in reversed(range(da.shape[1])):
            da[:, t] = (d_above[:, t] + d_next) * slope[:, t]
            d_next = da[:, t] @ weights[f"W_hh.{layer}"]
        rows = _rows(da)
        db = rows.sum(axis=1)
        gradients |= {f"b_ih.{layer}": db, f"b_hh.{layer}": db}
        gradients[f"W_ih.{layer}"] = rows.swapaxes(-1, -2) @ _rows(inputs[layer])
        gradients[f"W_hh.{layer}"] = rows.swapaxes(-1, -2) @ _rows(h[:, :-1])
        d_above = da @ weights[f"W_ih.{layer}"][:, None]
    return losses, gradients


def predictor(weights: Weights, x: Array, labels: NDArray[np.intp], moves: Moves) -> tuple[Array, Weights]:
    """The predictor's losses (R,) and gradients for x (R, T, D)."""
    Wh, W_gates = weights["Wh"], np.concatenate([weights["Wzh"], weights["Wrh"]], axis=1)  # (R, H, H), (R, 2 H, H)
    W_x = np.concatenate([weights["Wzx"], weights["Wrx"], weights["Wx"]], axis=1)  # (R, 3 H, D)
    T, H = x.shape[1], Wh.shape[-1]
    from_x = x @ W_x.swapaxes(-1, -2)
    h, gates, candidates = np.zeros((RUNS, 1 + T, H)), np.empty((RUNS, T, 2 * H)), np.empty((RUNS, T, H))
    for t in range(T):
        before = h[:, t : t + 1]  # (R, 1, H)
        gates[:, t : t + 1] = moves.absolute(
            _sigmoid(from_x[:, t : t + 1, : 2 * H] + before @ W_gates.swapaxes(-1, -2))
        )
        z, r = gates[:, t : t + 1, :H], gates[:, t : t + 1, H:]
        n = moves.absolute(np.tanh(from_x[:, t : t + 1, 2 * H :] + (r * before) @ Wh.swapaxes(-1, -2)))
        candidates[:, t : t + 1] = n
        h[:, t + 1 : t + 2] = moves.absolute((1 - z) * before + z * n)
    losses, d_states, gradients = _readout(h[:, 1:], weights, labels)

    before, z, r = h[:, :-1], gates[..., :H], gates[..., H:]  # (R, T, H)
    slope_z, slope_r, slope_n = z * (1 - z), r * (1 - r), 1 - candidates * candidates
    da = np.empty((RUNS, T, 3 * H))  # before the two sigmoids and tanh
    dh = np.zeros((RUNS, 1, H))
    for t in reversed(range(T)):
        at = slice(t, t + 1)
        d = d_states[:, at] + dh
        dn = d * z[:, at] * slope_n[:, at]
        d_reset = dn @ Wh  # with respect to r * h
        dz = d * (candidates[:, at] - before[:, at]) * slope_z[:, at]
        dr = d_reset * before[:, at] * slope_r[:, at]
        da[:, at] = np.concatenate([dz, dr, dn], axis=-1)
        dh = d * (1 - z[:, at]) + d_reset * r[:, at] + da[:, at, : 2 * H] @ W_gates

    d_gates, d_x = da[..., : 2 * H].swapaxes(-1, -2) @ before, da.swapaxes(-1, -2) @ x
    gradients |= {"Wzh": d_gates[:, :H], "Wrh": d_gates[:, H:], "Wh": da[..., 2 * H :].swapaxes(-1, -2) @ (r * before)}
    return losses, gradients | {"Wzx": d_x[:, :H], "Wrx": d_x[:, H : 2 * H], "Wx": d_x[:, 2 * H :]}


GRADIENTS: dict[str, Gradients] = {"phonemes": classifier, "characters": predictor}
"""The gradients of each task's network."""


def _states(below: Array, layer: int, weights: Weights, moves: Moves) -> Array:
    """A layer's moved states (R, 1 + T, N, H), zeros first, for below (R, T, N, D or H)."""
    W_ih, W_hh, b_ih, b_hh = (weights[f"{name}.{layer}"] for name in ("W_ih", "W_hh", "b_ih", "b_hh"))
    from_below = below @ W_ih.swapaxes(-1, -2)[:, None] + (b_ih + b_hh)[:, None, None]
    runs, steps, batch, hidden_size = from_below.shape
    states = np.zeros((runs, 1 + steps, batch, hidden_size))
    for t in range(steps):
        states[:, t + 1] = moves.absolute(np.tanh(from_below[:, t] + states[:, t] @ W_hh.swapaxes(-1, -2)))
    return states


def _readout(states: Array, weights: Weights, labels: NDArray[np.intp]) -> tuple[Array, Array, Weights]:
    """The mean losses (R,) of states (R, M, H), their gradients by the states, and those by W and b."""
    logits = states @ weights["W"].swapaxes(-1, -2) + weights["b"][:, None]  # (R, M, C)
    shifted = logits - logits.max(axis=-1, keepdims=True)
    log_softmax = shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
    rows = np.arange(len(labels))
    delta = np.exp(log_softmax)
    delta[:, rows, labels] -= 1
    delta /= len(labels)
    losses = -log_softmax[:, rows, labels].mean(axis=-1)
    return losses, delta @ weights["W"], {"W": delta.swapaxes(-1, -2) @ states, "b": delta.sum(axis=1)}


def _repeated(value: Array) -> Array:
    return np.repeat(value[None], RUNS, axis=0)


def _rows(value: Array) -> Array:
    """(R, T, N, H) as (R, T N, H)."""
    return value.reshape(len(value), -1, value.shape[-1])


def _sigmoid(a: Array) -> Array:
    half: Array = (1 + np.tanh(a / 2)) / 2
    return half
