"""Sheets to draw on, in CSS pixels, and pictures made of them: matplotlib's SVG or PNG, as data: URIs for an <img>.

A picture holds numbers and names of the code alone; words stand beside it in the page, where they are translated, wrap
on a narrow screen and are read aloud. Text is kept as text, in the reader's fonts, and takes a colour that follows
light and dark. No picture is wider than WIDEST, so that none is shrunk on a telephone.
"""

import base64
import io
import re
from collections.abc import Sequence
from typing import Any, NamedTuple

import matplotlib
import matplotlib.image
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

WIDEST = 288  # CSS pixels: a telephone of 360 less the margins of the page and of a card in it
INK = "#010203"  # stands for the page's own text colour
PAPER_INK = {"light": "#1b1d21", "dark": "#e7e9ec"}
FONT = 10
FONTS = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Noto Sans', 'DejaVu Sans', sans-serif"
OF_THE_PROGRAM = ("backend", "date", "interactive", "timezone", "toolbar")  # settings that no picture depends on
SETTINGS: dict[Any, Any] = {
    # matplotlib's own, whatever this user of it prefers
    **{name: value for name, value in matplotlib.rcParamsDefault.items() if not name.startswith(OF_THE_PROGRAM)},
    "svg.fonttype": "none",  # text, not outlines
    "svg.hashsalt": "report",  # the same picture is the same bytes
    "path.simplify": False,
}
NO_METADATA: dict[str, Any] = dict.fromkeys(("Date", "Creator", "Format", "Type"))


drawing = matplotlib.rc_context(SETTINGS)
"""Decorates what draws on a sheet."""


class Picture(NamedTuple):
    """An image as a data: URI, and its size in CSS pixels."""

    uri: str
    width: int
    height: int


def sheet(width: float, height: float) -> tuple[Figure, Axes]:
    """A figure of so many pixels, with one coordinate system in pixels from its upper left corner."""
    figure = Figure(figsize=(width / 72, height / 72), dpi=72, frameon=False)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set_axis_off()
    axes.set_autoscale_on(False)
    axes.set(xlim=(0, width), ylim=(height, 0))
    return figure, axes


def write(axes: Axes, x: float, y: float, text: str, ha: str = "center", color: str = INK) -> None:
    """Write a text, its middle at this height."""
    axes.text(x, y, text, ha=ha, va="center_baseline", color=color, fontsize=FONT, parse_math=False)


def outline(x: float, y: float, wide: float, high: float) -> tuple[Sequence[float], Sequence[float]]:
    """The corners of a rectangle, as a line that is closed."""
    return [x, x + wide, x + wide, x, x], [y, y, y + high, y + high, y]


def saved(figure: Figure) -> Picture:
    """The figure as SVG: its ink that of the page, in light and dark, its text in the reader's fonts, no metadata."""
    file = io.StringIO()
    figure.savefig(file, format="svg", metadata=NO_METADATA)
    svg = file.getvalue()
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>|<!--.*?-->", "", svg, flags=re.DOTALL)
    svg = re.sub(r" font-family: [^;\"]*;|font: [^;\"]*;|font-size: [^;\"]*;", "", svg).replace(INK, "currentColor")
    svg = re.sub(r' (id="[^#"]*_\d+"|transform="rotate\(-0[^"]*"|clip-path="[^"]*")', "", svg)
    svg = re.sub(r">\s+<", "><", svg)
    style = (
        f"<style>svg{{color:{PAPER_INK['light']};font:{FONT}px {FONTS}}}"
        f"@media screen and (prefers-color-scheme:dark){{svg{{color:{PAPER_INK['dark']}}}}}</style>"
    )
    opened, rest = svg.split(">", 1)
    width, height = (round(size * 72) for size in figure.get_size_inches())
    return Picture(_uri("image/svg+xml", f"{opened}>{style}{rest}".encode()), width, height)


def png(pixels: np.ndarray, width: int, height: int) -> Picture:
    """RGBA pixels (rows, columns, 4), each from 0 to 1, as PNG, to be shown in this size."""
    file = io.BytesIO()
    matplotlib.image.imsave(file, pixels, format="png", metadata={"Software": ""})
    return Picture(_uri("image/png", file.getvalue()), width, height)


def _uri(kind: str, content: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(content).decode('ascii')}"
