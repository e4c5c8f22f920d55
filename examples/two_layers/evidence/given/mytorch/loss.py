"""Softmax and cross-entropy in one."""

import numpy as np


class SoftmaxCrossEntropy:
    """L_n = -sum_c y_nc log softmax(x_n)_c, in nats, one loss for each sample.

    N: batch, C: classes. logits x (N, C); y (N, C), one-hot.
    """

    def __call__(self, logits, onehot):
        return self.forward(logits, onehot)

    def forward(self, logits, onehot):
        """Store softmax and labels; return the losses (N,), which are not averaged."""
        shifted = logits - logits.max(axis=1, keepdims=True)  # softmax does not change, and exp cannot overflow
        log_softmax = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
        self.softmax = np.exp(log_softmax)
        self.onehot = onehot
        return -(onehot * log_softmax).sum(axis=1)

    def derivative(self):
        """Return dL_n/dx_n = softmax - y, (N, C), which is not averaged."""
        return self.softmax - self.onehot
