"""Comparisons that say what is wrong, where, by how much, and what was allowed."""

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np

from properties.cases import Case
from properties.outcomes import Wrong
from properties.transcript import Transcript
from reference import differences
from reference.tolerance import unit_roundoff

FLOATS = (np.dtype("<f8"), np.dtype("<f4"))
LARGEST = float(np.finfo(np.float64).max)
HALF_IS_TOO_COARSE = "float64, or float32 at least"


class Expected:
    """What an oracle says a result is, and how far from it a right one may be.

    bound(u) is the largest error of a right result that was computed with unit roundoff u (reference.tolerance).
    """

    def __init__(self, value: np.ndarray, bound: Callable[[float], float]) -> None:
        self.value = value
        self._bound = bound
        self._allowed: dict[np.dtype, float] = {}

    def allowed(self, dtype: np.dtype) -> float:
        """The allowed absolute error of every element of a result of this dtype."""
        if dtype not in self._allowed:
            self._allowed[dtype] = self._bound(unit_roundoff(dtype))
        return self._allowed[dtype]

    def instead(self, value: np.ndarray) -> "Expected":
        """Another value of the same shape, known from elsewhere, with this one's tolerance."""
        return Expected(value, self._bound)

    def relative(self, dtype: np.dtype) -> float:
        """The allowed error, relative to the largest element, or 0 where all elements are 0."""
        largest = float(np.abs(self.value).max())
        return self.allowed(dtype) / largest if largest else 0.0


def assert_close(actual: np.ndarray, expected: Expected, what: str) -> None:
    """The result has the expected shape, is of float64 or float32, and every element is within its bound."""
    _assert_shape_and_dtype(actual, expected.value.shape, what, expected.value)
    _assert_within(actual, expected.value, expected.allowed(actual.dtype), what)


def well_formed(actual: np.ndarray, expected: Expected, what: str) -> np.ndarray:
    """Return the result itself; raise Wrong unless it has the expected shape and is of float64 or float32."""
    _assert_shape_and_dtype(actual, expected.value.shape, what, expected.value)
    return actual


def assert_same(
    actual: np.ndarray, other: np.ndarray, expected: Expected, what: str, terms: Sequence[np.ndarray] = ()
) -> None:
    """Two results of the hand-in agree as well as two right ones would.

    Each may be as far from the truth as `expected` allows, relative to the largest element of both and of the terms of
    which `other` is the sum. `other` is made of well-formed results.
    """
    _assert_shape_and_dtype(actual, other.shape, what)
    coarser = FLOATS[1] if FLOATS[1] in (actual.dtype, other.dtype) else FLOATS[0]
    largest = max(float(np.abs(array).max()) for array in (actual, other, *terms))
    _assert_within(actual, other.astype(np.float64), 2 * expected.relative(coarser) * largest, what)


def assert_between(actual: np.ndarray, low: np.ndarray, other: Expected, what: str) -> None:
    """Every element lies between those of an argument and of an oracle's answer, with the answer's tolerance."""
    _assert_shape_and_dtype(actual, other.value.shape, what)
    allowed = other.allowed(actual.dtype)
    nearest = np.clip(actual, np.minimum(low, other.value), np.maximum(low, other.value))
    _assert_within(actual, nearest, allowed, what)


def unbatched(result: np.ndarray) -> np.ndarray:
    """The result without a leading axis of one, which is advisory."""
    return result[0] if result.ndim == 2 and result.shape[0] == 1 else result


def assert_linear(seen: Transcript, what: str, expected: Expected, scales: Mapping[str, float]) -> None:
    """The results _sum and _tiny, _small, _large are what the results for delta and delta_2 say by linearity."""
    one = well_formed(seen[what], expected, what)
    two = well_formed(seen[f"{what}_2"], expected, what)
    assert_same(seen[f"{what}_sum"], one + two, expected, f"{what} of delta + delta_2", (one, two))
    for name, factor in scales.items():
        scaled = seen[what + name.removeprefix("delta")]
        assert_same(scaled, factor * one, expected, f"{what} of {factor:g} delta")


def assert_derivative(
    seen: Transcript, case: Case, name: str, gradient: np.ndarray, delta: np.ndarray, what: str
) -> None:
    """sum(gradient * direction) is the central difference of sum(delta * forward) in the array `name`."""
    plus, minus, step, u = _sides(seen, name)
    direction = case[f"{name}_direction"]
    _assert_shape_and_dtype(plus, delta.shape, "forward's result")
    _assert_shape_and_dtype(gradient, direction.shape, what)
    slope = float((delta * (plus - minus)).sum() / (2 * step))
    along = float((gradient.astype(np.float64) * direction).sum())
    allowed = differences.allowed(delta, plus, minus, step, u)
    _note(np.asarray(abs(along - slope)), allowed)
    if not abs(along - slope) <= allowed:
        raise Wrong(
            f"{what} along a direction is {along:.10g}, but forward changes by {slope:.10g} "
            f"(off by {abs(along - slope):.2g}, allowed {allowed:.1g})",
            what=what, actual=gradient, error=abs(along - slope), allowed=allowed,
        )  # fmt: skip
    if not abs(slope) > 2 * allowed:
        raise Wrong(f"forward changes too little with {name} for central differences to decide about {what}", what=what)


def assert_responds(seen: Transcript, name: str) -> None:
    """forward changes with the array `name`, by ten times more than rounding can."""
    plus, minus, step, u = _sides(seen, name)
    largest = max(float(np.abs(plus).max()), float(np.abs(minus).max()))
    slope = float(np.abs(plus - minus).max()) / (2 * step)
    if not slope > 10 * differences.ROUNDING * u * largest / step:
        raise Wrong(f"forward does not change with {name}, but should", what=name)


def _sides(seen: Transcript, name: str) -> tuple[np.ndarray, np.ndarray, float, float]:
    """forward a step to either side, the step, and the roundoff: those for float32 where forward returns float32."""
    plus, minus, step = seen[f"f_{name}_plus"], seen[f"f_{name}_minus"], differences.STEP
    if plus.dtype == np.float32:
        plus, minus, step = seen[f"f_{name}_plus32"], seen[f"f_{name}_minus32"], differences.STEP_FLOAT32
    if not plus.size:
        raise Wrong(f"forward's result has no elements, but shape {plus.shape}")
    _assert_shape_and_dtype(plus, plus.shape, "forward's result")
    _assert_shape_and_dtype(minus, plus.shape, "forward's result")
    return plus.astype(np.float64), minus.astype(np.float64), step, unit_roundoff(plus.dtype)


def assert_unchanged(seen: Transcript) -> None:
    """No argument was changed in place."""
    if seen.changed:
        raise Wrong(f"{', '.join(seen.changed)} changed in place, but should be left alone")


def assert_plain_float64(seen: Transcript, what: str) -> None:
    """The result is an ndarray and no subclass of it, of dtype float64, as the arguments are."""
    array, kind = seen[what], seen.value(what).type
    if kind != "ndarray" or array.dtype != np.float64:
        raise Wrong(f"{what} is a {kind} of {array.dtype}, but should be an ndarray of float64, as the arguments are")


def assert_apart(seen: Transcript, *names: str) -> None:
    """No two of these results are one array, or parts of one."""
    for name, other in seen.shared:
        if name in names and other in names:
            raise Wrong(f"{name} and {other} share memory, but should be arrays of their own")


_ratios: list[float] | None = None


@contextlib.contextmanager
def ratios() -> Iterator[list[float]]:
    """Collect error / allowed, the largest of each comparison made meanwhile: how close to its bound a result came."""
    global _ratios
    collected: list[float] = []
    _ratios = collected
    try:
        yield collected
    finally:
        _ratios = None


def _note(error: np.ndarray, allowed: float) -> None:
    if _ratios is not None:
        largest = float(error.max(initial=0.0))
        _ratios.append(largest / allowed if largest else 0.0)


def _assert_shape_and_dtype(
    actual: np.ndarray, shape: tuple[int, ...], what: str, expected: np.ndarray | None = None
) -> None:
    figures = {"what": what, "actual": actual, **({} if expected is None else {"expected": expected})}
    if actual.shape != shape:
        raise Wrong(f"{what} has shape {actual.shape}, but should have {shape}", **figures, expected_shape=shape)
    if actual.dtype not in FLOATS:
        raise Wrong(f"{what} is of dtype {actual.dtype}, but should be {HALF_IS_TOO_COARSE}", **figures)


def _assert_within(actual: np.ndarray, expected: np.ndarray, allowed: float, what: str) -> None:
    with np.errstate(invalid="ignore", over="ignore"):
        error = np.abs(actual - expected)
    _note(error, allowed)
    if error.max(initial=0.0) <= min(allowed, LARGEST):  # nan is wrong, and so is inf, which may be allowed inf
        return
    wrong = ~(np.isfinite(error) & (error <= allowed))
    index = tuple(int(i) for i in np.argwhere(wrong)[0])
    place = f"{what}[{', '.join(map(str, index))}]" if index else what
    off = f"off by {error[index]:.2g}, " if np.isfinite(error[index]) else ""
    raise Wrong(
        f"{place} is {actual[index]:.10g}, but should be {expected[index]:.10g} "
        f"({off}allowed {allowed:.1g}); {wrong.sum()} of {wrong.size} elements are wrong",
        what=what,
        index=index,
        actual=actual,
        expected=expected,
        error=float(error[index]),
        allowed=allowed,
    )  # fmt: skip
