"""The gated recurrent unit."""

import numpy as np
from activation import Sigmoid, Tanh


class GRU_Cell:
    """One time step of a gated recurrent unit without biases, one sample at a time.

        z = sigmoid(Wzh h + Wzx x)              update gate
        r = sigmoid(Wrh h + Wrx x)              reset gate
        h~ = tanh(Wh (r * h) + Wx x)            candidate
        h_t = (1 - z) * h + z * h~

    D: in_dim, H: hidden_dim. Wzh, Wrh, Wh (H, H); Wzx, Wrx, Wx (H, D); each gradient has the shape of its weight.
    """

    def __init__(self, in_dim, hidden_dim):
        self.d = in_dim
        self.h = hidden_dim
        self.z_act = Sigmoid()
        self.r_act = Sigmoid()
        self.h_act = Tanh()
        self.init_weights(
            np.random.randn(hidden_dim, hidden_dim),
            np.random.randn(hidden_dim, hidden_dim),
            np.random.randn(hidden_dim, hidden_dim),
            np.random.randn(hidden_dim, in_dim),
            np.random.randn(hidden_dim, in_dim),
            np.random.randn(hidden_dim, in_dim),
        )

    def init_weights(self, Wzh, Wrh, Wh, Wzx, Wrx, Wx):
        """Store the weights and clear the gradients."""
        self.Wzh = Wzh
        self.Wrh = Wrh
        self.Wh = Wh
        self.Wzx = Wzx
        self.Wrx = Wrx
        self.Wx = Wx
        self.zero_grad()

    def zero_grad(self):
        """Set the six gradients to zero."""
        self.dWzh = np.zeros(self.Wzh.shape)
        self.dWrh = np.zeros(self.Wrh.shape)
        self.dWh = np.zeros(self.Wh.shape)
        self.dWzx = np.zeros(self.Wzx.shape)
        self.dWrx = np.zeros(self.Wrx.shape)
        self.dWx = np.zeros(self.Wx.shape)

    def __call__(self, x, h):
        return self.forward(x, h)

    def forward(self, x, h):
        """Return h_t (H,), given x_t (D,) and h_{t-1} (H,); store what backward needs."""
        self.x = x
        self.hidden = h
        self.z = self.z_act(self.Wzh @ h + self.Wzx @ x)
        self.r = self.r_act(self.Wrh @ h + self.Wrx @ x)
        self.h_tilde = self.h_act(self.Wh @ (self.r * h) + self.Wx @ x)
        return (1 - self.z) * h + self.z * self.h_tilde

    def backward(self, delta):
        """Add the weight gradients of the last forward; return dx (1, D), dh (1, H).

        delta (1, H) is dL/dh_t.
        """
        x, h, z, r = self.x, self.hidden, self.z, self.r
        delta = np.reshape(delta, -1)  # (H,)
        da_h = delta * z * self.h_act.derivative()  # (H,), before tanh
        drh = da_h @ self.Wh  # (H,), with respect to r * h
        da_z = delta * (self.h_tilde - h) * self.z_act.derivative()  # (H,), before the sigmoid of z
        da_r = drh * h * self.r_act.derivative()  # (H,), before the sigmoid of r

        self.dWzh += outer(da_z, h)
        self.dWrh += outer(da_r, h)
        self.dWh += outer(da_h, r * h)
        self.dWzx += outer(da_z, x)
        self.dWrx += outer(da_r, x)
        self.dWx += outer(da_h, x)

        dx = da_z @ self.Wzx + da_r @ self.Wrx + da_h @ self.Wx
        dh = delta * (1 - z) + da_z @ self.Wzh + da_r @ self.Wrh + drh * r
        return dx[np.newaxis], dh[np.newaxis]


def outer(a, b):
    """a b^T, (I, J) of a (I,) and b (J,), by BLAS, which np.outer leaves aside."""
    return np.dot(a[:, np.newaxis], b[np.newaxis])
