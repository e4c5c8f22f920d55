"""Element-wise activations that remember their last output."""

import numpy as np


class Sigmoid:
    """sigmoid(x) = 1 / (1 + exp(-x)), element-wise, any shape.

    The exponential is only ever taken of -|x|, so no finite x overflows.
    """

    def __call__(self, x):
        return self.forward(x)

    def forward(self, x):
        """Store and return sigmoid(x)."""
        e = np.exp(-np.abs(x))
        self.state = np.where(x >= 0, 1.0, e) / (1.0 + e)
        return self.state

    def derivative(self):
        """Return d sigmoid / dx = s (1 - s) at the stored output s."""
        return self.state * (1.0 - self.state)


class Tanh:
    """tanh(x), element-wise, any shape."""

    def __call__(self, x):
        return self.forward(x)

    def forward(self, x):
        """Store and return tanh(x)."""
        self.state = np.tanh(x)
        return self.state

    def derivative(self, state=None):
        """Return d tanh / dx = 1 - s**2, at the output `state` or, without one, at the stored output."""
        s = self.state if state is None else state
        return 1.0 - s**2
