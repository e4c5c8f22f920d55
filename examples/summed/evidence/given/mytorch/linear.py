"""An affine layer."""

import numpy as np


class Linear:
    """y = x W^T + b.

    N: batch, I: in_features, O: out_features.
    W (O, I), b (O,); dW and db have the shapes of W and b.
    """

    def __init__(self, in_features, out_features):
        self.init_weights(np.random.randn(out_features, in_features), np.random.randn(out_features))

    def init_weights(self, W, b):
        """Store the weights, W (O, I) and b (O,), and clear the gradients."""
        self.W = W
        self.b = b
        self.dW = np.zeros(W.shape)
        self.db = np.zeros(b.shape)

    def __call__(self, x):
        return self.forward(x)

    def forward(self, x):
        """Store x (N, I) or (I,); return y (N, O) or (O,)."""
        self.x = x
        return x @ self.W.T + self.b

    def backward(self, delta):
        """Store dW and db as means over the batch; return dx (N, I), which is not averaged.

        delta (N, O) is dL/dy, one row for each sample's own loss.
        """
        N = delta.shape[0]
        self.dW = delta.T @ self.x / N
        self.db = delta.sum(axis=0) / N
        return delta @ self.W
