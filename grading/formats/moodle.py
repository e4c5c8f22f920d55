"""moodle.csv: grades for Moodle's gradebook, Grades > Import > CSV file (https://docs.moodle.org/en/Grade_import).

    Username, ID number, Email address   one of them at least; the column to identify users by
    TITLE (Real)                         points, to be mapped to the grade item
    TITLE (Feedback)                     what was lost, to be mapped to the item's feedback
    TITLE quiz (Real)                    only where reports have a quiz, and
    TITLE total (Real)                   only where they have a total with everything marked

UTF-8, separator comma, as Moodle exports them itself. Moodle wants grade and feedback mapped together, else it clears
the grades; and it takes nothing at all from a file with an unknown user. Without Options.names a hand-in's name is
taken for the username.
"""

import csv
import io
from collections.abc import Sequence
from pathlib import Path

from grading.files import write_whole
from grading.formats import Options, Report, roster

FILE = "moodle.csv"
IDENTITY = ("Username", "ID number", "Email address")


def make(reports: Sequence[Report], out: Path, options: Options) -> list[Path]:
    """Write out/moodle.csv, a row a hand-in in the order of the reports."""
    return [write_whole(out / FILE, table(reports, options))]


def table(reports: Sequence[Report], options: Options) -> str:
    """The file's text."""
    rows = roster.rows(reports, options, IDENTITY)
    identity = [column for column in IDENTITY if any(column in row.student for row in rows)]
    first, *others = roster.columns_of(rows, options.title).items()
    text = io.StringIO()
    sheet = csv.writer(text)
    titles = [f"{first[0]} (Real)", f"{options.title} (Feedback)", *(f"{name} (Real)" for name, _ in others)]
    sheet.writerow([*identity, *map(roster.cell, titles)])
    for number, row in enumerate(rows):
        cells = [*(roster.cell(row.student[column]) for column in identity), row.points, roster.cell(row.lost)]
        sheet.writerow([*cells, *(part[0] if (part := parts[number]) else "" for _, parts in others)])
    return text.getvalue()
