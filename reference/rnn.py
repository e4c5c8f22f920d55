"""torch.nn.RNNCell, RNN, Linear and CrossEntropyLoss as the oracle for RNN_Cell and RNN_Phoneme_Classifier.

    h_t = tanh(W_ih x_t + b_ih + W_hh h_{t-1} + b_hh),    logits = W h_T + b,    loss = CrossEntropyLoss (nats)

    homework        torch.nn.RNNCell    torch.nn.RNN, layer l      shape
    W_ih            weight_ih           weight_ih_l{l}             (H, D); (H, H) from the second layer on
    W_hh            weight_hh           weight_hh_l{l}             (H, H)
    b_ih, b_hh      bias_ih, bias_hh    bias_ih_l{l}, bias_hh_l{l} (H,)
    W, b            torch.nn.Linear's weight, bias                 (C, H), (C,)

N batch, D input size, H hidden size, T time steps, L layers, C classes.

Conventions that differ:
- A step's backward: torch sums parameter gradients over the batch, the homework averages them, so these are divided
  by N; dx and dh are not.
- The classifier: the homework hands `backward` softmax - onehot of each sample, undivided, and stores gradients of the
  mean loss. So `delta` is the gradient of the summed loss, and all else the gradient of the mean loss, dh_0 too.
- A sequence alone is (T, N, D), as torch.nn.RNN has it; a classifier's batch is (N, T, D), its `batch_first=True`.

Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.RNN.html and the pages of the other three. Gradients are
autograd's. Modules are built on the meta device and given their weights, so no global random state is drawn from.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray

from reference.weights import RNNWeights as RNNWeights

Array = NDArray[np.float64]


class StepGradients(NamedTuple):
    """What one call of RNN_Cell.backward makes: dx (N, D) and dh (N, H), and batch means shaped as their weights."""

    dx: Array
    dh: Array
    dW_ih: Array
    dW_hh: Array
    db_ih: Array
    db_hh: Array


class Classification(NamedTuple):
    """One pass of the classifier, forward and backward.

    logits (N, C); delta (N, C) is softmax - onehot. All others are gradients of the mean loss: dh_0 (L, N, H);
    dW_ih, dW_hh, db_ih, db_hh hold an array for each of L layers, the lowest first; dW (C, H); db (C,).
    """

    logits: Array
    delta: Array
    dh_0: Array
    dW_ih: tuple[Array, ...]
    dW_hh: tuple[Array, ...]
    db_ih: tuple[Array, ...]
    db_hh: tuple[Array, ...]
    dW: Array
    db: Array


def state(x: ArrayLike, h: ArrayLike, weights: RNNWeights) -> Array:
    """Return h_t (N, H) for x (N, D) and h_{t-1} (N, H)."""
    with torch.no_grad():
        return _array(_cell(weights)(_tensor(x), _tensor(h)))


def states(x: ArrayLike, h_0: ArrayLike, weights: RNNWeights) -> Array:
    """Return the states (T, N, H) after every step of x (T, N, D), from h_0 (N, H)."""
    with torch.no_grad():
        every_state, _ = _network([weights])(_tensor(x), _tensor(h_0)[None])
        return _array(every_state)


def step_gradients(delta: ArrayLike, x: ArrayLike, h: ArrayLike, weights: RNNWeights) -> StepGradients:
    """Return the gradients of sum(delta * h_t) for delta (N, H), x (N, D) and h = h_{t-1} (N, H)."""
    cell, cotangent = _cell(weights), _tensor(delta)
    inputs = (_tensor(x).requires_grad_(), _tensor(h).requires_grad_())
    scalar = (cotangent * cell(*inputs)).sum()  # told the cotangent itself, torch would import sympy, for half a second
    dx, dh, *d_weights = torch.autograd.grad(scalar, (*inputs, *cell.parameters()))
    return StepGradients(_array(dx), _array(dh), *(_array(d) / len(cotangent) for d in d_weights))


def classify(
    x: ArrayLike,
    h_0: ArrayLike,
    layers: Sequence[RNNWeights],
    W: ArrayLike,
    b: ArrayLike,
    labels: ArrayLike,
    told: ArrayLike | None = None,
) -> Classification:
    """Return logits and gradients for x (N, T, D), h_0 (L, N, H), W (C, H), b (C,) and labels (N,) in 0 .. C - 1.

    told (N, C), when given, is the delta that backward was told: all gradients but `delta` are then those of
    sum(told * logits) / N. It differs from `delta` by rounding, which where the softmax is saturated is all of it.
    """
    network = _network(layers, batch_first=True)
    start, weight, bias = (_tensor(a).requires_grad_() for a in (h_0, W, b))
    target = torch.tensor(np.asarray(labels), dtype=torch.long)
    classes, hidden_size = weight.shape
    output_layer = _filled(torch.nn.Linear(hidden_size, classes, device="meta"), weight=weight, bias=bias)

    every_state, _ = network(_tensor(x), start)
    logits = output_layer(every_state[:, -1])
    summed_loss = torch.nn.CrossEntropyLoss(reduction="sum")(logits, target)
    mean_loss = torch.nn.CrossEntropyLoss(reduction="mean")(logits, target)

    (delta,) = torch.autograd.grad(summed_loss, logits, retain_graph=True)
    parameters = (*network.parameters(), *output_layer.parameters())
    if told is None:
        gradients = torch.autograd.grad(mean_loss, (start, *parameters))
    else:
        scalar = (_tensor(told) / len(target) * logits).sum()
        gradients = torch.autograd.grad(scalar, (start, *parameters))
    dh_0, *d_layers, dW, db = map(_array, gradients)
    dW_ih, dW_hh, db_ih, db_hh = (tuple(d_layers[place::4]) for place in range(4))
    return Classification(_array(logits), _array(delta), dh_0, dW_ih, dW_hh, db_ih, db_hh, dW, db)


def last_states(x: ArrayLike, h_0: ArrayLike, layers: Sequence[RNNWeights]) -> Array:
    """Return the state (L, N, H) of every layer after the last step of x (N, T, D), from h_0 (L, N, H)."""
    with torch.no_grad():
        _, last = _network(layers, batch_first=True)(_tensor(x), _tensor(h_0))
        return _array(last)


def _cell(weights: RNNWeights) -> torch.nn.Module:
    hidden_size, input_size = np.shape(weights.W_ih)
    cell = torch.nn.RNNCell(input_size, hidden_size, device="meta")
    W_ih, W_hh, b_ih, b_hh = map(_tensor, weights)
    return _filled(cell, weight_ih=W_ih, weight_hh=W_hh, bias_ih=b_ih, bias_hh=b_hh)


def _network(layers: Sequence[RNNWeights], batch_first: bool = False) -> torch.nn.Module:
    hidden_size, input_size = np.shape(layers[0].W_ih)
    network = torch.nn.RNN(input_size, hidden_size, len(layers), batch_first=batch_first, device="meta")
    names = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
    tensors = {
        f"{name}_l{level}": _tensor(value)
        for level, weights in enumerate(layers)
        for name, value in zip(names, weights, strict=True)
    }
    return _filled(network, **tensors)


def _filled(module: torch.nn.Module, **tensors: torch.Tensor) -> torch.nn.Module:
    """Return the module with these parameters; torch checks that names and shapes are its own."""
    module.load_state_dict(tensors, assign=True)
    return module


def _tensor(array: ArrayLike) -> torch.Tensor:
    return torch.tensor(np.asarray(array), dtype=torch.float64)


def _array(tensor: torch.Tensor) -> Array:
    array: Array = tensor.detach().numpy()
    return array
