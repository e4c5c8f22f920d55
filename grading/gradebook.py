"""gradebook.csv: a class in a table that a spreadsheet opens, and that runs nothing of a student's when it does.

A spreadsheet takes a cell that starts with one of = + - @ for a formula, be it in quotes, and such a formula can send
the sheet away or start a program (OWASP, *CSV Injection*, https://owasp.org/www-community/attacks/CSV_Injection). Where
the list separator is another one, as ; is in much of Europe, cells start in the middle of ours. So all text goes
through `cell`, which puts a ' where a cell might start with what is not plain text; `text_of` takes it out again.

The file is UTF-8 with a byte-order mark, its separator the comma, its text in double quotes, and its numbers bare.
"""

import csv
import io
import json
import os
import re
import sys
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from grading.faults import Broken, Usage
from grading.files import write_whole
from grading.rubric import SEVEREST_FIRST
from properties.registry import STEPS

FILE = "gradebook.csv"
NOT_ASKED = "not asked for"
MOST_TEXT = 2000  # characters of a message; a spreadsheet's cell holds 32,767
MOST_NAMES = 20  # of those with the same program
MOST_POINTS = 1e9
Report = Mapping[str, Any]


class Step(NamedTuple):
    """What became of a step; points are None where it was not asked for."""

    points: float | None
    outcome: str


class Row(NamedTuple):
    """What the gradebook says of a hand-in: 1 KB, where its report takes some 100 to 500."""

    name: str
    points: float
    max_points: float
    quiz: float | None  # points, None where there was none
    report: float | None  # a person's mark, None where there is none yet
    total: float | None  # None where a part is not there
    outcome: str
    steps: Sequence[Step]  # as STEPS
    isolation: str
    key_id: str
    diagnoses: str
    message: str
    sha256: str  # of what was handed in, "" where that is not known
    program: str  # its digest, "" where there is none
    version: str
    quiz_message: str = ""


def row_of(report: Report) -> Row:
    """The row of a report as `read` returns it."""
    asked = asked_for(report)
    steps = {step["step"]: step for step in report["steps"]}
    outcomes = {steps[name]["outcome"] for name in asked if name in steps}
    suite, total = report.get("suite", {}), report.get("total", {})
    diagnoses = [
        f"{said['bug']} ({step['step']}): {said['says']}"
        for step in report["steps"]
        for said in step.get("diagnosis", ())
    ]
    return Row(
        report["submission"],
        report["points"],
        report["max_points"],
        report.get("quiz", {}).get("points"),
        total.get("report"),
        total.get("points") if total.get("report") is not None and len(asked) == len(STEPS) else None,
        overall(outcomes),
        tuple(
            Step(steps[name]["points"], sys.intern(steps[name]["outcome"]))
            if name in steps and name in asked
            else Step(None, NOT_ASKED)
            for name in STEPS
        ),
        sys.intern(str(suite.get("isolation", ""))),
        sys.intern(str(suite.get("key_id", ""))),
        sys.intern(_cut(" / ".join(diagnoses))),
        _cut(str(report.get("message", ""))),
        str(report.get("sha256", "")),
        str(report.get("program", "")),
        sys.intern(str(suite.get("version", ""))),
        sys.intern(_cut(str(report.get("quiz", {}).get("message", "")))),
    )


def asked_for(report: Report) -> list[str]:
    """The steps that the run was asked for."""
    asked = report.get("suite", {}).get("steps")
    return [step["step"] for step in report["steps"] if not isinstance(asked, list) or step["step"] in asked]


def overall(outcomes: Collection[str]) -> str:
    """passed where all these steps passed, else the worst: broken, timed_out, crashed, failed, not_run."""
    if outcomes and set(outcomes) == {"passed"}:
        return "passed"
    return next((outcome for outcome in SEVEREST_FIRST if outcome in outcomes), "not_run")


# --- The file


HEAD = (
    *("hand_in", "points", "max_points", "quiz", "report", "total", "outcome"),
    *STEPS,
    *(f"{step} outcome" for step in STEPS),
    *("isolation", "key_id", "diagnoses", "message", "sha256", "program", "same_program_as", "suite", "quiz_message"),
)


def write(rows: Iterable[Row], folder: Path) -> Path:
    """Write folder/gradebook.csv, a row a hand-in, by name; whole or not at all. Raises OSError where that fails.

    `program` is the same for hand-ins that are the same program, and same_program_as names the others.
    """
    ordered = sorted(rows, key=lambda row: (row.name.casefold(), row.name))
    same = _Same(ordered)
    text = io.StringIO(newline="")
    sheet = csv.writer(text, quoting=csv.QUOTE_NONNUMERIC)
    sheet.writerow(HEAD)
    sheet.writerows(_cells(row, same) for row in ordered)
    # utf-8-sig writes the byte-order mark; half a character, which UTF-8 cannot hold, becomes its escape
    return write_whole(folder / FILE, text.getvalue().encode("utf-8-sig", "backslashreplace"))


def _cells(row: Row, same: "_Same") -> Iterator[str | float]:
    yield cell(row.name)
    yield row.points
    yield row.max_points
    yield from ("" if points is None else points for points in (row.quiz, row.report, row.total))
    yield cell(row.outcome)
    yield from ("" if step.points is None else step.points for step in row.steps)
    yield from (cell(step.outcome) for step in row.steps)
    texts = (row.isolation, row.key_id, row.diagnoses, row.message, row.sha256, row.program, same.told(row))
    yield from map(cell, texts)
    yield cell(f"rnn-grading-suite {row.version}")  # the bare number can be a date
    yield cell(row.quiz_message)


class _Same:
    """Which hand-ins are the same program, or, where none could be told, the same bytes."""

    def __init__(self, rows: Iterable[Row]) -> None:
        self._programs: dict[str, list[Row]] = defaultdict(list)
        self._bytes: dict[str, list[Row]] = defaultdict(list)
        for row in rows:
            self._programs[row.program or row.sha256].append(row)
            self._bytes[row.sha256].append(row)

    def told(self, row: Row) -> str:
        """The names of the others, those with the same bytes first; of many the first, and how many more there are."""
        if not (row.program or row.sha256):
            return ""
        same = self._programs[row.program or row.sha256]
        first = [*(self._bytes[row.sha256] if row.sha256 else ())[: MOST_NAMES + 1], *same[: MOST_NAMES + 1]]
        others = list({id(other): other for other in first if other is not row}.values())[:MOST_NAMES]
        named = [
            f"{other.name} (same bytes)" if row.sha256 and other.sha256 == row.sha256 else other.name
            for other in others
        ]
        more = len(same) - 1 - len(others)
        return ", ".join([*named, f"and {more} more"] if more > 0 else named)


def _cut(text: str) -> str:
    return text if len(text) <= MOST_TEXT else f"{text[: MOST_TEXT - 4]} ..."


# --- Text in a cell


SEPARATORS = ",;|\t\n\r\v\f\x1c-\x1f\x85\u2028\u2029"
UNSEEN = " \"'\0-\x08\x0e-\x1b\x7f\xa0\xad\u1680\u180e\u2000-\u200f\u202a-\u202f\u205f-\u2064\u3000\ufeff"
STARTERS = "=+\\-@＝＋－＠−﹢﹣﹦﹫"
UNSAFE = re.compile(f"(^|[{SEPARATORS}])(?='|[{UNSEEN}]*[{STARTERS}]|[\t\n\r\0])")
GUARD = re.compile(f"(^|[{SEPARATORS}])'")
# What a spreadsheet would show as another number or as a date: 007, 20 digits, a hash such as 12345e67, 1-2
CHANGED = re.compile(r"0\d+|\d{16,}|\d+(\.\d*)?[eE][+-]?\d+|\d{1,4}[-/.:]\d{1,2}([-/.:]\d{1,4})?")


def cell(text: str) -> str:
    """The text with a ' at each place where a cell may start with a formula; another one where there was one already.

    Such places are the start and what follows a separator, white space and quotes skipped. Where a spreadsheet would
    make another number or a date of the text it gets a ' too. `text_of` gives the text back.
    """
    return f"'{text}" if CHANGED.fullmatch(text) else UNSAFE.sub(r"\1'", text)


def text_of(cell: str) -> str:
    """The text of which `cell` made this: one ' less at the start and after each of , ; | and line breaks and tabs."""
    return GUARD.sub(r"\1", cell)


# --- Reports on disk


def rows_in(folder: Path, names: Iterable[str] | None = None) -> Iterator[Row]:
    """The rows of the reports folder/NAME/report.json, by name, one report in memory at a time.

    With names, which have just been graded, a report that is missing or cannot be read is a fault of ours, Broken;
    without, folder is somebody's and Usage is raised.
    """
    if names is None:
        for name in reports_in(folder):
            yield row_of(read(folder / name / "report.json"))
        return
    for name in names:
        try:
            yield row_of(read(folder / name / "report.json"))
        except Usage as error:
            raise Broken(str(error)) from error


def reports_in(folder: Path) -> list[str]:
    """The names in a folder of reports, sorted. Raises Usage where there is no such folder."""
    try:
        with os.scandir(folder) as listed:
            return sorted(entry.name for entry in listed if os.path.isfile(os.path.join(entry.path, "report.json")))
    except FileNotFoundError:
        raise Usage(f"{folder} does not exist") from None
    except OSError as error:
        raise Usage(f"{folder} cannot be read: {error.strerror}") from None


def read(file: Path) -> dict[str, Any]:
    """The report in a file. Raises Usage, naming the file, where it is none: what is used of it is checked.

    That is less than the schema asks for, so that reports without their examples, kept to compare with, will do.
    """
    try:
        report = json.loads(file.read_bytes())
    except OSError as error:
        raise Usage(f"{file} cannot be read: {error.strerror}") from None
    except (ValueError, RecursionError):  # of UTF-8, of JSON, of a number with thousands of digits
        raise Usage(f"{file} is not JSON: it is damaged or cut short") from None
    if not isinstance(report, dict) or report.get("schema") != 1:
        version = report.get("schema") if isinstance(report, dict) else None
        raise Usage(f'{file} is no report: "schema" is {version!r:.40}, but should be 1')
    problem = _problem(report, "report") or _problem_beside(report)
    if problem:
        raise Usage(f"{file} is no report: {problem}")
    return report


NUMBER, TEXT, OBJECT = "a number, 0 or more", "text", "an object"
FIELDS: Mapping[str, Mapping[str, str]] = {  # what it is, or of what it is a list
    "report": {
        **{"submission": TEXT, "points": NUMBER, "max_points": NUMBER, "steps": "step"},
        **{"message": TEXT, "sha256": TEXT, "program": TEXT, "suite": OBJECT},
        "quiz": OBJECT,
    },
    "step": {
        **{"step": TEXT, "outcome": TEXT, "points": NUMBER, "max_points": NUMBER},
        **{"entries": "entry", "properties": "property", "diagnosis": "diagnosis"},
    },
    "entry": {"entry": TEXT, "points": NUMBER, "max_points": NUMBER, "paid_by": TEXT},
    "property": {"id": TEXT, "tier": TEXT, "outcome": TEXT, "cells": TEXT},
    "diagnosis": {"bug": TEXT, "says": TEXT},
}
OPTIONAL = {"message", "sha256", "program", "suite", "quiz", "diagnosis", "paid_by", "cells"}


def _problem(part: Any, kind: str, place: str = "") -> str:
    """What is wrong with a part of a report, or ""."""
    if not isinstance(part, dict):
        return f"{place or 'it'} is not an object"
    for name, wanted in FIELDS[kind].items():
        at = f"{place}.{name}" if place else name
        if name not in part:
            if name in OPTIONAL:
                continue
            return f"{at} is missing"
        value = part[name]
        if wanted in FIELDS:
            if not isinstance(value, list):
                return f"{at} is not a list"
            for number, item in enumerate(value):
                if problem := _problem(item, wanted, f"{at}[{number}]"):
                    return problem
        elif not _is(value, wanted):
            return f"{at} is {value!r:.40}, but should be {wanted}"
    return ""


def _problem_beside(report: Mapping[str, Any]) -> str:
    """What is wrong with what stands beside the points, or ""."""
    for part, numbers in (("quiz", ("points", "max_points")), ("total", ("points", "max_points"))):
        if part in report:
            if not isinstance(report[part], dict):
                return f"{part} is not an object"
            for name in numbers:
                if not _is(report[part].get(name), NUMBER):
                    return f"{part}.{name} is {report[part].get(name)!r:.40}, but should be {NUMBER}"
    for number, question in enumerate(_list_in(report.get("quiz", {}), "questions") or ()):
        fields = {"question": TEXT, "points": NUMBER, "max_points": NUMBER, "given": TEXT, "message": TEXT}
        for name, wanted in fields.items():
            if not isinstance(question, dict) or not _is(question.get(name), wanted):
                return f"quiz.questions[{number}] has no {name} that is {wanted}"
    if "quiz" in report and _list_in(report["quiz"], "questions") is None:
        return "quiz.questions is not a list"
    return ""


def _list_in(part: Mapping[str, Any], name: str) -> list[Any] | None:
    value = part.get(name)
    return value if isinstance(value, list) else None


def _is(value: Any, wanted: str) -> bool:
    if wanted == NUMBER:
        return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= MOST_POINTS
    return isinstance(value, str if wanted == TEXT else dict)
