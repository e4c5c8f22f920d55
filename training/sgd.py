"""Plain stochastic gradient descent: w <- w - rate * gradient of the mean loss, batch after batch.

No momentum, no decay, no clipping: torch.optim.SGD(rate) without options. Weights are kept here, in float64, and are
handed anew to whatever computes the gradients.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Weights = dict[str, Array]


class Batch(NamedTuple):
    """Inputs x, and a label of 0 .. C - 1 for each of the M rows of logits that they lead to.

    The classifier's x is (N, T, D) with N labels; the predictor's, one sequence, is (T, D) with T labels.
    """

    x: Array
    labels: NDArray[np.intp]


class Step(NamedTuple):
    """The mean loss of a batch in nats, and its gradients by the names of the weights."""

    loss: float
    gradients: Weights


def descend(
    weights: Weights, batches: Iterable[Batch], step: Callable[[Weights, Batch], Step], rate: float
) -> Iterator[float]:
    """Yield each batch's loss, before the update of `weights`, which are replaced in place, that follows it."""
    for batch in batches:
        loss, gradients = step(weights, batch)
        for name in weights:
            weights[name] = weights[name] - rate * gradients[name]
        yield loss
