"""Arrays as heat maps, all that are shown together on one scale, so that they can be compared at a glance.

The colours are matplotlib's RdBu_r, white at 0, blue below, red above; the colour-blind can tell them apart.
"""

import functools
import re
from collections.abc import Sequence

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import Normalize

from grading.formats.html.sheet import INK, WIDEST, Picture, drawing, outline, png, saved, sheet, write

COLOURS = matplotlib.colormaps["RdBu_r"].with_extremes(bad="#8a8a8a")
NORM = Normalize(-1, 1)  # of elements / scale
WITH_NUMBERS = (6, 10)  # at most so many columns and rows have their numbers written in
CELL = (42, 26)  # of an element with its number
PLAIN_CELL = 16  # of one without
LABELS = 18  # for the indices beside the rows and above the columns
MARGIN = 8  # to the right, and to the left where there are no indices
MOST_BLOCKS = 12
MOST_BEYOND = 20  # how many times larger than what is right a result sets the scale
Box = tuple[float, float, float, float]


def scale_of(*arrays: np.ndarray | None) -> float:
    """The one scale of arrays that are shown together, from -scale to scale: that of the largest finite element.

    The second array is what should have come back. Where the others exceed it by far it sets the scale, lest it look
    like zeros.
    """
    largest = [float(np.abs(each[np.isfinite(each)]).max(initial=0)) if each is not None else 0.0 for each in arrays]
    right = largest[1] if len(largest) > 1 else 0.0
    most = max(largest)
    return (2 * right if 0 < MOST_BEYOND * right < most else most) or 1.0


def array(values: np.ndarray, scale: float, marked: np.ndarray | None = None) -> Picture:
    """An array as a heat map, a row for one axis; of more than two axes, the blocks of the last two, one below another.

    Elements that are not finite are grey, and `marked` ones framed. Indices stand beside rows and above columns.
    """
    marks = np.zeros(values.shape, bool) if marked is None else marked
    return _array(values.shape, values.astype(np.float64).tobytes(), scale, marks.tobytes())


@functools.lru_cache(maxsize=512)  # in a class the same few arrays come back from many
@drawing
def _array(shape: tuple[int, ...], content: bytes, scale: float, marks: bytes) -> Picture:
    values = np.frombuffer(content).reshape(_blocks(shape))
    with np.errstate(over="ignore"):
        relative = np.where(np.isfinite(values), np.clip(values / scale, -1, 1), np.nan)
    marked = np.frombuffer(marks, bool).reshape(values.shape)
    blocks, rows, columns = values.shape
    written = columns <= WITH_NUMBERS[0] and blocks * rows <= WITH_NUMBERS[1]
    left = MARGIN if len(shape) < 2 else LABELS if blocks == 1 else 2 * LABELS
    room = WIDEST - left - MARGIN
    wide, high = CELL if written else (min(PLAIN_CELL, room / columns), min(PLAIN_CELL, room / (blocks * rows)))
    between = high / 2
    numbered = _labelled(blocks * rows, high) if len(shape) > 1 else ()
    height = LABELS + blocks * rows * high + (blocks - 1) * between
    figure, axes = sheet(left + max(columns * wide, 24) + MARGIN, height + 1)
    for block in range(blocks):
        top = LABELS + block * (rows * high + between)
        _cells(axes, relative[block], (left, top, wide, high))
        for row in range(rows):
            if block * rows + row in numbered:
                name = f"{block}, {row}" if blocks > 1 else f"{row}"
                write(axes, left - 4, top + (row + 0.5) * high, name, ha="right")
        for row, column in np.argwhere(marked[block]):
            frame = outline(left + column * wide + 1, top + row * high + 1, wide - 2, high - 2)
            for colour, width in (("#ffffff", 3), ("#000000", 1.3)):
                axes.plot(*frame, color=colour, lw=width, solid_joinstyle="miter", zorder=3)
        if written:
            _numbers(axes, values[block], relative[block], (left, top, wide, high))
    for column in _labelled(columns, wide):
        write(axes, left + (column + 0.5) * wide, LABELS / 2 - 1, f"{column}")
    return saved(figure)


def _blocks(shape: tuple[int, ...]) -> tuple[int, int, int]:
    """The shape as blocks of rows and columns; so many blocks that their gaps would be all there is are one."""
    rows, columns = (1, 1, *shape)[-2:]
    blocks = int(np.prod(shape[:-2], dtype=int))
    return (blocks, rows, columns) if blocks <= MOST_BLOCKS else (1, blocks * rows, columns)


def _labelled(count: int, size: float) -> range:
    """Which of so many rows or columns of this size are labelled: all, or as many as there is room for."""
    steps = (1, 2, 5, 10, 20, 50, 100, 200, 500)
    return range(0, count, next((every for every in steps if every * size >= 14), count))


def _cells(axes: Axes, relative: np.ndarray, box: Box) -> None:
    left, top, wide, high = box
    rows, columns = relative.shape
    right, bottom = left + columns * wide, top + rows * high
    shown = np.ma.masked_invalid(relative)
    axes.imshow(
        shown, cmap=COLOURS, norm=NORM, extent=(left, right, bottom, top), interpolation="none", aspect="auto", zorder=1
    )
    axes.plot(*outline(left, top, right - left, bottom - top), color=INK, lw=0.8)


def _numbers(axes: Axes, values: np.ndarray, relative: np.ndarray, box: Box) -> None:
    left, top, wide, high = box
    for (row, column), value in np.ndenumerate(values):
        colour = _readable(COLOURS(NORM(relative[row, column]))) if np.isfinite(value) else "#000000"
        write(axes, left + (column + 0.5) * wide, top + (row + 0.5) * high, short(value), color=colour)


def _readable(colour: Sequence[float]) -> str:
    """Black or white, whichever is easier to read on this colour (WCAG 2, contrast ratio)."""
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in colour[:3]]
    luminance = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    return "#000000" if (luminance + 0.05) / 0.05 >= 1.05 / (luminance + 0.05) else "#ffffff"


def short(value: float) -> str:
    """A number in seven characters at most: 0.123, -0.0012, -3e-8, 12300, nan."""
    if value == 0:
        return "0"  # and not -0
    if not np.isfinite(value):
        return f"{value:g}"
    if 1e-3 <= abs(value) < 99999.5:
        return f"{value:.2g}" if abs(value) < 0.1 else f"{value:.3g}" if abs(value) < 999.5 else f"{value:.0f}"
    return re.sub(r"e([+-])0?", lambda sign: "e" + sign[1].strip("+"), f"{value:.0e}")


@functools.cache
def colour_strip() -> Picture:
    """All colours of the arrays, from the lowest to the highest."""
    return png(COLOURS(np.linspace(0, 1, 61))[None], 180, 10)
