"""How far a result may lie from the oracle's when the hand-in is right: a bound read off perturbed twins.

    bound = MARGIN * largest |twin_k - twin_0| + FLOOR * (u * largest |twin_0| + tiny)        (one for each array)

u is the unit roundoff of the dtype that came back, twin_0 the plain result, twin_1 .. twin_8 the same computation with
every value moved by MOVE * u (see `reference.twins`). tiny is the dtype's smallest normal number, 1e-38 or 1e-308:
below it numbers are lost altogether, and no u describes that.

Why it holds. A computed sum of n products is the exact sum of slightly other products, each off by a factor of at most
1 + gamma_n, gamma_n = n u / (1 - n u), whatever the order of summation (N. J. Higham, Accuracy and Stability of
Numerical Algorithms, 2nd ed., SIAM 2002, sections 3.1 and 3.5). So rounding is a small change of inputs and weights,
and what it does to the result is what such a change does: the twins measure this where the a-priori bound, which
multiplies row sums from step to step, soon says nothing. tanh and sigmoid, and forms such as 1 - h * h of them, round
*absolutely*, by some u, however small the outcome; hence gates and states move absolutely. Reading the error off a few
randomly moved runs is the idea of stochastic arithmetic (J. Vignes, Math. Comput. Simulation 35, 1993).

Why these numbers:
- MOVE = 4: the functions of a step (sum, bias, tanh, product) are three or four roundings deep; each costs at most u.
- TWINS = 8: the largest spread of few runs is itself random, and that of three is sometimes next to nothing.
- MARGIN = 8: gamma_n's n. Errors of n roundings mostly add up like the square root of n, and n is at most a few
  hundred; with the move of 4u that leaves MARGIN * MOVE = 32 units of u for every value at risk.
- FLOOR = 8: the last few operations (a mean, a sum over steps), and results that hardly move.

properties/suite/ measures both sides: right computations in other orders stay below half of it, and one element off by
a relative 1e-8 of its array's largest is above it in ordinary cases. There is no honest bound for a chaotic case (large
weights over many steps): its spread is as large as its values, and it should not be drawn.
"""

import math
from types import MappingProxyType

import numpy as np
from numpy.typing import DTypeLike, NDArray

TWINS = 8
"""How many moved runs stand beside the unmoved one."""

MOVE = 4
"""The size of a move, in units of u: relative for inputs and weights, absolute for gates and states."""

MARGIN = 8
"""The bound, in units of the largest spread."""

FLOOR = 8
"""The least bound, in units of u times the largest value, or of the smallest normal number."""

UNIT_ROUNDOFF = MappingProxyType({np.dtype(np.float64): 2.0**-53, np.dtype(np.float32): 2.0**-24})
"""Half the distance from 1 to the next larger number of a dtype: the largest relative error of one rounding."""


def unit_roundoff(dtype: DTypeLike) -> float:
    """Return u of float64 or float32; raise TypeError for any other dtype, in which no result is right."""
    known = UNIT_ROUNDOFF.get(np.dtype(dtype))
    if known is None:
        raise TypeError(f"dtype is {np.dtype(dtype)}, but a result must be float64 or float32 to have a tolerance")
    return known


def bound(twins: NDArray[np.float64], u: float) -> float:
    """Return the largest error allowed in any element of an array with these twins, (1 + TWINS, ...).

    It is nan where any twin is nan or infinite. Write `not (error <= bound)`, so that nothing is within that.
    """
    if np.ndim(twins) == 0 or len(twins) != 1 + TWINS:
        raise ValueError(f"twins has shape {np.shape(twins)}, but its first axis must hold 1 + {TWINS} runs")
    with np.errstate(invalid="ignore"):
        spread = np.abs(twins[1:] - twins[0]).max()
        largest = np.abs(twins[0]).max()
    tiny = np.finfo(np.float32 if u > UNIT_ROUNDOFF[np.dtype(np.float64)] else np.float64).tiny
    allowed = float(MARGIN * spread + FLOOR * (u * largest + tiny))
    return allowed if math.isfinite(allowed) else math.nan
