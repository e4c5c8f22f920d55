"""canvas.csv: grades for the gradebook of Canvas, Grades > Import.

    Student, ID, SIS User ID, SIS Login ID, Section   as in Canvas' own export, in this order
    TITLE, TITLE quiz, TITLE total                    points; the others only where reports have a quiz, and a total
                                                      with everything marked

The second row, "Points Possible", says how many points there are. Canvas finds a student by ID, else by SIS User ID,
else by SIS Login ID, else by name, so that one of them is enough (instructure/canvas-lms, lib/gradebook_importer.rb).
TITLE may be Canvas' own for an assignment, "Homework 3 (1234)"; another one makes a new assignment.

Without Options.names a hand-in's name is taken for the login. It never comes into the first column, where Canvas would
take an archive called "Points Possible" for the second row. UTF-8 without a byte-order mark, which spoils the head.
"""

import csv
import io
from collections.abc import Sequence
from pathlib import Path

from grading.faults import Usage
from grading.files import write_whole
from grading.formats import Options, Report, roster

FILE = "canvas.csv"
HEAD = ("Student", "ID", "SIS User ID", "SIS Login ID", "Section")
LOGIN_FIRST = ("SIS Login ID", "ID", "SIS User ID", "Student", "Section")
SECOND_ROW = "Points Possible"


def make(reports: Sequence[Report], out: Path, options: Options) -> list[Path]:
    """Write out/canvas.csv, a row a hand-in in the order of the reports."""
    return [write_whole(out / FILE, table(reports, options))]


def table(reports: Sequence[Report], options: Options) -> str:
    """The file's text. Raises Usage for a student whose name Canvas would take for the second row."""
    rows = roster.rows(reports, options, LOGIN_FIRST)
    columns = roster.columns_of(rows, options.title)
    text = io.StringIO()
    sheet = csv.writer(text)
    sheet.writerow([*HEAD, *map(roster.cell, columns)])
    possible = [max((part[1] for part in parts if part), default=0) for parts in columns.values()]
    sheet.writerow([SECOND_ROW, *[""] * (len(HEAD) - 1), *possible])
    for number, row in enumerate(rows):
        if SECOND_ROW in row.student.get("Student", ""):
            raise Usage(f"--names {options.names}: Canvas would take {row.student['Student']!r:.80} for the second row")
        cells = [roster.cell(row.student.get(column, "")) for column in HEAD]
        sheet.writerow([*cells, *(part[0] if (part := parts[number]) else "" for parts in columns.values())])
    return text.getvalue()
