"""Charts: of errors on logarithmic axes, and of a class.

Their colours stand out 3 to 1 and more on white and on the dark page alike.
"""

import functools
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import matplotlib.colors
import numpy as np
from matplotlib.axes import Axes

from grading.formats.html.sheet import INK, WIDEST, Picture, drawing, outline, png, saved, sheet, write

THEIRS, OURS, LIMIT = "#d9480f", "#2b7bba", "#8a6d00"
SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
SMALLEST = 1e-320  # of a positive number, so that it has a logarithm
LEFT, TOP, RIGHT = 38, 8, 12  # pixels around a plot
MOST_TICKS = 8


# --- Errors


def over_time(errors: np.ndarray, allowed: float) -> Picture:
    """The error at each time step (T,), not negative, on a logarithmic axis; what is allowed, a dashed line.

    An error of 0 lies on the lower edge, and one that is not finite, a cross, on the upper.
    """
    return _over_time(errors.astype(np.float64).tobytes(), allowed)


@functools.lru_cache(maxsize=128)  # in a class the same mistakes are made by many
@drawing
def _over_time(content: bytes, allowed: float) -> Picture:
    errors = np.frombuffer(content)
    limit = allowed if np.isfinite(allowed) and allowed > 0 else np.nan
    last = len(errors) - 1
    figure, axes = sheet(WIDEST, 170)
    plot = _Plot(axes, 130, (0, max(last, 1)), _powers([*errors, limit]))
    plot.grid({t: f"{t}" for t in range(0, last + 1, -(-(last + 1) // MOST_TICKS))})
    plot.errors(np.arange(last + 1), errors, THEIRS, "o")
    if limit > 0:
        plot.line([0, last], [np.log10(limit)] * 2, color=LIMIT, ls="--")
    write(axes, LEFT + plot.width / 2, 162, "t")
    return saved(figure)


def against_step(steps: np.ndarray, theirs: np.ndarray, ours: np.ndarray) -> Picture:
    """The error of central differences against the step size, both logarithmic: theirs (circles) and ours (squares)."""
    return _against_step(*(array.astype(np.float64).tobytes() for array in (steps, theirs, ours)))


@functools.lru_cache(maxsize=128)
@drawing
def _against_step(*contents: bytes) -> Picture:
    steps, theirs, ours = map(np.frombuffer, contents)
    sizes = np.log10(steps)
    first, last = int(np.floor(sizes.min())), int(np.ceil(sizes.max()))
    figure, axes = sheet(WIDEST, 185)
    plot = _Plot(axes, 150, (first, max(last, first + 1)), _powers([*theirs, *ours]))
    plot.grid({power: _power(power) for power in range(first, last + 1, -(-(last + 1 - first) // MOST_TICKS))})
    plot.errors(sizes, ours, OURS, "s")
    plot.errors(sizes, theirs, THEIRS, "o")
    return saved(figure)


class _Plot(NamedTuple):
    """A frame in a sheet, with two axes, of which the upright one holds powers of ten."""

    axes: Axes
    height: float
    across: tuple[float, float]
    up: tuple[int, int]

    @property
    def width(self) -> float:
        return WIDEST - LEFT - RIGHT

    def x(self, value: Any) -> Any:
        first, last = self.across
        return LEFT + (np.asarray(value) - first) / (last - first) * self.width

    def y(self, power: Any) -> Any:
        low, high = self.up
        return TOP + (high - np.asarray(power)) / (high - low) * self.height

    def grid(self, ticks: dict[int, str]) -> None:
        low, high = self.up
        every = -(-(high - low) // MOST_TICKS)
        for power in range(low, high + 1):
            if power % every == 0:
                self.axes.plot([LEFT, LEFT + self.width], [self.y(power)] * 2, color=INK, lw=0.5, alpha=0.25)
                write(self.axes, LEFT - 4, self.y(power), _power(power), ha="right")
        floor = TOP + self.height
        for tick, label in ticks.items():
            self.axes.plot([self.x(tick)] * 2, [floor, floor + 3], color=INK, lw=0.8)
            write(self.axes, self.x(tick), floor + 11, label)
        self.axes.plot(*outline(LEFT, TOP, self.width, self.height), color=INK, lw=0.8)

    def errors(self, x: np.ndarray, errors: np.ndarray, colour: str, marker: str) -> None:
        """Errors, joined by lines; 0 on the lower edge, and what is not finite as a cross on the upper."""
        low, high = self.up
        finite = np.isfinite(errors)
        powers = np.clip(np.log10(np.maximum(np.where(finite, errors, 1), SMALLEST)), low, high)
        fill = colour if marker == "o" else "none"
        self.line(x, np.where(finite, powers, np.nan), color=colour, marker=marker, ms=4.5, mfc=fill)
        self.line(x[~finite], [high] * int((~finite).sum()), color=colour, marker="x", ms=5, ls="none")

    def line(self, x: Any, powers: Any, **style: Any) -> None:
        self.axes.plot(self.x(x), self.y(powers), lw=1.5, **style)


def _powers(values: Iterable[float]) -> tuple[int, int]:
    """The powers of ten between which the positive finite values lie, at least two apart."""
    logs = [float(np.log10(value)) for value in values if np.isfinite(value) and value > 0]
    if not logs:
        return -1, 1
    low, high = int(np.floor(min(logs))), int(np.ceil(max(logs)))
    return (low, high) if high - low >= 2 else (low - 1, low + 1)


def _power(exponent: int) -> str:
    return "10" + f"{exponent}".translate(SUPERSCRIPTS)


# --- A class


@drawing
def bars_upright(counts: Sequence[int], labels: Sequence[str]) -> Picture:
    """A histogram: a bar a count, which stands above it, and its label below."""
    figure, axes = sheet(WIDEST, 170)
    wide, floor, most = WIDEST / len(counts), 150, max([*counts, 1])
    for number, (count, label) in enumerate(zip(counts, labels, strict=True)):
        x, high = number * wide, 124 * count / most
        axes.fill(*outline(x + 2, floor - high, wide - 4, high), color=OURS, lw=0)
        if count:
            write(axes, x + wide / 2, floor - high - 8, f"{count}")
        write(axes, x + wide / 2, floor + 10, label)
    axes.plot([0, WIDEST], [floor, floor], color=INK, lw=0.8)
    return saved(figure)


@drawing
def bars_across(counts: Sequence[int], labels: Sequence[str], most: int) -> Picture:
    """A bar a count to the right of its label, of which `most` would be the longest; the count stands behind it."""
    high, left = 24, 100
    figure, axes = sheet(WIDEST, high * len(counts))
    longest = WIDEST - left - 34
    for number, (count, label) in enumerate(zip(counts, labels, strict=True)):
        y, wide = number * high, longest * count / max(most, 1)
        axes.fill(*outline(left, y + 4, wide, high - 8), color=THEIRS, lw=0)
        write(axes, left - 6, y + high / 2, label, ha="right")
        write(axes, left + wide + 5, y + high / 2, f"{count}", ha="left")
    axes.plot([left, left], [0, high * len(counts)], color=INK, lw=0.8)
    return saved(figure)


KINDS = ("passed", "failed", "crashed", "timed_out", "not_run", "broken", "")
KIND_COLOURS = ("#b9d3e8", "#c23d05", "#8538b5", "#7d5b00", "#6b6b6b", "#c4007f", "#ffffff00")
"""Of outcomes, in the order of KINDS, as in style.css; "" is a property that a report does not have."""


def matrix(outcomes: np.ndarray) -> Picture:
    """Hand-ins (rows) by properties (columns): indices in KINDS, a rectangle each, with gaps where there is room."""
    rows, columns = outcomes.shape
    high = int(np.clip(900 // rows, 1, 14))
    wide = int(np.clip(WIDEST // columns, 1, 6))
    colours = np.array([matplotlib.colors.to_rgba(colour) for colour in KIND_COLOURS])
    pixels = np.repeat(np.repeat(colours[outcomes], high, axis=0), wide, axis=1)
    if high > 3:
        pixels[high - 1 :: high] = 0  # transparent
    if wide > 3:
        pixels[:, wide - 1 :: wide] = 0
    return png(pixels, pixels.shape[1], pixels.shape[0])
