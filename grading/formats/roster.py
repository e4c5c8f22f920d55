"""What learning platforms are told of a class: who each hand-in is of, points, and what was lost, in cells of a CSV."""

import csv
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from grading import gradebook
from grading.faults import Usage
from grading.formats import Options, Report, told
from grading.language import translator
from properties.registry import STEPS

HAND_IN = "hand_in"
Number = float | int


class Row(NamedTuple):
    """A hand-in: what stands in the platform's own columns, and points of the code.

    quiz and total are points and most points, or None where there are none: a total is one when all of it is marked.
    """

    name: str
    student: Mapping[str, str]
    points: Number
    max_points: Number
    quiz: tuple[Number, Number] | None
    total: tuple[Number, Number] | None
    lost: str


def rows(reports: Iterable[Report], options: Options, columns: Sequence[str]) -> list[Row]:
    """A row for each report that has a grade: where it is our fault that there is none, there is no row.

    Without a table of names a hand-in is called by its own name, in the first of the columns. The table is a CSV file
    with a column hand_in, the names of the hand-ins, and one or more of these columns. Raises Usage where it has none,
    where a hand-in is not in it, and where two hand-ins are one student.
    """
    table = None if options.names is None else _read(options.names, columns)
    found = []
    students: dict[tuple[tuple[str, str], ...], str] = {}
    for report in reports:
        name = report["submission"]
        if table is not None and name not in table:
            raise Usage(f"--names {options.names} has no row for the hand-in {name!r:.80}")
        student = {columns[0]: name} if table is None else table[name]
        other = students.setdefault(tuple(student.items()), name)
        if other != name:
            raise Usage(f"--names {options.names} says that {other!r:.80} and {name!r:.80} are one student")
        if not told.is_broken(report):
            found.append(_row(report, student, options.language))
    return found


def _row(report: Report, student: Mapping[str, str], language: str) -> Row:
    total = report.get("total", {})
    is_whole = total.get("report") is not None and len(told.asked(report)) == len(STEPS)
    return Row(
        report["submission"],
        student,
        told.points(report["points"]),
        told.points(report["max_points"]),
        _part(report.get("quiz")),
        _part(total if is_whole else None),
        _lost(report, language),
    )


def _part(part: Mapping[str, Number] | None) -> tuple[Number, Number] | None:
    return (told.points(part["points"]), told.points(part["max_points"])) if part else None


def columns_of(found: Sequence[Row], title: str) -> dict[str, list[tuple[Number, Number] | None]]:
    """The titles of columns of points, each with points and most points by row; only those of which there are any."""
    columns: dict[str, list[tuple[Number, Number] | None]] = {
        title: [(row.points, row.max_points) for row in found],
        f"{title} quiz": [row.quiz for row in found],
        f"{title} total": [row.total for row in found],
    }
    return {name: cells for name, cells in columns.items() if name == title or any(cells)}


def _lost(report: Report, language: str) -> str:
    """What was lost, in words that are all ours: no student's text is in it."""
    tr = translator(language)
    steps: dict[str, list[str]] = {}
    for entry in told.entries(report):
        if not entry.is_paid:
            steps.setdefault(entry.step, []).append(entry.name)
    if not steps:
        return tr("Nothing is wrong.")
    return tr("Lost: {entries}").format(entries="; ".join(f"{step} ({', '.join(e)})" for step, e in steps.items()))


def _read(names: Path, columns: Sequence[str]) -> dict[str, Mapping[str, str]]:
    try:
        with open(names, encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            head = reader.fieldnames or []
            lines = list(reader)
    except OSError as error:
        raise Usage(f"--names {names} cannot be read: {error.strerror}") from None
    except (UnicodeDecodeError, csv.Error) as error:
        raise Usage(f"--names {names} is no CSV file in UTF-8: {error}") from None
    known = [column for column in columns if column in head]
    if HAND_IN not in head or not known:
        raise Usage(f"--names {names} should have a column {HAND_IN} and one or more of {', '.join(columns)}")
    table: dict[str, Mapping[str, str]] = {}
    for line in lines:
        name, student = line[HAND_IN], {column: (line[column] or "").strip() for column in known}
        if name in table:
            raise Usage(f"--names {names} has two rows for the hand-in {name!r:.80}")
        if not any(student.values()):
            raise Usage(f"--names {names} has a row for {name!r:.80} that names no student")
        table[name] = student
    return table


def cell(text: str) -> str:
    """The text with a ' where a spreadsheet would take it for a formula.

    What a spreadsheet would only show otherwise, such as 007, stays as it is, where `gradebook.cell` marks that too: a
    platform must find its student by it.
    """
    return gradebook.UNSAFE.sub(r"\1'", text)
