"""Text in 80 columns of a terminal: wrapped in English and Chinese, arrays set out for a reader, blocks side by side.

Widths are in cells, of which a Chinese character takes two. What a terminal would obey rather than show is written as
its escape.
"""

import itertools
import math
import re
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from rich.cells import cell_len, chop_cells
from rich.color import ColorSystem
from rich.style import Style

WIDTH = 80
GAP = "   "  # between blocks
FEWEST_DIGITS, MOST_DIGITS = 4, 17  # significant, of a number; with 17 no two float64 look alike
DIGITS = 6  # of numbers that are given
MOST_SHOWN, MOST_ROWS = 64, 12  # elements and rows of an array; of a larger one the corners
EDGE = 2  # rows and columns in a corner
PART = 6  # rows and columns of the part of a large result that is shown
Lines = list[str]

# A line of Chinese may end after any character, but none begins with one of the first or ends with one of the second.
CLOSING, OPENING = "，。；：、！？）》」』”’", "（《「『“‘"
WIDE = "\u2e80-\u303f\u3040-\ua4cf\uac00-\ud7ff\uf900-\ufaff\ufe30-\ufe4f\uff00-\uff60\uffe0-\uffe6"
UNITS = re.compile(
    rf"\s+|[{OPENING}]*(?:(?![{OPENING}{CLOSING}])[{WIDE}]|[^\s{WIDE}{OPENING}{CLOSING}]+)[{CLOSING}]*"
    rf"|[{OPENING}{CLOSING}]+"
)


def width_of(text: str) -> int:
    """How many columns a line takes."""
    return cell_len(text)


def plain(text: str) -> str:
    """The text with the escape of each character that a terminal would obey; line breaks and tabs are kept."""
    return "".join(c if c.isprintable() or c in "\n\t" else c.encode("unicode_escape").decode() for c in text)


def wrapped(text: str, indent: str, hanging: str | None = None, width: int = WIDTH) -> Lines:
    """Lines of `width` columns at most, the first of each paragraph with this indent, the others with the hanging one.

    Without a hanging indent that is the first and two spaces more.
    """
    hanging = indent + "  " if hanging is None else hanging
    return [line for paragraph in plain(text).split("\n") for line in _filled(paragraph, indent, hanging, width)]


def _filled(paragraph: str, indent: str, hanging: str, width: int) -> Lines:
    lines: Lines = []
    start, line, space = indent, "", ""
    for unit in UNITS.findall(paragraph.expandtabs(4)):
        if unit.isspace():
            space = unit
            continue
        if line and width_of(start + line + space + unit) > width:
            lines.append(start + line)
            start, line, space = hanging, "", ""
        line, space = line + space + unit, ""
        while width_of(start + line) > width:  # a word that has no room on a line of its own
            part = chop_cells(line, max(2, width - width_of(start)))[0]
            lines.append(start + part)
            start, line = hanging, line[len(part) :]
    return [*lines, (start + line).rstrip()]


def padded(text: str, width: int, right: bool = False) -> str:
    """The text with spaces after it, or before it, up to this many columns."""
    spaces = " " * (width - width_of(text))
    return spaces + text if right else text + spaces


def painted(text: str, style: str, colour: bool) -> str:
    """The text in a style of rich ("bold", "red"), if in colour."""
    return Style.parse(style).render(text, color_system=ColorSystem.STANDARD) if colour and text else text


def beside(blocks: Sequence[Lines], indent: str, width: int = WIDTH) -> Lines:
    """Blocks of lines, those of one height as many beside each other as there is room for, the lowest first."""
    rows: list[list[Lines]] = []
    for block in sorted(blocks, key=len):
        alike = rows and len(rows[-1][0]) == len(block)
        if alike and sum(_width(each) + len(GAP) for each in rows[-1]) + _width(block) <= width - len(indent):
            rows[-1].append(block)
        else:
            rows.append([block])
    return [line for row in rows for line in table([row], indent)]


def table(rows: Iterable[Sequence[Lines]], indent: str, styles: Sequence[str] = (), colour: bool = False) -> Lines:
    """Rows of blocks in columns that are as wide as the widest block in them; widths are not bounded.

    In colour each column has its style, "" for none.
    """
    rows = list(rows)
    widths = [max(map(_width, column)) for column in zip(*rows, strict=True)]
    styles = [*styles, *[""] * len(widths)][: len(widths)]
    told = []
    for row in rows:
        for lines in itertools.zip_longest(*row, fillvalue=""):
            columns = zip(lines, widths, styles, strict=True)
            cells = [painted(padded(line, width), style, colour) for line, width, style in columns]
            told.append((indent + GAP.join(cells)).rstrip())
    return told


def table_width(rows: Iterable[Sequence[Lines]]) -> int:
    """How wide the table of these rows is, without an indent."""
    return sum(max(map(_width, column)) + len(GAP) for column in zip(*rows, strict=True)) - len(GAP)


def _width(block: Lines) -> int:
    return max(map(width_of, block), default=0)


# Arrays, as a report has them: numbers, nan and infinities as strings, in nested lists; or a text


def named(name: str, value: Any, width: int) -> Lines:
    """name = [[1, 2],
    [3, 4]], its rows below each other."""
    start = f"{plain(name)} = "
    first, *rest = array(value, DIGITS, width - width_of(start))
    return [start + first, *(" " * width_of(start) + line for line in rest)]


def array(value: Any, digits: int, width: int, marked: np.ndarray | None = None) -> Lines:
    """The lines of an array with so many digits a number and a * behind each that is marked; corners of a large one."""
    if isinstance(value, str):
        return wrapped(value, "", "", width)
    numbers = elements(value)
    texts = [_number(item, digits) for item in numbers.flat]
    if marked is not None:
        texts = [text + "*" * bool(wrong) for text, wrong in zip(texts, marked.flat, strict=True)]
    columns = numbers.shape[-1] if numbers.ndim else 1
    widths = [max(map(len, texts[column::columns])) for column in range(columns)] if texts else []
    boxed = np.array([text.rjust(widths[place % columns]) for place, text in enumerate(texts)], dtype=object)
    shown = np.array2string(
        boxed.reshape(numbers.shape),
        max_line_width=max(width, 20),
        separator=", ",
        threshold=0 if _is_large(numbers) else numbers.size,
        edgeitems=EDGE,
        formatter={"object": str},
    )
    return [line for line in plain(shown).split("\n") if line]  # NumPy parts matrices by an empty line


def _is_large(numbers: np.ndarray) -> bool:
    return numbers.size > MOST_SHOWN or math.prod(numbers.shape[:-1]) > MOST_ROWS


def elements(value: Any) -> np.ndarray:
    """The array of objects that nested lists are; of such as are no array, their text."""
    try:
        return np.array(value, dtype=object)
    except ValueError:
        return np.array(str(value), dtype=object)


def rounded(value: Any) -> bool:
    """Whether `array` shows numbers of this value with fewer digits than they have."""
    if isinstance(value, str):
        return False
    return any(isinstance(item, float) and float(_number(item, DIGITS)) != item for item in elements(value).flat)


def compared(actual: Any, expected: Any, allowed: Any, width: int) -> tuple[Lines, Lines]:
    """Two arrays, with as many digits as show where they differ by more than is allowed; a * behind what does.

    Where everything or nothing does, or they differ in shape, nothing is marked.
    """
    ours, theirs = elements(actual), elements(expected)
    wrong = _wrong(actual, expected, allowed)
    if wrong is None:
        return array(actual, DIGITS, width), array(expected, DIGITS, width)
    apart = [(_float(one), _float(other)) for one, other in zip(ours[wrong], theirs[wrong], strict=True)]
    digits = next(
        (n for n in range(FEWEST_DIGITS, MOST_DIGITS) if all(f"{a:.{n}g}" != f"{b:.{n}g}" for a, b in apart)),
        MOST_DIGITS,
    )
    marked = wrong if 0 < wrong.sum() < wrong.size else None
    return array(actual, digits, width, marked), array(expected, digits, width)


def wrong_part(actual: Any, expected: Any, allowed: Any) -> tuple[str, Any, Any]:
    """The index "[14:20]" of the part around the first wrong element, and that of both; "" and all where not large."""
    wrong = _wrong(actual, expected, allowed)
    if wrong is None or not wrong.any() or not _is_large(wrong):
        return "", actual, expected
    starts = [
        max(0, min(int(place) - PART // 3, size - PART))
        for place, size in zip(np.argwhere(wrong)[0], wrong.shape, strict=True)
    ]
    part = tuple(slice(start, start + PART) for start in starts)
    index = [f"{s.start}:{s.stop}" if size > PART else ":" for s, size in zip(part, wrong.shape, strict=True)]
    while index[-1] == ":":
        index.pop()
    return f"[{', '.join(index)}]", elements(actual)[part].tolist(), elements(expected)[part].tolist()


def _wrong(actual: Any, expected: Any, allowed: Any) -> np.ndarray | None:
    """Which elements differ by more than is allowed; None where the two cannot be compared."""
    ours, theirs = elements(actual), elements(expected)
    if isinstance(actual, str) or isinstance(expected, str) or ours.shape != theirs.shape:
        return None
    most = _float(allowed)
    pairs = zip(ours.flat, theirs.flat, strict=True)
    return np.array([not abs(_float(one) - _float(other)) <= most for one, other in pairs]).reshape(ours.shape)


def _float(item: Any) -> float:
    """The number, also one that is a string: "nan", "-inf"; of anything else nan."""
    try:
        return float(item)
    except (TypeError, ValueError):
        return float("nan")


def _number(item: Any, digits: int) -> str:
    return f"{item:.{digits}g}" if isinstance(item, float) else str(item)
