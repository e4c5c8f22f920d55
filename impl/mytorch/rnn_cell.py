"""The Elman cell."""

import numpy as np
from activation import Tanh


class RNN_Cell:
    """h_t = tanh(W_ih x_t + b_ih + W_hh h_{t-1} + b_hh), one time step of an Elman network.

    N: batch, D: input_size, H: hidden_size.
    W_ih (H, D), W_hh (H, H), b_ih (H,), b_hh (H,); each gradient has the shape of its weight.
    """

    def __init__(self, input_size, hidden_size):
        self.input_size = input_size
        self.hidden_size = hidden_size
        self.activation = Tanh()
        self.init_weights(
            np.random.randn(hidden_size, input_size),
            np.random.randn(hidden_size, hidden_size),
            np.random.randn(hidden_size),
            np.random.randn(hidden_size),
        )

    def init_weights(self, W_ih, W_hh, b_ih, b_hh):
        """Store the weights and clear the gradients."""
        self.W_ih = W_ih
        self.W_hh = W_hh
        self.b_ih = b_ih
        self.b_hh = b_hh
        self.zero_grad()

    def zero_grad(self):
        """Set the four gradients to zero."""
        self.dW_ih = np.zeros(self.W_ih.shape)
        self.dW_hh = np.zeros(self.W_hh.shape)
        self.db_ih = np.zeros(self.b_ih.shape)
        self.db_hh = np.zeros(self.b_hh.shape)

    def __call__(self, x, h):
        return self.forward(x, h)

    def forward(self, x, h):
        """Return h_t (N, H), given x_t (N, D) and h_{t-1} (N, H)."""
        return self.activation(x @ self.W_ih.T + self.b_ih + h @ self.W_hh.T + self.b_hh)

    def backward(self, delta, h, h_prev_l, h_prev_t):
        """Add this step's weight gradients, averaged over the batch; return dx (N, D), dh (N, H), not averaged.

        delta (N, H) is dL/dh_t and h (N, H) is h_t; h_prev_l (N, D) was forward's x, from the
        layer below, and h_prev_t (N, H) its h, from the time step before.
        """
        N = delta.shape[0]
        dz = delta * self.activation.derivative(state=h)  # (N, H), through tanh
        dz_mean = dz / N
        db = dz_mean.sum(axis=0)

        self.dW_ih += dz_mean.T @ h_prev_l
        self.dW_hh += dz_mean.T @ h_prev_t
        self.db_ih += db
        self.db_hh += db
        return dz @ self.W_ih, dz @ self.W_hh
