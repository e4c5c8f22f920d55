"""A character predictor on a gated recurrent unit."""

import sys

import numpy as np

sys.path.append("mytorch")
from gru_cell import GRU_Cell
from linear import Linear


class CharacterPredictor:
    """h_t = GRU_Cell(x_t, h_{t-1}); logits_t = h_t W^T + b.

    D: input_dim, H: hidden_dim, C: num_classes.
    """

    def __init__(self, input_dim, hidden_dim, num_classes):
        self.rnn = GRU_Cell(input_dim, hidden_dim)
        self.projection = Linear(hidden_dim, num_classes)

    def init_rnn_weights(self, w_hi, w_hr, w_hn, w_ii, w_ir, w_in):
        """Store the cell's weights, in the order (Wzh, Wrh, Wh, Wzx, Wrx, Wx)."""
        self.rnn.init_weights(w_hi, w_hr, w_hn, w_ii, w_ir, w_in)

    def __call__(self, x, h):
        return self.forward(x, h)

    def forward(self, x, h):
        """Return logits (C,) and h_t (H,), given x_t (D,) and h_{t-1} (H,)."""
        hnext = self.rnn(x, h)
        return self.projection(hnext), hnext


def inference(net, inputs):
    """Return the logits (T, C), not normalised, of the inputs (T, D), from a state of zeros."""
    h = np.zeros(net.rnn.h)
    logits = []
    for x in inputs:
        y, h = net(x, h)
        logits.append(y)
    return np.stack(logits)
