"""What an autograder prints on Autolab, its last two lines JSON: formatted feedback, and the scores.

The last line is {"scores": {PROBLEM: POINTS}}, the problems being the six steps, as they must be called in the
assessment (https://docs.autolabproject.com/lab/). The line before it is the formatted feedback: a table of the entries
that passed, and hints for those that did not (https://docs.autolabproject.com/features/formatted-feedback/).

Students see all of it, so nothing for instructors is in it. Where we are broken each score is null, which leaves the
problem without a score: a line that Autolab cannot read, or one without scores, would give 0 points.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from grading.files import write_whole
from grading.formats import Options, Report, told
from grading.problems import of_report
from properties.registry import STEPS

FILE = "autolab.txt"


def make(reports: Sequence[Report], out: Path, options: Options) -> list[Path]:
    """Write out/NAME/autolab.txt for each report."""
    return [write_whole(out / report["submission"] / FILE, printed(report, options)) for report in reports]


def printed(report: Report, options: Options) -> str:
    """All that is printed about a hand-in."""
    if told.is_broken(report):
        return broken(options.language)
    asked = told.asked(report)
    scores = {step["step"]: told.points(step["points"]) for step in report["steps"] if step["step"] in asked}
    texts = [told.problem_text(problem, report, options) for problem in of_report(report)]
    texts.append(told.verdict_text(report, options))
    return _lines("\n\n".join(filter(None, texts)), _feedback(report, options), {"scores": scores})


def broken(language: str) -> str:
    """What is printed where it is our fault that there is no grade."""
    return _lines(told.broken_text(language), {"_presentation": "semantic"}, {"scores": dict.fromkeys(STEPS)})


def _feedback(report: Report, options: Options) -> dict[str, Any]:
    stages: dict[str, dict[str, Any]] = {}
    for entry in told.entries(report):
        result: dict[str, Any] = {"passed": entry.is_paid}
        if entry.problem is not None:
            result["hint"] = told.what_and_where(entry.problem, report, options)
        stages.setdefault(entry.step, {})[entry.name] = result
    return {"_presentation": "semantic", "stages": list(stages), **stages}


def _lines(text: str, feedback: dict[str, Any], scores: dict[str, Any]) -> str:
    return "".join(f"{line}\n" for line in (text, "", json.dumps(feedback), json.dumps(scores)))
