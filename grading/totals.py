"""The homework's 100 points: code by this grader, the quiz beside it, and the report, which a person marks.

The person's marks come as a table, FILE.csv: a row a hand-in, its name as in the gradebook, and its points of 10. They
are joined to reports when these are told, and never stand in report.json: a mark may come, and change, long after.
"""

import csv
import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from grading.faults import Usage
from grading.gradebook import text_of

MOST = 10  # points of the report
SEPARATORS = "\t;,"
Report = Mapping[str, Any]


def read_scores(file: Path) -> dict[str, float]:
    """The marks by the names of hand-ins; a name without a mark is left out. The first row may be a heading.

    Columns are apart by a comma, a semicolon or a tab, as the spreadsheet has it. Raises Usage, naming the line.
    """
    try:
        text = file.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise Usage(f"the marks {file} cannot be read: {error.strerror}") from None
    except ValueError:
        raise Usage(f"the marks {file} are not in UTF-8; save them again as CSV in that encoding") from None
    separator = _separator([line for line in text.splitlines() if line.strip()])
    scores: dict[str, float] = {}
    seen: set[str] = set()
    rows = csv.reader(text.splitlines(keepends=True), delimiter=separator)
    try:
        for row in rows:
            if not any(each.strip() for each in row):
                continue
            where = f"the marks {file}, line {rows.line_num}"
            name, score = _row(row, separator, where, may_be_heading=not seen)
            if name in seen:
                raise Usage(f"{where}: {name!r} is there twice")
            seen.add(name)
            if score is not None and name:
                scores[name] = score
    except csv.Error as error:
        raise Usage(f"the marks {file}, line {rows.line_num}: {error}") from None
    return scores


def _separator(lines: list[str]) -> str:
    """The one that gives the last row a number of points, or else a second column."""
    last = lines[-1] if lines else ""
    columns = {mark: last.split(mark) for mark in SEPARATORS if mark in last}
    numbers = [mark for mark, parts in columns.items() if _number(parts[1].strip().strip('"'), mark) is not None]
    return next(iter([*numbers, *columns]), ",")


def _number(text: str, separator: str) -> float | None:
    """The number in a cell, which has a comma for a point where none separates columns."""
    try:
        return float(text if separator == "," else text.replace(",", "."))
    except ValueError:
        return None


def _row(row: list[str], separator: str, where: str, may_be_heading: bool) -> tuple[str, float | None]:
    """A name and its mark; ("", None) for a heading."""
    if len(row) < 2:
        raise Usage(f"{where}: {row[0]!r:.60} is one column, but should be two, a name and its points")
    name, given = text_of(row[0].strip()), text_of(row[1].strip())
    if not given:
        return name, None
    score = _number(given, separator)
    if score is None:
        if may_be_heading and not any(character.isdigit() for character in given):
            return "", None
        raise Usage(f"{where}: {given!r:.60} is no number of points, 0 to {MOST}")
    if not (math.isfinite(score) and 0 <= score <= MOST):
        raise Usage(f"{where}: {given} points are not possible, but 0 to {MOST} are")
    return name, score


def with_total(report: Report, scores: Mapping[str, float]) -> dict[str, Any]:
    """The report with its "total": quiz and report are None where there is none, and then no part of the points."""
    quiz = report.get("quiz")
    mark = scores.get(report["submission"])
    parts = {"quiz": None if quiz is None else quiz["points"], "code": report["points"], "report": mark}
    most = report["max_points"] + (0 if quiz is None else quiz["max_points"]) + MOST
    points = sum(value for value in parts.values() if value is not None)
    return {**report, "total": {**parts, "points": points, "max_points": most}}


def without_mark(scores: Mapping[str, float], names: Iterable[str]) -> list[str]:
    """The names of hand-ins that have no mark."""
    return sorted(set(names) - scores.keys())


def unknown(scores: Mapping[str, float], names: Iterable[str]) -> list[str]:
    """The names that have a mark and no hand-in."""
    return sorted(scores.keys() - set(names))
