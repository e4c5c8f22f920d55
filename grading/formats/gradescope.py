"""results.json, which Gradescope's harness reads after run_autograder: a test for each entry of the rubric.

Fields as in https://gradescope-autograders.readthedocs.io/en/latest/specs/#output-format: score, output, output_format,
stdout_visibility, extra_data, and tests with score, max_score, status, name, name_format, number, output,
output_format, tags, visibility; leaderboard only if it is asked for. All formats are "text", which Gradescope escapes.

What instructors alone should know (the isolation) stands in extra_data, and run_autograder prints it: its standard
output is for instructors, as long as stdout_visibility is not "visible". It is no hidden test, because a student who
has hidden tests is not shown the sum of points (https://github.com/ucbds-infra/otter-grader/issues/260). For the same
reason the tests that were lost on private cases alone are visible unless Options.private_visibility says otherwise;
their text does not say more than that.

Where we are broken there is no score at all, neither of the whole nor of a test: a 0 would look like the student's.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from grading.files import write_whole
from grading.formats import Options, Report, told
from grading.language import translator
from properties.registry import STEPS

FILE = "results.json"


def make(reports: Sequence[Report], out: Path, options: Options) -> list[Path]:
    """Write out/NAME/results.json for each report."""
    return [write_whole(out / report["submission"] / FILE, as_text(results(report, options))) for report in reports]


def results(report: Report, options: Options) -> dict[str, Any]:
    """What Gradescope is told of a hand-in."""
    if told.is_broken(report):
        return broken(options.language)
    found: dict[str, Any] = {
        "score": told.points(report["points"]),
        "output": told.verdict_text(report, options),
        "output_format": "text",
        "stdout_visibility": "hidden",
        "tests": [_test(entry, report, options) for entry in told.entries(report)],
        "extra_data": {"for_instructors": told.isolation_text(report)},
    }
    if options.leaderboard:
        found["leaderboard"] = [{"name": "Points", "value": found["score"]}]
    return found


def broken(language: str) -> dict[str, Any]:
    """What Gradescope is told where it is our fault that there is no grade."""
    text = told.broken_text(language)
    return {"output": text, "output_format": "text", "stdout_visibility": "hidden", "tests": []}


def as_text(content: dict[str, Any]) -> str:
    """JSON in ASCII, so that whatever a student wrote is a well-formed string."""
    return json.dumps(content, allow_nan=False, indent=1)


def _test(entry: told.Entry, report: Report, options: Options) -> dict[str, Any]:
    step = STEPS.index(entry.step)
    number = 1 + [e["entry"] for e in report["steps"][step]["entries"]].index(entry.name)
    hidden = told.on_private_case_alone(report, entry)
    return {
        "name": f"{entry.step}: {entry.name}",
        "name_format": "text",
        "number": f"{step + 1}.{number}",
        "status": "passed" if entry.is_paid else "failed",
        "score": told.points(entry.points),
        "max_score": told.points(entry.max_points),
        "output": _output(entry, report, options),
        "output_format": "text",
        "tags": [entry.step],
        "visibility": options.private_visibility if hidden else "visible",
    }


def _output(entry: told.Entry, report: Report, options: Options) -> str:
    if entry.problem is not None:
        return told.problem_text(entry.problem, report, options)
    return "" if entry.is_paid else translator(options.language)(report["message"])
