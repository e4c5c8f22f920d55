"""A many-to-one classifier of sequences on a stack of Elman cells."""

import sys

import numpy as np

sys.path.append("mytorch")
from linear import Linear
from rnn_cell import RNN_Cell


class RNN_Phoneme_Classifier:
    """L layers of RNN_Cell over T time steps; the last layer's last state gives the logits.

        h_t^(l) = RNN_Cell^(l)(h_t^(l-1), h_{t-1}^(l)),  h_t^(0) = x_t
        logits = h_T^(L) W^T + b

    N: batch, T: time steps, D: input_size, H: hidden_size, L: num_layers, C: output_size.
    """

    def __init__(self, input_size, hidden_size, output_size, num_layers=2):
        self.input_size = input_size
        self.hidden_size = hidden_size
        self.output_size = output_size
        self.num_layers = num_layers
        sizes = [input_size] + [hidden_size] * (num_layers - 1)
        self.rnn = [RNN_Cell(size, hidden_size) for size in sizes]
        self.output_layer = Linear(hidden_size, output_size)

    def init_weights(self, rnn_weights, linear_weights):
        """Store L lists [W_ih, W_hh, b_ih, b_hh], lowest layer first, and [W, b] of the output layer."""
        for cell, weights in zip(self.rnn, rnn_weights, strict=True):
            cell.init_weights(*weights)
        self.output_layer.init_weights(*linear_weights)

    def __call__(self, x, h_0=None):
        return self.forward(x, h_0)

    def forward(self, x, h_0=None):
        """Return logits (N, C), given x (N, T, D) and h_0 (L, N, H), or zeros; store all states for backward."""
        N, T, _ = x.shape
        h = np.zeros((self.num_layers, N, self.hidden_size)) if h_0 is None else h_0
        self.x = x
        self.hiddens = [h]  # hiddens[t] (L, N, H): the states after t steps
        for t in range(T):
            states = []
            below = x[:, t]  # (N, D), then (N, H)
            for cell, h_prev_t in zip(self.rnn, self.hiddens[t], strict=True):
                below = cell(below, h_prev_t)
                states.append(below)
            self.hiddens.append(np.stack(states))
        return self.output_layer(self.hiddens[-1][-1])

    def backward(self, delta):
        """BPTT: cells and output layer gain the gradients of the mean loss; return dh_0 (L, N, H), divided by N.

        delta (N, C) is softmax - onehot, not averaged.
        """
        N, T, _ = self.x.shape
        dh = np.zeros_like(self.hiddens[0])  # (L, N, H): what flows back in time into each layer
        dh[-1] = self.output_layer.backward(delta)
        for t in reversed(range(T)):
            dx = 0  # what flows down from the layer above
            for layer in reversed(range(self.num_layers)):
                below = self.x[:, t] if layer == 0 else self.hiddens[t + 1][layer - 1]
                dx, dh[layer] = self.rnn[layer].backward(
                    dh[layer] + dx, self.hiddens[t + 1][layer], below, self.hiddens[t][layer]
                )
        return dh / N
