"""The weights of the two cells, by the homework's names; D input size, H hidden size."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


class RNNWeights(NamedTuple):
    """An Elman cell's weights."""

    W_ih: Array  # (H, D)
    W_hh: Array  # (H, H)
    b_ih: Array  # (H,)
    b_hh: Array  # (H,)


class GRUWeights(NamedTuple):
    """A gated recurrent unit's weights, in the order of init_weights."""

    Wzh: Array  # (H, H)
    Wrh: Array  # (H, H)
    Wh: Array  # (H, H)
    Wzx: Array  # (H, D)
    Wrx: Array  # (H, D)
    Wx: Array  # (H, D)
