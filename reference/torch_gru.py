"""torch.nn.GRUCell as a second opinion on GRU_Cell's forward, where the two agree.

    torch        z' = sigmoid(W_iz x + W_hz h)      n = tanh(W_in x + r * (W_hn h))     h_t = (1 - z') * n  + z' * h
    homework     z  = sigmoid(Wzx x + Wzh h)        h~ = tanh(Wx x + Wh (r * h))        h_t = (1 - z)  * h  + z  * h~

    torch, rows ordered (r, z, n)                homework                        shape
    weight_ih = [W_ir, W_iz, W_in]               [Wrx, -Wzx, Wx]                 (3 H, D)
    weight_hh = [W_hr, W_hz, W_hn]               [Wrh, -Wzh, Wh]                 (3 H, H)
    bias_ih, bias_hh                             none (bias=False)

The sign of z's rows is turned because 1 - sigmoid(a) = sigmoid(-a), so that z' = 1 - z. What is left is r * (Wh h)
against Wh (r * h). These are equal, to absolute rounding, when
- H = 1, or Wh is diagonal: the products commute element by element;
- all rows of Wrh are the same and all rows of Wrx are the same: r is one number;
- h = 0: both are zero.
Everywhere else they are two different networks, off by more than 0.1 at H >= 20 and weights of scale >= 0.5: draw
weights from these families and nothing else.

D input size, H hidden size. Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.GRUCell.html.
"""

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray

from reference.weights import GRUWeights


def state(x: ArrayLike, h: ArrayLike, weights: GRUWeights) -> NDArray[np.float64]:
    """Return h_t (H,) for x (D,) and h (H,) by torch.nn.GRUCell; the homework's h_t in the families above only."""
    Wzh, Wrh, Wh, Wzx, Wrx, Wx = (torch.tensor(np.asarray(W), dtype=torch.float64) for W in weights)
    hidden_size, input_size = Wx.shape
    cell = torch.nn.GRUCell(input_size, hidden_size, bias=False, device="meta")
    weight_ih, weight_hh = torch.cat([Wrx, -Wzx, Wx]), torch.cat([Wrh, -Wzh, Wh])
    cell.load_state_dict({"weight_ih": weight_ih, "weight_hh": weight_hh}, assign=True)

    with torch.no_grad():
        h_t: NDArray[np.float64] = cell(*(torch.tensor(np.asarray(a), dtype=torch.float64) for a in (x, h))).numpy()
    return h_t
