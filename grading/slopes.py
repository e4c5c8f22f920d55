"""The picture that convinces: a gradient beside central differences, over step sizes.

    d(s) = (f(p + s v) - f(p - s v)) / (2 s)

where f is the scalar of which the gradient g is asked, computed by the right forward. Against the right gradient,
|d(s) - sum(g * v)| falls like s^2, until rounding makes it rise like 1 / s; against a wrong one it stays where it is.
It decides nothing: that has been done by the properties.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from properties.cases import GRU_WEIGHTS, RNN_WEIGHTS, Case, GRUStep, RNNStep

STEPS = tuple(10.0**-exponent for exponent in range(1, 13))
SEED = 0  # of the direction
OF_RNN = {"dx": "x", "dh": "h", **{f"d{name}": name for name in RNN_WEIGHTS}}
OF_GRU = {"dx": "x", "dh": "h", **{f"d{name}": name for name in GRU_WEIGHTS}}

Arrays = dict[str, np.ndarray]


def against_differences(case: Case, what: str, actual: np.ndarray, expected: np.ndarray) -> dict[str, Any] | None:
    """Errors of d(s) against `actual` ("theirs") and `expected` ("ours"), relative to the right slope, by step size.

    None for what is no gradient of a cell's step, has another shape or no real numbers, or whose right slope is 0.
    """
    found = _scalar_of(case, what)
    if found is None or actual.shape != expected.shape or actual.dtype.kind != "f":
        return None
    name, scalar = found
    point = {key: case[key] for key in _names(case)}
    direction = np.random.default_rng(SEED).standard_normal(point[name].shape)
    direction /= np.linalg.norm(direction)
    slope = float((expected.reshape(direction.shape) * direction).sum())
    if not slope:
        return None
    with np.errstate(all="ignore"):
        theirs = float((actual.astype(np.float64).reshape(direction.shape) * direction).sum())
        moved = [_difference(scalar, point, name, direction, step) for step in STEPS]
        errors = {key: [abs(d - of) / abs(slope) for d in moved] for key, of in (("theirs", theirs), ("ours", slope))}
    return {"along": name, "steps": list(STEPS), **errors}


def _names(case: Case) -> tuple[str, ...]:
    return ("x", "h", *(RNN_WEIGHTS if isinstance(case, RNNStep) else GRU_WEIGHTS))


def _scalar_of(case: Case, what: str) -> tuple[str, Callable[[Arrays], float]] | None:
    """The array of which `what` is the gradient, and the scalar that it is the gradient of."""
    from reference import twins
    from reference.weights import GRUWeights, RNNWeights

    if isinstance(case, RNNStep) and what in OF_RNN:
        delta = case["delta"]
        share = 1 if what in ("dx", "dh") else 1 / len(delta)  # weights' gradients are batch means

        def of_rnn(point: Arrays) -> float:
            weights = RNNWeights(*(point[name] for name in RNN_WEIGHTS))
            return float((delta * twins.rnn_step(point["x"], point["h"], weights, 0.0)["h_t"][0]).sum() * share)

        return OF_RNN[what], of_rnn
    if isinstance(case, GRUStep) and what in OF_GRU:
        delta_gru = case["delta"]

        def of_gru(point: Arrays) -> float:
            weights = GRUWeights(*(point[name] for name in GRU_WEIGHTS))
            states = twins.gru_states(point["x"][np.newaxis], point["h"], weights, 0.0)["states"]
            return float((delta_gru * states[0]).sum())

        return OF_GRU[what], of_gru
    return None


def _difference(
    scalar: Callable[[Arrays], float], point: Arrays, name: str, direction: np.ndarray, step: float
) -> float:
    plus, minus = ({**point, name: point[name] + side * step * direction} for side in (1, -1))
    return (scalar(plus) - scalar(minus)) / (2 * step)
