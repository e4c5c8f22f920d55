"""The model solution against torch: one step forward and backward, float64, one thread.

Both sides do the whole of a training step's work: from x and h to h_t, and from delta to dx, dh and every gradient of a
weight, which is added to what is there.
"""

import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
import torch

from benchmarks.measure import Row, Step, compare

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "impl" / "mytorch"))  # as a hand-in's modules are found
from gru_cell import GRU_Cell
from rnn_cell import RNN_Cell


def rows() -> Iterator[Row]:
    """Yield a row for each cell and shape that has a target."""
    torch.set_num_threads(1)
    for N, D, H, target in ((5, 40, 32, 3.0), (64, 512, 512, 0.8)):
        case = f"RNN cell, forward + backward, N={N} D={D} H={H}"
        yield compare(case, partial(rnn_impl, N, D, H), partial(rnn_torch, N, D, H), target=target)
    for D, H, target in ((100, 150, 1.8),):
        case = f"GRU cell, forward + backward, D={D} H={H}"
        yield compare(case, partial(gru_impl, D, H), partial(gru_torch, D, H), target=target)


def rnn_impl(N: int, D: int, H: int) -> Step:
    rng = np.random.default_rng(0)
    cell = RNN_Cell(D, H)
    cell.init_weights(*(rng.standard_normal(shape) / H**0.5 for shape in ((H, D), (H, H), H, H)))
    x, h, delta = (rng.standard_normal((N, width)) for width in (D, H, H))

    def step() -> object:
        h_t = cell.forward(x, h)
        return cell.backward(delta, h_t, x, h)

    return step


def gru_impl(D: int, H: int) -> Step:
    rng = np.random.default_rng(0)
    cell = GRU_Cell(D, H)
    cell.init_weights(*(rng.standard_normal((H, width)) / H**0.5 for width in (H, H, H, D, D, D)))
    x, h, delta = rng.standard_normal(D), rng.standard_normal(H), rng.standard_normal((1, H))

    def step() -> object:
        cell.forward(x, h)
        return cell.backward(delta)

    return step


def rnn_torch(N: int, D: int, H: int) -> Step:
    return _torch_step(torch.nn.RNNCell(D, H, dtype=torch.float64), (N, D), (N, H))


def gru_torch(D: int, H: int) -> Step:
    return _torch_step(torch.nn.GRUCell(D, H, bias=False, dtype=torch.float64), (1, D), (1, H))


def _torch_step(cell: torch.nn.Module, x_shape: tuple[int, int], h_shape: tuple[int, int]) -> Step:
    x = torch.randn(x_shape, dtype=torch.float64, requires_grad=True)
    h = torch.randn(h_shape, dtype=torch.float64, requires_grad=True)
    delta = torch.randn(h_shape, dtype=torch.float64)

    def step() -> object:
        return cell(x, h).backward(delta)

    return step
