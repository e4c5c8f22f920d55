"""What the two tasks have in common: data and first weights from a seed, a network to train, a score."""

from typing import ClassVar, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from training.hand_in import HandIn
from training.sgd import Array, Batch, Step, Weights


class Score(NamedTuple):
    """How often the trained network is right, and a sentence that says so beside what is got without it."""

    accuracy: float
    says: str


class Task(Protocol):
    """A task, its network and its plan of training. Everything follows from the seed."""

    name: ClassVar[str]  # "phonemes" or "characters"
    about: ClassVar[str]  # what is to be learned, by which network
    rate: ClassVar[float]  # of SGD
    epochs: ClassVar[int]  # by default
    stated: ClassVar[float]  # the accuracy that the default number of epochs is promised to reach

    @property
    def seed(self) -> int: ...

    def weights(self) -> Weights:
        """The weights that training starts from, arrays of their own."""
        ...

    def batches(self, epochs: int) -> list[Batch]:
        """The batches of so many epochs, each in an order of its own."""
        ...

    def step(self, hand_in: HandIn, weights: Weights, batch: Batch) -> Step:
        """Loss and gradients by the hand-in's own forward and backward. Raises Unusable."""
        ...

    def score(self, hand_in: HandIn, weights: Weights) -> Score:
        """The hand-in with these weights, put to the test. Raises Unusable."""
        ...


def uniform(random: np.random.Generator, H: int, shape: tuple[int, ...]) -> Array:
    """First weights as torch.nn.RNN, GRU and Linear draw them: uniform, up to 1 / sqrt(H) to either side."""
    return random.uniform(-(H**-0.5), H**-0.5, shape)


def onehot(labels: NDArray[np.intp], classes: int) -> Array:
    """Rows (M, C) of zeros with a one at each label."""
    return np.eye(classes)[labels]
