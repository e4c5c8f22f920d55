"""What the formats tell of a report in words: the same as the terminal, without colours, in the options' language.

What a terminal would obey is escaped by `grading.layout`; what a format's own readers would obey is the format's to
escape.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from grading import problems, terminal
from grading.formats import Options, Report
from grading.language import translator
from grading.layout import width_of
from grading.problems import Problem
from properties.registry import PRACTICE_KEY, STEPS

PAID = "paid"
CONTINUED = " " * 4  # before the second and further lines of what the terminal wraps


class Entry(NamedTuple):
    """A line of the rubric: its step, name and points; outcome is "paid" or how it was lost; problem what is wrong."""

    step: str
    name: str
    points: float
    max_points: float
    outcome: str
    problem: Problem | None

    @property
    def is_paid(self) -> bool:
        return self.outcome == PAID


def entries(report: Report) -> list[Entry]:
    """The entries of every step that was asked for, in the order of the rubric."""
    found = problems.of_report(report)
    return [
        _entry(step, entry, next((each for each in found if _explains(each, step["step"], entry["entry"])), None))
        for step in report["steps"]
        if step["step"] in asked(report)
        for entry in step["entries"]
    ]


def _explains(problem: Problem, step: str, entry: str) -> bool:
    """Whether an entry was lost by this problem: one of those named, or of a step of which none is, as all are."""
    return step in problem.lost and (entry in problem.lost[step] or not problem.lost[step])


def names(problem: Problem) -> str:
    """The steps and entries that a problem cost."""
    return "; ".join(f"{step}: {', '.join(lost)}" if lost else step for step, lost in problem.lost.items())


def _entry(step: Mapping[str, Any], entry: Mapping[str, Any], problem: Problem | None) -> Entry:
    lost = step["outcome"] if problem is None else problem.outcome
    outcome = PAID if problems.pays(entry) else lost
    return Entry(step["step"], entry["entry"], entry["points"], entry["max_points"], outcome, problem)


def asked(report: Report) -> Sequence[str]:
    """The steps that the run was asked for."""
    wanted: Sequence[str] = report.get("suite", {}).get("steps", STEPS)
    return wanted


def is_broken(report: Report) -> bool:
    """Whether it is our fault that something could not be decided: then there is no grade."""
    return any(step["outcome"] == "broken" for step in report["steps"])


def on_private_case_alone(report: Report, entry: Entry) -> bool:
    """Whether a lost entry fails on no case that a student may see."""
    is_private = report.get("suite", {}).get("key_id", PRACTICE_KEY) != PRACTICE_KEY
    return is_private and entry.problem is not None and not any(p["counterexample"] for p in entry.problem.properties)


def _manner(report: Report, options: Options) -> terminal.Manner:
    return terminal.Manner(options.language, translator(options.language), False, report["submission"])


def problem_text(problem: Problem, report: Report, options: Options) -> str:
    """What is wrong, where to look, and the smallest example.

    Students are not told how to replay it: that takes this suite, which they have not.
    """
    if options.for_students:
        problem = problem._replace(properties=[{**prop, "replay": ""} for prop in problem.properties])
    if problem.outcome == "not_run":
        lines = terminal.to_do([problem], _manner(report, options))
    else:
        lines = terminal.problem_lines([problem], report, _manner(report, options))
    return "\n".join(lines).strip("\n")


def verdict_text(report: Report, options: Options) -> str:
    """What there is to say of the whole: that nothing is wrong, why nothing was graded, the quiz, and advice."""
    how = _manner(report, options)
    found = problems.of_report(report)
    parts = (terminal.verdict(report, found, how), terminal.quiz_lines(report, how), terminal.advice(report, how))
    return "\n".join(line for part in parts for line in part).strip("\n")


def what_and_where(problem: Problem, report: Report, options: Options) -> str:
    """What is wrong, and where to look, a line each."""
    told: list[str] = []
    for line in terminal.what_and_where(problem, _manner(report, options)):
        if line.startswith(CONTINUED):
            between = "" if width_of(told[-1][-1]) > 1 or width_of(line.strip()[0]) > 1 else " "
            told[-1] += between + line.strip()
        else:
            told.append(line.strip())
    return "\n".join(told)


def broken_text(language: str) -> str:
    """What a student is told where it is our fault that there is no grade."""
    tr = translator(language)
    return tr(
        "The grader itself failed, so that there is no grade yet. This is no fault of yours, and nothing needs to be "
        "handed in again."
    )


def points_text(report: Report, language: str) -> str:
    """The points of the code."""
    text = translator(language)("{points} of {max} points")
    return text.format(points=points(report["points"]), max=points(report["max_points"]))


def isolation_text(report: Report) -> str:
    """For instructors: where the hand-in really ran, why not in a better place, and with which exam."""
    suite = report.get("suite", {})
    lines = [f"isolation: {suite.get('isolation', 'not known')}"]
    if suite.get("why_not_better"):
        lines.append(f"no better isolation: {suite['why_not_better']}")
    lines.append(
        f"exam: {suite.get('key_id', 'not known')}; suite {suite.get('version', '')} {suite.get('digest', '')}"
    )
    return "\n".join(line.rstrip() for line in lines)


def points(value: float) -> float | int:
    """Points as JSON and spreadsheets write them: 10 rather than 10.0."""
    rounded = round(value, 6)
    return int(rounded) if rounded == int(rounded) else rounded
