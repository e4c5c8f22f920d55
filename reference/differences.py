"""Central differences: the derivative of any forward, from its values alone.

    d(f) = (f(p + s v) - f(p - s v)) / (2 s)        p point, v direction, s step

Error, by Taylor's theorem with the derivative taken along v, u the unit roundoff of the values of f:

    truncation    s^2 / 6 * |f'''|      the even terms cancel, so halving s quarters it (order 2)
    rounding      u * |f| / s           each of two values is off by about u |f|, and their difference is divided by 2 s

The sum is least where s^3 = 3 u |f| / |f'''|. With values and third derivatives of unit size that is s = (3 u)^(1/3),
7e-6 in float64 and 6e-3 in float32, and the sum is then (3 u)^(2/3) / 2: 2.4e-11 and 1.6e-5. The steps here are the
powers of two just below, 2^-18 and 2^-8: multiplying and dividing by them rounds nothing, and a network's third
derivatives exceed one more readily than its values do.

A gradient g is right where lhs = sum(delta * d(f)) and rhs = sum(g * v) are equal; `allowed` says up to what. Use a
direction of Euclidean norm 1, so that no pre-activation changes much faster than 1; with a longer one `allowed` stays
honest and grows like the cube of its length.

Source: J. Nocedal and S. J. Wright, Numerical Optimization, 2nd ed., Springer 2006, section 8.1.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Point = Mapping[str, NDArray[np.floating]]

STEP = 2.0**-18
"""The step for values in float64: (3 u)^(1/3), down to a power of two."""

STEP_FLOAT32 = 2.0**-8
"""The step for values in float32."""

ACCURACY = MappingProxyType({np.dtype(np.float64): 1e-9, np.dtype(np.float32): 1e-3})
"""The promised error of `gradient` for f = sum(delta * h_t), relative to sum|delta|, for arguments of unit scale.

The optimum above, some fifty times over. properties/suite/ measures less than a third of it.
"""

ROUNDING = 16
"""The error of one value of f, in units of u times its scale: some ten roundings lie between an input and h_t."""

THIRD = 64
"""The largest third derivative of h_t, in units of max(1, 4 slope)^3, while pre-activations change at a rate up to 8.

With a = 1 - tanh^2, the third derivative of tanh is at most 4 a, and it counts p^3 times where the pre-activation
changes at rate p; the slope that is seen is a p. Let q = 4 a p. Then 4 a p^3 = q p^2 is at most p^2 <= THIRD
where q <= 1, and at most q^3 p^2 <= THIRD * q^3 elsewhere. A GRU's gates are flatter than tanh.
"""


def directional(
    f: Callable[[Point], NDArray[np.floating]],
    point: Point,
    name: str,
    direction: NDArray[np.floating],
    step: float = STEP,
) -> Array:
    """Return the central difference of f at the point, along a direction in its array of this name.

    f maps a dict of arrays, the point's own but for that one, to an array; so does the result.
    """
    if np.shape(direction) != np.shape(point[name]):
        raise ValueError(f"direction has shape {np.shape(direction)}, but {name} has {np.shape(point[name])}")
    f_plus = f({**point, name: point[name] + step * direction})
    f_minus = f({**point, name: point[name] - step * direction})
    return (np.asarray(f_plus, np.float64) - np.asarray(f_minus, np.float64)) / (2 * step)


def gradient(f: Callable[[Array], float], array: Array, step: float = STEP) -> Array:
    """Return the central differences of a scalar f along each element of the array, in its shape."""
    result = np.empty(np.shape(array))
    for place in np.ndindex(result.shape):
        axis = np.zeros(result.shape)
        axis[place] = step
        result[place] = (f(array + axis) - f(array - axis)) / (2 * step)
    return result


def allowed(
    delta: NDArray[np.floating],
    f_plus: NDArray[np.floating],
    f_minus: NDArray[np.floating],
    step: float,
    u: float,
) -> float:
    """Return how far sum(delta * (f_plus - f_minus)) / (2 step) may lie from sum(gradient * direction).

        slope         = largest |f_plus - f_minus| / (2 step)
        rounding      = ROUNDING * u * (largest |f| + slope) / step * sum|delta|
        truncation    = THIRD / 6 * max(1, 4 slope)^3 * step^2 * sum|delta|

    The slope stands in the first for pre-activations whose terms are large and cancel, and f with them: terms and slope
    are of one size. See THIRD for the second. True errors, of an RNN's and a GRU's step with weights of scale 0.01 to
    3, measure below a third of what is allowed, and mostly below a tenth.

    In float64 that is some 1e-8 of the largest gradient; in float32 some 1e-2, and where h_t hardly depends on the
    array it can be more than the gradient itself. A gradient of zeros passes there, so ask first that |lhs| be well
    above what is allowed. The result is nan where any of the arrays holds one; write `not (error <= allowed)`.
    """
    plus, minus = (np.asarray(value, np.float64) for value in (f_plus, f_minus))
    slope = np.abs(plus - minus).max() / (2 * step)
    largest = np.maximum(np.abs(plus), np.abs(minus)).max()
    rounding = ROUNDING * u * (largest + slope) / step
    truncation = THIRD / 6 * np.maximum(1, 4 * slope) ** 3 * step**2
    return float((rounding + truncation) * np.abs(delta).sum(dtype=np.float64))
