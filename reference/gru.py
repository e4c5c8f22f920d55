"""The homework's gated recurrent unit, its equations written in torch, as the oracle for GRU_Cell and inference.

    z  = sigmoid(Wzh h + Wzx x)             update gate
    r  = sigmoid(Wrh h + Wrx x)             reset gate
    h~ = tanh(Wh (r * h) + Wx x)            candidate
    h_t = (1 - z) * h + z * h~

    Wzh, Wrh, Wh    (H, H)        CharacterPredictor.init_rnn_weights calls them w_hi, w_hr, w_hn
    Wzx, Wrx, Wx    (H, D)        and these w_ii, w_ir, w_in

D input size, H hidden size, T time steps, C classes; one sample at a time, no biases.

Conventions that differ from torch.nn.GRUCell (which is why that one is a second opinion only, in `torch_gru`): there z
weighs the old state and 1 - z the candidate, and r multiplies Wh h instead of h. Gradients are autograd's; dx and dh
keep the leading 1 of the handed-out code's row vectors.

Source: K. Cho et al., "Learning Phrase Representations using RNN Encoder-Decoder for Statistical Machine Translation",
EMNLP 2014, section 2.3 (r before the product), with z and 1 - z as in J. Chung et al., "Empirical Evaluation of Gated
Recurrent Neural Networks on Sequence Modeling", 2014, section 3.2.
"""

from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray

from reference.weights import GRUWeights as GRUWeights

Array = NDArray[np.float64]


class Gates(NamedTuple):
    """One step's z, r, candidate and h_t, each (H,)."""

    z: Array
    r: Array
    candidate: Array
    h_t: Array


class GRUGradients(NamedTuple):
    """What GRU_Cell.backward makes: dx (1, D), dh (1, H), and six gradients shaped as their weights."""

    dx: Array
    dh: Array
    dWzh: Array
    dWrh: Array
    dWh: Array
    dWzx: Array
    dWrx: Array
    dWx: Array


class _Step(NamedTuple):
    z: torch.Tensor
    r: torch.Tensor
    candidate: torch.Tensor
    h_t: torch.Tensor


def gates(x: ArrayLike, h: ArrayLike, weights: GRUWeights) -> Gates:
    """Return every value of the step from x (D,) and h (H,)."""
    return Gates(*(value.numpy() for value in _step(_tensor(x), _tensor(h), *map(_tensor, weights))))


def state(x: ArrayLike, h: ArrayLike, weights: GRUWeights) -> Array:
    """Return h_t (H,) for x (D,) and h (H,)."""
    return gates(x, h, weights).h_t


def states(inputs: ArrayLike, h_0: ArrayLike, weights: GRUWeights) -> Array:
    """Return the states (T, H) after every step of inputs (T, D), from h_0 (H,)."""
    matrices = tuple(map(_tensor, weights))
    h, every_state = _tensor(h_0), []
    for x in _tensor(inputs):
        h = _step(x, h, *matrices).h_t
        every_state.append(h)
    return _array(torch.stack(every_state))


def gradients(delta: ArrayLike, x: ArrayLike, h: ArrayLike, weights: GRUWeights) -> GRUGradients:
    """Return the gradients of sum(delta * h_t) for delta (1, H), x (D,) and h (H,)."""
    operands = tuple(_tensor(value).requires_grad_() for value in (x, h, *weights))
    h_t = _step(*operands).h_t
    scalar = (_tensor(delta).reshape(h_t.shape) * h_t).sum()
    dx, dh, *d_weights = (_array(d) for d in torch.autograd.grad(scalar, operands))
    return GRUGradients(dx[None], dh[None], *d_weights)


def logits(inputs: ArrayLike, weights: GRUWeights, W: ArrayLike, b: ArrayLike) -> Array:
    """Return W h_t + b (T, C), not normalised, for inputs (T, D) from a zero state; W (C, H), b (C,)."""
    h_0 = np.zeros(len(weights.Wh))
    return _array(_tensor(states(inputs, h_0, weights)) @ _tensor(W).T + _tensor(b))


def _step(
    x: torch.Tensor,
    h: torch.Tensor,
    Wzh: torch.Tensor,
    Wrh: torch.Tensor,
    Wh: torch.Tensor,
    Wzx: torch.Tensor,
    Wrx: torch.Tensor,
    Wx: torch.Tensor,
) -> _Step:
    z = torch.sigmoid(Wzh @ h + Wzx @ x)
    r = torch.sigmoid(Wrh @ h + Wrx @ x)
    candidate = torch.tanh(Wh @ (r * h) + Wx @ x)
    return _Step(z, r, candidate, (1 - z) * h + z * candidate)


def _tensor(array: ArrayLike) -> torch.Tensor:
    return torch.tensor(np.asarray(array), dtype=torch.float64)


def _array(tensor: torch.Tensor) -> Array:
    array: Array = tensor.numpy()
    return array
